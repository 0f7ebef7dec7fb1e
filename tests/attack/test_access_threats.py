# SPDX-License-Identifier: Apache-2.0
"""What is tried to get at channels of others: names that mean something elsewhere, a neighbour's rooms by number, and a
configuration that is broken while the server runs, which must never be read as "everything is allowed"."""
import os
import resource
import signal
import subprocess
import unicodedata

import pytest

from attack_tools import PLAIN, ROOMY
from gateward_server import SANITIZER_ENV, GatewardServer
from raw_client import Ended, RawWebSocket
from talk import ask, is_quiet

LIMITS = {**ROOMY, "messages": {"per_minute": 1000000, "per_hour": 10000000}}


@pytest.fixture
def server(tmp_path):
    with GatewardServer(tmp_path, {"listen": PLAIN, "limits": LIMITS}) as running:
        yield running


# --- names

HOSTILE = ["*", "#", "+", "a:b", "{user_id}", "{room_id}", "..", ".", "%2a", "ALICE", "alice:messages", "alice ", "\u0430lice",
           "al\u0131ce", "alice\u200b", "x" * 1024, unicodedata.normalize("NFD", "\u00e9"), unicodedata.normalize("NFC", "\u00e9")]


def test_no_name_of_a_user_opens_the_place_of_another(server):
    """C-G1, SC-51: a name is no pattern, whatever it would mean to another program."""
    places = ["user:%s:messages" % name for name in ["alice", "bob", "*", "#", "+", "..", "{user_id}", "a:b", "%2a", ""]]
    served = 0
    for name in HOSTILE:
        with RawWebSocket.open(server) as ws:
            ws.send_json({"type": "auth", "token": server.token(name)})
            try:
                assert ws.recv_json()["user"] == name
            except Ended as end:
                assert "1008" in str(end)
                continue
            served += 1
            for place in places:
                for kind in ("subscribe", "publish"):
                    assert ask(ws, {"type": kind, "channel": place, "data": 1})["code"] in ("not_allowed", "schema"), (name, place)
    assert served >= 1      # ALICE is a fine name; she is not alice
    with RawWebSocket.login(server, "alice") as alice:
        assert ask(alice, {"type": "subscribe", "channel": "user:alice:messages"})["type"] == "subscribed"


def test_two_tenants_get_nothing_of_each_other(start_server):
    """C-G6, SC-52: every verb at the rooms of the other, 1,000 times, while both use their own."""
    server = start_server({"listen": PLAIN, "limits": LIMITS, "channels": [
        {"pattern": "{user_id}:{room}", "allow": ["user"], "history": {"messages": 10}, "presence": True}]})
    with RawWebSocket.login(server, "red") as red, RawWebSocket.login(server, "blue") as blue:
        both = ((red, "red", "blue"), (blue, "blue", "red"))
        for ws, own, _ in both:
            assert ask(ws, {"type": "subscribe", "channel": own + ":hall"})["type"] == "subscribed"
        for i in range(500):
            for ws, own, other in both:
                room = "hall" if i % 8 < 4 else "room-%d" % i
                wrong = {"type": ("subscribe", "publish", "presence", "history", "unsubscribe")[i % 5], "channel": "%s:%s" % (other, room)}
                wrong.update({"data": i} if wrong["type"] == "publish" else {})
                answer = ask(ws, wrong)
                if wrong["type"] == "unsubscribe":      # the same for every channel in the world
                    assert answer == {"type": "unsubscribed", "channel": wrong["channel"]}
                else:
                    assert (answer["type"], answer["code"]) == ("error", "not_allowed"), (wrong, answer)
                ws.send_json({"type": "publish", "channel": own + ":hall", "data": [own, i]})
                got = [ws.recv_json(), ws.recv_json()]
                assert sorted(m["type"] for m in got) == ["ack", "message"]
                assert [m["data"] for m in got if m["type"] == "message"] == [[own, i]]
        assert is_quiet(red) and is_quiet(blue)


# --- a broken configuration

class Reloadable(GatewardServer):
    reloads = 0

    def refuses_to_reload(self):
        self.signal(signal.SIGHUP)
        self.reloads += 1
        event = self.wait_for_event("reload", count=self.reloads)
        assert event["outcome"] == "error", event

    def is_as_it_was(self):
        """Nobody gets in without a token, a guest gets no further than before, and an administrator does."""
        with RawWebSocket.open(self) as ws:
            ws.send_json({"type": "subscribe", "channel": "public:chat"})
            assert ws.recv_close() == (1008, "First message must be auth")
        with RawWebSocket.login(self, "guest", roles=["guest"]) as ws:
            assert ask(ws, {"type": "subscribe", "channel": "admin:logs"})["code"] == "not_allowed"
            assert ask(ws, {"type": "subscribe", "channel": "chat:mod-only"})["code"] == "not_allowed"
            assert ask(ws, {"type": "publish", "channel": "public:chat", "data": 1})["code"] == "not_allowed"
        with RawWebSocket.login(self, "root", roles=["admin"]) as ws:
            assert ask(ws, {"type": "subscribe", "channel": "admin:logs"})["type"] == "subscribed"

    def does_not_start(self):
        done = subprocess.run([self.binary, "serve", "-c", self.config_path], cwd=self.directory, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=20, env={**os.environ, **SANITIZER_ENV})
        assert done.returncode == 1 and done.stderr, done


@pytest.fixture
def reloadable(tmp_path):
    with Reloadable(tmp_path, {"listen": PLAIN, "limits": LIMITS}) as running:
        yield running


def rewritten(server, data):
    if os.path.isdir(server.config_path):
        os.rmdir(server.config_path)
    elif os.path.exists(server.config_path):
        os.remove(server.config_path)
    if data == "folder":
        os.mkdir(server.config_path)
    elif data is not None:
        server._write("gateward.yaml", data)


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"{}", b"channels: []\n", b"\0" * 100, os.urandom(500), None, "folder"],
                         ids=["empty", "comment", "object", "no-channels", "zeros", "noise", "missing", "folder"])
def test_a_configuration_that_is_no_more_opens_nothing(reloadable, data):
    """C-G4, SC-54: refused at a reload and at a start."""
    good = open(reloadable.config_path, "rb").read()
    rewritten(reloadable, data)
    reloadable.refuses_to_reload()
    reloadable.is_as_it_was()
    reloadable.does_not_start()
    rewritten(reloadable, good)


def test_a_configuration_that_was_cut_off_opens_nothing(reloadable):
    good = open(reloadable.config_path, "rb").read().rstrip()
    for cut in list(range(0, len(good) - 1, len(good) // 40)) + [len(good) - 1]:
        rewritten(reloadable, good[:cut])
        reloadable.refuses_to_reload()
    reloadable.is_as_it_was()
    rewritten(reloadable, good)


def test_a_reload_without_descriptors_opens_nothing(reloadable):
    before = resource.prlimit(reloadable.pid, resource.RLIMIT_NOFILE)
    taken = {int(n) for n in os.listdir("/proc/%d/fd" % reloadable.pid)}
    first_free = min(set(range(len(taken) + 1)) - taken)
    resource.prlimit(reloadable.pid, resource.RLIMIT_NOFILE, (first_free, before[1]))
    reloadable.refuses_to_reload()
    resource.prlimit(reloadable.pid, resource.RLIMIT_NOFILE, before)
    reloadable.is_as_it_was()


def test_a_secret_that_is_gone_opens_nothing(reloadable):
    good = open(reloadable.path("jwt.secret"), "rb").read()
    for secret in (b"", b"short", good[:20]):
        reloadable._write("jwt.secret", secret)
        reloadable.refuses_to_reload()
    os.remove(reloadable.path("jwt.secret"))
    reloadable.refuses_to_reload()
    reloadable._write("jwt.secret", good)
    reloadable.is_as_it_was()
