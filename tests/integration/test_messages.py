# SPDX-License-Identifier: Apache-2.0
"""`messages` in the configuration (docs/messages.md): each key seen at work over a socket, in the guide's words."""
import json
import pathlib
import signal
import threading
import time

import pytest

from askable import Askable
from gateward_server import DELETE, Changing, GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, closed_with, error, is_quiet, put, run_gateward

NOT_ALLOWED = error("not_allowed", "Not allowed")
ACK = {"type": "ack", "message": "Message received"}
REFUSED = error("content_refused", "Message content refused")

# The guide's own two schemas (section "Input Validation"), and one type for each key.
CHAT = {
    "type": "object",
    "required": ["type", "content"],
    "properties": {
        "type": {"type": "string", "enum": ["chat_message"]},
        "content": {"type": "string", "maxLength": 5000},
        "room_id": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,50}$"},
    },
}
ACTION = {
    "type": "object",
    "required": ["type", "action"],
    "properties": {
        "type": {"type": "string", "enum": ["action"]},
        "action": {"type": "string", "enum": ["join", "leave", "typing"]},
        "target": {"type": "string", "maxLength": 100},
    },
}
NUMBER = {"properties": {"n": {"type": "integer"}}}
MESSAGES = {
    "chat_message": {"schema": CHAT, "sanitize": {"/content": "strip"}, "publish": "private:room-{/room_id}"},
    "action": {"schema_file": "schemas/action.json"},
    "bare": None,
    "for_moderators": {"permission": "moderate"},
    "for_all": {"permission": "none"},
    "for_users": {"roles": ["user"], "deny": ["guest"], "permission": "none"},
    "with_scope": {"scopes": ["chat:send"]},
    "recent": {"max_auth_age": "60s"},
    "small": {"size": 64},
    "seldom": {"rate": {"per_minute": 3}},
    "bursty": {"rate": {"per_minute": 600, "burst": 2}},
    "here_seldom": {"rate": {"connection_per_minute": 2}},
    "hourly": {"rate": {"per_hour": 2}},
    "search": {"injection": ["/q"], "publish": "public:chat", "data": "/q"},
    "tolerant": {"injection": ["/q"], "injection_score": 100},
    "escaped": {"sanitize": {"/a": "escape", "/b": "allow", "/list": "strip"}, "publish": "public:chat"},
    "own": {"publish": "user:{user_id}:messages", "data": "/text"},
    "tenants": {"publish": "tenant:{tenant}:all", "data": "/text"},
    "nowhere": {"publish": "undefined:{user_id}"},
    "silent": {"publish": "public:chat", "reply": "none"},
    "dropped": {"schema": NUMBER, "on_violation": "drop"},
    "closed": {"schema": NUMBER, "on_violation": "close"},
    "brief": {"schema": NUMBER, "errors": "brief"},
    "watched": {"schema": NUMBER, "permission": "admin", "size": 40, "mode": "observe", "publish": "public:chat"},
    "publish": {"schema": {"properties": {"data": {"type": "string", "maxLength": 20}}}, "sanitize": {"/data": "strip"}},
    "subscribe": {"rate": {"connection_per_minute": 5}},
    "ping": {"size": 40},
}
CHANNELS = [{"pattern": "public:chat"}, {"pattern": "private:room-{room_id}", "allow": ["user", "moderator", "admin"]},
            {"pattern": "user:{user_id}:messages"}, {"pattern": "tenant:{tenant}:all"}]
JWT = [{"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None,
        "tenant_claim": "tenant"}]


def write_schema(server):
    folder = pathlib.Path(server.directory) / "schemas"
    folder.mkdir(exist_ok=True)
    (folder / "action.json").write_text(json.dumps(ACTION, indent=2))


def serve(directory, messages, **more):
    server = GatewardServer(directory, {"limits": ROOMY, "listen": PLAIN, "channels": CHANNELS, "messages": messages,
                                        **more})
    write_schema(server)
    return server


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serve(tmp_path_factory.mktemp("house"), MESSAGES) as running:
        yield running


@pytest.fixture
def ws(house, request):
    # A user of its own for each test: what one has used up is no other's business.
    with RawWebSocket.login(house, sub=request.node.name.split("[")[0][:60]) as open_ws:
        yield open_ws


def listen(house, channel, sub="listener", **claims):
    ws = RawWebSocket.login(house, token=house.token(sub, ["user"], **claims))
    assert ask(ws, {"type": "subscribe", "channel": channel})["type"] == "subscribed"
    return ws


# --- schema: the guide's words

@pytest.mark.parametrize("message, code, text", [
    ("nonsense", "invalid_json", "Invalid JSON"),
    ({}, "missing_type", "Missing 'type' field"),
    ({"type": ""}, "missing_type", "Missing 'type' field"),
    ({"type": 7}, "schema", "Field 'type' must be string"),
    ({"type": "nope"}, "unknown_type", "Unknown message type: nope"),
    ({"type": "chat_message"}, "schema", "Missing required field: content"),
    ({"type": "chat_message", "content": 7}, "schema", "Field 'content' must be string"),
    ({"type": "chat_message", "content": "x" * 5001}, "schema", "Field 'content' exceeds max length 5000"),
    ({"type": "chat_message", "content": "x", "room_id": "a b"}, "schema", "Field 'room_id' has invalid format"),
    ({"type": "action"}, "schema", "Missing required field: action"),
    ({"type": "action", "action": "dance"}, "schema", "Field 'action' has invalid value"),
    ({"type": "action", "action": "join", "target": "x" * 101}, "schema", "Field 'target' exceeds max length 100"),
])
def test_violations_are_told_in_the_guides_words(ws, message, code, text):
    assert ask(ws, message) == error(code, text)
    if isinstance(message, dict):
        assert ask(ws, {**message, "id": 5}) == error(code, text, id=5)
    assert is_quiet(ws)


def test_good_messages_are_acknowledged(ws):
    for action in ("join", "leave", "typing"):
        assert ask(ws, {"type": "action", "action": action, "id": action}) == {**ACK, "id": action}
    assert ask(ws, {"type": "bare", "anything": [1, None]}) == ACK


def test_an_invalid_message_is_logged_by_type_and_place_never_by_content(house, ws):
    ask(ws, {"type": "chat_message", "content": "secret words", "room_id": "secret place"})
    row = house.wait_for_event("message_invalid", code="schema", detail="chat_message /room_id")
    assert row["outcome"] == "refused" and "secret" not in json.dumps(row)


def test_brief_errors_say_nothing_about_the_schema(ws):
    assert ask(ws, {"type": "brief", "n": "x"}) == error("schema", "Message does not match its schema")


# --- the destination

def test_a_chat_message_reaches_its_room_cleaned_and_without_id(house, ws):
    with listen(house, "private:room-42") as listener, listen(house, "private:room-43") as other:
        message = {"type": "chat_message", "id": 1, "room_id": "42", "content": "<b>hi</b> <script>alert(1)</script>there"}
        assert ask(ws, message) == {**ACK, "channel": "private:room-42", "id": 1}
        push = listener.recv_json()
        assert push["channel"] == "private:room-42"
        assert push["data"] == {"type": "chat_message", "room_id": "42", "content": "hi there"}
        assert push["from"]["user"].startswith("test_a_chat_message")
        assert is_quiet(other)


def test_a_destination_asks_the_channel_rules(house):
    with RawWebSocket.login(house, "guest", ["guest"]) as guest:
        assert ask(guest, {"type": "for_all"}) == ACK
    with RawWebSocket.login(house, "carol", ["moderator"]) as moderator:
        assert ask(moderator, {"type": "nowhere", "id": 3}) == {**NOT_ALLOWED, "id": 3}
        assert house.wait_for_event("access_denied", channel="undefined:carol")["code"] == "no_rule"


@pytest.mark.parametrize("room, text", [
    (None, "Missing required field: room_id"),
    ("1:admin", "Field 'room_id' has invalid format"),
])
def test_a_hole_that_cannot_be_filled_is_a_violation(ws, room, text):
    message = {"type": "chat_message", "content": "x", **({} if room is None else {"room_id": room})}
    assert ask(ws, message) == error("schema", text)


def test_user_and_tenant_come_from_the_login_and_not_from_the_message(house, tmp_path):
    with serve(tmp_path, MESSAGES, auth={"jwt": JWT}) as server:
        token = server.token("dora", ["user"], tenant="acme")
        with RawWebSocket.login(server, token=token) as dora, \
                listen(server, "user:dora:messages", "dora", tenant="acme") as own, \
                listen(server, "tenant:acme:all", tenant="acme") as tenant:
            assert ask(dora, {"type": "own", "user_id": "eve", "text": "a"})["channel"] == "user:dora:messages"
            assert own.recv_json()["data"] == "a"
            assert ask(dora, {"type": "own"}) == error("schema", "Missing required field: text")
            sent = {"type": "tenants", "tenant": "other", "text": {"n": [1, 2.50]}}
            assert ask(dora, sent)["channel"] == "tenant:acme:all"
            assert tenant.recv_message() == (b'{"type":"message","channel":"tenant:acme:all","data":{"n": [1, 2.5]},'
                                             b'"from":{"user":"dora"}}')
    with RawWebSocket.login(house, "nobodys") as ws:
        assert ask(ws, {"type": "tenants", "text": "x"}) == NOT_ALLOWED
        assert house.wait_for_event("message_refused", code="no_tenant")["user"] == "nobodys"


def test_sanitisers_work_by_pointer(house, ws):
    with listen(house, "public:chat") as listener:
        ask(ws, {"type": "escaped", "a": "<b>", "b": "<b>x</b><img src=x onerror=y>", "list": ["<i>1", {"k": "<p>2"}],
                 "c": "<b>"})
        assert listener.recv_json()["data"] == {"type": "escaped", "a": "&lt;b&gt;", "b": "<b>x</b>",
                                                "list": ["1", {"k": "2"}], "c": "<b>"}


def test_reply_none_is_silent(house, ws):
    with listen(house, "public:chat") as listener:
        put(ws, {"type": "silent", "n": 1})
        assert is_quiet(ws)
        assert listener.recv_json()["data"] == {"type": "silent", "n": 1}


# --- the sender

def test_permission_roles_and_scopes(house):
    def asked(kind, roles, **claims):
        with RawWebSocket.login(house, token=house.token("emil", roles, **claims)) as ws:
            return ask(ws, {"type": kind})

    assert asked("bare", ["user"]) == ACK
    assert asked("bare", ["guest"]) == NOT_ALLOWED
    assert asked("for_all", ["guest"]) == ACK
    assert asked("for_moderators", ["user"]) == NOT_ALLOWED
    assert asked("for_moderators", ["moderator"]) == ACK
    assert asked("for_users", ["user"]) == ACK
    assert asked("for_users", ["admin"]) == NOT_ALLOWED
    assert asked("for_users", ["user", "guest"]) == NOT_ALLOWED
    assert asked("with_scope", ["user"], scope="chat:send more") == ACK
    assert asked("with_scope", ["user"], scope="chat:read") == NOT_ALLOWED
    for code in ("no_permission", "role_not_allowed", "role_denied", "no_scope"):
        house.wait_for_event("message_refused", code=code)


def test_an_old_login_is_asked_to_come_again(house):
    old = house.token("frida", ["user"], auth_time=int(time.time()) - 61)
    with RawWebSocket.login(house, token=old) as ws:
        assert ask(ws, {"type": "recent"}) == error("reauth_required", "Authenticate again")
        assert ask(ws, {"type": "auth", "token": house.token("frida", ["user"])})["type"] == "welcome"
        assert ask(ws, {"type": "recent"}) == ACK


# --- size and rate

def test_size_is_counted_to_the_byte(house, ws):
    frame = '{"type":"small","pad":"%s"}'
    assert ask(ws, frame % ("x" * (64 - len(frame) + 2))) == ACK
    assert ask(ws, frame % ("x" * (65 - len(frame) + 2))) == error("too_large", "Message exceeds max size 64")
    house.wait_for_event("message_invalid", code="too_large", detail="small")


def test_a_rate_is_a_users_on_all_connections_and_types_are_apart(house):
    over = error("rate_limited", "Rate limit exceeded")
    with RawWebSocket.login(house, "gustav") as a, RawWebSocket.login(house, "gustav") as b, \
            RawWebSocket.login(house, "hanna") as other:
        assert [ask(a, {"type": "seldom"}) for _ in range(2)] == [ACK, ACK]
        assert [ask(b, {"type": "seldom"}) for _ in range(2)] == [ACK, over]
        assert ask(a, {"type": "seldom", "id": 1}) == {**over, "id": 1}
        assert ask(a, {"type": "bare"}) == ACK
        assert ask(other, {"type": "seldom"}) == ACK
    with RawWebSocket.login(house, "gustav") as again:
        assert ask(again, {"type": "seldom"}) == over
    house.wait_for_event("message_refused", code="rate_limited", user="gustav", detail="seldom")


def test_bursts_hours_and_connections_have_their_own_rates(house):
    over = error("rate_limited", "Rate limit exceeded")
    with RawWebSocket.login(house, "ida") as a, RawWebSocket.login(house, "ida") as b:
        put(a, {"type": "bursty"}), put(a, {"type": "bursty"}), put(a, {"type": "bursty"})
        assert [a.recv_json() for _ in range(3)] == [ACK, ACK, over]
        time.sleep(0.25)
        assert ask(a, {"type": "bursty"}) == ACK
        for ws in (a, b):
            assert [ask(ws, {"type": "here_seldom"}) for _ in range(3)] == [ACK, ACK, over]
        assert [ask(ws, {"type": "hourly"}) for ws in (a, b, a)] == [ACK, ACK, over]


# --- what a violation does, and what observing does

def test_on_violation_drop_is_silent_and_close_closes(house, ws):
    put(ws, {"type": "dropped", "n": "x"})
    assert is_quiet(ws)
    house.wait_for_event("message_invalid", detail="dropped /n")
    assert ask(ws, {"type": "dropped", "n": 1}) == ACK
    assert ask(ws, {"type": "closed", "n": 1}) == ACK
    put(ws, {"type": "closed", "n": "x"})
    closed_with(ws, 1008, "Policy violation")
    assert house.wait_for_event("message_invalid", detail="closed /n")["close_code"] == 1008


def test_observe_logs_all_that_would_be_refused_and_lets_it_through(house, ws):
    with listen(house, "public:chat") as listener:
        message = {"type": "watched", "n": "x", "padding": "xxxxxxxxx"}
        assert ask(ws, message) == {**ACK, "channel": "public:chat"}
        assert listener.recv_json()["data"] == message
    user = "test_observe_logs_all_that_would_be_refused_and_lets_it_through"[:60]
    for code, detail in (("too_large", "watched"), ("no_permission", "watched"), ("schema", "watched /n")):
        row = house.wait_for_event("policy_observed", code=code, detail=detail, user=user)
        assert row["outcome"] == "ok"
    assert len(house.events("policy_observed", user=user)) == 3


def test_signs_of_injection_are_refused_where_it_is_asked(house, ws):
    assert ask(ws, {"type": "search", "q": "a quiet evening"})["type"] == "ack"
    assert ask(ws, {"type": "search", "q": "' or 1=1 --"}) == REFUSED
    assert ask(ws, {"type": "search", "q": {"$where": "sleep(1000)"}}) == REFUSED
    assert ask(ws, {"type": "tolerant", "q": "' or 1=1 --"}) == ACK
    house.wait_for_event("message_refused", code="injection", detail="search sql /q")


# --- built-in types obey the same engine

def test_a_row_with_a_built_in_name_stands_in_front_of_it(house, ws):
    with listen(house, "public:chat") as listener:
        publish = {"type": "publish", "channel": "public:chat"}
        assert ask(ws, {**publish, "data": "x" * 21}) == error("schema", "Field 'data' exceeds max length 20")
        assert ask(ws, {**publish, "data": 7}) == error("schema", "Field 'data' must be string")
        assert ask(ws, {**publish, "data": "<b>hi</b>"}) == {**ACK, "channel": "public:chat"}
        assert listener.recv_json()["data"] == "hi"
        assert ask(ws, {**publish, "channel": "nowhere", "data": "x"}) == NOT_ALLOWED
    assert ask(ws, {"type": "ping", "pad": "x" * 30}) == error("too_large", "Message exceeds max size 40")
    with RawWebSocket.login(house, "kai", ["guest"]) as guest:
        subscribe = {"type": "subscribe", "channel": "public:chat"}
        assert [ask(guest, subscribe)["type"] for _ in range(6)] == ["subscribed"] * 5 + ["error"]


def test_the_type_may_stand_elsewhere(tmp_path):
    messages = {"chat": {"schema": {"required": ["text"]}, "publish": "public:chat", "data": "/text"},
                "publish": {"size": 60}}
    with serve(tmp_path, messages, messages_by="/kind") as server, RawWebSocket.login(server) as ws, \
            listen(server, "public:chat") as listener:
        assert ask(ws, {"kind": "chat", "text": "a"}) == {**ACK, "channel": "public:chat"}
        assert listener.recv_json()["data"] == "a"
        assert ask(ws, {"kind": "chat"}) == error("schema", "Missing required field: text")
        assert ask(ws, {"text": "a"}) == error("missing_type", "Missing 'kind' field")
        assert ask(ws, {"type": "chat"}) == error("unknown_type", "Unknown message type: chat")
        assert ask(ws, {"type": "ping"}) == {"type": "pong"}
        # A built-in type is one by its `type`, and its row holds whatever `kind` says.
        long = {"type": "publish", "kind": "publish", "channel": "public:chat", "data": "x" * 20}
        assert ask(ws, long) == error("too_large", "Message exceeds max size 60")


# --- the application is asked

UNAVAILABLE = error("unavailable", "Service unavailable, try again later")


def hooked(url, **more):
    return {"sanitize": {"/text": "strip"}, "hook": {"url": url, "timeout": "700ms"}, **more}


class Application(Askable):
    """Answers what the test has put into `says`, by the text of the message."""

    def __init__(self):
        self.says = {}
        super().__init__(self.decide)

    def decide(self, request):
        answer = self.says.get(json.loads(request.body)["message"].get("text"), {"action": "accept"})
        return answer if isinstance(answer, tuple) else (200, answer)

    def questions(self):
        return [json.loads(r.body) for r in self.requests]


@pytest.fixture
def application():
    with Application() as running:
        yield running


@pytest.fixture
def asked(tmp_path, application):
    patient = {"url": application.url, "timeout": "8s"}
    messages = {"chat": hooked(application.url, publish="private:room-{/room}", hook=patient), "plain": hooked(application.url),
                "lenient": hooked(application.url, hook={"url": application.url, "timeout": "300ms", "on_unavailable": "accept"}),
                "publish": {"hook": {"url": application.url, "timeout": "700ms"}}}
    with serve(tmp_path, messages) as running:
        yield running


def test_the_application_sees_who_says_what_cleaned(asked, application):
    with RawWebSocket.login(asked, "alice", ["user", "admin"]) as ws, listen(asked, "private:room-7") as listener:
        message = {"type": "chat", "id": "x", "room": "7", "text": "<b>hi</b>"}
        assert ask(ws, message) == {**ACK, "channel": "private:room-7", "id": "x"}
        assert listener.recv_json()["data"] == {"type": "chat", "room": "7", "text": "hi"}
        (question,), request = application.questions(), application.requests[0]
        assert question == {"type": "chat", "user": "alice", "roles": ["user", "admin"], "connection": ws.welcome["connection"],
                            "message": {"type": "chat", "room": "7", "text": "hi"}}
        assert request.method == "POST" and request.headers["Content-Type"] == "application/json"
        assert ask(ws, {"type": "chat", "room": "1:admin", "text": "y"})["code"] == "schema"
        assert len(application.requests) == 1      # what breaks the policy never reaches it


def test_the_application_may_refuse_replace_and_answer(asked, application):
    application.says = {
        "bad": {"action": "refuse", "error": {"code": "room_closed", "message": "The room is closed"}},
        "no": {"action": "refuse"},
        "status": (403, {}),
        "change": {"action": "replace", "message": {"room": "9", "text": "<i>better</i>"}},
        "ask": {"action": "accept", "reply": {"n": [1, 2.50]}},
        "both": {"action": "replace", "message": {"room": "9", "text": "b"}, "reply": "<done>"},
        "lost": {"action": "replace", "message": {"room": "9:9"}},
    }
    with RawWebSocket.login(asked) as ws, listen(asked, "private:room-9") as listener:
        def say(text):
            return ask(ws, {"type": "chat", "room": "7", "text": text, "id": 1})

        assert say("bad") == error("room_closed", "The room is closed", id=1)
        assert say("no") == say("status") == error("refused", "Message refused", id=1)
        assert say("change") == {**ACK, "channel": "private:room-9", "id": 1}
        assert listener.recv_json()["data"] == {"room": "9", "text": "better"}
        assert say("ask") == {"type": "reply", "data": {"n": [1, 2.5]}, "id": 1}
        assert say("both") == {"type": "reply", "data": "<done>", "id": 1}
        assert listener.recv_json()["data"] == {"room": "9", "text": "b"}
        assert say("lost") == error("schema", "Field 'room' has invalid format", id=1)
        assert ask(ws, {"type": "plain", "text": "ask"}) == {"type": "reply", "data": {"n": [1, 2.5]}}
        assert ask(ws, {"type": "plain"}) == ACK
    asked.wait_for_event("message_refused", code="hook_refused", detail="chat", count=3)


def test_a_built_in_type_can_be_asked_about_too(asked, application):
    application.says = {"no": {"action": "refuse"}, "more": {"action": "replace", "message": {
        "channel": "private:room-1", "data": "changed"}}}
    with RawWebSocket.login(asked) as ws, listen(asked, "private:room-1") as listener:
        publish = {"type": "publish", "channel": "private:room-1", "data": 1}
        assert ask(ws, publish) == {**ACK, "channel": "private:room-1"}
        assert ask(ws, {**publish, "text": "no"}) == error("refused", "Message refused")
        assert ask(ws, {**publish, "text": "more"}) == {**ACK, "channel": "private:room-1"}
        assert [listener.recv_json()["data"] for _ in range(2)] == [1, "changed"]
        assert ask(ws, {**publish, "channel": "nowhere"}) == NOT_ALLOWED


@pytest.mark.parametrize("answer", [(200, b"nonsense"), (200, {"action": "maybe"}), (200, []), (500, {}), (302, {}),
                                    (200, b'{"action":"accept","x":"' + b"x" * 70000 + b'"}')])
def test_what_is_no_answer_refuses(asked, application, answer):
    application.says = {"x": answer}
    with RawWebSocket.login(asked) as ws:
        assert ask(ws, {"type": "plain", "text": "x", "id": 4}) == {**UNAVAILABLE, "id": 4}
        assert ask(ws, {"type": "lenient", "text": "x"}) == ACK
    assert asked.events("message_refused")[0]["code"] in ("hook_answer", "hook_unavailable")
    assert asked.wait_for_event("policy_observed", detail="lenient")


def test_a_hanging_application_holds_nobody_and_is_left_alone_for_a_while(asked, application):
    application.mood = "hang"
    with RawWebSocket.login(asked) as ws:
        for i in range(9):
            put(ws, {"type": "plain", "id": i})
        assert ws.recv_json() == error("rate_limited", "Rate limit exceeded", id=8)
        assert is_quiet(ws)         # other messages go on
        start = time.monotonic()
        assert sorted(ws.recv_json()["id"] for _ in range(8)) == list(range(8))
        assert time.monotonic() - start < 3
        assert ask(ws, {"type": "plain", "id": 9}) == {**UNAVAILABLE, "id": 9}
        assert time.monotonic() - start < 3.5
        asked.wait_for_event("message_refused", code="too_many_hooks")
        application.mood = "answer"
        application.end.set()
        deadline = time.monotonic() + 8
        while ask(ws, {"type": "plain"}) != ACK:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_who_leaves_while_the_application_thinks_leaves_nothing_behind(asked, application):
    application.mood = "hang"
    with RawWebSocket.login(asked) as ws:
        for i in range(5):
            put(ws, {"type": "chat", "room": "7", "text": "x", "id": i})
        assert is_quiet(ws)
    asked.wait_for_event("connection_close", timeout=3)
    application.end.set()
    application.mood = "answer"
    with RawWebSocket.login(asked, "bob") as ws:
        assert ask(ws, {"type": "ping"}) == {"type": "pong"}


def test_a_message_that_waits_outlives_a_reload(asked, application):
    release = threading.Event()
    application.answer = lambda request: (release.wait(7), application.decide(request))[1]
    with RawWebSocket.login(asked) as ws, listen(asked, "private:room-7") as listener:
        put(ws, {"type": "chat", "room": "7", "text": "x", "id": 1})
        assert is_quiet(ws)
        asked.config["channels"] = [{"pattern": "private:room-{room_id}", "needs": {"publish": "admin"}}]
        asked.write_config()
        asked.signal(signal.SIGHUP)
        asked.wait_for_event("reload", outcome="ok")
        release.set()
        assert ws.recv_json() == {**NOT_ALLOWED, "id": 1}       # by the rules as they are now
        assert is_quiet(listener)


def test_types_change_with_a_reload(tmp_path):
    with serve(tmp_path, {"a": {"size": 30, "rate": {"per_minute": 100}}, "b": None}) as server, RawWebSocket.login(server) as ws:
        assert ask(ws, {"type": "a"}) == ask(ws, {"type": "b"}) == ACK
        server.config["messages"] = {"c": {"schema": {"required": ["n"]}}, "a": {"rate": {"per_minute": 1}}}
        server.write_config()
        server.signal(signal.SIGHUP)
        server.wait_for_event("reload", outcome="ok")
        assert ask(ws, {"type": "b"}) == error("unknown_type", "Unknown message type: b")
        assert ask(ws, {"type": "c"}) == error("schema", "Missing required field: n")
        assert [ask(ws, {"type": "a", "long": "x" * 30})["type"] for _ in range(2)] == ["error", "error"]  # it sent one before
        server.config["messages"] = {"c": {"schema": {"type": "nothing"}}}
        server.write_config()
        server.signal(signal.SIGHUP)
        server.wait_for_event("reload", outcome="error")
        assert ask(ws, {"type": "c"}) == error("schema", "Missing required field: n")


def test_a_server_ends_while_the_application_thinks(asked, application):
    application.mood = "hang"
    with RawWebSocket.login(asked) as ws:
        put(ws, {"type": "plain"})
        assert is_quiet(ws)
        asked.stop()


def test_many_connections_do_not_take_all_transfers(asked, application):
    application.mood = "hang"
    sockets = [RawWebSocket.login(asked, "user%d" % i) for i in range(6)]
    try:
        for ws in sockets:
            for i in range(8):
                put(ws, {"type": "plain", "id": i})
        answers = [ws.recv_json() for ws in sockets for _ in range(8)]
    finally:
        for ws in sockets:
            ws.close()
    busy = [a for a in answers if a["code"] == "overloaded"]
    assert len(busy) == 48 - 32 and len(application.requests) <= 32
    asked.wait_for_event("message_refused", code="hooks_busy")


# --- gateward explain --message

@pytest.mark.parametrize("message, roles, code, words", [
    ({"type": "chat_message", "content": "<b>x</b>", "room_id": "7"}, "user", 0, "passed: to private:room-7\nallowed by channels[1]"),
    ({"type": "chat_message", "content": "x", "room_id": "7"}, "guest", 1, "refused: no_permission; the client hears not_allowed"),
    ({"type": "chat_message", "content": 5}, "user", 1,
     "refused: schema at /content; the client hears schema \"Field 'content' must be string\""),
    ({"type": "nowhere"}, "user", 1, "passed: to undefined:alice\nrefused: no rule"),
    ({"type": "watched", "n": "x"}, "admin", 0, "observed, let through: refused: schema at /n"),
    ({"type": "search", "q": "' or 1=1 --"}, "user", 1, "refused: injection at /q (signs of sql)"),
    ({"type": "seldom"}, "user", 0, "passed: seldom goes to no channel"),
    ({"type": "nope"}, "user", 1, "refused: no row of `messages` names its type"),
    ([], "user", 1, "refused: no JSON object"),
])
def test_explain_says_what_becomes_of_a_message(house, tmp_path, message, roles, code, words):
    (tmp_path / "message.json").write_text(json.dumps(message))
    result = run_gateward("explain", "--config", house.config_path, "--user", "alice", "--roles", roles, "--message",
                          str(tmp_path / "message.json"), cwd=house.directory)
    assert (result.returncode, result.stderr) == (code, "")
    assert result.stdout.startswith(words), result.stdout


def test_explain_takes_a_message_or_a_channel(house):
    common = ("explain", "--config", house.config_path, "--user", "alice", "--roles", "user")
    assert run_gateward(*common).returncode == 2
    assert run_gateward(*common, "--message", "m.json", "--channel", "a", "--action", "publish").returncode == 2
    assert run_gateward(*common, "--message", house.path("nowhere.json")).returncode == 1


# --- what can change while hooks stay

def test_messages_with_hooks_change_by_a_reload_and_hooks_do_not(tmp_path, application):
    text = {"type": "object", "properties": {"type": True, "id": True, "text": {"type": "string"}}, "additionalProperties": False}
    hook = {"url": application.url, "timeout": "2s"}
    messages = {"first": {"hook": hook}, "chat": {"hook": hook}, "plain": {}}
    config = {"limits": ROOMY, "listen": PLAIN, "channels": CHANNELS, "messages": messages, "server": {"workers": 2}}
    with Changing(tmp_path, config) as server, RawWebSocket.login(server) as ws:
        application.says = {"no": {"action": "refuse"}}
        put(ws, {"type": "chat", "text": "a", "more": 1})
        assert ws.recv_json() == ACK
        changed = {"new": {"schema": text}, "first": {"hook": hook}, "chat": {"hook": hook, "schema": text}, "plain": DELETE}
        server.reload({"messages": changed})
        deadline = time.monotonic() + 5
        while ask(ws, {"type": "plain"}).get("code") != "unknown_type":
            assert time.monotonic() < deadline
        assert ask(ws, {"type": "chat", "text": "a", "more": 1})["code"] == "schema"
        assert ask(ws, {"type": "chat", "text": "no"})["code"] == "refused"
        assert ask(ws, {"type": "first", "text": "no"})["code"] == "refused"
        assert ask(ws, {"type": "new", "text": "a"}) == ACK
        for refused in ({"chat": {"hook": {**hook, "timeout": "3s"}}}, {"new": {"hook": hook}}, {"chat": {"hook": DELETE}}):
            before = server.config
            assert "`hook`" in server.reload({"messages": refused}, outcome="error")["detail"], refused
            server.config = before
        assert ask(ws, {"type": "chat", "text": "a"}) == ACK


# --- what the check notes

def test_the_check_notes_schemas_that_let_unnamed_members_pass(tmp_path):
    (tmp_path / "jwt.secret").write_text("k3jH8s0dPq2LmNv7Xz5Rt9Wy1Bc4Fg6J\n")
    (tmp_path / "jwt.secret").chmod(0o600)
    schemas = {"open": {"type": "object"}, "closed": {"type": "object", "additionalProperties": False},
               "inner": {"additionalProperties": False, "properties": {"a": {"type": "object"}}}}
    config = {"listen": PLAIN, "auth": {"jwt": [{"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None}]},
              "channels": [{"pattern": "public:chat"}], "messages": {name: {"schema": schema} for name, schema in schemas.items()}}
    (tmp_path / "g.json").write_text(json.dumps(config))
    result = run_gateward("check", str(tmp_path / "g.json"))
    notes = [line.strip() for line in result.stdout.splitlines() if "note:" in line]
    assert result.returncode == 0 and len(notes) == 2
    assert notes[0].startswith("note: messages.open: ") and notes[1].startswith("note: messages.inner: ") and "at /properties/a:" in notes[1]


# --- mistakes in the file

@pytest.mark.parametrize("text, expected", [
    ("messages: [a]", "1:11: `messages` must name types"),
    ("messages:\n  chat: {shema: {}}", "2:10: unknown key `shema` (did you mean `schema`?)"),
    ("messages:\n  chat:\n    schema:\n      type: object\n      properties:\n        a: {type: strnig}", "6:19: `schema`: "
     "/properties/a: type: "),
    ("messages:\n  chat:\n    schema: {maxlength: 3}", "3:"),
    ("messages:\n  chat: {schema: {}, schema_file: a.json}", "one of them, not both"),
    ("messages:\n  chat: {schema_file: nowhere.json}", "2:23: nowhere.json cannot be read"),
    ("messages:\n  chat: {schema_file: bad.json}", "2:23: bad.json:3: "),
    ("messages:\n  chat: {schema_file: broken.json}", "broken.json:3: this is no JSON"),
    ("messages:\n  chat: {publish: 'room-{room_id}'}", "2:19: `publish`: a variable is {user_id}, {tenant} or a JSON"),
    ("messages:\n  chat: {publish: 'a:{/x}{/y}'}", "two variables in one segment"),
    ("messages:\n  chat: {data: /x}", "there is no `publish`"),
    ("messages:\n  chat: {sanitize: {content: strip}}", "is no JSON pointer"),
    ("messages:\n  chat: {sanitize: {/content: remove}}", "strip"),
    ("messages:\n  chat: {roles: [nobody]}", "there is no role `nobody`"),
    ("messages:\n  chat: {rate: {per_minute: 1, burst: 61}}", "`burst` is of per_minute"),
    ("messages:\n  publish: {publish: a}", "a built-in type goes where it always goes"),
    ("messages:\n  auth: {size: 100}", "`auth` is no message like others"),
    ("messages:\n  chat: {mode: watch}", "observe"),
    ("messages:\n  chat: {hook: {timeout: 1s}}", "a hook needs a `url`"),
    ("messages:\n  chat: {hook: {url: 'http://example.com/'}}", "2:22: `url` must begin with https:"),
    ("messages:\n  chat: {hook: {url: 'https://a.example/', ca: nowhere.pem}}", "`ca`"),
    ("messages_by: kind", "is no JSON pointer"),
])
def test_mistakes_are_named_with_their_line(tmp_path, text, expected):
    (tmp_path / "bad.json").write_text('{\n  "properties": {\n    "a": {"type": "strnig"}\n  }\n}\n')
    (tmp_path / "broken.json").write_text('{\n  "properties": \n')
    (tmp_path / "gateward.yaml").write_text(text + "\nlisten: [{address: 127.0.0.1:0}]\n")
    result = run_gateward("check", "gateward.yaml", cwd=tmp_path)
    assert result.returncode != 0
    assert expected in result.stderr + result.stdout, result.stderr + result.stdout
