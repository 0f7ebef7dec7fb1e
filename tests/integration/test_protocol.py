# SPDX-License-Identifier: Apache-2.0
"""The native protocol as docs/protocol.md has it: each message, each answer to the byte, each error, and what passes through."""
import json
import os

import pytest

from gateward_server import GatewardServer
from raw_client import OP_BINARY, OP_TEXT, RawConnection, RawWebSocket, http_request
from talk import PLAIN, ROOMY, ask, closed_with, error, is_quiet, put

NOT_ALLOWED = error("not_allowed", "Not allowed")
ACK = {"type": "ack", "message": "Message received"}
CHANNELS = [{"pattern": "public:chat"}, {"pattern": "private:room-{room_id}", "allow": ["user", "moderator", "admin"]},
            {"pattern": "user:{user_id}:messages"}, {"pattern": "chat:mod-only", "allow": ["moderator"], "deny": ["guest"]},
            {"pattern": "news", "needs": {"publish": "admin"}}, {"pattern": "{a}:{b}:{c}:{d}"}]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("house"), {"limits": ROOMY, "listen": PLAIN, "channels": CHANNELS}) as running:
        yield running


@pytest.fixture
def ws(house):
    with RawWebSocket.login(house) as open_ws:
        yield open_ws


def raw_ask(ws, message):
    put(ws, message)
    return ws.recv_message()


# --- the table of messages, to the byte

@pytest.mark.parametrize("message, answer", [
    ('{"type":"ping"}', '{"type":"pong"}'),
    ('{"type":"ping","id":7}', '{"type":"pong","id":7}'),
    (' {\n"id" : "a" ,\t"type":"\\u0070ing" } ', '{"type":"pong","id":"a"}'),
    ('{"type":"subscribe","channel":"public:chat"}', '{"type":"subscribed","channel":"public:chat"}'),
    ('{"type":"subscribe","channel":"public:chat","id":0}', '{"type":"subscribed","channel":"public:chat","id":0}'),
    ('{"type":"unsubscribe","channel":"public:chat","id":-1}', '{"type":"unsubscribed","channel":"public:chat","id":-1}'),
    ('{"type":"unsubscribe","channel":"nowhere"}', '{"type":"unsubscribed","channel":"nowhere"}'),
    ('{"type":"publish","channel":"public:chat","data":null}',
     '{"type":"ack","message":"Message received","channel":"public:chat"}'),
    ('{"type":"publish","channel":"public:chat","data":1,"id":"x"}',
     '{"type":"ack","message":"Message received","channel":"public:chat","id":"x"}'),
    ('{"type":"message","content":"hello"}', '{"type":"ack","message":"Message received"}'),
    ('{"type":"message"}', '{"type":"ack","message":"Message received"}'),
    ('{"type":"message","content":"","room":[1],"id":1}', '{"type":"ack","message":"Message received","id":1}'),
])
def test_each_message_has_its_answer(ws, message, answer):
    assert raw_ask(ws, message) == answer.encode()
    assert is_quiet(ws)


@pytest.mark.parametrize("id_text", ['"' + "i" * 64 + '"', '"' + "ü" * 32 + '"', '""', "0", "-0", "9223372036854775807",
                                     "-9223372036854775808", "1e3", '"\\u0000\\"\\\\\\u2028"'])
def test_an_id_comes_back_in_answers_and_errors(ws, id_text):
    wanted = json.loads(id_text)
    for message in ('{"type":"ping","id":%s}', '{"id":%s}', '{"type":"nope","id":%s}', '{"type":"subscribe","id":%s}',
                    '{"type":"subscribe","channel":"nowhere","id":%s}', '{"type":"publish","channel":"public:chat","id":%s}',
                    '{"type":"message","content":1,"id":%s}', '{"type":"auth","token":"x","id":%s}'):
        answer = ask(ws, message % id_text)
        assert answer["id"] == wanted and type(answer["id"]) is type(wanted), answer


@pytest.mark.parametrize("id_text", ['"' + "i" * 65 + '"', '"' + "ü" * 33 + '"', "1.5", "1e400", "9223372036854775808", "null",
                                     "true", "[]", "{}", "1" * 65])
def test_any_other_id_is_an_error_without_id(ws, id_text):
    wanted = error("schema", "Field 'id' must be a string of at most 64 bytes or an integer")
    assert ask(ws, '{"type":"ping","id":%s}' % id_text) == wanted


# --- errors

def one(channel):
    return {"type": "subscribe", "channel": channel}


BAD_FORMAT = ("schema", "Field 'channel' has invalid format")
ERRORS = [
    ("", "invalid_json", "Invalid JSON"), ("x", "invalid_json", "Invalid JSON"), ("[]", "invalid_json", "Invalid JSON"),
    ("1", "invalid_json", "Invalid JSON"), ("null", "invalid_json", "Invalid JSON"), ('"ping"', "invalid_json", "Invalid JSON"),
    ("{}", "missing_type", "Missing 'type' field"), ('{"type":""}', "missing_type", "Missing 'type' field"),
    ('{"Type":"ping"}', "missing_type", "Missing 'type' field"), ('{"type":null}', "schema", "Field 'type' must be string"),
    ('{"type":1}', "schema", "Field 'type' must be string"), ('{"type":{"type":"ping"}}', "schema", "Field 'type' must be string"),
    ('{"type":"nope"}', "unknown_type", "Unknown message type: nope"),
    ('{"type":"PING"}', "unknown_type", "Unknown message type: PING"),
    ('{"type":"ping "}', "unknown_type", "Unknown message type: ping "),
    ('{"type":"ping\\u0000"}', "unknown_type", "Unknown message type: ping\0"),
    ('{"type":"welcome"}', "unknown_type", "Unknown message type: welcome"),
    ('{"type":"' + "t" * 65 + '"}', "unknown_type", "Unknown message type: " + "t" * 64),
    ('{"type":"' + "t" * 63 + 'ü"}', "unknown_type", "Unknown message type: " + "t" * 63),
    ('{"type":"\\"}{\\u2028"}', "unknown_type", 'Unknown message type: "}{\u2028'),
    ('{"type":"subscribe"}', "schema", "Missing required field: channel"),
    ('{"type":"unsubscribe"}', "schema", "Missing required field: channel"),
    ('{"type":"publish","data":1}', "schema", "Missing required field: channel"),
    ('{"type":"publish","channel":"public:chat"}', "schema", "Missing required field: data"),
    (one(1), "schema", "Field 'channel' must be string"), (one(None), "schema", "Field 'channel' must be string"),
    (one(["public:chat"]), "schema", "Field 'channel' must be string"), ('{"type":"message","content":7}', "schema",
                                                                        "Field 'content' must be string"),
    ('{"type":"auth"}', "schema", "Missing required field: token"),
]
ERRORS += [(one(c), *BAD_FORMAT) for c in (
    "", ":", "a:", ":a", "a::b", "a b", "public:chat ", "public:chat\n", "public:chat\0", "ä", "*", "public:*", "a/b", "{a}", "a+b",
    "a" * 65, "a:" + "b" * 65, ":".join("a" * 17), "public\u202echat", "private:room-%31")]
ERRORS += [(one("a" * 257), "schema", "Field 'channel' exceeds max length 256")]


@pytest.mark.parametrize("message, code, text", ERRORS, ids=range(len(ERRORS)))
def test_each_error_has_its_code_and_text_and_leaves_the_connection_open(house, ws, message, code, text):
    assert ask(ws, message) == error(code, text)
    row = house.wait_for_event("message_invalid", port=ws.local_port)
    assert row["code"] == code and row["user"] == "alice" and row["outcome"] == "refused"
    assert is_quiet(ws)


@pytest.mark.parametrize("text", [
    '{"type":"ping","type":"ping"}', '{"type":"ping","a":1,"a":2}', '{"type":"ping","\\u0074ype":"x"}',
    '{"type":"ping","x":{"a":1,"\\u0061":1}}', '{"type":"ping","x":[{"":1,"":1}]}', '{"type":"ping",}', "{'type':'ping'}",
    '{"type":"ping"}{}', '{"type":"ping"}x', '{"type":"ping"', '{"type":"ping","x":01}', '{"type":"ping","x":+1}',
    '{"type":"ping","x":.5}', '{"type":"ping","x":NaN}', '{"type":"ping","x":Infinity}', '{"type":"ping","x":"\\ud800"}',
    '{"type":"ping","x":"\\udc00\\ud800"}', '{"type":"ping","x":"\t"}', '{"type":"ping"} // x', '{"type":"ping","x":"\\x41"}',
    '\ufeff{"type":"ping"}', '{"type":"ping","x":tru}', '{"type":"ping" "x":1}', '{type:"ping"}', '{"type":"ping","x":[1,]}',
    '{"type":"ping","x":0x10}', '{"type":"ping"}\0'],
    ids=range(27))
def test_json_is_strict(ws, text):
    assert ask(ws, text) == error("invalid_json", "Invalid JSON")


def nested(levels, data="[%s]"):
    text = "1"
    for _ in range(levels):
        text = data % text
    return '{"type":"publish","channel":"public:chat","data":%s}' % text


@pytest.mark.parametrize("shape", ["[%s]", '{"a":%s}'])
def test_depth_32_passes_and_33_does_not(ws, shape):
    assert ask(ws, nested(31, shape))["type"] == "ack"
    for levels in (32, 33, 3000):
        assert ask(ws, nested(levels, shape)) == error("too_complex", "Message too complex")


def test_many_small_values_have_a_ceiling(ws):
    assert ask(ws, '{"type":"publish","channel":"public:chat","data":[%s]}' % ",".join("1" * 8000))["type"] == "ack"
    assert ask(ws, '{"type":"publish","channel":"public:chat","data":[%s]}' % ",".join("1" * 9000)) == \
        error("too_complex", "Message too complex")


# --- who hears what

def test_what_does_not_exist_and_what_is_forbidden_get_the_same_bytes(house):
    with RawWebSocket.login(house, "gus", ["guest"]) as guest:
        for kind in ("subscribe", "publish"):
            answers = set()
            for channel in ("nowhere", "public:chat2", "private:room-1", "private:room-" + "9" * 40, "user:bob:messages",
                            "chat:mod-only"):
                answers.add(raw_ask(guest, {"type": kind, "channel": channel, "data": 1, "id": 3}))
            if kind == "publish":
                answers.add(raw_ask(guest, {"type": kind, "channel": "news", "data": 1, "id": 3}))
                # Who may not publish does not learn either whether the message would have been complete.
                answers.add(raw_ask(guest, {"type": kind, "channel": "news", "id": 3}))
            assert answers == {b'{"type":"error","code":"not_allowed","message":"Not allowed","id":3}'}
        rows = [r for r in house.events("access_denied", port=guest.local_port)]
        assert {r["code"] for r in rows} == {"no_rule", "role_denied", "role_not_allowed", "no_permission"}
        assert {r["action"] for r in rows} == {"subscribe", "publish"} and {r["user"] for r in rows} == {"gus"}
        assert "private:room-1" in {r["channel"] for r in rows}


def test_a_publisher_hears_itself_only_if_it_is_subscribed(house, ws):
    message = {"type": "publish", "channel": "private:room-self", "data": {"n": 1}}
    assert ask(ws, message) == {**ACK, "channel": "private:room-self"}
    assert is_quiet(ws)
    ask(ws, one("private:room-self"))
    put(ws, message)
    got = [ws.recv_json(), ws.recv_json()]
    push = {"type": "message", "channel": "private:room-self", "data": {"n": 1}, "from": {"user": "alice"}}
    assert push in got and {**ACK, "channel": "private:room-self"} in got
    assert is_quiet(ws)


def test_subscribers_hear_it_once_and_nobody_else_does(house):
    names = ["s%d" % i for i in range(5)]
    subscribers = [RawWebSocket.login(house, n) for n in names]
    with RawWebSocket.login(house, "out") as outsider, RawWebSocket.login(house, "pub") as publisher:
        for s in subscribers:
            assert ask(s, one("private:room-5"))["type"] == "subscribed"
        assert ask(subscribers[0], one("private:room-5"))["type"] == "subscribed"      # twice is once
        assert ask(outsider, one("private:room-55"))["type"] == "subscribed"
        assert ask(outsider, one("private:room-5"))["type"] == "subscribed"
        assert ask(outsider, {"type": "unsubscribe", "channel": "private:room-5"})["type"] == "unsubscribed"
        for n in range(20):
            assert ask(publisher, {"type": "publish", "channel": "private:room-5", "data": n})["type"] == "ack"
        for s in subscribers:
            assert [s.recv_json()["data"] for _ in range(20)] == list(range(20))
            assert is_quiet(s)
            s.close()
        assert is_quiet(outsider) and is_quiet(publisher)


def test_guests_listen_and_do_not_speak(house):
    with RawWebSocket.login(house, "gus", ["guest"]) as guest, RawWebSocket.login(house, "bob") as bob:
        assert ask(guest, one("public:chat"))["type"] == "subscribed"
        assert ask(guest, {"type": "publish", "channel": "public:chat", "data": 1}) == NOT_ALLOWED
        ask(bob, {"type": "publish", "channel": "public:chat", "data": "from bob"})
        assert guest.recv_json() == {"type": "message", "channel": "public:chat", "data": "from bob", "from": {"user": "bob"}}


def test_nobody_speaks_for_another(house, ws):
    ask(ws, one("public:chat"))
    put(ws, {"type": "publish", "channel": "public:chat", "data": 1, "from": {"user": "root", "server": True}, "user": "root"})
    assert ws.recv_until_type("message")["from"] == {"user": "alice"}


EXACT = ["1e400", "-0", "1E+2", "1.000000000000000000000000000000001", "123456789012345678901234567890", "0.1e-400", "null", "true",
         "false", "[]", "{}", '[1, 2,\t3]', '{"b":1,"a":2}', '{"type":"error","channel":"x","from":{"user":"root"}}', '[{"":""}]',
         '["\\u00fc","ü","\\ud83d\\ude00","\\u2028","</script>"]', '{"__proto__":{"x":1},"constructor":null}', '[1e400,[-1E-999]]']


@pytest.mark.parametrize("data", EXACT)
def test_data_passes_through_exactly(ws, data):
    ask(ws, one("public:chat"))
    put(ws, '{"type":"publish","channel":"public:chat","data": %s }' % data)
    wanted = '{"type":"message","channel":"public:chat","data":%s,"from":{"user":"alice"}}' % data
    assert wanted.encode() in (ws.recv_message(), ws.recv_message())


@pytest.mark.parametrize("text", ["", "ü€😀", "\u2028\u2029\u202e\ufeff\uffff\U0010ffff", '"\\/', "\x00\x01\x1f\x7f\x80\x9f",
                                  "</script><!--", "a" * 60000, "\x01" * 10000], ids=range(8))
def test_a_string_says_the_same_on_the_other_side(ws, text):
    ask(ws, one("public:chat"))
    put(ws, {"type": "publish", "channel": "public:chat", "data": text})
    got = [ws.recv_json(), ws.recv_json()]
    assert {"type": "message", "channel": "public:chat", "data": text, "from": {"user": "alice"}} in got


# --- numbers

def test_the_hundredth_subscription_passes_and_the_next_does_not(house, ws):
    for i in range(100):
        assert ask(ws, one("private:room-%d" % i))["type"] == "subscribed"
    refusal = error("limit_exceeded", "Too many subscriptions")
    assert ask(ws, one("private:room-100")) == refusal
    assert ask(ws, one("private:room-7"))["type"] == "subscribed"           # already counted
    assert house.wait_for_event("limit_exceeded", port=ws.local_port)["code"] == "too_many_subscriptions"
    assert ask(ws, {"type": "unsubscribe", "channel": "private:room-7"})["type"] == "unsubscribed"
    assert ask(ws, one("private:room-100"))["type"] == "subscribed"
    assert ask(ws, one("private:room-7")) == refusal
    with RawWebSocket.login(house) as other:                                # of one connection, not of one user
        assert ask(other, one("private:room-7"))["type"] == "subscribed"


def test_a_channel_of_256_bytes_passes_and_of_257_does_not(ws):
    longest = ":".join(["a" * 64, "b" * 63, "c" * 63, "d" * 63])
    assert len(longest) == 256
    assert ask(ws, one(longest)) == {"type": "subscribed", "channel": longest}
    put(ws, {"type": "publish", "channel": longest, "data": 1})
    assert [ws.recv_json()["channel"], ws.recv_json()["channel"]] == [longest, longest]
    assert ask(ws, one(longest + "d")) == error("schema", "Field 'channel' exceeds max length 256")


# --- what is not a message

@pytest.mark.parametrize("opcode, payload, code, event", [
    (OP_BINARY, b'{"type":"ping"}', 1003, "protocol_error"), (OP_TEXT, b"\xff", 1007, "protocol_error"),
    (0x3, b"", 1002, "protocol_error"), (OP_TEXT, b"x" * 65537, 1009, "limit_exceeded")],
                         ids=["binary", "not utf-8", "unknown opcode", "too large"])
def test_what_is_not_a_text_message_closes_with_its_code(house, ws, opcode, payload, code, event):
    ws.send_frame(opcode, payload)
    got = ws.recv_close()
    assert got[0] == code and got[1]
    house.wait_for_event(event, port=ws.local_port, close_code=code)        # the port may have served another test before
    house.wait_for_event("connection_close", port=ws.local_port, close_code=code)


def test_a_close_comes_back_with_its_code(house, ws):
    ws.send_close(3456, "bye")
    closed_with(ws, 3456)
    row = house.wait_for_event("connection_close", port=ws.local_port)
    assert row["close_code"] == 3456 and row["messages_in"] == 1 and row["messages_out"] == 1 and row["duration_ms"] >= 0


def test_totals_of_a_connection_are_in_its_last_event(house):
    with RawWebSocket.login(house) as ws:
        for _ in range(9):
            ask(ws, {"type": "ping"})
        port = ws.local_port
    row = house.wait_for_event("connection_close", port=port)
    assert (row["messages_in"], row["messages_out"], row["close_code"]) == (10, 10, 1006)


# --- the log

def every_byte(house):
    """Each byte in each place that a stranger fills and a log may show."""
    for byte in range(256):
        odd = bytes([byte])
        for request in (http_request(path="/x{}y"), http_request(headers=[("Origin", "https://a{}b.example")]),
                        http_request(host="local{}host"), http_request(headers=[("Authorization", "Bearer {}")]),
                        http_request(method="G{}T")):
            with RawConnection.open(house) as c:
                try:
                    c.send(request.replace(b"{}", odd))
                    c.send(b"\r\n\r\n")     # should the byte have eaten the end of the head
                except OSError:
                    pass
                c.recv_rest(10)


def test_no_byte_that_a_stranger_chose_breaks_a_line_of_the_log(tmp_path):
    limits = {**ROOMY, "messages": {"per_minute": 1000000, "per_hour": 10000000}}
    config = {"limits": limits, "listen": PLAIN, "channels": [{"pattern": "{a}"}], "timeouts": {"header": "1s"}}
    with GatewardServer(tmp_path, config) as server:
        every_byte(server)
        with RawWebSocket.login(server) as ws:
            for number in list(range(256)) + [0x2028, 0x2029, 0x202e, 0xfeff, 0xffff, 0x10ffff]:
                for field in ("type", "channel", "id", "content"):
                    put(ws, {"type": "subscribe", "channel": "a", field: "a%sb" % chr(number)})
                    ws.recv_json()
                ask(ws, {"type": "publish", "channel": "a:" + chr(number), "data": chr(number)})
            assert is_quiet(ws)
        server.wait_for_event("connection_close")
    for name in ("events.jsonl", "stderr.txt"):
        with open(os.path.join(server.directory, name), "rb") as f:
            text = f.read()
        lines = text.split(b"\n")
        assert lines.pop() == b""
        for line in lines:
            assert not [b for b in line if b < 0x20 or b == 0x7f], line
            decoded = line.decode("utf-8")
            assert not set(decoded) & set("\u2028\u2029\u202e\ufeff\x85\x9b"), line
            if name == "events.jsonl":
                row = json.loads(line)
                assert list(row)[:4] == ["time", "event", "severity", "outcome"]
    assert len(lines) > 0 and server.events("handshake_refused") and server.events("origin_refused")
    # Nobody wrote an event of his own.
    assert {r["event"] for r in server.events()} - {
        "server_start", "server_drain", "server_stop", "handshake_refused", "origin_refused", "connection_open", "connection_close",
        "auth_ok", "auth_failed", "access_denied", "message_invalid", "events_suppressed", "protocol_error"} == set()
