# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the whole configuration is read again; all of it comes into force, or nothing. Nobody loses a connection by it."""
import json
import secrets
import threading
import time

import pytest

from askable import Askable
from gateward_server import SANITIZER_ENV, Changing, merged
from internal_api import ORIGIN, InternalApi, internal_config
from raw_client import Ended, RawWebSocket
from talk import ROOMY, ask, closed_with, is_quiet

WORKERS = 4


@pytest.fixture
def server(tmp_path):
    with Changing(tmp_path, {"server": {"workers": WORKERS}, "limits": ROOMY}) as running:
        yield running


def refusal(server, status, **kwargs):
    with RawWebSocket.open(server, expect=status, **kwargs) as ws:
        return json.loads(ws.response.body)["error"]["code"]


def test_a_rule_that_is_taken_away_ends_subscriptions_on_all_workers(server):
    everyone = [RawWebSocket.login(server, "u%d" % i) for i in range(24)]
    for ws in everyone:
        assert ask(ws, {"type": "subscribe", "channel": "private:room-1"})["type"] == "subscribed"
        assert ask(ws, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"
    rules = [r for r in server.config["channels"] if not r["pattern"].startswith("private")]
    event = server.reload({"channels": [*rules, {"pattern": "news:{id}"}]})
    assert event["count"] > 0
    time.sleep(0.3)
    api = RawWebSocket.login(server, "admin", ["admin"])
    assert ask(api, {"type": "publish", "channel": "private:room-1", "data": 1})["code"] == "not_allowed"
    assert ask(api, {"type": "publish", "channel": "public:chat", "data": "still here"})["type"] == "ack"
    for ws in everyone:
        assert ws.recv_json()["data"] == "still here"
        assert ask(ws, {"type": "subscribe", "channel": "private:room-1"})["code"] == "not_allowed"
        assert ask(ws, {"type": "subscribe", "channel": "news:today"})["type"] == "subscribed"
        ws.close()
    api.close()
    assert "reload: channels[" in server.stderr_text()


def test_a_role_s_permissions_change_for_those_who_are_here(server):
    with RawWebSocket.login(server) as ws:
        assert ask(ws, {"type": "publish", "channel": "public:chat", "data": 1})["type"] == "ack"
        server.reload({"roles": {"user": ["read"]}})
        deadline = time.monotonic() + 1
        while ask(ws, {"type": "publish", "channel": "public:chat", "data": 1})["type"] == "ack" and time.monotonic() < deadline:
            pass
        assert ask(ws, {"type": "publish", "channel": "public:chat", "data": 1})["code"] == "not_allowed"


def test_origins_hosts_and_timeouts(server):
    new = "https://new.example.com"
    assert refusal(server, 403, origin=new) == "origin_not_allowed"
    assert refusal(server, 421, host="later.example.com") == "host_unknown"
    server.reload({"origins": [new], "hosts": ["localhost", "later.example.com"], "auth": {"timeout": "300ms"}})
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        with RawWebSocket.open(server, origin=new, expect=None) as ws:
            if ws.response.status == 101:
                break
    for _ in range(8):
        with RawWebSocket.open(server, origin=new, host="later.example.com") as ws:
            assert ws.recv_close(2) == (1008, "Authentication timeout")
        assert refusal(server, 403, origin=ORIGIN) == "origin_not_allowed"


def test_limits_reach_those_who_are_here(server):
    with RawWebSocket.login(server) as ws:
        assert is_quiet(ws)
        server.reload({"limits": {"messages": {"per_minute": 2}, "message_size": "1KiB"}})
        time.sleep(0.2)
        got = [ask(ws, {"type": "ping"}).get("code", "pong") for _ in range(4)]
        assert "rate_limited" in got, got
        ws.send_text("x" * 1025)
        assert ws.recv_close()[0] == 1009


def test_message_types_come_and_go(server):
    shout = {"schema": {"type": "object", "required": ["text"], "properties": {"type": True, "id": True, "text": {"type": "string"}},
                        "additionalProperties": False}, "publish": "public:chat"}
    with RawWebSocket.login(server) as ws:
        assert ask(ws, {"type": "shout", "text": "a"})["code"] == "unknown_type"
        server.reload({"messages": {"shout": shout}})
        deadline = time.monotonic() + 1
        while ask(ws, {"type": "shout", "text": "a"})["type"] != "ack" and time.monotonic() < deadline:
            pass
        assert ask(ws, {"type": "shout", "text": 5})["code"] == "schema"
        assert ask(ws, {"type": "shout", "text": "b"})["type"] == "ack"
        server.reload({"messages": {"shout": {**shout, "permission": "admin"}}})
        time.sleep(0.2)
        assert ask(ws, {"type": "shout", "text": "c"})["code"] == "not_allowed"


def test_routes_come_and_go(server):
    server.reload({"routes": [{"path": "/ws"}, {"path": "/second"}]})
    with RawWebSocket.login(server, path="/second") as second, RawWebSocket.login(server) as first:
        server.reload({"routes": [{"path": "/third"}, {"path": "/ws"}]})
        closed_with(second, 1012, "Route removed")
        assert is_quiet(first)
        assert refusal(server, 404, path="/second") == "not_found"
        with RawWebSocket.login(server, path="/third") as third:
            assert is_quiet(third)
        server.reload({"routes": [{"path": "/ws", "auth": ["jwt"]}]})
        assert is_quiet(first)


def test_a_changed_secret_counts_for_new_logins(server):
    old = server.token()
    with RawWebSocket.login(server) as ws:
        server.secret = secrets.token_hex(32).encode()
        server._write("jwt.secret", server.secret)
        server.reload()
        assert is_quiet(ws)
        for _ in range(2 * WORKERS):
            with RawWebSocket.open(server) as other:
                other.send_json({"type": "auth", "token": old})
                closed_with(other, 1008, "Authentication failed")
            RawWebSocket.login(server).close()


BROKEN = {
    "not yaml": "listen: [\n",
    "unknown key": None,
    "a secret that is gone": None,
}


@pytest.mark.parametrize("case", BROKEN)
def test_with_any_fault_everything_stays(server, case):
    good = server.config
    if case == "unknown key":
        server.config = merged(good, {"origns": [], "origins": ["https://new.example.com"]})
    elif case == "a secret that is gone":
        server.config = merged(good, {"auth": {"jwt": [{"algorithms": ["HS256"], "secret": {"file": "gone"}, "issuer": None,
                                                        "audience": None}]}, "origins": ["https://new.example.com"]})
    server.text = BROKEN[case]
    server.write_config()
    with RawWebSocket.login(server) as ws:
        event = server.reload(outcome="error")
        assert event["detail"].startswith("line ") and "reload refused, everything stays as it was" in server.stderr_text()
        assert is_quiet(ws)
        RawWebSocket.login(server, origin=ORIGIN).close()
        assert refusal(server, 403, origin="https://new.example.com") == "origin_not_allowed"
        server.text, server.config = None, good
        server.reload({"origins": ["https://new.example.com"]})
        RawWebSocket.login(server, origin="https://new.example.com").close()
        assert is_quiet(ws)


@pytest.mark.parametrize("key, changes", [
    ("server.workers", {"server": {"workers": 2}}),
    ("listen[1].address", {"listen": [{"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key"}},
                                      {"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key"}}]}),
    ("limits.connections.total", {"limits": {"connections": {"total": 7}}}),
    ("auth.sessions.store", {"auth": {"sessions": {"store": "memory"}}}),
    ("internal.address", {"internal": {"address": "127.0.0.1:0"}}),
    ("log.events", {"log": {"events": "other.jsonl"}}),
])
def test_what_takes_a_restart_is_named_and_nothing_changes(server, key, changes):
    event = server.reload({**changes, "origins": ["https://new.example.com"]}, outcome="error")
    assert "cannot change without a restart" in event["detail"], event
    assert key in event["detail"] or key in server.stderr_text(), event
    assert refusal(server, 403, origin="https://new.example.com") == "origin_not_allowed"
    RawWebSocket.login(server).close()


def test_a_signal_at_the_very_start_is_not_lost(tmp_path):
    """It says where it listens before its workers run: a HUP in between waits for them."""
    for i in range(6):
        folder = tmp_path / str(i)
        folder.mkdir()
        with Changing(folder, {"server": {"workers": WORKERS}}) as starting:
            starting.reload({"origins": ["https://new.example.com"]})
            assert refusal(starting, 403, origin="https://old.example.com") == "origin_not_allowed"
            RawWebSocket.login(starting, origin="https://new.example.com").close()


def test_names_of_roles_stay(server):
    event = server.reload({"roles": {"newcomer": ["read"]}}, outcome="error")
    assert "names of roles" in event["detail"]


def test_what_is_asked_online_goes_on(tmp_path):
    tokens = {}
    secret = tmp_path / "client.secret"
    secret.touch(0o600)
    secret.write_text(secrets.token_urlsafe(32))

    def answer(request):
        return 200, tokens.get(request.form().get("token"), {"active": False})

    with Askable(answer) as provider:
        auth = {"sessions": {"store": "memory"},
                "oauth2": {"introspection_url": provider.url, "client_id": "g", "client_secret": {"file": str(secret)},
                           "issuer": None, "audience": None, "cache": "1s", "recheck": "1s"}}
        config = internal_config(tmp_path, 2, scopes={"ops": ["sessions", "tickets", "revoke"]}, auth=auth)
        with Changing(tmp_path, config) as server:
            api = InternalApi(server)
            token = secrets.token_urlsafe(32)
            tokens[token] = {"active": True, "sub": "alice", "exp": int(time.time()) + 600}
            session = api.post("/api/sessions", {"user": "bob", "roles": ["user"]})[1]["session"]

            def enter():
                csrf = api.post("/api/csrf", {"session": session, "origin": ORIGIN})[1]["csrf"]
                ws = RawWebSocket.open(server, path="/ws?csrf=" + csrf, origin=ORIGIN, headers=[("Cookie", "__Host-session=" + session)])
                assert ws.recv_json()["user"] == "bob"
                return ws

            with RawWebSocket.login(server, token=token) as opaque, enter() as by_cookie:
                for i in range(3):
                    server.reload({"channels": [{"pattern": "round-%d" % i}]})
                    RawWebSocket.login(server, token=token).close()
                    enter().close()
                    assert is_quiet(opaque) and is_quiet(by_cookie)
                tokens[token] = {"active": False}
                assert opaque.recv_close(6) == (4001, "Access revoked")
                assert api.post("/api/sessions/end", {"session": session})[0] == 200
                closed_with(by_cookie, 4001, "Session ended")


def test_a_hundred_reloads_under_load_lose_nothing(tmp_path):
    config = {"server": {"workers": 2}, "limits": ROOMY, "listen": [{"address": "127.0.0.1:0"}]}
    environment = {"ASAN_OPTIONS": SANITIZER_ENV["ASAN_OPTIONS"] + ":quarantine_size_mb=1"}     # freed memory is not kept
    with Changing(tmp_path, config, environment=environment) as server:
        receivers = [RawWebSocket.login(server, "r%d" % i) for i in range(4)]
        for ws in receivers:
            assert ask(ws, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"
        sender = RawWebSocket.login(server, "sender")
        got = [[] for _ in receivers]
        done = threading.Event()

        def listen(ws, into):
            try:
                while not into or into[-1] != "end":
                    into.append(ws.recv_json(20)["data"])
            except (Ended, TimeoutError) as e:
                into.append(repr(e))

        threads = [threading.Thread(target=listen, args=pair) for pair in zip(receivers, got)]
        for t in threads:
            t.start()
        sent = 0

        def talk():
            nonlocal sent
            start = time.monotonic()
            while not done.is_set():
                for _ in range(10):
                    sender.send_json({"type": "publish", "channel": "public:chat", "data": sent})
                    sent += 1
                for _ in range(10):
                    assert sender.recv_json()["type"] == "ack"
                time.sleep(max(0.0, start + sent / 1000 - time.monotonic()))
            sender.send_json({"type": "publish", "channel": "public:chat", "data": "end"})

        talker = threading.Thread(target=talk)
        talker.start()
        server.reload()
        memory, fds = server.rss_kib(), server.fd_count()
        for i in range(100):
            server.reload({"channels": [{"pattern": "public:chat"}, {"pattern": "round-%d" % i}], "timeouts": {"ping": "%ds" % (20 + i % 5)}})
        done.set()
        talker.join()
        for t in threads:
            t.join()
        assert all(g == [*range(sent), "end"] for g in got), [g[-3:] for g in got]
        assert sent > 300 and server.fd_count() <= fds + 2
        assert server.rss_kib() < memory + 48 * 1024
        for ws in [*receivers, sender]:
            ws.close()
