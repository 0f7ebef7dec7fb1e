# SPDX-License-Identifier: Apache-2.0
"""Who is muted, kicked or stands before a closed channel tries to get around it; who may not moderate tries to; a moderator
tries to reach an administrator, and to use up the room in which sanctions are kept."""
import json
import threading
import time

import pytest

from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, error, is_quiet, put

CHANNELS = [
    {"pattern": "room:{id}", "history": {"messages": 50}, "presence": True},
    {"pattern": "many:{id}"},
    {"pattern": "strict:{id}", "needs": {"moderate": "admin"}},
    {"pattern": "user:{user_id}:inbox"},
]
DENIED = error("not_allowed", "Not allowed")
ADMIN, MODERATOR = ["admin"], ["moderator"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    config = {"server": {"workers": 4}, "limits": ROOMY, "listen": PLAIN, "channels": CHANNELS,
              "messages": {"say": {"publish": "room:typed", "data": "/text"}, "quiet": {
                  "publish": "room:typed", "data": "/text", "on_violation": "drop"}}}
    with GatewardServer(tmp_path_factory.mktemp("house"), config) as running:
        yield running


def enter(house, user, roles=("user",)):
    return RawWebSocket.login(house, user, list(roles))


def subscribe(ws, channel):
    put(ws, {"type": "subscribe", "channel": channel})
    assert ws.recv_until_type("subscribed")["channel"] == channel


def publish(ws, channel):
    return ask(ws, {"type": "publish", "channel": channel, "data": "loud"})


def order(house, roles, message, user="mod"):
    with enter(house, user, roles) as ws:
        return ask(ws, message)


def mute(house, channel, user="bob", roles=MODERATOR, **more):
    return order(house, roles, {"type": "mute", "channel": channel, "user": user, "seconds": 600, **more})


def test_a_muted_user_is_muted_on_whatever_connection_it_comes_back(house):
    with enter(house, "eve") as eve:
        subscribe(eve, "room:back")
        assert mute(house, "room:back")["type"] == "muted"
        for _ in range(24):     # the kernel spreads them over the workers
            with enter(house, "bob") as bob:
                assert publish(bob, "room:back")["code"] == "muted"
        with enter(house, "bob") as bob:    # another token of the same user, with other roles
            put(bob, {"type": "auth", "token": house.token("bob", roles=("moderator",))})
            bob.recv_until_type("welcome")
            assert publish(bob, "room:back")["code"] == "muted"
        assert is_quiet(eve)


def test_no_other_message_and_no_other_spelling_speaks_for_the_muted(house):
    with enter(house, "eve") as eve, enter(house, "bob") as bob:
        subscribe(eve, "room:typed")
        assert mute(house, "room:typed")["type"] == "muted"
        for text in ('{"type":"publish","channel":"room:typed","data":1}',
                     '{"type":"publish","channel":"\\u0072oom\\u003atyped","data":1}',
                     '{"data":1,"channel":"room:type\\u0064","type":"pub\\u006cish"}',
                     '{"type":"say","text":"x"}', '{"type":"quiet","text":"x"}'):
            assert ask(bob, text).get("code") == "muted", text
        # Another case is another channel, and an odd spelling is none.
        assert publish(bob, "room:TYPED")["type"] == "ack"
        for odd in ("room:typed ", "room:typed\u0000", "room%3Atyped", "ROOM:typed", "room:typed:", "room::typed", "room:ｔyped"):
            assert publish(bob, odd)["code"] in ("schema", "not_allowed"), odd
        assert is_quiet(eve)


def test_a_mute_that_races_with_messages_lets_none_through_afterwards(house):
    """From all workers at once: once the moderator has its answer, nothing of the muted user arrives any more."""
    stop, writers = threading.Event(), []

    def write():
        with enter(house, "racer") as ws:
            while not stop.is_set():
                publish(ws, "many:race")
    with enter(house, "eve") as eve, enter(house, "mod", MODERATOR) as mod:
        subscribe(eve, "many:race")
        writers = [threading.Thread(target=write) for _ in range(6)]
        for one in writers:
            one.start()
        try:
            assert eve.recv_json()["from"] == {"user": "racer"}
            assert ask(mod, {"type": "mute", "channel": "many:race", "user": "racer", "seconds": 600})["type"] == "muted"
            time.sleep(0.3)     # what was on its way arrives
            put(eve, {"type": "ping", "id": "then"})
            eve.recv_until_type("pong")
            time.sleep(0.5)
            assert is_quiet(eve)
        finally:
            stop.set()
            for one in writers:
                one.join()


def test_a_kick_that_races_with_subscribing_keeps_the_user_out(house):
    stop = threading.Event()

    def insist():
        with enter(house, "sticky") as ws:
            while not stop.is_set():
                put(ws, {"type": "subscribe", "channel": "room:sticky"})
                ws.recv_json()
    insisting = [threading.Thread(target=insist) for _ in range(6)]
    for one in insisting:
        one.start()
    try:
        with enter(house, "mod", MODERATOR) as mod:
            time.sleep(0.3)
            assert ask(mod, {"type": "kick", "channel": "room:sticky", "user": "sticky", "seconds": 600})["type"] == "kicked"
            for _ in range(5):
                assert ask(mod, {"type": "presence", "channel": "room:sticky"})["users"] == []
                time.sleep(0.05)
    finally:
        stop.set()
        for one in insisting:
            one.join()


@pytest.mark.parametrize("message", [
    {"type": "kick", "user": "eve"}, {"type": "kick", "user": "eve", "seconds": 5}, {"type": "kick", "connection": "A" * 22},
    {"type": "mute", "user": "eve", "seconds": 5}, {"type": "unmute", "user": "eve"}, {"type": "close_channel"},
    {"type": "close_channel", "seconds": 5}])
def test_who_may_not_moderate_gets_the_one_answer_and_nothing_happens(house, message):
    with enter(house, "eve") as eve, enter(house, "bob") as bob, enter(house, "mod", MODERATOR) as mod:
        for channel in ("room:plain", "room:never-there", "nowhere", "user:eve:inbox", "strict:a"):
            assert ask(bob, {**message, "channel": channel}) == DENIED
        for channel in ("strict:a", "nowhere", "user:eve:inbox"):
            assert ask(mod, {**message, "channel": channel}) == DENIED
        subscribe(eve, "room:plain")
        assert publish(eve, "strict:a")["type"] == "ack" and is_quiet(eve)


def test_a_moderator_cannot_reach_an_administrator(house):
    with enter(house, "root", ADMIN) as root, enter(house, "mod", MODERATOR) as mod:
        subscribe(root, "room:root")
        for message in ({"type": "kick", "user": "root"}, {"type": "kick", "user": "root", "seconds": 600},
                        {"type": "mute", "user": "root", "seconds": 600}):
            assert ask(mod, {**message, "channel": "room:root"}) == DENIED
        put(root, {"type": "publish", "channel": "room:root", "data": "loud"})      # it still listens and speaks
        assert sorted(root.recv_json()["type"] for _ in range(2)) == ["ack", "message"]
        assert is_quiet(root)
        # Put while it was away, it does not wait for its return either.
        assert mute(house, "room:away", "boss")["type"] == "muted"
        with enter(house, "boss", ADMIN) as boss:
            assert publish(boss, "room:away")["type"] == "ack"
        with enter(house, "boss") as boss:      # the same name without the role
            assert publish(boss, "room:away")["code"] == "muted"
        # By one of their own they are.
        assert mute(house, "room:root", "root", ADMIN)["type"] == "muted"
        assert publish(root, "room:root")["code"] == "muted"
        events = house.events("kicked", user="root")
        assert events and all((e["outcome"], e["code"]) == ("refused", "is_admin") for e in events)


def test_a_moderator_cannot_undo_what_an_administrator_did(house):
    assert mute(house, "room:firm", roles=ADMIN)["type"] == "muted"
    assert order(house, MODERATOR, {"type": "unmute", "channel": "room:firm", "user": "bob"}) == DENIED
    assert mute(house, "room:firm", seconds=1) == DENIED
    assert order(house, ADMIN, {"type": "close_channel", "channel": "room:shut", "seconds": 600})["type"] == "channel_closed"
    assert order(house, MODERATOR, {"type": "close_channel", "channel": "room:shut", "seconds": 1}) == DENIED
    with enter(house, "bob") as bob:
        assert publish(bob, "room:firm")["code"] == "muted"
        assert publish(bob, "room:shut")["code"] == "channel_closed"


@pytest.mark.parametrize("kind", ["mute", "kick"])
def test_a_muted_or_kicked_moderator_moderates_there_no_more(house, kind):
    channel, name = f"room:fallen-{kind}", f"fallen-{kind}"
    assert order(house, MODERATOR, {"type": kind, "channel": channel, "user": name, "seconds": 600})["channel"] == channel
    with enter(house, name, MODERATOR) as fallen:
        for message in ({"type": "unmute", "user": name}, {"type": "mute", "user": name, "seconds": 1},
                        {"type": "kick", "user": name, "seconds": 1}, {"type": "kick", "user": "mod"}, {"type": "close_channel"}):
            assert ask(fallen, {**message, "channel": channel})["code"] == {"mute": "muted", "kick": "kicked"}[kind]
        assert ask(fallen, {"type": "mute", "channel": "room:elsewhere", "user": "x", "seconds": 1})["type"] == "muted"


def test_a_flood_of_mutes_is_bounded_told_and_leaves_the_others_room(house):
    before = house.rss_kib()
    with enter(house, "mod", MODERATOR) as mod, enter(house, "bob") as bob:
        assert ask(mod, {"type": "mute", "channel": "many:flood", "user": "bob", "seconds": 600})["type"] == "muted"
        kinds = []
        for start in range(0, 1500, 100):
            for n in range(start, start + 100):
                put(mod, {"type": "mute", "channel": "many:flood", "user": f"nobody{n}", "seconds": 600})
            for _ in range(100):
                answer = mod.recv_json()
                kinds.append(answer.get("code", answer["type"]))
        assert set(kinds) == {"muted", "sanctions_full"} and kinds.count("muted") == 1023
        # None was forgotten for it, and it is that channel's affair alone.
        assert publish(bob, "many:flood")["code"] == "muted"
        assert ask(mod, {"type": "mute", "channel": "many:else", "user": "bob", "seconds": 600})["type"] == "muted"
        assert ask(mod, {"type": "unmute", "channel": "many:flood", "user": "nobody0"})["type"] == "unmuted"
    assert house.rss_kib() - before < 64 * 1024


def test_names_of_strangers_stay_within_their_line_of_the_log(house):
    with enter(house, "mod", MODERATOR) as mod:
        for user in ("a\nb", 'a"', "a\u2028b", "é"):
            answer = ask(mod, {"type": "mute", "channel": "room:log", "user": user, "seconds": 1})
            assert (answer["code"], "'user'" in answer["message"]) == ("schema", True)
    assert all(json.dumps(e) for e in house.events("muted"))
