# SPDX-License-Identifier: Apache-2.0
"""Who does not read: what waits for him is bounded, he is cut off, and the others get every message."""
import threading
import time

import pytest

from attack_tools import LEAN, PLAIN, ROOMY, cpu_seconds, end_of, send_all, still_serves
from raw_client import OP_TEXT, RawWebSocket, encode_frame

TLS = [{"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key"}}]
FAST = {**ROOMY, "messages": {"per_minute": 100000, "per_hour": 1000000}, "queue": {"stall": "1s"}}


@pytest.mark.parametrize("listen", [PLAIN, TLS], ids=["plain", "tls"])
def test_a_subscriber_who_does_not_read_is_cut_off_and_others_lose_nothing(start_server, listen):
    server = start_server({"listen": listen, "limits": FAST}, environment=LEAN)
    data = "d" * 30000
    count = 150         # 4.5 MB for each subscriber
    with RawWebSocket.login(server, sub="deaf", rcvbuf=4096) as deaf, RawWebSocket.login(server, sub="reader") as reader, \
            RawWebSocket.login(server, sub="writer") as writer:
        for ws in (deaf, reader):
            ws.send_json({"type": "subscribe", "channel": "public:chat"})
            assert ws.recv_json()["type"] == "subscribed"
        port, before, got = deaf.local_port, server.rss_kib(), []
        read = threading.Thread(target=lambda: got.extend(reader.recv_json()["data"]["n"] for _ in range(count)))
        read.start()
        for n in range(count):
            writer.send_json({"type": "publish", "channel": "public:chat", "data": {"n": n, "d": data}})
            assert writer.recv_json()["type"] == "ack"
        read.join(30)
        assert got == list(range(count))
        row = server.wait_for_event("slow_reader", port=port, timeout=8)
        assert 0 < row["count"] <= 2 * 256 * 1024
        server.wait_for_event("connection_close", port=port, close_code=1006)
        assert server.rss_kib() - before < 12 * 1024
        end_of(deaf)
    still_serves(server)


def test_who_asks_and_never_reads_the_answers_is_cut_off(start_server):
    server = start_server({"listen": PLAIN, "limits": FAST}, environment=LEAN)
    ask = encode_frame(OP_TEXT, '{"type":"ping","id":"%s"}' % ("i" * 60)) * 200
    with RawWebSocket.login(server, sub="asker", rcvbuf=4096) as ws:
        port, before, peak, start = ws.local_port, server.rss_kib(), 0, time.monotonic()
        ws.sock.settimeout(3)           # our own buffer fills when it is read from no more
        while send_all(ws, ask) and time.monotonic() - start < 15:
            peak = max(peak, server.rss_kib() - before)
        server.wait_for_event("connection_close", port=port, timeout=12)
        assert peak < 8 * 1024
    cpu = cpu_seconds(server)
    time.sleep(0.5)
    assert cpu_seconds(server) - cpu < 0.2
    still_serves(server)


def test_a_stalled_reader_is_cut_off_even_below_the_limit(start_server):
    """A little that waits for ever holds memory as well as a lot."""
    server = start_server({"listen": PLAIN, "limits": {**FAST, "queue": {"size": "16MiB", "stall": "500ms"}}})
    with RawWebSocket.login(server, sub="deaf", rcvbuf=4096) as deaf, RawWebSocket.login(server, sub="writer") as writer:
        deaf.send_json({"type": "subscribe", "channel": "public:chat"})
        assert deaf.recv_json()["type"] == "subscribed"
        port = deaf.local_port
        for n in range(150):
            writer.send_json({"type": "publish", "channel": "public:chat", "data": "d" * 60000})
            assert writer.recv_json()["type"] == "ack"
        start = time.monotonic()
        server.wait_for_event("slow_reader", port=port, timeout=8)
        assert time.monotonic() - start < 5
    still_serves(server)
