# SPDX-License-Identifier: Apache-2.0
"""Denial of service. A server whose configuration says nothing about limits, timeouts or TLS: what is
shipped is what defends. The attack is refused, and beside it whoever does the same thing rightly is served."""
import time

from attack_tools import send_all, still_serves, tcp
from raw_client import OP_PING, OP_TEXT, RawWebSocket, encode_frame


def test_dos_one_attacker_is_stopped_and_others_are_served(shipped):
    """Denial of service: connections, messages, sizes and pings of one address and one user, while another is served."""
    before = shipped.rss_kib()
    crowd = []
    for _ in range(120):            # more than one address may hold
        sock = tcp(shipped)
        crowd.append(sock)
    shipped.wait_for_event("connection_refused", code="too_many_connections", ip="127.0.0.1", count=15)
    assert still_serves(shipped, source="127.0.0.5") < 5
    for sock in crowd:
        sock.close()
    time.sleep(0.5)

    with RawWebSocket.login(shipped, sub="flooder", source="127.0.0.6") as ws:       # messages: 60 a minute
        port = ws.local_port
        answers = []
        for _ in range(70):
            ws.send_json({"type": "message", "content": "x"})
            answers.append(ws.recv_json())
        assert [a["type"] for a in answers[:60]] == ["ack"] * 60
        assert {a.get("code") for a in answers[61:]} == {"rate_limited"}
        shipped.wait_for_event("rate_limited", port=port, code="refused", user="flooder")
        for _ in range(120):        # who does not listen is closed
            if not send_all(ws, encode_frame(OP_TEXT, '{"type":"ping"}')):
                break
        assert ws.recv_close() == (1008, "Rate limit exceeded")
        shipped.wait_for_event("rate_limited", port=port, code="closed")
    with RawWebSocket.login(shipped, sub="flooder", source="127.0.0.6") as ws:       # coming back does not help
        ws.send_json({"type": "ping"})
        assert ws.recv_json()["code"] == "rate_limited"

    for data, code, event in ((encode_frame(OP_TEXT, b"", length=65537), 1009, "message_too_large"),
                              (encode_frame(OP_TEXT, b"", fin=False) + encode_frame(0, b"", fin=False) * 1100, 1008, "too_many_fragments"),
                              (encode_frame(OP_PING, b"p" * 125) * 700, 1008, "too_many_control_frames")):
        with RawWebSocket.login(shipped, sub="heavy", source="127.0.0.6") as ws:
            port = ws.local_port
            send_all(ws, data)
            assert ws.recv_close()[0] == code
        shipped.wait_for_event("limit_exceeded", port=port, code=event)
    assert shipped.rss_kib() - before < 40 * 1024
    still_serves(shipped, source="127.0.0.5")
