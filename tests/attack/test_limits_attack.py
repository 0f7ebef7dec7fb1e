# SPDX-License-Identifier: Apache-2.0
"""Limits that one user or one connection would like to get around: many connections, many subscriptions, many bytes."""
import json
import time

import pytest

from raw_client import OP_TEXT, Ended, RawWebSocket, encode_frame
from talk import PLAIN, ROOMY, ask, closed_with

WORDS = "Too many connections"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_user_has_so_many_connections_and_the_newest_goes(start_server, workers):
    server = start_server({"server": {"workers": workers}, "listen": PLAIN,
                           "limits": {**ROOMY, "connections": {"per_user": 4, "per_ip": 1000}}})
    inside = [RawWebSocket.login(server, "alice") for _ in range(4)]
    for n in range(1, 6):
        with RawWebSocket.open(server) as ws:
            ws.send_json({"type": "auth", "token": server.token("alice")})
            closed_with(ws, 1008, WORDS)
        row = server.wait_for_event("limit_exceeded", count=n)
        assert (row["code"], row["user"], row["close_code"]) == ("too_many_connections_of_user", "alice", 1008)
    with RawWebSocket.open(server, headers=[("Authorization", "Bearer " + server.token("alice"))]) as ws:
        closed_with(ws, 1008, WORDS)        # nor by a token in the handshake
    for ws in inside:                       # those inside notice nothing
        assert ask(ws, {"type": "ping"}) == {"type": "pong"}
    with RawWebSocket.login(server, "bob"):
        pass
    inside.pop().close()
    deadline = time.monotonic() + 10
    while True:
        try:
            inside.append(RawWebSocket.login(server, "alice"))
            break
        except (Ended, AssertionError):
            assert time.monotonic() < deadline, "the place is not free again"
            time.sleep(0.05)
    for ws in inside:
        ws.close()


def test_a_user_over_the_limit_of_an_address_is_not_more_than_that_by_default(start_server):
    server = start_server({"listen": PLAIN, "limits": {"connections": {"per_ip": 3}}})
    inside = [RawWebSocket.login(server) for _ in range(3)]
    with RawWebSocket.open(server, source="127.0.0.2") as ws:     # the same user from elsewhere
        ws.send_json({"type": "auth", "token": server.token("alice")})
        closed_with(ws, 1008, WORDS)
    for ws in inside:
        ws.close()


def test_subscribing_has_a_rate_of_its_own(start_server):
    server = start_server({"listen": PLAIN, "limits": {**ROOMY, "subscribes": {"per_minute": 5}}})
    with RawWebSocket.login(server) as ws:
        start, passed = time.monotonic(), 0
        for i in range(40):
            answer = ask(ws, {"type": "subscribe", "channel": "private:room-%d" % (i % 2), "id": i})
            passed += answer["type"] == "subscribed"
            if answer["type"] != "subscribed":
                assert (answer["code"], answer["id"]) == ("rate_limited", i)
            assert ask(ws, {"type": "unsubscribe", "channel": "private:room-%d" % (i % 2)})["type"] == "unsubscribed"
        assert 5 <= passed <= 5 + (time.monotonic() - start) / 12 + 1
        assert server.wait_for_event("rate_limited", code="subscribe")["user"] == "alice"
        assert ask(ws, {"type": "ping"}) == {"type": "pong"}


def test_refused_subscriptions_count_as_well(start_server):
    server = start_server({"listen": PLAIN, "limits": {**ROOMY, "subscribes": {"per_minute": 3}}})
    with RawWebSocket.login(server) as ws:
        codes = [ask(ws, {"type": "subscribe", "channel": "admin:logs"})["code"] for _ in range(5)]
    assert codes[3:] == ["rate_limited"] * 2 and "rate_limited" not in codes[:3]


@pytest.mark.parametrize("tls", [True, False])
def test_bytes_come_as_fast_as_they_may_and_none_is_lost(start_server, tls):
    """Twelve times the burst; meanwhile pings run out, which is the server's own doing, and another connection is served."""
    rate, count, size = 128 * 1024, 48, 32 * 1024
    server = start_server({**({} if tls else {"listen": PLAIN}), "timeouts": {"ping": "300ms", "pong": "500ms"},
                           "limits": {**ROOMY, "bytes": {"per_second": "128KiB", "burst": "128KiB"}}})
    message = json.dumps({"type": "message", "content": "x" * (size - 40)})
    frame = encode_frame(OP_TEXT, message)
    with RawWebSocket.login(server, "mallory") as ws, RawWebSocket.login(server, "bob") as bob:
        start = time.monotonic()
        ws.sock.settimeout(60)
        for i in range(count):
            ws.send(frame)
            if i % 8 == 0:
                asked = time.monotonic()
                assert ask(bob, {"type": "ping"}) == {"type": "pong"}
                assert time.monotonic() - asked < 2
        for _ in range(count):
            assert ws.recv_until_type("ack", 60)
        took = time.monotonic() - start
        expected = (count * len(frame) - rate) / rate
        # What the last read brought is not waited for: 256 KiB of it at most.
        assert expected - 2.5 < took < expected * 1.3 + 5, (took, expected)
        assert ask(ws, {"type": "ping", "id": 1}) == {"type": "pong", "id": 1}
        assert not server.events("peer_dead", user="mallory")
    row = server.wait_for_event("rate_limited", code="bytes")
    assert (row["user"], row["outcome"]) == ("mallory", "ok") and len(server.events("rate_limited")) == 1


def test_who_is_held_back_is_still_told_goodbye(start_server):
    server = start_server({"listen": PLAIN, "limits": {**ROOMY, "bytes": {"per_second": "16KiB", "burst": "16KiB"}}})
    with RawWebSocket.login(server) as ws:
        ws.send(encode_frame(OP_TEXT, json.dumps({"type": "message", "content": "x" * 60000})) * 3)
        server.wait_for_event("rate_limited", code="bytes")
        start = time.monotonic()
        server.process.terminate()
        assert ws.recv_close()[0] == 1001
        ws.send_close(1001)
        assert ws.is_closed(5)
        server.wait()
        assert time.monotonic() - start < 6
