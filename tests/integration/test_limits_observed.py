# SPDX-License-Identifier: Apache-2.0
"""limits.observe: each limit lets through what it would have refused, counts every case, tells the first of a run, and what is not
named is enforced as ever."""
import time

import pytest

import exposition
from gateward_server import Changing
from internal_api import InternalApi, internal_config
from raw_client import OP_PING, OP_PONG, OP_TEXT, RawWebSocket, encode_frame
from talk import ROOMY, ask, error, is_quiet, run_gateward

RATE = error("rate_limited", "Rate limit exceeded")
PING = encode_frame(OP_TEXT, '{"type":"ping"}')
PROXIED = [{"address": "127.0.0.1:0", "trusted_proxies": ["127.0.0.1"]}]


def merged_limits(**changes):
    return {**ROOMY, **changes}


@pytest.fixture
def house(start_server, tmp_path):
    """A server with these limits, and how often each of them would have refused."""
    def start(limits, workers=1, **more):
        server = start_server(internal_config(tmp_path, workers, limits=merged_limits(**limits), **more))
        api = InternalApi(server)

        def observed(name):
            families = exposition.parse(api.get("/metrics")[1])
            return sum(n for labels, n in families["gateward_limits_observed_total"].samples if labels["limit"] == name)
        server.observed = observed
        return server
    return start


def pongs(ws, count):
    ws.send(PING * count)
    return [ws.recv_json() for _ in range(count)].count({"type": "pong"})


def test_messages_go_through_and_the_runs_are_told(house):
    server = house({"messages": {"per_minute": 10, "per_hour": 1000}, "observe": ["messages"]})
    with RawWebSocket.login(server) as ws:
        assert pongs(ws, 35) == 35                      # 10 within, 25 over: the 11th of those would have been the end
        assert server.observed("messages") == 25
        rows = server.events("limit_observed", port=ws.local_port)
        assert [r.get("close_code") for r in rows] == [None, 1008, 1008]
        assert {(r["code"], r["user"], r["outcome"], r["severity"]) for r in rows} == {("messages", "alice", "ok", "notice")}
        assert not server.events("rate_limited")
    assert exposition.parse(InternalApi(server).get("/metrics")[1])["gateward_messages_rate_limited_total"].samples[0][1] == 0


def test_the_hour_is_observed_with_the_minute(house):
    server = house({"messages": {"per_minute": 1000, "per_hour": 5}, "observe": ["messages"]})
    with RawWebSocket.login(server) as ws:
        assert pongs(ws, 9) == 9
        assert server.observed("messages") == 4


def test_what_is_not_named_is_enforced(house):
    server = house({"messages": {"per_minute": 4, "per_hour": 1000}, "subscribes": {"per_minute": 2}, "observe": ["subscribes"]})
    with RawWebSocket.login(server) as ws:
        for n in range(4):
            assert ask(ws, {"type": "subscribe", "channel": "private:room-%d" % n})["type"] == "subscribed"
        assert ask(ws, {"type": "ping"}) == RATE
        assert server.observed("subscribes") == 2 and server.observed("messages") == 0
        row = server.wait_for_event("limit_observed", code="subscribes")
        assert row["channel"] == "private:room-2" and len(server.events("limit_observed")) == 1


def test_control_frames_go_through(house):
    server = house({"control_frames": {"per_minute": 10}, "observe": ["control_frames"]})
    with RawWebSocket.login(server) as ws:
        ws.send(encode_frame(OP_PING, b"p") * 30)
        assert [ws.recv_frame().opcode for _ in range(30)] == [OP_PONG] * 30
        assert is_quiet(ws) and server.observed("control_frames") == 20
        assert [r["close_code"] for r in server.events("limit_observed")] == [1008]


def test_reading_does_not_pause(house):
    server = house({"bytes": {"per_second": "16KiB", "burst": "16KiB"}, "message_size": "16KiB", "observe": ["bytes"]})
    text = '{"type":"message","content":"%s"}' % ("x" * 16000)
    start = time.monotonic()
    with RawWebSocket.login(server) as ws:
        for _ in range(30):
            assert ask(ws, text)["type"] == "ack"       # enforced, this would take half a minute
        assert time.monotonic() - start < 10
        assert server.observed("bytes") >= 20 and len(server.events("limit_observed", code="bytes")) == 1
    assert not server.events("rate_limited")


@pytest.mark.parametrize("workers", [1, 2])
def test_connections_of_an_address_come_in_up_to_the_total(house, workers):
    server = house({"connections": {"total": 8, "per_ip": 3, "per_user": 100}, "observe": ["connections.per_ip"]}, workers, listen=PROXIED)
    who = {"headers": [("X-Forwarded-For", "203.0.113.7")]}
    some = [RawWebSocket.login(server, **who) for _ in range(8)]
    with RawWebSocket.open(server, expect=503, **who) as ws:        # the total is never waived
        assert b"server_full" in ws.response.body
    assert server.observed("connections.per_ip") == 5
    server.wait_for_event("limit_observed", code="connections.per_ip", count=5)
    rows = server.events("limit_observed", code="connections.per_ip")
    assert len(rows) == 5 and {(r["ip"], r["status"]) for r in rows} == {("203.0.113.7", 429)}
    for ws in some:
        ws.close()


def test_new_connections_of_an_address_come_in(house):
    server = house({"handshakes": {"per_second": 1, "burst": 2}, "observe": ["handshakes"]})
    some = [RawWebSocket.login(server) for _ in range(6)]
    assert server.observed("handshakes") >= 3
    assert {r["status"] for r in server.events("limit_observed", code="handshakes")} == {429}
    for ws in some:
        ws.close()


def test_connections_of_a_user_come_in(house):
    server = house({"connections": {"total": 100, "per_ip": 100, "per_user": 2}, "observe": ["connections.per_user"]})
    some = [RawWebSocket.login(server) for _ in range(5)]
    assert server.observed("connections.per_user") == 3
    rows = server.events("limit_observed", code="connections.per_user")
    assert [(r["user"], r["close_code"]) for r in rows] == [("alice", 1008)] * 3
    for ws in some:
        ws.close()
    with RawWebSocket.login(server):                    # and all of them were counted out again
        pass


def test_bans_are_kept_but_keep_nobody_out(house):
    server = house({"bans": {"failures": 3, "within": "1m", "first": "1m", "longest": "1h"}, "observe": ["bans"]}, listen=PROXIED)
    who = {"headers": [("X-Forwarded-For", "203.0.113.9")]}
    for _ in range(3):
        with RawWebSocket.open(server, **who) as ws:
            ws.send_json({"type": "auth", "token": "x.y.z"})
            assert ws.recv_close()[0] == 1008
    assert server.wait_for_event("limit_observed", code="bans")["count"] >= 59
    assert not server.events("banned")
    with RawWebSocket.login(server, **who) as ws:
        assert is_quiet(ws)
    assert server.observed("bans") == 2 and server.events("limit_observed", code="bans")[-1]["status"] == 429


def test_all_is_every_limit_that_can(house):
    server = house({"connections": {"total": 100, "per_ip": 1, "per_user": 1}, "handshakes": {"per_second": 1, "burst": 1},
                    "messages": {"per_minute": 1, "per_hour": 1}, "observe": "all"})
    some = [RawWebSocket.login(server) for _ in range(3)]
    assert pongs(some[0], 5) == 5
    for name in ("connections.per_ip", "connections.per_user", "handshakes", "messages"):
        assert server.observed(name) >= 2, name
    for ws in some:
        ws.close()


def test_a_reload_enforces_what_was_observed_and_the_other_way_round(tmp_path):
    limits = {**ROOMY, "messages": {"per_minute": 5, "per_hour": 1000}}
    with Changing(tmp_path, {"server": {"workers": 2}, "limits": {**limits, "observe": ["messages"]}}) as server:
        assert "limits.observe: messages is counted, but not enforced" in server.stderr_text()
        with RawWebSocket.login(server) as ws:
            assert pongs(ws, 8) == 8
            server.reload({"limits": {**limits, "observe": []}})
            time.sleep(0.2)
            assert ask(ws, {"type": "ping"}) == RATE
            server.reload({"limits": {**limits, "observe": "all"}})
            time.sleep(0.2)
            assert pongs(ws, 8) == 8


def test_check_warns_and_the_audit_fails(house):
    server = house({"observe": ["messages", "bans"]})
    told = run_gateward("check", server.config_path)
    assert told.returncode == 0
    for name in ("messages", "bans"):
        assert "warning: limits.observe: %s is counted, but not enforced" % name in told.stdout
    assert "bytes" not in told.stdout
    told = run_gateward("audit", server.config_path)
    assert told.returncode == 1 and "limits.observe: messages is counted, but stops nobody" in told.stdout
