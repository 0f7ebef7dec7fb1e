# SPDX-License-Identifier: Apache-2.0
"""What a stranger may cost in memory before anyone knows who he is."""
from attack_tools import LEAN, PLAIN, ROOMY
from raw_client import RawWebSocket


def test_kept_contexts_cost_little_before_the_login(start_server):
    """Where compression may keep its context, the 256 KiB of a compressor are not for strangers."""
    config = {"listen": PLAIN, "limits": ROOMY, "compression": {"enabled": True, "context_takeover": True}}
    server = start_server(config, environment=LEAN)
    offer = [("Sec-WebSocket-Extensions", "permessage-deflate")]
    before = server.rss_kib()
    strangers = [RawWebSocket.open(server, headers=offer) for _ in range(100)]
    assert all("takeover" not in ws.response.headers["sec-websocket-extensions"] for ws in strangers)
    assert server.rss_kib() - before < 100 * 100
    for ws in strangers:
        ws.close()
    with RawWebSocket.login(server, headers=offer) as ws:   # and behind it the context is kept
        ws.send_json({"type": "x" * 64})
        ws.send_json({"type": "x" * 64})
        first, second = [f for f in (ws.recv_frame(), ws.recv_frame()) if f.rsv == 4]
        assert len(second.payload) < len(first.payload) / 2
