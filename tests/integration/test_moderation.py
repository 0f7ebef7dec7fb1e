# SPDX-License-Identifier: Apache-2.0
"""Kicking, muting and closing channels by moderators, on four workers over real sockets."""
import signal
import time

import pytest

from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, error, is_quiet, put

SEVERAL = 8         # connections of one user, so that they are on several workers
CHANNELS = [
    {"pattern": "room:{id}"},
    {"pattern": "kept:{id}", "history": {"messages": 50}, "presence": True},
]
DENIED = error("not_allowed", "Not allowed")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    config = {"server": {"workers": 4}, "limits": ROOMY, "listen": PLAIN, "channels": CHANNELS,
              "messages": {"say": {"publish": "room:typed", "data": "/text"}}}
    with GatewardServer(tmp_path_factory.mktemp("house"), config) as running:
        yield running


@pytest.fixture
def enter(house):
    """Logs in, subscribes where told; all is closed with the test."""
    opened = []

    def enter(user, *channels, roles=("user",)):
        ws = RawWebSocket.login(house, user, list(roles))
        opened.append(ws)
        for channel in channels:
            put(ws, {"type": "subscribe", "channel": channel})
            ws.recv_until_type("subscribed")
        return ws
    yield enter
    for ws in opened:
        ws.close()


@pytest.fixture
def mod(enter):
    return enter("mod", roles=("moderator",))


def removed(channel, reason="kicked", **more):
    return {"type": "unsubscribed", "channel": channel, "reason": reason, **more}


def refused(ws, message, code, channel, least=1, most=10 ** 6):
    answer = ask(ws, message)
    assert (answer["type"], answer.get("code"), answer.get("channel")) == ("error", code, channel), answer
    assert least <= answer["seconds"] <= most
    return answer


def publish(ws, channel, data=1):
    return ask(ws, {"type": "publish", "channel": channel, "data": data})


def test_a_kick_meets_all_connections_of_the_user_and_nobody_else(house, enter, mod):
    bobs = [enter("bob", "room:kick", "room:other") for _ in range(SEVERAL)]
    eve = enter("eve", "room:kick")
    assert ask(mod, {"type": "kick", "channel": "room:kick", "user": "bob", "id": 5}) == {
        "type": "kicked", "channel": "room:kick", "user": "bob", "count": SEVERAL, "id": 5}
    for ws in bobs:
        assert ws.recv_json() == removed("room:kick") and is_quiet(ws)
    assert publish(mod, "room:kick")["type"] == "ack"
    assert eve.recv_json()["data"] == 1
    assert publish(mod, "room:other")["type"] == "ack"
    for ws in bobs:
        assert ws.recv_json()["channel"] == "room:other"
    # Without `seconds` the door stays open.
    assert ask(bobs[0], {"type": "subscribe", "channel": "room:kick"})["type"] == "subscribed"
    assert ask(mod, {"type": "kick", "channel": "room:kick", "user": "nobody"})["count"] == 0
    event = house.wait_for_event("kicked", user="bob")
    assert (event["by"], event["channel"], event["count"], event["outcome"]) == ("mod", "room:kick", SEVERAL, "ok")


def test_a_kick_for_a_time_closes_the_channel_to_the_user(enter, mod):
    bob = enter("bob", "kept:time")
    assert ask(mod, {"type": "kick", "channel": "kept:time", "user": "bob", "seconds": 2})["seconds"] == 2
    assert bob.recv_json() == removed("kept:time", seconds=2)
    begun = time.monotonic()
    again = enter("bob")
    for ws in (bob, again):
        for message in ({"type": "subscribe"}, {"type": "publish", "data": 1}, {"type": "history"}, {"type": "presence"}):
            refused(ws, {**message, "channel": "kept:time"}, "kicked", "kept:time", most=2)
    assert ask(enter("eve"), {"type": "subscribe", "channel": "kept:time"})["type"] == "subscribed"
    time.sleep(max(0.0, begun + 2.2 - time.monotonic()))
    assert ask(again, {"type": "subscribe", "channel": "kept:time"})["type"] == "subscribed"


def test_one_connection_can_be_kicked(house, enter, mod):
    first, second = (RawWebSocket.open(house) for _ in range(2))
    with first, second:
        names = []
        for ws in (first, second):
            names.append(ask(ws, f"auth:{house.token('bob')}")["connection"])
            assert ask(ws, {"type": "subscribe", "channel": "room:one"})["type"] == "subscribed"
        assert ask(mod, {"type": "kick", "channel": "room:one", "connection": names[1]}) == {
            "type": "kicked", "channel": "room:one", "count": 1}
        assert second.recv_json() == removed("room:one")
        assert is_quiet(first)
        assert house.wait_for_event("kicked", channel="room:one")["user"] == "bob"
        assert ask(mod, {"type": "kick", "channel": "room:one", "connection": names[1]})["count"] == 0


def test_a_muted_user_is_heard_by_nobody_until_its_time_is_over(house, enter, mod):
    bobs = [enter("bob") for _ in range(SEVERAL)]
    eve = enter("eve", "room:mute", "room:typed")
    assert ask(mod, {"type": "mute", "channel": "room:mute", "user": "bob", "seconds": 2}) == {
        "type": "muted", "channel": "room:mute", "user": "bob", "count": SEVERAL, "seconds": 2}
    begun = time.monotonic()
    for ws in bobs:
        refused(ws, {"type": "publish", "channel": "room:mute", "data": 1}, "muted", "room:mute", most=2)
    assert is_quiet(eve)
    assert publish(bobs[0], "room:else")["type"] == "ack"
    assert ask(bobs[0], {"type": "subscribe", "channel": "room:mute"})["type"] == "subscribed"     # it may listen
    time.sleep(max(0.0, begun + 2.2 - time.monotonic()))
    assert publish(bobs[1], "room:mute")["type"] == "ack"
    assert eve.recv_json()["data"] == 1
    event = house.wait_for_event("muted", user="bob", channel="room:mute")
    assert (event["by"], event["detail"]) == ("mod", "2 s")


def test_unmute_ends_it_at_once(house, enter, mod):
    bob = enter("bob", "room:un")
    unmute = {"type": "unmute", "channel": "room:un", "user": "bob"}
    assert ask(mod, unmute) == error("not_muted", "This user is not muted here")
    assert ask(mod, {"type": "mute", "channel": "room:un", "user": "bob", "seconds": 600})["type"] == "muted"
    refused(bob, {"type": "publish", "channel": "room:un", "data": 1}, "muted", "room:un", least=590, most=600)
    assert ask(mod, unmute) == {"type": "unmuted", "channel": "room:un", "user": "bob"}
    put(bob, {"type": "publish", "channel": "room:un", "data": 1})
    assert sorted(bob.recv_json()["type"] for _ in range(2)) == ["ack", "message"] and is_quiet(bob)
    assert house.wait_for_event("muted", code="lifted")["channel"] == "room:un"


def test_message_types_with_that_channel_are_muted_too(enter, mod):
    bob, eve = enter("bob"), enter("eve", "room:typed")
    assert ask(bob, {"type": "say", "text": "hello"})["type"] == "ack"
    assert eve.recv_json()["data"] == "hello"
    assert ask(mod, {"type": "mute", "channel": "room:typed", "user": "bob", "seconds": 60})["type"] == "muted"
    refused(bob, {"type": "say", "text": "hello"}, "muted", "room:typed", most=60)
    assert is_quiet(eve)
    assert ask(mod, {"type": "unmute", "channel": "room:typed", "user": "bob"})["type"] == "unmuted"


def test_closing_a_channel_ends_everything_in_it(house, enter, mod):
    users = [enter(f"user{i % 3}", "kept:close") for i in range(SEVERAL)]
    assert ask(enter("eve"), {"type": "publish", "channel": "kept:close", "data": 1})["type"] == "ack"
    for ws in users:
        assert ws.recv_json()["offset"] == 1
    put(users[0], {"type": "history", "channel": "kept:close"})
    before = users[0].recv_until_type("history")
    assert len(before["messages"]) == 1
    assert ask(mod, {"type": "close_channel", "channel": "kept:close", "seconds": 2}) == {
        "type": "channel_closed", "channel": "kept:close", "count": SEVERAL, "seconds": 2}
    begun = time.monotonic()
    root = enter("root", roles=("admin",))
    for ws in users:
        assert ws.recv_json() == removed("kept:close", "closed", seconds=2)
    for ws in (users[0], root, mod):
        for message in ({"type": "subscribe"}, {"type": "publish", "data": 1}, {"type": "history"}, {"type": "presence"}):
            refused(ws, {**message, "channel": "kept:close"}, "channel_closed", "kept:close", most=2)
    time.sleep(max(0.0, begun + 2.2 - time.monotonic()))
    after = ask(users[0], {"type": "subscribe", "channel": "kept:close", "since": {"epoch": before["epoch"], "offset": 0}})
    assert after["type"] == "subscribed" and after["recovered"] is False and after["epoch"] != before["epoch"]
    assert ask(users[0], {"type": "history", "channel": "kept:close"})["messages"] == []
    assert house.wait_for_event("channel_closed", channel="kept:close")["by"] == "mod"


def test_closing_without_a_time_leaves_the_door_open(enter, mod):
    bob = enter("bob", "room:brief")
    assert ask(mod, {"type": "close_channel", "channel": "room:brief"})["count"] == 1
    assert bob.recv_json() == removed("room:brief", "closed")
    assert ask(bob, {"type": "subscribe", "channel": "room:brief"})["type"] == "subscribed"


def test_a_closed_channel_is_opened_by_closing_it_for_a_second(enter, mod):
    assert ask(mod, {"type": "close_channel", "channel": "room:long", "seconds": 600})["type"] == "channel_closed"
    assert ask(mod, {"type": "close_channel", "channel": "room:long", "seconds": 1})["type"] == "channel_closed"
    time.sleep(1.2)
    assert ask(enter("bob"), {"type": "subscribe", "channel": "room:long"})["type"] == "subscribed"


@pytest.mark.parametrize("message, field", [
    ({"type": "kick"}, "user"), ({"type": "kick", "user": "a b"}, "'user'"), ({"type": "kick", "user": 1}, "'user'"),
    ({"type": "kick", "user": "bob", "seconds": 0}, "'seconds'"), ({"type": "kick", "user": "bob", "seconds": "9"}, "'seconds'"),
    ({"type": "kick", "connection": "short"}, "'connection'"), ({"type": "kick", "connection": 5}, "'connection'"),
    ({"type": "kick", "connection": "A" * 22, "seconds": 5}, "'connection'"),
    ({"type": "kick", "connection": "A" * 22, "user": "bob"}, "'connection'"),
    ({"type": "mute", "user": "bob"}, "seconds"), ({"type": "mute", "user": "bob", "seconds": 2592001}, "'seconds'"),
    ({"type": "mute", "user": "bob", "seconds": 1.5}, "'seconds'"), ({"type": "mute", "seconds": 5}, "user"),
    ({"type": "unmute"}, "user"), ({"type": "close_channel", "seconds": -1}, "'seconds'"),
    ({"type": "close_channel", "channel": "a::b"}, "'channel'"), ({"type": "close_channel", "channel": None}, "'channel'")])
def test_malformed_orders_are_refused(mod, message, field):
    answer = ask(mod, {"channel": "room:bad", **message})
    assert (answer["type"], answer["code"]) == ("error", "schema") and field in answer["message"]


def test_a_moderator_who_leaves_at_once_has_moderated_all_the_same(house, enter):
    bob = enter("bob", "room:gone")
    for _ in range(5):
        with RawWebSocket.login(house, "mod", ["moderator"]) as brief:
            put(brief, {"type": "kick", "channel": "room:gone", "user": "bob"})
            brief.send_close()
        assert bob.recv_json() == removed("room:gone")
        assert ask(bob, {"type": "subscribe", "channel": "room:gone"})["type"] == "subscribed"


def test_the_end_of_the_server_in_the_middle_of_it_loses_no_memory(tmp_path):
    config = {"server": {"workers": 4}, "limits": ROOMY, "listen": PLAIN, "channels": CHANNELS}
    server = GatewardServer(tmp_path, config).start()
    with RawWebSocket.login(server, "bob"), RawWebSocket.login(server, "mod", ["moderator"]) as mod:
        for n in range(400):
            put(mod, {"type": "mute", "channel": f"room:end{n % 7}", "user": "bob", "seconds": 60})
        server.signal(signal.SIGTERM)
        try:
            for n in range(400):
                put(mod, {"type": "close_channel", "channel": "room:end"})
        except OSError:
            pass        # it has gone
    server.stop()       # a sanitizer's report fails the test here
