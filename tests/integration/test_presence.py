# SPDX-License-Identifier: Apache-2.0
"""Who is in a channel: asking, and pushes about who comes and goes, over all workers."""
import time

import pytest

from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, error, is_quiet, put

CHANNELS = [
    {"pattern": "room:{id}", "presence": True},
    {"pattern": "lobby:{id}", "presence": "join_leave"},
    {"pattern": "staff:{id}", "presence": True, "needs": {"presence": "moderate"}},
    {"pattern": "user:{user_id}:inbox", "presence": True},
    {"pattern": "plain"},
]
AWAY = 1.0      # how long one may be away without having left


def config(**limits):
    return {"server": {"workers": 4}, "limits": {**ROOMY, **limits}, "listen": PLAIN, "channels": CHANNELS}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("house"), config()) as running:
        yield running


def subscribe(ws, channel):
    put(ws, {"type": "subscribe", "channel": channel})
    return ws.recv_until_type("subscribed")


def who(ws, channel):
    answer = ask(ws, {"type": "presence", "channel": channel})
    assert answer["type"] == "presence" and answer["channel"] == channel, answer
    assert answer["count"] == len(answer["users"])
    return {row["user"]: row["connections"] for row in answer["users"]}


def until(wanted, look, seconds=10.0):
    deadline = time.monotonic() + seconds
    while look() != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    assert look() == wanted


def test_users_are_listed_with_their_connections(house):
    with RawWebSocket.login(house) as ws:
        assert who(ws, "room:list") == {}
        subscribe(ws, "room:list")
        others = [RawWebSocket.login(house, "bob") for _ in range(5)] + [RawWebSocket.login(house, "eve")]
        for other in others:
            subscribe(other, "room:list")
            subscribe(other, "room:list")       # a second time changes nothing
        assert who(ws, "room:list") == {"alice": 1, "bob": 5, "eve": 1}
        put(others[0], {"type": "unsubscribe", "channel": "room:list"})
        others[0].recv_until_type("unsubscribed")
        assert who(ws, "room:list")["bob"] == 4
        for other in others:
            other.reset() if other is others[1] else other.close()
        until({"alice": 1}, lambda: who(ws, "room:list"))
        assert who(ws, "room:other") == {}
        assert is_quiet(ws)                     # nobody asked for news here


def test_long_lists_are_cut_and_say_so(tmp_path):
    with GatewardServer(tmp_path, config(presence={"list": 3})) as server:
        crowd = [RawWebSocket.login(server, f"user{n}") for n in range(5)]
        for ws in crowd:
            subscribe(ws, "room:long")
        answer = ask(crowd[0], {"type": "presence", "channel": "room:long", "id": "x"})
        assert (len(answer["users"]), answer["count"], answer["truncated"], answer["id"]) == (3, 5, True, "x")
        for ws in crowd:
            ws.close()


def test_presence_is_asked_of_the_policy(house):
    refused = error("not_allowed", "Not allowed")
    with RawWebSocket.login(house) as ws, RawWebSocket.login(house, "mod", ["moderator"]) as mod:
        assert ask(ws, {"type": "presence", "channel": "staff:a"}) == refused
        assert ask(ws, {"type": "presence", "channel": "user:bob:inbox"}) == refused
        assert ask(ws, {"type": "presence", "channel": "nowhere"}) == refused
        assert ask(ws, {"type": "presence", "channel": "plain"}) == error("no_presence", "This channel has no presence")
        assert ask(ws, {"type": "presence"}) == error("schema", "Missing required field: channel")
        assert ask(ws, {"type": "presence", "channel": "a:"}) == error("schema", "Field 'channel' has invalid format")
        subscribe(ws, "staff:a")
        assert who(mod, "staff:a") == {"alice": 1}
    denied = house.wait_for_event("access_denied", action="presence", channel="staff:a")
    assert denied["code"] == "no_permission" and denied["user"] == "alice"


def test_a_subscription_that_is_refused_leaves_no_trace(tmp_path):
    with GatewardServer(tmp_path, config(presence={"users": 2}, subscriptions=1)) as server:
        with RawWebSocket.login(server) as ws, RawWebSocket.login(server, "bob") as bob, \
                RawWebSocket.login(server, "eve") as eve:
            subscribe(ws, "room:a")
            assert ask(ws, {"type": "subscribe", "channel": "room:b"})["code"] == "limit_exceeded"
            assert who(bob, "room:b") == {}
            subscribe(bob, "room:a")
            assert ask(eve, {"type": "subscribe", "channel": "room:a"})["code"] == "limit_exceeded"
            assert who(bob, "room:a") == {"alice": 1, "bob": 1}
            put(bob, {"type": "unsubscribe", "channel": "room:a"})
            bob.recv_until_type("unsubscribed")
            subscribe(eve, "room:a")
            assert who(bob, "room:a") == {"alice": 1, "eve": 1}


def test_joins_and_leaves_are_pushed_once_a_user(house):
    with RawWebSocket.login(house, "watcher") as ws:
        subscribe(ws, "lobby:a")
        assert ws.recv_json() == {"type": "join", "channel": "lobby:a", "user": "watcher"}
        first, second = RawWebSocket.login(house, "bob"), RawWebSocket.login(house, "bob")
        subscribe(first, "lobby:a")
        assert ws.recv_json() == {"type": "join", "channel": "lobby:a", "user": "bob"}
        subscribe(second, "lobby:a")
        first.close()
        until({"watcher": 1, "bob": 1}, lambda: who(ws, "lobby:a"))
        second.close()
        until({"watcher": 1}, lambda: who(ws, "lobby:a"))
        assert ws.recv_json() == {"type": "leave", "channel": "lobby:a", "user": "bob"}
        assert is_quiet(ws)


def test_who_is_back_in_a_moment_was_never_away(house):
    with RawWebSocket.login(house, "watcher") as ws:
        subscribe(ws, "lobby:b")
        ws.recv_until_type("join")
        bob = RawWebSocket.login(house, "bob")
        subscribe(bob, "lobby:b")
        assert ws.recv_until_type("join")["user"] == "bob"
        for _ in range(5):
            bob.reset()
            bob = RawWebSocket.login(house, "bob")
            subscribe(bob, "lobby:b")
        time.sleep(AWAY + 0.5)
        assert is_quiet(ws) and who(ws, "lobby:b")["bob"] == 1
        bob.close()
        assert ws.recv_json(10) == {"type": "leave", "channel": "lobby:b", "user": "bob"}


def test_a_crowd_that_comes_and_goes_adds_up(house):
    """Each watcher, whatever its worker, hears the same news in the same order, and they add up to who is there."""
    watchers = [RawWebSocket.login(house, f"watcher{n}") for n in range(4)]
    for ws in watchers:
        subscribe(ws, "lobby:crowd")
    # A watcher that came later has not heard the first joins.
    for ws in watchers:
        while ws.recv_until_type("join", 10)["user"] != "watcher3":
            pass
    crowd = {f"user{n}": RawWebSocket.login(house, f"user{n}") for n in range(30)}
    for ws in crowd.values():
        subscribe(ws, "lobby:crowd")
    for n in range(0, 30, 2):
        crowd[f"user{n}"].close()
    news = []
    for ws in watchers:
        heard, here = [], set()
        while True:
            try:
                message = ws.recv_json(AWAY + 1.5)
            except TimeoutError:
                break
            assert message["type"] in ("join", "leave") and message["channel"] == "lobby:crowd"
            assert (message["user"] in here) == (message["type"] == "leave")
            (here.add if message["type"] == "join" else here.remove)(message["user"])
            heard.append((message["type"], message["user"]))
        assert here == {f"user{n}" for n in range(1, 30, 2)}
        news.append(heard)
    assert len(news[0]) >= 15 and all(heard == news[0] for heard in news)
    assert set(who(watchers[0], "lobby:crowd")) == here | {f"watcher{n}" for n in range(4)}
    for ws in [*watchers, *crowd.values()]:
        ws.close()

