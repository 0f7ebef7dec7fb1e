# SPDX-License-Identifier: Apache-2.0
"""What a stranger may cost, in memory and time, whom nobody knows or who is not wanted any more."""
import time
import zlib

from attack_tools import LEAN, PLAIN, ROOMY, cpu_seconds, still_serves
from raw_client import OP_TEXT, RawWebSocket, encode_frame


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


def test_a_flood_behind_a_refused_login_costs_little(start_server):
    """34 bytes that inflate to 10 KB, as many as the wire carries, after the Close."""
    server = start_server({"listen": PLAIN, "limits": ROOMY, "compression": {"enabled": True}})
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = squeeze.compress(b"a" * 10000) + squeeze.flush(zlib.Z_SYNC_FLUSH)
    flood = encode_frame(OP_TEXT, packed[:-4], rsv=4) * 2000
    with RawWebSocket.open(server, headers=[("Sec-WebSocket-Extensions", "permessage-deflate")]) as ws:
        ws.send_text("auth:bad")
        before, start = cpu_seconds(server), time.monotonic()
        try:
            while time.monotonic() - start < 1.5:
                ws.send(flood)
                time.sleep(0.005)
        except OSError:
            pass
        assert cpu_seconds(server) - before < 0.6
    still_serves(server)
