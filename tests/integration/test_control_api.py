# SPDX-License-Identifier: Apache-2.0
"""Steering a running server through the internal API: broadcasts, batches, subscriptions of users, disconnecting, lists, and
Idempotency-Key, on four workers over real sockets."""
import hashlib
import json
import os
import socket
import threading
import time

import pytest

from gateward_server import GatewardServer
from internal_api import InternalApi, code, internal_config, parse
from raw_client import Ended, RawWebSocket
from talk import ROOMY, ask, closed_with, is_quiet

WORKERS = 4
CHANNELS = [{"pattern": "public:chat"}, {"pattern": "public:news"}, {"pattern": "user:{user_id}:messages"},
            {"pattern": "list:{name}"}, {"pattern": "admin:logs", "allow": ["admin"]}]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    config = internal_config(folder, WORKERS, channels=CHANNELS, limits={**ROOMY, "subscriptions": 300})
    config["internal"]["keys"].append({**config["internal"]["keys"][0], "name": "other", "secret": {"file": other_key(folder)}})
    with GatewardServer(folder, config) as running:
        running.api = InternalApi(running)
        yield running


def other_key(folder):
    path = os.path.join(str(folder), "second.key")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("Zk3mQ8vWq1yT5uXo7sBn2cLd9eRf4gHj6iPa0wKt\n")
    return path


def login(server, user, *channels, roles=("user",)):
    ws = RawWebSocket.login(server, token=server.token(user, roles=roles))
    for channel in channels:
        assert ask(ws, {"type": "subscribe", "channel": channel})["type"] == "subscribed"
    return ws


class Crowd:
    """Connections that end with the test."""
    def __init__(self, server, users, *channels, **more):
        self.all = [login(server, user, *channels, **more) for user in users]

    def __enter__(self):
        return self.all

    def __exit__(self, *_):
        for ws in self.all:
            ws.close()


def until_close(ws, status):
    """What comes before the Close with this code."""
    seen = []
    try:
        while True:
            seen.append(ws.recv_json())
    except Ended as e:
        assert str(status) in str(e), e
    return seen


def pages(api, path, **body):
    """All rows of a list, page by page."""
    rows, name = [], path.rsplit("/", 1)[1]
    while True:
        status, answer = api.post(path, body)
        assert status == 200, answer
        rows += answer[name]
        if answer["next"] is None:
            return rows
        assert len(answer[name]) == body.get("limit", 100)
        body["after"] = answer["next"]


# --- broadcasts

def test_a_broadcast_to_everybody_comes_once_to_each_who_listens(house):
    with Crowd(house, ["bc%d" % i for i in range(12)], "public:chat", "public:news") as crowd, Crowd(house, ["deaf"]) as deaf:
        assert house.api.post("/api/broadcast", {"channels": "*", "data": {"maintenance": "<soon>"}}) == (200, {"connections": 12})
        for ws in crowd:
            assert ws.recv_json() == {"type": "broadcast", "data": {"maintenance": "<soon>"}, "from": {"server": True}}
            assert is_quiet(ws)
        assert is_quiet(deaf[0])


def test_a_broadcast_to_channels_is_published_on_each(house):
    with Crowd(house, ["both"], "public:chat", "public:news") as [both], Crowd(house, ["one"], "public:news") as [one]:
        answer = house.api.post("/api/broadcast", {"channels": ["public:chat", "public:news", "public:empty"], "data": 7})
        assert answer == (200, {"published": 3, "overloaded": []})
        assert [both.recv_json()["channel"] for _ in range(2)] == ["public:chat", "public:news"]
        assert one.recv_json() == {"type": "message", "channel": "public:news", "data": 7, "from": {"server": True}}
        assert is_quiet(one) and is_quiet(both)


def test_a_broadcast_that_names_one_channel_too_many_reaches_nobody(house):
    with Crowd(house, ["one"], "public:chat") as [ws]:
        for channels, refusal in ((["public:chat", "list:x"], (403, "scope_missing")), (["public:chat", "no such"], (400, "invalid_channels")),
                                  ([], (400, "invalid_channels")), (["public:chat"] * 101, (400, "invalid_channels")),
                                  ("public:chat", (400, "invalid_channels"))):
            assert code(house.api.post("/api/broadcast", {"channels": channels, "data": 1})) == refusal
        assert code(house.api.post("/api/broadcast", {"data": 1})) == (400, "missing_field")       # never "everybody" by an omission
        assert code(house.api.post("/api/broadcast", {"channels": "*", "data": 1}, key="news")) == (403, "scope_missing")
        assert code(house.api.post("/api/broadcast", {"channels": "*", "data": 1}, key="revoke")) == (403, "scope_missing")
        assert house.api.post("/api/broadcast", {"channels": ["public:chat"], "data": 2}, key="news")[0] == 200
        assert ws.recv_json()["data"] == 2 and is_quiet(ws)


# --- subscriptions of users

def test_all_connections_of_a_user_are_subscribed_and_told(house):
    with Crowd(house, ["sub"] * 8) as crowd, Crowd(house, ["subother"]) as [other]:
        assert house.api.post("/api/subscribe", {"user": "sub", "channel": "public:news"}) == (200, {"subscribed": 8, "refused": 0})
        for ws in crowd:
            assert ws.recv_json() == {"type": "subscribed", "channel": "public:news"}
        assert house.api.post("/api/publish", {"channel": "public:news", "data": 1})[0] == 200
        for ws in crowd:
            assert ws.recv_json()["data"] == 1
        assert house.api.post("/api/subscribe", {"user": "sub", "channel": "public:news"}) == (200, {"subscribed": 8, "refused": 0})
        assert house.api.post("/api/unsubscribe", {"user": "sub", "channel": "public:news"}) == (200, {"unsubscribed": 8})
        for ws in crowd:
            assert ws.recv_json() == {"type": "unsubscribed", "channel": "public:news"}
        assert house.api.post("/api/unsubscribe", {"user": "sub", "channel": "public:news"}) == (200, {"unsubscribed": 0})
        assert house.api.post("/api/publish", {"channel": "public:news", "data": 2})[0] == 200
        assert all(is_quiet(ws) for ws in crowd) and is_quiet(other)


def test_the_rules_decide_whoever_asks(house):
    with Crowd(house, ["ruled", "ruled"]) as crowd:
        for channel in ("admin:logs", "user:somebody:messages", "nowhere:at:all"):
            assert house.api.post("/api/subscribe", {"user": "ruled", "channel": channel}) == (200, {"subscribed": 0, "refused": 2})
        assert house.api.post("/api/subscribe", {"user": "ruled", "channel": "user:ruled:messages"}) == (200, {"subscribed": 2, "refused": 0})
        assert all(ws.recv_json()["channel"] == "user:ruled:messages" and is_quiet(ws) for ws in crowd)


# --- moderation

def moderate(server, action, channel="list:mod", **more):
    return server.api.post("/api/moderate", {"action": action, "channel": channel, **more})


def test_a_user_is_kicked_muted_and_let_go_again(house):
    with Crowd(house, ["kicked"] * 6, "list:mod") as all_of_it, Crowd(house, ["stays"], "list:mod") as [other]:
        assert moderate(house, "kick", user="kicked") == (200, {"connections": 6})
        for ws in all_of_it:
            assert ws.recv_json() == {"type": "unsubscribed", "channel": "list:mod", "reason": "kicked"}
        assert house.wait_for_event("kicked", user="kicked", key="ops")["count"] == 6
        assert moderate(house, "mute", user="kicked", seconds=600) == (200, {"connections": 6})
        loud = {"type": "publish", "channel": "list:mod", "data": 1}
        for ws in all_of_it:
            assert ask(ws, loud)["code"] == "muted"
        assert moderate(house, "unmute", user="kicked") == (200, {"connections": 6})
        assert code(moderate(house, "unmute", user="kicked")) == (404, "not_muted")
        assert ask(all_of_it[0], loud)["type"] == "ack" and other.recv_json()["data"] == 1
        # For a time: then the API does not bring it back either.
        assert moderate(house, "kick", user="kicked", seconds=600) == (200, {"connections": 0})
        assert house.api.post("/api/subscribe", {"user": "kicked", "channel": "list:mod"}) == (200, {"subscribed": 0, "refused": 6})
        assert moderate(house, "kick", user="kicked", seconds=1)[0] == 200


def test_administrators_are_met_and_moderators_cannot_undo_it(house):
    with Crowd(house, ["chief"], "list:chief", roles=("admin",)) as [chief], \
            Crowd(house, ["mod"], roles=("moderator",)) as [mod]:
        assert moderate(house, "mute", "list:chief", user="chief", seconds=600) == (200, {"connections": 1})
        assert ask(chief, {"type": "publish", "channel": "list:chief", "data": 1})["code"] == "muted"
        assert ask(mod, {"type": "unmute", "channel": "list:chief", "user": "chief"})["code"] == "not_allowed"
        assert moderate(house, "kick", "list:chief", user="chief") == (200, {"connections": 1})


def test_one_connection_is_kicked_and_a_channel_closed(house):
    with Crowd(house, ["several"] * 3, "list:shut"):
        row = house.api.post("/api/connections", {"user": "several"})[1]["connections"][0]
        assert moderate(house, "kick", "list:shut", connection=row["connection"]) == (200, {"connections": 1})
        body = {"action": "close_channel", "channel": "list:shut", "seconds": 600}
        for _ in range(2):      # the second is the remembered answer of the first
            assert keyed(house.api, "shut-1", "/api/moderate", body) == (200, {"connections": 2})
        with Crowd(house, ["late"]) as [late]:
            assert ask(late, {"type": "subscribe", "channel": "list:shut"})["code"] == "channel_closed"
        assert house.wait_for_event("channel_closed", channel="list:shut")["key"] == "ops"


def test_moderation_needs_its_scope(house):
    body = {"action": "close_channel", "channel": "list:scope"}
    assert code(house.api.post("/api/moderate", body, key="tickets")) == (403, "scope_missing")
    assert code(house.api.post("/api/moderate", {**body, "action": "explode"})) == (400, "invalid_action")


# --- disconnecting

def test_a_user_is_disconnected_and_may_come_again(house):
    with Crowd(house, ["gone"] * 6) as crowd, Crowd(house, ["stays"]) as [stays]:
        assert house.api.post("/api/disconnect", {"user": "gone"}) == (200, {"closed": 6})
        for ws in crowd:
            closed_with(ws, 1000, "Disconnected")
            assert house.wait_for_event("disconnected", port=ws.local_port)["user"] == "gone"
        assert is_quiet(stays)
        with Crowd(house, ["gone"]) as [again]:
            assert house.api.post("/api/disconnect", {"user": "gone", "reconnect": True}) == (200, {"closed": 1})
            closed_with(again, 1012, "Reconnect")
            assert house.wait_for_event("disconnected", port=again.local_port)["code"] == "reconnect"


def test_one_connection_is_disconnected(house):
    with Crowd(house, ["two", "two"]) as [first, second]:
        rows = pages(house.api, "/api/connections", user="two")
        port = first.local_port
        [row] = [row for row in rows if row["port"] == port]
        assert house.api.post("/api/disconnect", {"connection": row["connection"]}) == (200, {"closed": 1})
        closed_with(first, 1000, "Disconnected")
        assert is_quiet(second)
        assert house.api.post("/api/disconnect", {"connection": row["connection"]}) == (200, {"closed": 0})


@pytest.mark.parametrize("body, what", [
    ({}, "missing_field"), ({"user": "a", "connection": "A" * 22}, "missing_field"), ({"reconnect": True}, "missing_field"),
    ({"user": 7}, "missing_field"), ({"user": "a", "reconnect": "yes"}, "missing_field"), ({"user": "a:b"}, "invalid_user"),
    ({"connection": "short"}, "invalid_connection"), ({"user": "a", "how": 1}, "unknown_field"),
])
def test_disconnect_says_what_is_wrong(house, body, what):
    assert code(house.api.post("/api/disconnect", body)) == (400, what)


# --- lists

def test_channels_are_counted_over_all_workers_and_paged_in_order(house):
    names = ["list:c%03d" % i for i in range(130)]
    with Crowd(house, ["lister"] * 6, *names) as crowd, Crowd(house, ["lister2"] * 3, "list:c007", "public:chat"):
        rows = pages(house.api, "/api/channels", prefix="list:")
        assert [row["channel"] for row in rows] == names
        assert all(row["subscribers"] == (9 if row["channel"] == "list:c007" else 6) for row in rows)
        assert pages(house.api, "/api/channels", prefix="list:", limit=7) == rows
        assert pages(house.api, "/api/channels", prefix="list:c12") == rows[120:]
        assert pages(house.api, "/api/channels", prefix="nothing") == []
        assert {"channel": "public:chat", "subscribers": 3} in pages(house.api, "/api/channels")
        for ws in crowd:
            ask(ws, {"type": "unsubscribe", "channel": "list:c000"})
        assert pages(house.api, "/api/channels", prefix="list:c000") == []


def test_connections_are_listed_by_user_and_paged(house):
    with Crowd(house, ["conn"] * 11, "public:chat") as crowd, Crowd(house, ["conn2"] * 2):
        rows = pages(house.api, "/api/connections", user="conn", limit=4)
        assert {row["port"] for row in rows} == {ws.local_port for ws in crowd} and len(rows) == 11
        assert len({row["connection"] for row in rows}) == 11
        for row in rows:
            assert row["user"] == "conn" and row["ip"] == "127.0.0.1" and row["subscriptions"] == 1 and row["messages_in"] == 2
        assert pages(house.api, "/api/connections", user="conn3") == []
        assert {"conn", "conn2"} <= {row["user"] for row in pages(house.api, "/api/connections")}


@pytest.mark.parametrize("path, body, what", [
    ("/api/channels", {"limit": 0}, "invalid_limit"), ("/api/channels", {"limit": 101}, "invalid_limit"),
    ("/api/channels", {"limit": "7"}, "invalid_limit"), ("/api/channels", {"prefix": "x" * 257}, "invalid_prefix"),
    ("/api/channels", {"after": "not a name"}, "invalid_after"), ("/api/channels", {"user": "a"}, "unknown_field"),
    ("/api/connections", {"after": "short"}, "invalid_after"), ("/api/connections", {"user": ""}, "invalid_user"),
    ("/api/connections", {"user": "a b"}, "invalid_user"), ("/api/connections", {"prefix": "a"}, "unknown_field"),
])
def test_lists_say_what_is_wrong(house, path, body, what):
    assert code(house.api.post(path, body)) == (400, what)


def test_info_says_what_runs_here(house):
    with Crowd(house, ["info"] * 5, "public:chat", "list:info"), RawWebSocket.open(house):
        status, info = house.api.request("GET", "/api/info")
        assert status == 200 and info["workers"] == WORKERS and info["draining"] is False and info["version"]
        assert info["logged_in"] == 5 and info["connections"] >= 6 and info["subscriptions"] == 10 and info["channels"] == 2
        with open(house.config_path, "rb") as f:
            assert info["config"] == {"path": os.path.realpath(house.config_path), "sha256": hashlib.sha256(f.read()).hexdigest()}
        assert 0 <= info["uptime"] < 3600
    assert code(house.api.request("GET", "/api/info", key=None)) == (401, "invalid_key")
    assert code(house.api.request("GET", "/api/info", key="revoke")) == (403, "scope_missing")


# --- batches

def test_a_batch_does_one_after_the_other_and_tells_of_each(house):
    with Crowd(house, ["batch"] * 4) as crowd:
        operations = [("/api/subscribe", {"user": "batch", "channel": "public:news"}),
                      ("/api/publish", {"channel": "public:news", "data": 1}),
                      ("/api/publish", {"channel": "list:x", "data": 1}),
                      ("/api/unsubscribe", {"user": "batch", "channel": "public:news"}),
                      ("/api/publish", {"channel": "public:news", "data": 2}),
                      ("/api/nothing", {}), ("/health/live", {}), ("/api/batch", {"operations": []}), ("/api/channels", {}),
                      ("/api/tickets", {"user": "t", "roles": [], "origin": None}), ("/api/disconnect", {"user": "batch"})]
        status, answer = house.api.post("/api/batch", {"operations": [{"path": p, "body": b} for p, b in operations]})
        results = [(r["status"], r["body"].get("error", r["body"]).get("code", r["body"])) for r in answer["results"]]
        assert status == 200 and len(results) == len(operations)
        assert results[:5] == [(200, {"subscribed": 4, "refused": 0}), (200, {"ok": True}), (403, "scope_missing"),
                               (200, {"unsubscribed": 4}), (200, {"ok": True})]
        assert results[5:9] == [(404, "not_found"), (400, "not_in_batch"), (400, "not_in_batch"), (400, "not_in_batch")]
        assert results[9][0] == 200 and results[9][1]["ticket"] and results[10] == (200, {"closed": 4})
        for ws in crowd:        # the message may be overtaken by what takes the listener away
            assert [t for t in (f["type"] for f in until_close(ws, 1000)) if t != "message"] == ["subscribed", "unsubscribed"]
        assert house.wait_for_event("api_call", action="disconnect", user="batch", code="ok")


def test_a_key_gains_nothing_by_a_batch(house):
    operations = [{"path": "/api/revoke", "body": {"user": "a"}}, {"path": "/api/publish", "body": {"channel": "public:chat", "data": 1}}]
    status, answer = house.api.post("/api/batch", {"operations": operations}, key="news")
    assert status == 200 and [r["status"] for r in answer["results"]] == [403, 200]
    assert code(house.api.post("/api/batch", {"operations": operations}, key=None)) == (401, "invalid_key")


@pytest.mark.parametrize("body, what", [
    ({}, "missing_field"), ({"operations": []}, "invalid_operations"), ({"operations": 7}, "invalid_operations"),
    ({"operations": [{"path": "/api/publish"}]}, "invalid_operations"), ({"operations": [7]}, "invalid_operations"),
    ({"operations": [{"path": 1, "body": {}}]}, "invalid_operations"), ({"operations": [], "x": 1}, "unknown_field"),
    ({"operations": [{"path": "/api/publish", "body": {}, "more": 1}]}, "invalid_operations"),
    ({"operations": [{"path": "/api/publish", "body": {}}] * 101}, "invalid_operations"), ([], "invalid_json"),
])
def test_a_batch_that_is_none_is_refused_whole(house, body, what):
    assert code(house.api.post("/api/batch", body)) == (400, what)


def test_a_hundred_operations_make_one_batch(house):
    one = {"path": "/api/publish", "body": {"channel": "public:none", "data": "x" * 100}}
    status, answer = house.api.post("/api/batch", {"operations": [one] * 100})
    assert status == 200 and [r["status"] for r in answer["results"]] == [200] * 100


# --- Idempotency-Key

def keyed(api, token, path, body, **more):
    return api.post(path, body, headers=[("Idempotency-Key", token)], **more)


def test_the_same_key_and_body_is_done_once(house):
    with Crowd(house, ["idem"], "public:chat") as [ws]:
        body = {"channel": "public:chat", "data": 1}
        assert [keyed(house.api, "once-1", "/api/publish", body) for _ in range(3)] == [(200, {"ok": True})] * 3
        assert ws.recv_json()["data"] == 1 and is_quiet(ws)
        ticket = {"user": "a", "roles": [], "origin": None}
        assert keyed(house.api, "once-2", "/api/tickets", ticket) == keyed(house.api, "once-2", "/api/tickets", ticket)
        batch = {"operations": [{"path": "/api/publish", "body": body}]}
        assert keyed(house.api, "once-3", "/api/batch", batch) == keyed(house.api, "once-3", "/api/batch", batch)
        assert ws.recv_json()["data"] == 1 and is_quiet(ws)


def test_a_key_that_comes_with_something_else_is_a_conflict(house):
    body = {"channel": "public:chat", "data": 1}
    assert keyed(house.api, "else", "/api/publish", body)[0] == 200
    assert code(keyed(house.api, "else", "/api/publish", {**body, "data": 2})) == (409, "idempotency_key_reused")
    assert code(keyed(house.api, "else", "/api/broadcast", body)) == (409, "idempotency_key_reused")
    assert keyed(house.api, "else", "/api/publish", {**body, "data": 2}, key="other")[0] == 200      # each API key has its own
    assert keyed(house.api, "else2", "/api/publish", {**body, "data": 2})[0] == 200


def test_what_was_refused_may_be_tried_again_under_its_key(house):
    assert code(keyed(house.api, "again", "/api/publish", {"channel": "nope:x", "data": 1})) == (403, "scope_missing")
    assert keyed(house.api, "again", "/api/publish", {"channel": "public:chat", "data": 1})[0] == 200


@pytest.mark.parametrize("headers", [
    [("Idempotency-Key", "")], [("Idempotency-Key", "a b")], [("Idempotency-Key", "x" * 65)], [("Idempotency-Key", "caf\u00e9")],
    [("Idempotency-Key", "a"), ("Idempotency-Key", "a")],
])
def test_a_key_that_is_none_is_refused(house, headers):
    answer = house.api.post("/api/publish", {"channel": "public:chat", "data": 1}, headers=headers)
    assert code(answer) == (400, "invalid_idempotency_key")


def test_two_at_a_time_under_one_key_are_done_once(house):
    with Crowd(house, ["race"] * 8) as crowd:
        answers, body = [], {"user": "race", "channel": "public:news"}
        threads = [threading.Thread(target=lambda: answers.append(keyed(house.api, "race", "/api/subscribe", body))) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        good = [a for a in answers if a[0] == 200]
        assert good and all(a == (200, {"subscribed": 8, "refused": 0}) for a in good)
        assert all(code(a) == (409, "idempotency_in_progress") for a in answers if a[0] != 200)
        for ws in crowd:
            assert ws.recv_json()["type"] == "subscribed" and is_quiet(ws)


def test_a_caller_that_went_away_finds_the_answer_the_next_time(house):
    with Crowd(house, ["lost"] * 3) as crowd:
        body = json.dumps({"operations": [{"path": "/api/subscribe", "body": {"user": "lost", "channel": "public:news"}},
                                          {"path": "/api/disconnect", "body": {"user": "lost"}}]}).encode()
        request = ("POST /api/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nIdempotency-Key: lost\r\n"
                   "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (house.api.key(), len(body))).encode() + body
        with house.api.socket() as sock:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_RDWR)
        for ws in crowd:
            assert [f["type"] for f in until_close(ws, 1000)] == ["subscribed"]
        deadline = time.monotonic() + 5
        status, answer = parse(house.api.raw(request))
        while status == 409 and time.monotonic() < deadline:
            time.sleep(0.02)
            status, answer = parse(house.api.raw(request))
        assert status == 200 and [r["body"] for r in answer["results"]] == [{"subscribed": 3, "refused": 0}, {"closed": 3}]


# --- elsewhere

def test_none_of_it_is_on_the_public_port(house):
    for path in ("/api/broadcast", "/api/batch", "/api/info", "/api/channels", "/api/connections", "/api/disconnect"):
        with RawWebSocket.open(house, path=path, expect=404):
            pass


def test_it_works_over_a_unix_socket_and_on_one_worker(start_server, tmp_path):
    server = start_server(internal_config(tmp_path, address="unix:" + str(tmp_path / "api.sock"), channels=CHANNELS))
    api = InternalApi(server)
    with Crowd(server, ["u"] * 3, "public:chat", "list:a"):
        assert [row["subscribers"] for row in pages(api, "/api/channels")] == [3, 3]
        assert api.request("GET", "/api/info")[1]["channels"] == 2
        assert api.post("/api/broadcast", {"channels": "*", "data": None}) == (200, {"connections": 3})
        assert api.post("/api/disconnect", {"user": "u"}) == (200, {"closed": 3})
