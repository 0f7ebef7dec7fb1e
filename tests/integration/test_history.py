# SPDX-License-Identifier: Apache-2.0
"""Channels that keep their last messages: pushes with offsets, asking, and coming back without a gap or being told that it cannot be."""
import signal
import threading
import time

import pytest

from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, error, is_quiet, put

CHANNELS = [
    {"pattern": "room:{id}", "history": {"messages": 5}},
    {"pattern": "long:{id}", "history": {"messages": 2000}},
    {"pattern": "short:{id}", "history": {"messages": 5, "ttl": "1s"}},
    {"pattern": "user:{user_id}:inbox", "history": {"messages": 5}},
    {"pattern": "closed:{id}", "history": {"messages": 5}, "needs": {"history": "admin"}},
    {"pattern": "plain"},
]


def config(**limits):
    return {"server": {"workers": 4}, "limits": {**ROOMY, **limits}, "listen": PLAIN, "channels": CHANNELS}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("house"), config()) as running:
        yield running


def subscribe(ws, channel, **since):
    put(ws, {"type": "subscribe", "channel": channel, **({"since": since} if since else {})})
    return ws.recv_until_type("subscribed")


def publish(ws, channel, *values):
    """All of them, each acknowledged; pushes in between are left out."""
    for value in values:
        put(ws, {"type": "publish", "channel": channel, "data": value})
        assert ws.recv_until_type("ack")["channel"] == channel


def pushed(channel, value, offset, user="alice"):
    return {"type": "message", "channel": channel, "data": value, "from": {"user": user}, "offset": offset}


def history(ws, channel, **more):
    put(ws, {"type": "history", "channel": channel, **more})
    return ws.recv_until_type("history")


def offsets(answer):
    return [m["offset"] for m in answer["messages"]]


def test_pushes_carry_growing_offsets_and_the_place_is_told(house):
    with RawWebSocket.login(house) as ws, RawWebSocket.login(house, "bob") as other:
        start = subscribe(ws, "room:offsets")
        assert start["offset"] == 0 and len(start["epoch"]) == 16
        publish(other, "room:offsets", "a", {"b": [1]}, None)
        assert [ws.recv_json() for _ in range(3)] == [pushed("room:offsets", "a", 1, "bob"),
                                                      pushed("room:offsets", {"b": [1]}, 2, "bob"),
                                                      pushed("room:offsets", None, 3, "bob")]
        assert subscribe(other, "room:offsets") == {"type": "subscribed", "channel": "room:offsets",
                                                    "epoch": start["epoch"], "offset": 3}
        assert is_quiet(ws) and is_quiet(other)


def test_a_channel_without_history_is_as_it_was(house):
    with RawWebSocket.login(house) as ws:
        assert subscribe(ws, "plain") == {"type": "subscribed", "channel": "plain"}
        assert ask(ws, {"type": "publish", "channel": "plain", "data": 1}) == {
            "type": "message", "channel": "plain", "data": 1, "from": {"user": "alice"}}
        ws.recv_until_type("ack")
        assert ask(ws, {"type": "history", "channel": "plain"}) == error("no_history", "This channel keeps no history")
        # What cannot be resumed says so, and goes on from now.
        put(ws, {"type": "unsubscribe", "channel": "plain"})
        ws.recv_until_type("unsubscribed")
        assert subscribe(ws, "plain", epoch="0" * 16, offset=3)["recovered"] is False


def test_the_last_messages_can_be_asked_for(house):
    with RawWebSocket.login(house) as ws:
        publish(ws, "room:ask", *range(1, 8))
        answer = history(ws, "room:ask", id=9)
        assert answer == {"type": "history", "channel": "room:ask", "epoch": answer["epoch"], "offset": 7, "id": 9,
                          "messages": [pushed("room:ask", n, n) for n in range(3, 8)]}
        assert offsets(history(ws, "room:ask", limit=2)) == [6, 7]
        page = history(ws, "room:ask", limit=2, since={"epoch": answer["epoch"], "offset": 3})
        assert offsets(page) == [4, 5] and page["recovered"] is True and page["more"] is True
        page = history(ws, "room:ask", limit=2, since={"epoch": answer["epoch"], "offset": 5})
        assert offsets(page) == [6, 7] and page["more"] is False
        for lost in ({"epoch": answer["epoch"], "offset": 1}, {"epoch": "f" * 16, "offset": 6},
                     {"epoch": answer["epoch"], "offset": 8}):
            page = history(ws, "room:ask", since=lost)
            assert (page["recovered"], page["more"], page["messages"], page["offset"]) == (False, False, [], 7)
        assert history(ws, "room:never")["messages"] == []


@pytest.mark.parametrize("bad, field", [({"limit": 0}, "limit"), ({"limit": 10001}, "limit"), ({"limit": "5"}, "limit"),
                                        ({"limit": 1.5}, "limit"), ({"since": 5}, "since"), ({"since": {}}, "since"),
                                        ({"since": {"epoch": "a"}}, "since"), ({"since": {"epoch": 1, "offset": 1}}, "since"),
                                        ({"since": {"epoch": "a", "offset": -1}}, "since"),
                                        ({"since": {"epoch": "a", "offset": 1 << 70}}, "since")])
def test_malformed_questions_are_refused(house, bad, field):
    with RawWebSocket.login(house) as ws:
        answer = ask(ws, {"type": "history", "channel": "room:bad", **bad})
        assert (answer["type"], answer["code"]) == ("error", "schema") and f"'{field}'" in answer["message"]
        if field == "since":
            assert ask(ws, {"type": "subscribe", "channel": "room:bad", **bad})["code"] == "schema"


def test_history_needs_its_own_permission(house):
    refused = error("not_allowed", "Not allowed")
    with RawWebSocket.login(house) as ws, RawWebSocket.login(house, "root", ["admin"]) as root:
        assert ask(ws, {"type": "history", "channel": "closed:a"}) == refused
        assert ask(ws, {"type": "history", "channel": "user:bob:inbox"}) == refused
        assert ask(ws, {"type": "history", "channel": "nowhere"}) == refused
        place = subscribe(ws, "closed:a")
        publish(root, "closed:a", 1)
        assert ws.recv_json() == pushed("closed:a", 1, 1, "root")
        put(ws, {"type": "unsubscribe", "channel": "closed:a"})
        ws.recv_until_type("unsubscribed")
        publish(root, "closed:a", 2)
        # Coming back by `since` would show what it may not ask for.
        back = subscribe(ws, "closed:a", epoch=place["epoch"], offset=1)
        assert (back["recovered"], back["offset"]) == (False, 2) and is_quiet(ws)
        assert offsets(history(root, "closed:a")) == [1, 2]


def test_who_comes_back_gets_what_was_missed_first_and_then_what_is_new(house):
    with RawWebSocket.login(house, "bob") as writer:
        with RawWebSocket.login(house) as ws:
            epoch = subscribe(ws, "room:back")["epoch"]
            publish(writer, "room:back", 1, 2)
            assert [ws.recv_json()["offset"] for _ in range(2)] == [1, 2]
        publish(writer, "room:back", 3, 4)
        with RawWebSocket.login(house) as ws:
            assert subscribe(ws, "room:back", epoch=epoch, offset=2) == {
                "type": "subscribed", "channel": "room:back", "epoch": epoch, "offset": 4, "recovered": True}
            publish(writer, "room:back", 5)
            assert [ws.recv_json()["offset"] for _ in range(3)] == [3, 4, 5] and is_quiet(ws)
        publish(writer, "room:back", *range(6, 12))
        with RawWebSocket.login(house) as ws:
            back = subscribe(ws, "room:back", epoch=epoch, offset=5)
            assert (back["recovered"], back["offset"]) == (False, 11) and is_quiet(ws)
            publish(writer, "room:back", 12)
            assert ws.recv_json()["offset"] == 12
        with RawWebSocket.login(house) as ws:
            assert subscribe(ws, "room:back", epoch="0" * 16, offset=12)["recovered"] is False
        with RawWebSocket.login(house) as ws:
            assert subscribe(ws, "room:back", epoch=epoch, offset=13)["recovered"] is False


def test_messages_are_gone_when_their_time_is_over(house):
    with RawWebSocket.login(house) as ws:
        epoch = subscribe(ws, "short:a")["epoch"]
        publish(ws, "short:a", 1)
        assert offsets(history(ws, "short:a")) == [1]
        deadline = time.monotonic() + 10
        while offsets(history(ws, "short:a")) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert offsets(history(ws, "short:a")) == []
    with RawWebSocket.login(house) as ws:
        assert subscribe(ws, "short:a", epoch=epoch, offset=0)["recovered"] is False
    with RawWebSocket.login(house) as ws:
        assert subscribe(ws, "short:a", epoch=epoch, offset=1)["recovered"] is True


def test_a_resume_larger_than_the_queue_is_refused_and_paged_instead(tmp_path):
    limits = {"queue": {"size": "128KiB"}, "message_size": "64KiB"}
    with GatewardServer(tmp_path, config(**limits)) as server:
        with RawWebSocket.login(server) as ws:
            epoch = history(ws, "long:big")["epoch"]
            publish(ws, "long:big", *["x" * 40000] * 10)
            back = subscribe(ws, "long:big", epoch=epoch, offset=0)
            assert (back["recovered"], back["offset"]) == (False, 10) and is_quiet(ws)
            at, seen = 0, []
            while True:
                page = history(ws, "long:big", limit=10000, since={"epoch": epoch, "offset": at})
                assert page["recovered"] is True and len(page["messages"]) < 10
                seen += offsets(page)
                at = seen[-1]
                if not page["more"]:
                    break
            assert seen == list(range(1, 11))


def test_memory_is_bounded_over_all_channels(tmp_path):
    """A flood of channels throws out the one used least recently: then `since` says that it cannot."""
    with GatewardServer(tmp_path, config(history={"size": "256KiB", "channel_size": "64KiB"})) as server:
        with RawWebSocket.login(server) as ws:
            publish(ws, "room:old", 1)
            old = history(ws, "room:old")
            for n in range(300):
                publish(ws, f"room:flood{n}", "x" * 4000)
            back = subscribe(ws, "room:old", epoch=old["epoch"], offset=1)
            assert back["recovered"] is False and back["epoch"] != old["epoch"] and back["offset"] == 0
            publish(ws, "long:one", *["x" * 4000] * 100)
            kept = offsets(history(ws, "long:one", limit=10000))
            assert kept[-1] == 100 and 4 <= len(kept) <= 16


def test_a_reload_that_changes_what_is_kept_forgets_it(tmp_path):
    with GatewardServer(tmp_path, config()) as server:
        with RawWebSocket.login(server) as ws:
            place = subscribe(ws, "room:reload")
            publish(ws, "room:reload", 1)
            for history_of_room in ({"messages": 6}, None, {"messages": 6}):
                first = {"pattern": "room:{id}", **({"history": history_of_room} if history_of_room else {})}
                server.config["channels"] = [first, *CHANNELS[1:]]
                server.write_config()
                reloads = len(server.events("reload"))
                server.signal(signal.SIGHUP)
                assert server.wait_for_event("reload", count=reloads + 1)["outcome"] == "ok"
            publish(ws, "room:reload", 2)
            answer = history(ws, "room:reload")
            assert (answer["epoch"] != place["epoch"], offsets(answer)) == (True, [1])
        with RawWebSocket.login(server) as ws:
            assert subscribe(ws, "room:reload", epoch=place["epoch"], offset=1)["recovered"] is False


class Listener(threading.Thread):
    """Comes, listens for a while, breaks off, comes back with the place it had reached."""

    def __init__(self, house, channel, name, stop):
        super().__init__()
        self.house, self.channel, self.name, self.stopping = house, channel, name, stop
        self.seen, self.lost, self.visits, self.fault = [], 0, 0, None

    def run(self):
        try:
            epoch, at = None, 0
            while not self.stopping.is_set():
                epoch, at = self.visit(epoch, at)
            self.visit(epoch, at, 1.0)
        except Exception as fault:  # noqa: BLE001: told by the test
            self.fault = fault

    def visit(self, epoch, at, quiet=None):
        with RawWebSocket.login(self.house, self.name) as ws:
            place = subscribe(ws, self.channel, **({"epoch": epoch, "offset": at} if epoch else {}))
            if epoch and not place["recovered"]:
                self.lost += 1
            if not epoch:
                at = place["offset"]
            self.visits += 1
            wanted = 20 + len(self.seen) % 40
            while quiet or wanted > 0:
                try:
                    message = ws.recv_json(quiet or 2.0)
                except TimeoutError:
                    break
                if message["type"] != "message":
                    continue
                assert message["offset"] == at + 1, f"{message['offset']} behind {at}"
                at = message["offset"]
                self.seen.append((message["from"]["user"], message["data"]))
                wanted -= 1
        return place["epoch"], at


def test_no_gap_and_nothing_twice_while_others_publish_on_other_workers(house):
    stop, writers, listeners = threading.Event(), [], []
    counts = {}

    def write(name):
        with RawWebSocket.login(house, name) as ws:
            for n in range(400):
                publish(ws, "long:race", n)
                counts[name] = n + 1

    for n in range(6):
        listeners.append(Listener(house, "long:race", f"listener{n}", stop))
        listeners[-1].start()
    for n in range(4):
        writers.append(threading.Thread(target=write, args=(f"writer{n}",)))
        writers[-1].start()
    for thread in writers:
        thread.join(120)
    stop.set()
    for listener in listeners:
        listener.join(60)
        assert listener.fault is None and not listener.is_alive(), listener.fault
    assert counts == {f"writer{n}": 400 for n in range(4)}
    for listener in listeners:
        assert listener.lost == 0 and listener.visits > 2
        for n in range(4):      # each writer's in its order, to its last
            numbers = [data for user, data in listener.seen if user == f"writer{n}"]
            assert numbers == list(range(400 - len(numbers), 400))
