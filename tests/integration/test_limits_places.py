# SPDX-License-Identifier: Apache-2.0
"""Limits of a listener, a route and a role: the most special one counts, over all workers, before and after a reload."""
import json
import time

import pytest

import exposition
from gateward_server import Changing
from internal_api import InternalApi, internal_config
from raw_client import OP_PING, OP_PONG, OP_TEXT, RawWebSocket, encode_frame
from talk import ROOMY, ask, closed_with, error, is_quiet, run_gateward

RATE = error("rate_limited", "Rate limit exceeded")
PING = encode_frame(OP_TEXT, '{"type":"ping"}')
HERE = "127.0.0.1:0"


def config(listeners=({},), routes=None, workers=1, **limits):
    return {"server": {"workers": workers}, "listen": [{"address": HERE, **({"limits": own} if own else {})} for own in listeners],
            "routes": [{"path": path, **({"limits": own} if own else {})} for path, own in (routes or {"/ws": {}}).items()],
            "limits": {"connections": {"total": 4000, "per_ip": 4000}, "handshakes": ROOMY["handshakes"], **limits}}


def passed(ws, count):
    """How many of so many messages at once are answered with a pong."""
    ws.send(PING * count)
    return [ws.recv_json() for _ in range(count)].count({"type": "pong"})


def sized(size):
    head = '{"type":"message","content":"'
    return head + "x" * (size - len(head) - 2) + '"}'


def refused(server, **kwargs):
    with RawWebSocket.open(server, expect=503, **kwargs) as ws:
        assert int(ws.response.headers["retry-after"]) >= 1
        return json.loads(ws.response.body)["error"]["code"]


def test_messages_are_counted_by_route_and_by_role(start_server):
    server = start_server(config(routes={"/ws": {}, "/feed": {"messages": {"per_minute": 10}}},
                                 messages={"per_minute": 20, "per_hour": 1000}, roles={"guest": {"messages": {"per_minute": 5}}}))
    for user, roles, path, count in (("a", ["user"], "/ws", 20), ("b", ["user"], "/feed", 10), ("c", ["guest"], "/ws", 5),
                                     ("d", ["guest"], "/feed", 5), ("e", ["guest", "user"], "/feed", 5)):
        with RawWebSocket.login(server, user, roles, path=path) as ws:
            assert count <= passed(ws, count + 3) <= count + 1, (user, roles, path)


def test_of_several_roles_the_most_generous_counts(start_server):
    server = start_server(config(roles={"guest": {"messages": {"per_minute": 3}}, "moderator": {"messages": {"per_minute": 90}}}))
    with RawWebSocket.login(server, "both", ["guest", "moderator"]) as ws:
        assert passed(ws, 85) == 85


def test_a_user_on_two_routes_has_one_minute(start_server):
    """A message takes the share of the user's minute that its own route gives it."""
    server = start_server(config(routes={"/fast": {"messages": {"per_minute": 60}}, "/slow": {"messages": {"per_minute": 6}}}, workers=2))
    fast, slow = RawWebSocket.login(server, path="/fast"), RawWebSocket.login(server, path="/slow")
    assert passed(fast, 30) == 30                       # half of the minute
    assert 3 <= passed(slow, 6) <= 4                    # and of what is left, half of these
    fast.close()
    slow.close()


@pytest.mark.parametrize("place", ["listener", "route", "role"])
def test_message_sizes(start_server, place):
    small = {"message_size": "1000"}
    server = start_server(config([small if place == "listener" else {}], {"/ws": small if place == "route" else {}},
                                 **({"roles": {"user": small}} if place == "role" else {})))
    with RawWebSocket.login(server) as ws:
        assert ask(ws, sized(1000))["type"] == "ack"
        ws.send_text(sized(1001))
        assert ws.recv_close() == (1009, "Message too large")
    with RawWebSocket.login(server, "admin", ["admin"]) as ws:
        ws.send_text(sized(1001))
        assert (ws.recv_json()["type"] == "ack") if place == "role" else ws.recv_close()[0] == 1009


def test_a_role_may_send_more_than_all_others_and_is_delivered(start_server):
    server = start_server(config(routes={"/ws": {}}, roles={"admin": {"message_size": "1MiB"}}, message_size="4KiB"))
    with RawWebSocket.login(server) as reader, RawWebSocket.login(server, "admin", ["admin"]) as writer:
        assert ask(reader, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"
        data = "x" * 900000
        assert ask(writer, {"type": "publish", "channel": "public:chat", "data": data}, 20)["type"] == "ack"
        assert reader.recv_json(20)["data"] == data
        reader.send_text(sized(4097))
        assert reader.recv_close()[0] == 1009
    with RawWebSocket.open(server) as ws:               # before the login nobody is an admin
        ws.send_text("auth:" + "x" * 8000)
        assert ws.recv_close()[0] == 1009


def test_subscribes_bytes_and_control_frames(start_server):
    server = start_server(config(routes={"/ws": {"subscribes": {"per_minute": 2}, "control_frames": {"per_minute": 4},
                                                 "bytes": {"per_second": "16KiB", "burst": "16KiB"}, "message_size": "8KiB"}}))
    with RawWebSocket.login(server) as ws:
        for n in range(2):
            assert ask(ws, {"type": "subscribe", "channel": "private:room-%d" % n})["type"] == "subscribed"
        assert ask(ws, {"type": "subscribe", "channel": "private:room-9"})["code"] == "rate_limited"
        start = time.monotonic()
        for _ in range(6):
            assert ask(ws, sized(8000), 20)["type"] == "ack"
        assert time.monotonic() - start > 1
        ws.send(encode_frame(OP_PING, b"p") * 5)
        assert [ws.recv_frame(20).opcode for _ in range(4)] == [OP_PONG] * 4
        assert ws.recv_close(20) == (1008, "Too many control frames")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_listener_is_full_and_the_other_is_not(start_server, workers):
    server = start_server(config([{"connections": {"total": 3}}, {}], workers=workers))
    some = [RawWebSocket.login(server) for _ in range(3)]
    assert refused(server) == "listener_full"
    row = server.wait_for_event("connection_refused", code="listener_full")
    assert row["outcome"] == "refused"
    with RawWebSocket.login(server, port=server.listeners[1][1]) as other:
        assert is_quiet(other)
    some.pop().close()
    deadline = time.monotonic() + 5
    while True:
        with RawWebSocket.open(server, expect=None) as ws:
            if ws.response.status == 101:
                break
        assert time.monotonic() < deadline
    for ws in some:
        ws.close()


def test_a_route_is_full_over_all_workers_and_others_are_not(start_server):
    server = start_server(config(routes={"/ws": {}, "/few": {"connections": {"total": 2}}}, workers=4))
    for _ in range(20):                                 # coming and going leaves nothing behind
        with RawWebSocket.login(server, path="/few"):
            pass
    deadline = time.monotonic() + 5
    while server.events("connection_close") == [] or len(server.events("connection_close")) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    few = [RawWebSocket.login(server, path="/few") for _ in range(2)]
    for _ in range(8):
        assert refused(server, path="/few") == "route_full"
    row = server.wait_for_event("handshake_refused", code="route_full")
    assert row["status"] == 503 and row["path"] == "/few"
    with RawWebSocket.login(server) as ws:
        assert is_quiet(ws)
    for ws in few:
        ws.close()


def test_metrics_know_the_places(start_server, tmp_path):
    few = config([{}, {}], {"/ws": {}, "/few": {"connections": {"total": 2}}}, workers=2)
    server = start_server(internal_config(tmp_path, 2, listen=few["listen"], routes=few["routes"]))
    with RawWebSocket.login(server), RawWebSocket.login(server, path="/few", port=server.listeners[1][1]), \
            RawWebSocket.login(server, path="/few"):
        families = exposition.parse(InternalApi(server).get("/metrics")[1])
        assert {row["listener"]: n for row, n in families["gateward_listener_connections"].samples} == {"0": 2, "1": 1}
        assert {row["route"]: n for row, n in families["gateward_route_connections"].samples} == {"/ws": 1, "/few": 2}


def test_connections_of_a_user_by_role(start_server):
    server = start_server(config(roles={"guest": {"connections": {"per_user": 1}}, "user": {"connections": {"per_user": 2}}}))
    for user, roles, most in (("g", ["guest"], 1), ("u", ["user"], 2), ("gu", ["guest", "user"], 2), ("m", ["moderator"], 6)):
        some = [RawWebSocket.login(server, user, roles) for _ in range(most)]
        if most < 6:
            with RawWebSocket.open(server) as ws:
                ws.send_json({"type": "auth", "token": server.token(user, roles)})
                assert ws.recv_close() == (1008, "Too many connections")
        for ws in some:
            ws.close()


def test_full_places_can_observe(start_server):
    server = start_server(config([{"connections": {"total": 1}}], {"/ws": {"connections": {"total": 1}}},
                                 observe=["connections.per_listener", "connections.per_route"]))
    some = [RawWebSocket.login(server) for _ in range(3)]
    for name in ("connections.per_listener", "connections.per_route"):
        assert [r["status"] for r in server.events("limit_observed", code=name)] == [503, 503]
    for ws in some:
        ws.close()
    with RawWebSocket.login(server) as ws:
        assert is_quiet(ws)


def test_another_login_brings_the_limits_of_its_roles(start_server):
    server = start_server(config(messages={"per_minute": 200, "per_hour": 2000}, message_size="2KiB",
                                 roles={"admin": {"message_size": "8KiB"}}))
    with RawWebSocket.login(server) as ws:
        assert ask(ws, {"type": "auth", "token": server.token("alice", ["admin"])})["type"] == "welcome"
        assert ask(ws, sized(8192))["type"] == "ack"
        assert ask(ws, {"type": "auth", "token": server.token("alice", ["user"])})["type"] == "welcome"
        ws.send_text(sized(2049))
        closed_with(ws, 1009)


def test_a_reload_moves_those_who_are_here(tmp_path):
    start = config(routes={"/a": {}, "/b": {"message_size": "1KiB"}, "/few": {"connections": {"total": 1}}}, workers=2,
                   messages={"per_minute": 1000, "per_hour": 10000})
    with Changing(tmp_path, start) as server:
        a, b, few = (RawWebSocket.login(server, path=path) for path in ("/a", "/b", "/few"))
        changed = config(routes={"/few": {"connections": {"total": 2}}, "/b": {"message_size": "8KiB"}, "/a": {"message_size": "512"}},
                         workers=2, messages={"per_minute": 1000, "per_hour": 10000}, roles={"admin": {"message_size": "1MiB"}})
        server.reload({"routes": changed["routes"], "limits": changed["limits"]})
        time.sleep(0.3)
        assert ask(b, sized(8192))["type"] == "ack" and ask(a, sized(512))["type"] == "ack"
        a.send_text(sized(513))
        closed_with(a, 1009)
        with RawWebSocket.login(server, "admin", ["admin"], path="/b") as admin:
            assert ask(admin, sized(100000))["type"] == "ack"
        with RawWebSocket.login(server, path="/few"):   # one is there since before the reload, and counts
            assert refused(server, path="/few") == "route_full"
        assert is_quiet(few)
        gone = config(routes={"/b": {}}, workers=2)
        server.reload({"routes": gone["routes"]})
        closed_with(few, 1012)
        server.reload({"routes": changed["routes"]})    # and those who have gone with the route do not count
        time.sleep(0.3)
        some = [RawWebSocket.login(server, path="/few") for _ in range(2)]
        assert refused(server, path="/few") == "route_full"
        for ws in [*some, b]:
            ws.close()


def test_a_listener_s_limits_change_by_reload(tmp_path):
    with Changing(tmp_path, config([{"connections": {"total": 1}}])) as server:
        with RawWebSocket.login(server):
            assert refused(server) == "listener_full"
            server.reload({"listen": config([{"connections": {"total": 2}}])["listen"]})
            time.sleep(0.2)
            with RawWebSocket.login(server) as ws:
                assert is_quiet(ws)


def test_explain_says_what_counts_and_why(start_server):
    server = start_server(config([{}], {"/ws": {}, "/feed": {"connections": {"total": 7}, "message_size": "1KiB"}},
                                 roles={"admin": {"messages": {"per_minute": 600}}}, observe=["messages"]))
    told = run_gateward("explain", "--config", server.config_path, "--limits", "--route", "/feed", "--roles", "admin,user")
    assert told.returncode == 0
    rows = {" ".join(line.split()) for line in told.stdout.splitlines()}
    assert "listener 127.0.0.1:0, route /feed" in rows
    assert {"message_size 1KiB routes[1].limits (/feed)", "messages.per_minute 600 limits.roles.admin, only observed",
            "subscribes.per_minute 600 limits.roles.admin", "messages.per_hour 1000 limits, only observed", "bytes.per_second none limits",
            "connections.total 7 routes[].limits"} <= rows, rows
    assert run_gateward("explain", "--config", server.config_path, "--limits", "--route", "/no").returncode == 2
    assert run_gateward("explain", "--config", server.config_path, "--limits", "--listener", "nowhere").returncode == 2
    assert run_gateward("explain", "--config", server.config_path, "--limits", "--user", "x").returncode == 2
    told = run_gateward("check", server.config_path)
    assert "limits    route /feed: connections.total 7 message_size 1KiB" in told.stdout
    assert "limits    role admin: messages.per_minute 600" in told.stdout


def test_the_audit_looks_at_them_too(start_server):
    server = start_server(config([{}], {"/ws": {"messages": {"per_minute": 100000}}}, roles={"admin": {"message_size": "2MiB"}}))
    told = run_gateward("audit", server.config_path)
    assert told.returncode == 1
    assert "messages.per_minute of /ws: 100000 is more than 6000" in told.stdout
    assert "message_size of a role: 2048KiB is more than 1024KiB" in told.stdout
