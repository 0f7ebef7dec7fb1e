# SPDX-License-Identifier: Apache-2.0
"""Looking over a running server through the internal API: reload, bans, sanctions, presence and history, on four workers."""
import json
import threading
import time

import pytest

from gateward_server import Changing, merged
from internal_api import InternalApi, code, internal_config
from raw_client import RawWebSocket
from talk import ROOMY, ask, put, run_gateward

WORKERS = 4
BEHIND_PROXY = [{"address": "127.0.0.1:0", "trusted_proxies": ["127.0.0.1", "203.0.113.200"]}]
CHANNELS = [{"pattern": "public:chat"}, {"pattern": "room:{tenant}:{id}", "presence": True, "history": {"messages": 50}}]
SCOPES = {"ops": ["reload", "bans", "moderate", "presence:room:*:*", "history:room:*:*"], "nobody": ["tickets"], "reload": ["reload"],
          "acme": ["presence:room:acme:*", "history:room:acme:*"], "watch": ["presence:room:*:*"]}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    config = {**internal_config(folder, WORKERS, address="unix:%s/api.sock" % folder, scopes=SCOPES, channels=CHANNELS, limits={**ROOMY, "bans": {"failures": 3}}),
              "auth": {"jwt": [{"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None,
                                "tenant_claim": "tenant"}]},
              "listen": BEHIND_PROXY}
    with Changing(folder, config) as running:
        running.api = InternalApi(running)
        yield running


@pytest.fixture
def enter(house):
    opened = []

    def enter(user, *channels, roles=("user",), tenant="acme"):
        ws = RawWebSocket.login(house, token=house.token(user, roles, tenant=tenant))
        opened.append(ws)
        for channel in channels:
            put(ws, {"type": "subscribe", "channel": channel})
            ws.recv_until_type("subscribed")
        return ws
    yield enter
    for ws in opened:
        ws.close()


def pages(api, path, **body):
    rows, name = [], path.rsplit("/", 1)[1]
    name = {"presence": "users"}.get(name, name)
    while True:
        status, answer = api.post(path, body)
        assert status == 200, answer
        rows += answer[name]
        if answer["next"] is None:
            return rows
        body["after"] = answer["next"]


def until(what, timeout=10.0):
    deadline = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


PATHS = ["/api/reload", "/api/bans", "/api/bans/add", "/api/bans/lift", "/api/sanctions", "/api/presence", "/api/history"]


def test_each_endpoint_wants_its_scope_and_post(house):
    for path in PATHS:
        assert code(house.api.post(path, {}, key="nobody")) == (403, "scope_missing"), path
        assert code(house.api.post(path, {}, key=None)) == (401, "invalid_key"), path
        assert code(house.api.request("GET", path)) == (405, "method_not_allowed"), path
        assert code(house.api.post(path, {"what": 1})) == (400, "unknown_field"), path
        assert code(house.api.post(path, b"[]")) == (400, "invalid_json"), path
        assert code(house.api.post(path + "?x=1", {})) == (400, "bad_request"), path


# --- reload

def test_a_reload_by_the_api_answers_with_what_has_changed(house):
    assert house.api.post("/api/reload", {}) == (200, {"changes": 0})
    house.config["timeouts"] = {"ping": "20s"}
    house.config["channels"] = [*CHANNELS, {"pattern": "new:{id}"}]
    house.write_config()
    status, answer = house.api.post("/api/reload", {})
    assert status == 200 and answer["changes"] >= 2
    with RawWebSocket.login(house, token=house.token("alice", tenant="acme")) as ws:
        assert ask(ws, {"type": "subscribe", "channel": "new:1"})["type"] == "subscribed"
    row = house.wait_for_event("api_call", action="reload", code="ok")
    assert row["key"] == "ops" and house.wait_for_event("reload", count=2)["outcome"] == "ok"


def test_a_reload_that_is_refused_says_why_and_where(house):
    good = house.config
    try:
        house.config = merged(good, {"timeouts": {"ping": "soon"}})
        house.write_config()
        status, answer = house.api.post("/api/reload", {})
        with open(house.config_path) as f:
            line = 1 + next(i for i, text in enumerate(f) if "soon" in text)
        assert (status, answer["error"]["code"], answer["error"]["line"]) == (422, "reload_refused", line)
        assert "`ping`" in answer["error"]["detail"] and answer["error"]["message"]
        batch = {"operations": [{"path": "/api/reload", "body": {}}]}
        status, answer = house.api.post("/api/batch", batch)
        assert status == 200 and answer["results"][0]["status"] == 422 and answer["results"][0]["body"]["error"]["line"] == line
        house.config = merged(good, {"server": {"workers": 3}})
        house.write_config()
        status, answer = house.api.post("/api/reload", {})
        assert status == 422 and "server.workers cannot change without a restart" == answer["error"]["detail"]
        assert house.wait_for_event("api_call", action="reload", code="reload_refused")["status"] == 422
    finally:
        house.config = good
        house.write_config()
    assert house.api.post("/api/reload", {})[0] == 200


def test_reloads_at_once_are_done_one_by_one_or_refused(house):
    seen = []

    def reload():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            seen.append(house.api.post("/api/reload", {})[0])
            if seen[-1] != 409:
                return
            time.sleep(0.01)
    threads = [threading.Thread(target=reload) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) <= {200, 409} and seen.count(200) == 6      # each in its turn


def test_a_server_that_ends_while_it_reloads_ends_in_order(start_server, tmp_path):
    for _ in range(5):
        server = start_server(internal_config(tmp_path, WORKERS, scopes={"ops": ["reload"]}))
        api = InternalApi(server)
        with api.socket() as sock:
            sock.sendall(("POST /api/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
                          "Content-Length: 2\r\n\r\n{}" % api.key()).encode())
            server.stop()


# --- bans

def seen_from(house, ip):
    with RawWebSocket.open(house, headers=[("X-Forwarded-For", ip)], expect=None) as ws:
        return ws.response.status


def guess(house, ip):
    with RawWebSocket.open(house, headers=[("X-Forwarded-For", ip)]) as ws:
        ws.send_json({"type": "auth", "token": "x.y.z"})
        ws.recv_close()


def test_bans_are_listed_and_lifted(house):
    for ip in ("198.51.100.9", "2001:db8::5"):
        for _ in range(3):
            guess(house, ip)
    house.wait_for_event("banned", ip="2001:db8::5")
    rows = pages(house.api, "/api/bans", limit=1)
    assert [(row["ip"], row["times"]) for row in rows] == [("198.51.100.9", 1), ("2001:db8::5", 1)]
    assert all(0 < row["seconds"] <= 60 for row in rows)
    assert seen_from(house, "198.51.100.9") == 429
    assert house.api.post("/api/bans/lift", {"ip": "198.51.100.9"}) == (200, {"ok": True})
    assert seen_from(house, "198.51.100.9") == 101
    assert house.api.post("/api/bans/lift", {"ip": "2001:db8::77"}) == (200, {"ok": True})      # of the same /64
    assert code(house.api.post("/api/bans/lift", {"ip": "198.51.100.9"})) == (404, "not_banned")
    assert pages(house.api, "/api/bans") == []
    row = house.wait_for_event("banned", code="lifted")
    assert (row["ip"], row["key"], row["outcome"]) == ("198.51.100.9", "ops", "ok")


def test_a_ban_may_be_ordered_for_a_time(house):
    for n in range(7):
        assert house.api.post("/api/bans/add", {"ip": "198.51.100.%d" % (20 + n), "seconds": 600}) == (200, {"ok": True})
    assert [row["ip"] for row in pages(house.api, "/api/bans", limit=3)] == ["198.51.100.%d" % (20 + n) for n in range(7)]
    assert [seen_from(house, "198.51.100.20") for _ in range(8)] == [429] * 8
    row = house.wait_for_event("banned", code="ordered")
    assert (row["ip"], row["key"], row["count"]) == ("198.51.100.20", "ops", 600)
    assert house.api.post("/api/bans/add", {"ip": "198.51.100.20", "seconds": 1})[0] == 200       # shorter
    until(lambda: seen_from(house, "198.51.100.20") == 101)
    for n in range(1, 7):
        assert house.api.post("/api/bans/lift", {"ip": "198.51.100.%d" % (20 + n)})[0] == 200
    for ip in ("127.0.0.1", "::1", "203.0.113.200"):
        assert code(house.api.post("/api/bans/add", {"ip": ip, "seconds": 1})) == (409, "not_bannable"), ip
    assert code(house.api.post("/api/bans/add", {"ip": "198.51.100.1", "seconds": 0})) == (400, "invalid_ban_seconds")
    assert code(house.api.post("/api/bans/add", {"ip": "example.com", "seconds": 1})) == (400, "invalid_ip")


def test_without_bans_there_are_none(start_server, tmp_path):
    api = InternalApi(start_server(internal_config(tmp_path, scopes=SCOPES, limits={**ROOMY, "bans": {"failures": 0}}) | {"channels": CHANNELS}))
    assert api.post("/api/bans", {}) == (200, {"bans": [], "next": None})
    assert code(api.post("/api/bans/lift", {"ip": "192.0.2.1"})) == (404, "not_banned")
    assert code(api.post("/api/bans/add", {"ip": "192.0.2.1", "seconds": 1})) == (409, "bans_off")


# --- sanctions

def moderate(house, action, channel="room:acme:m", **more):
    return house.api.post("/api/moderate", {"action": action, "channel": channel, **more})


def test_sanctions_are_listed_and_each_can_be_lifted(house, enter):
    bob = enter("bob", "room:acme:m")
    assert moderate(house, "mute", user="bob", seconds=600)[0] == 200
    assert moderate(house, "kick", user="eve", seconds=600)[0] == 200
    assert moderate(house, "close_channel", channel="room:acme:n", seconds=600)[0] == 200
    rows = pages(house.api, "/api/sanctions", limit=1)
    assert [(row["sanction"], row["channel"], row.get("user")) for row in rows] == [
        ("muted", "room:acme:m", "bob"), ("kicked", "room:acme:m", "eve"), ("closed", "room:acme:n", None)]
    assert all(590 < row["seconds"] <= 600 and row["by_admin"] is True for row in rows)
    assert len(pages(house.api, "/api/sanctions", channel="room:acme:m")) == 2
    assert ask(enter("eve"), {"type": "subscribe", "channel": "room:acme:m"})["code"] == "kicked"
    assert moderate(house, "unkick", user="eve")[0] == 200
    enter("eve", "room:acme:m")
    assert ask(bob, {"type": "subscribe", "channel": "room:acme:n"})["code"] == "channel_closed"
    assert moderate(house, "open_channel", channel="room:acme:n")[0] == 200
    enter("bob", "room:acme:n")
    assert moderate(house, "unmute", user="bob") == (200, {"connections": 2})
    assert pages(house.api, "/api/sanctions") == []
    for action, words, more in (("unkick", "not_kicked", {"user": "eve"}), ("unmute", "not_muted", {"user": "bob"}), ("open_channel", "not_closed", {})):
        assert code(moderate(house, action, **more)) == (404, words)
    for event in ("kicked", "muted", "channel_closed"):
        assert house.wait_for_event(event, code="lifted")["key"] == "ops"


def test_moderators_lift_what_moderators_have_put_by_messages_too(house, enter):
    mod, eve = enter("mod", roles=("moderator",)), enter("eve")
    assert ask(mod, {"type": "kick", "channel": "room:acme:x", "user": "eve", "seconds": 600})["type"] == "kicked"
    assert [(row["sanction"], row["by_admin"]) for row in pages(house.api, "/api/sanctions")] == [("kicked", False)]
    assert ask(eve, {"type": "unkick", "channel": "room:acme:x", "user": "eve"})["code"] == "not_allowed"
    assert ask(mod, {"type": "unkick", "channel": "room:acme:x", "user": "eve"}) == {"type": "unkicked", "channel": "room:acme:x", "user": "eve"}
    assert ask(mod, {"type": "unkick", "channel": "room:acme:x", "user": "eve"})["code"] == "not_kicked"
    assert ask(mod, {"type": "close_channel", "channel": "room:acme:x", "seconds": 600})["type"] == "channel_closed"
    assert ask(mod, {"type": "open_channel", "channel": "room:acme:x"}) == {"type": "channel_opened", "channel": "room:acme:x"}
    assert ask(mod, {"type": "open_channel", "channel": "room:acme:x"})["code"] == "not_closed"
    assert moderate(house, "close_channel", channel="room:acme:x", seconds=600)[0] == 200
    assert ask(mod, {"type": "open_channel", "channel": "room:acme:x"})["code"] == "not_allowed"      # the operator has closed it
    assert moderate(house, "open_channel", channel="room:acme:x")[0] == 200


# --- presence and history

def test_presence_is_paged_in_the_order_of_users(house, enter):
    users = ["u%02d" % n for n in range(12)]
    for user in [*users, "u03", "u03"]:
        enter(user, "room:acme:p")
    rows = pages(house.api, "/api/presence", channel="room:acme:p", limit=5)
    assert rows == [{"user": user, "connections": 3 if user == "u03" else 1} for user in users]
    status, answer = house.api.post("/api/presence", {"channel": "room:acme:p", "limit": 1})
    assert status == 200 and answer["count"] == 12 and answer["next"] == "u00" and answer["channel"] == "room:acme:p"
    assert house.api.post("/api/presence", {"channel": "room:acme:empty"})[1]["users"] == []


def test_keys_see_the_channels_of_their_patterns_alone(house):
    for path, reader in (("/api/presence", "watch"), ("/api/history", "ops")):
        assert house.api.post(path, {"channel": "room:acme:p"}, key="acme")[0] == 200
        assert code(house.api.post(path, {"channel": "room:globex:p"}, key="acme")) == (403, "scope_missing")
        assert code(house.api.post(path, {"channel": "room:acme:p:q"}, key="acme")) == (403, "scope_missing")
        assert code(house.api.post(path, {"channel": "room:*:p"}, key="acme")) == (400, "invalid_channel")
        assert house.api.post(path, {"channel": "room:globex:p"}, key=reader)[0] == 200
    assert code(house.api.post("/api/history", {"channel": "room:acme:p"}, key="watch")) == (403, "scope_missing")
    row = house.wait_for_event("api_call", action="history", code="scope_missing", key="acme")
    assert row["detail"] == "room:globex:p"


def test_history_is_told_and_gone_on_with(house, enter):
    alice = enter("alice")
    for n in range(9):
        put(alice, {"type": "publish", "channel": "room:acme:h", "data": {"n": n}})
        assert alice.recv_until_type("ack")
    status, first = house.api.post("/api/history", {"channel": "room:acme:h", "limit": 4})
    assert status == 200 and [m["data"]["n"] for m in first["messages"]] == [5, 6, 7, 8] and first["offset"] == 9
    assert first["messages"][0]["from"] == {"user": "alice"} and "recovered" not in first
    since = {"epoch": first["epoch"], "offset": 3}
    status, rest = house.api.post("/api/history", {"channel": "room:acme:h", "since": since, "limit": 4})
    assert [m["data"]["n"] for m in rest["messages"]] == [3, 4, 5, 6] and rest["recovered"] and rest["more"]
    since["offset"] = rest["messages"][-1]["offset"]
    status, rest = house.api.post("/api/history", {"channel": "room:acme:h", "since": since})
    assert [m["data"]["n"] for m in rest["messages"]] == [7, 8] and not rest["more"]
    status, lost = house.api.post("/api/history", {"channel": "room:acme:h", "since": {"epoch": "0" * 16, "offset": 1}})
    assert status == 200 and lost["recovered"] is False and lost["messages"] == []
    assert code(house.api.post("/api/history", {"channel": "room:acme:h", "since": 3})) == (400, "invalid_since")


def test_a_large_history_comes_whole(house, enter):
    alice = enter("alice")
    for n in range(12):
        put(alice, {"type": "publish", "channel": "room:acme:big", "data": "x" * 60000})
        assert alice.recv_until_type("ack")
    status, answer = house.api.post("/api/history", {"channel": "room:acme:big"})
    assert status == 200 and [len(m["data"]) for m in answer["messages"]] == [60000] * 12


def test_channels_without_presence_and_history_say_so(start_server, tmp_path):
    scopes = {"ops": ["presence:public:*", "history:public:*"]}
    api = InternalApi(start_server(internal_config(tmp_path, scopes=scopes, channels=CHANNELS)))
    assert code(api.post("/api/presence", {"channel": "public:chat"})) == (409, "no_presence")
    assert code(api.post("/api/history", {"channel": "public:chat"})) == (409, "no_history")
    assert code(api.post("/api/history", {"channel": "public:none"})) == (409, "no_history")


# --- the commands

def test_the_commands_reload_and_ban(house):
    config = ["--config", house.config_path]
    done = run_gateward("reload", *config)
    assert (done.returncode, done.stdout) == (0, '{"changes":0}\n')
    assert run_gateward("ban", "add", *config, "--ip", "198.51.100.77", "--for", "10m").returncode == 0
    listed = run_gateward("ban", "list", *config)
    assert listed.returncode == 0 and [row["ip"] for row in json.loads(listed.stdout)["bans"]] == ["198.51.100.77"]
    assert json.loads(run_gateward("ban", "list", *config, "--after", "198.51.100.77").stdout)["bans"] == []
    assert run_gateward("ban", "lift", *config, "--ip", "198.51.100.77").returncode == 0
    again = run_gateward("ban", "lift", *config, "--ip", "198.51.100.77")
    assert again.returncode == 1 and "not_banned" in again.stderr
    for words in (["ban"], ["ban", "list"], ["ban", "all", *config], ["ban", "add", *config, "--ip", "198.51.100.77"], ["ban", "lift", *config],
                  ["ban", "list", *config, "--ip", "198.51.100.77"], ["ban", "add", *config, "--ip", "a", "--for", "soon"],
                  ["reload"], ["reload", *config, "x"]):
        assert run_gateward(*words).returncode == 2, words
    for words in (["ban"], ["reload"]):
        assert run_gateward(*words, "--help").returncode == 0
