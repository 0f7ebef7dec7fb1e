# SPDX-License-Identifier: Apache-2.0
"""Proving who you are: both forms of first message, the handshake, deadlines, expiry, fresh tokens, rotation, secrecy."""
import json
import os
import secrets
import time

import pytest

import jwt_maker
from gateward_server import GatewardServer
from raw_client import OP_CLOSE, OP_PING, OP_TEXT, Ended, RawConnection, RawWebSocket, encode_frame
from talk import PLAIN, ROOMY, ask, closed_with, error, is_quiet, put

SLACK = 0.6     # seconds that two shared cores and a sanitizer may add


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server for tests that need nothing special."""
    with GatewardServer(tmp_path_factory.mktemp("house"), {"limits": ROOMY}) as running:
        yield running


def strict(**row):
    """A configuration with no leeway between clocks."""
    issuer = {"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None, "skew": "0s", **row}
    return {"listen": PLAIN, "limits": ROOMY, "auth": {"jwt": [issuer]}}


def bearer(token, scheme="Bearer"):
    return [("Authorization", "%s %s" % (scheme, token))]


# --- the first message

@pytest.mark.parametrize("form", ["bare", "object", "object with id", "object with more"])
def test_both_forms_of_first_message_are_answered_by_a_welcome(house, form):
    token = house.token("alice", ["user", "moderator"])
    message = {"bare": "auth:" + token, "object": {"type": "auth", "token": token},
               "object with id": {"type": "auth", "token": token, "id": 7},
               "object with more": {"x": [1, {"y": None}], "type": "auth", "token": token}}[form]
    with RawWebSocket.open(house) as ws:
        welcome = ask(ws, message)
        assert welcome.pop("connection")
        assert 3500 < welcome.pop("expires_in") <= 3630
        assert welcome == {"type": "welcome", "user": "alice", "roles": ["user", "moderator"],
                           **({"id": 7} if "id" in form else {})}
        row = house.wait_for_event("auth_ok", port=ws.local_port)
        assert row["user"] == "alice" and row["outcome"] == "ok" and row["ip"] == "127.0.0.1"


def test_connection_ids_are_never_the_same(house):
    seen = set()
    for _ in range(20):
        with RawWebSocket.login(house) as ws:
            seen.add(ws.welcome["connection"])
            assert house.wait_for_event("auth_ok", connection=ws.welcome["connection"])["port"] == ws.local_port
    assert len(seen) == 20 and min(len(s) for s in seen) >= 22      # 128 bits


def test_a_first_message_in_fragments_with_pings_between_is_as_good(house):
    message = json.dumps({"type": "auth", "token": house.token()})
    with RawWebSocket.open(house) as ws:
        ws.send_frame(OP_TEXT, message[:10], fin=False)
        ws.send_frame(OP_PING, b"?")
        for i in range(10, len(message), 50):
            ws.send_frame(0, message[i:i + 50], fin=i + 50 >= len(message))
        assert ws.recv_json()["type"] == "welcome"


NOT_AUTH = "First message must be auth"
BAD_FORM = "Invalid message format"
FAILED = "Authentication failed"


@pytest.mark.parametrize("message, reason, code", [
    ({"type": "ping"}, NOT_AUTH, "first_message_not_auth"),
    ({"type": "subscribe", "channel": "public:chat"}, NOT_AUTH, "first_message_not_auth"),
    ({"type": "AUTH", "token": "x"}, NOT_AUTH, "first_message_not_auth"),
    ({"type": ["auth"], "token": "x"}, NOT_AUTH, "first_message_not_auth"),
    ({"token": "x"}, NOT_AUTH, "first_message_not_auth"),
    ({}, NOT_AUTH, "first_message_not_auth"),
    ("hello", BAD_FORM, "first_message_not_json"),
    ("", BAD_FORM, "first_message_not_json"),
    ("[]", BAD_FORM, "first_message_not_json"),
    ('"auth"', BAD_FORM, "first_message_not_json"),
    ("null", BAD_FORM, "first_message_not_json"),
    ('{"type":"auth","token":"a","token":"b"}', BAD_FORM, "first_message_not_json"),
    ('{"type":"auth"} ', FAILED, "no_token"),
    ('{"type":"auth","token":5}', FAILED, "no_token"),
    ('{"type":"auth","token":null}', FAILED, "no_token"),
    ('{"type":"auth","token":""}', FAILED, "token_malformed"),
    ("auth:", FAILED, "token_malformed"),
    ("auth: x", FAILED, "token_malformed"),
    ("auth:a.b.c", FAILED, "token_malformed"),
    ("AUTH:a.b.c", BAD_FORM, "first_message_not_json"),
    (" auth:a.b.c", BAD_FORM, "first_message_not_json"),
])
def test_any_other_first_message_closes_with_1008_and_its_reason(house, message, reason, code):
    with RawWebSocket.open(house) as ws:
        port = ws.local_port
        put(ws, message)
        closed_with(ws, 1008, reason)
    row = house.wait_for_event("auth_failed", port=port)
    assert (row["code"], row["close_code"], row["outcome"]) == (code, 1008, "refused")
    assert house.wait_for_event("connection_close", port=port)["close_code"] == 1008
    assert not house.events("auth_ok", port=port)


def test_nothing_is_answered_between_a_bad_first_message_and_the_close(house):
    with RawWebSocket.open(house) as ws:
        ws.send(encode_frame(OP_TEXT, "auth:bad") + encode_frame(OP_TEXT, "auth:" + house.token())
                + encode_frame(OP_TEXT, json.dumps({"type": "ping"})))
        assert ws.recv_frame().opcode == OP_CLOSE
        assert ws.recv_rest() == b""


def test_an_expired_token_has_a_reason_of_its_own(start_server):
    server = start_server(strict())
    for ttl in (0, -1, -3600):
        with RawWebSocket.open(server) as ws:
            put(ws, "auth:" + server.token(ttl=ttl))
            closed_with(ws, 1008, "Token expired")
            assert server.wait_for_event("auth_failed", port=ws.local_port)["code"] == "token_expired"


def test_skew_is_thirty_seconds_unless_said_otherwise(house):
    with RawWebSocket.login(house, token=house.token(ttl=-20)) as ws:
        assert ws.welcome["expires_in"] <= 10
    with RawWebSocket.open(house) as ws:
        put(ws, "auth:" + house.token(ttl=-31))
        closed_with(ws, 1008, "Token expired")


# --- the deadline

def beat(ws, what):
    if what == "pings":
        ws.send_frame(OP_PING, b"I live")
    elif what == "bytes of a frame":
        ws.send(b"x")
    elif what == "fragments":
        ws.send_frame(0, b"x", fin=False)


@pytest.mark.parametrize("what", ["nothing", "pings", "bytes of a frame", "fragments"])
def test_the_deadline_is_exact_and_nothing_extends_it(start_server, what):
    server = start_server({"auth": {"timeout": "1500ms"}})
    with RawWebSocket.open(server) as ws:
        start = time.monotonic()
        if what == "bytes of a frame":
            ws.send(b"\x81\xfe\x02\x00abcd")    # 512 bytes that will not come in time
        elif what == "fragments":
            ws.send_frame(OP_TEXT, b"auth:", fin=False)
        while time.monotonic() - start < 1.3:
            time.sleep(0.1)
            beat(ws, what)
        assert ws.recv_close(3) == (1008, "Authentication timeout")
        passed = time.monotonic() - start
        port = ws.local_port
    assert 1.45 <= passed <= 1.5 + SLACK, passed
    row = server.wait_for_event("auth_timeout", port=port)
    assert row["close_code"] == 1008 and row["outcome"] == "refused"
    assert not server.events("auth_failed", port=port)


def test_who_logged_in_in_time_has_no_deadline(start_server):
    server = start_server({"auth": {"timeout": "500ms"}})
    with RawWebSocket.login(server) as ws:
        time.sleep(0.9)
        assert is_quiet(ws)
    assert not server.events("auth_timeout")


# --- the handshake

def test_a_good_token_at_the_handshake_is_answered_by_a_welcome_behind_the_101(house):
    for scheme in ("Bearer", "bearer", "BEARER"):
        with RawWebSocket.open(house, headers=bearer(house.token("bob"), scheme)) as ws:
            welcome = ws.recv_json()
            assert welcome["type"] == "welcome" and welcome["user"] == "bob"
            assert is_quiet(ws)
            assert house.wait_for_event("auth_ok", port=ws.local_port)["user"] == "bob"


@pytest.mark.parametrize("value", ["Bearer a.b.c", "Bearer", "Bearer ", "Basic YTpi", "x", "", "Bearer  two spaces", "EXPIRED",
                                   "UNSIGNED"])
def test_a_bad_one_is_refused_with_401_before_the_upgrade(house, value):
    if value == "EXPIRED":
        value = "Bearer " + house.token(ttl=-100)
    elif value == "UNSIGNED":
        value = "Bearer " + house.token().rpartition(".")[0] + "."
    with RawWebSocket.open(house, headers=[("Authorization", value)], expect=401) as ws:
        challenge = ws.response.headers["www-authenticate"]
        assert challenge.startswith("Bearer") and 'error="invalid_token"' in challenge
        assert json.loads(ws.response.body)["error"]["code"] == "invalid_token"
        assert ws.recv_rest() == b""
        row = house.wait_for_event("auth_failed", port=ws.local_port)
        assert row["status"] == 401 and row["outcome"] == "refused" and row["severity"] == "warning"
        assert not house.events("connection_open", port=ws.local_port)


def test_two_tokens_at_the_handshake_are_refused_with_400_even_if_both_are_good(house):
    token = house.token()
    for second in (token, "bad"):
        with RawWebSocket.open(house, headers=bearer(token) + bearer(second), expect=400) as ws:
            assert json.loads(ws.response.body)["error"]["code"] == "credentials_repeated"
            row = house.wait_for_event("handshake_refused", port=ws.local_port)
            assert row["code"] == "credentials_repeated" and row["status"] == 400


def test_a_token_in_the_query_logs_nobody_in(house):
    with RawWebSocket.open(house, path="/ws?token=" + house.token(), expect=None) as ws:
        if ws.response.status == 101:
            put(ws, {"type": "ping"})
            closed_with(ws, 1008, NOT_AUTH)
        assert not house.events("auth_ok", port=ws.local_port)


# --- the end of a token

def test_an_expired_token_closes_the_open_connection_with_4001(start_server):
    server = start_server(strict())
    with RawWebSocket.login(server, token=server.token(ttl=2)) as ws:
        end = int(time.time()) + 2
        assert ws.welcome["expires_in"] in (1, 2)
        assert is_quiet(ws)
        assert ws.recv_close(5) == (4001, "Token expired")
        late = time.time() - end
        assert -1.01 <= late <= 1 + SLACK, late
        row = server.wait_for_event("token_expired", port=ws.local_port)
        assert row["close_code"] == 4001 and row["user"] == "alice" and row["outcome"] == "ok"


def test_a_token_that_outlives_its_timer_is_not_closed_early(start_server):
    server = start_server(strict())
    with RawWebSocket.login(server, token=server.token(exp=int(time.time()) + 400 * 24 * 3600)) as ws:
        assert ws.welcome["expires_in"] > 399 * 24 * 3600
        assert is_quiet(ws)
    with RawWebSocket.login(server, token=server.token(exp=int(time.time()) + 3.9)) as ws:
        time.sleep(1.5)
        assert is_quiet(ws)


@pytest.mark.parametrize("form", ["bare", "object"])
def test_a_fresh_token_extends_the_connection(start_server, form):
    server = start_server(strict())
    with RawWebSocket.login(server, token=server.token(ttl=2)) as ws:
        fresh = server.token(ttl=600)
        welcome = ask(ws, "auth:" + fresh if form == "bare" else {"type": "auth", "token": fresh, "id": "r"})
        assert welcome["type"] == "welcome" and 590 < welcome["expires_in"] <= 600
        assert welcome["connection"] == ws.welcome["connection"]
        assert welcome.get("id") == (None if form == "bare" else "r")
        assert server.wait_for_event("auth_extended", port=ws.local_port)["user"] == "alice"
        time.sleep(2.6)
        assert is_quiet(ws)
    assert not server.events("token_expired")


def test_a_fresh_token_may_also_end_sooner(start_server):
    server = start_server(strict())
    with RawWebSocket.login(server) as ws:
        ask(ws, "auth:" + server.token(ttl=1))
        assert ws.recv_close(4) == (4001, "Token expired")


def test_the_roles_of_a_fresh_token_replace_the_old_ones(house):
    both = ["public:chat", "chat:mod-only", "private:room-1"]
    with RawWebSocket.login(house, "mona", ["moderator"]) as mona, RawWebSocket.login(house, "ada", ["admin"]) as ada:
        for channel in both:
            assert ask(mona, {"type": "subscribe", "channel": channel})["type"] == "subscribed"
        assert ask(mona, "auth:" + house.token("mona", ["user"]))["roles"] == ["user"]
        for n, channel in enumerate(both):
            assert ask(ada, {"type": "publish", "channel": channel, "data": n})["type"] == "ack"
        got = [mona.recv_json() for _ in range(2)]
        assert [(m["channel"], m["data"]) for m in got] == [("public:chat", 0), ("private:room-1", 2)]
        assert is_quiet(mona)
        assert ask(mona, {"type": "subscribe", "channel": "chat:mod-only"}) == error("not_allowed", "Not allowed")
        # No role at all: no permission, hence no subscription is left.
        assert ask(mona, "auth:" + house.token("mona", []))["roles"] == []
        for channel in both:
            ask(ada, {"type": "publish", "channel": channel, "data": 0})
        assert is_quiet(mona)
        # And back: what ended stays ended until it is asked for again.
        assert ask(mona, "auth:" + house.token("mona", ["moderator"]))["roles"] == ["moderator"]
        ask(ada, {"type": "publish", "channel": "chat:mod-only", "data": 0})
        assert is_quiet(mona)
        assert ask(mona, {"type": "subscribe", "channel": "chat:mod-only"})["type"] == "subscribed"


def test_another_users_token_closes_the_connection(house):
    with RawWebSocket.login(house, "alice") as ws:
        put(ws, {"type": "auth", "token": house.token("alicf", ["admin"])})
        closed_with(ws, 1008, FAILED)
        row = house.wait_for_event("auth_failed", port=ws.local_port)
        assert row["code"] == "other_user" and row["user"] == "alice"


def test_a_bad_fresh_token_changes_nothing(house):
    with RawWebSocket.login(house, "alice") as ws, RawWebSocket.login(house, "bob") as bob:
        assert ask(ws, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"
        for message, says in (
                ({"type": "auth", "token": "nonsense", "id": 1}, error("authentication_failed", FAILED, id=1)),
                ({"type": "auth", "token": house.token("alice", ["admin"])[:-2]}, error("authentication_failed", FAILED)),
                ("auth:" + house.token("alice", ttl=-100), error("authentication_failed", "Token expired")),
                ({"type": "auth", "token": house.token("bob", ttl=-100)}, error("authentication_failed", "Token expired")),
                ({"type": "auth"}, error("schema", "Missing required field: token")),
                ({"type": "auth", "token": 1}, error("schema", "Field 'token' must be string"))):
            assert ask(ws, message) == says
        assert len(house.events("auth_failed", port=ws.local_port)) == 4
        assert ask(ws, {"type": "subscribe", "channel": "chat:mod-only"}) == error("not_allowed", "Not allowed")
        ask(bob, {"type": "publish", "channel": "public:chat", "data": "still here"})
        assert ws.recv_json()["data"] == "still here"


# --- keys

def test_two_secrets_are_good_while_one_replaces_the_other(tmp_path):
    new = secrets.token_hex(32).encode()
    row = {"algorithms": ["HS256"], "secret": [{"file": "new.secret", "kid": "2"}, {"file": "jwt.secret", "kid": "1"}],
           "issuer": None, "audience": None}
    server = GatewardServer(tmp_path, {"listen": PLAIN, "auth": {"jwt": [row]}, "limits": ROOMY})
    server._write("new.secret", new)

    def token(secret, **header):
        now = int(time.time())
        return jwt_maker.compact({"alg": "HS256", **header}, {"sub": "alice", "roles": ["user"], "exp": now + 60}, secret)

    with server:
        for good in (token(new, kid="2"), token(server.secret, kid="1")):
            RawWebSocket.login(server, token=good).close()
        for bad in (token(new, kid="1"), token(server.secret, kid="2"), token(new, kid="3"), token(new, kid=2),
                    token(secrets.token_bytes(32), kid="2")):
            with RawWebSocket.open(server) as ws:
                put(ws, "auth:" + bad)
                closed_with(ws, 1008, FAILED)


def forged(secret, header=None, drop=(), digest="sha256", **claims):
    now = int(time.time())
    body = {"sub": "alice", "roles": ["user"], "exp": now + 600, "iss": "https://id.example", "aud": "gateward", **claims}
    return jwt_maker.compact({"alg": "HS256", **(header or {})}, {k: v for k, v in body.items() if k not in drop}, secret, digest)


CLAIMS = {
    "alg none": (lambda s: forged(s, {"alg": "none"}).rpartition(".")[0] + ".", "token_malformed"),
    "alg none, but signed": (lambda s: forged(s, {"alg": "none"}), "token_algorithm"),
    "alg NonE, but signed": (lambda s: forged(s, {"alg": "NonE"}), "token_algorithm"),
    "HS512 with the key of HS256": (lambda s: forged(s, {"alg": "HS512"}, digest="sha512"), "token_algorithm"),
    "RS256 signed by HMAC": (lambda s: forged(s, {"alg": "RS256"}), "token_algorithm"),
    "no alg": (lambda s: jwt_maker.compact({"typ": "JWT"}, {"sub": "a", "exp": 9999999999}, s), None),
    "crit": (lambda s: forged(s, {"crit": ["exp"]}), "token_critical_header"),
    "b64 false": (lambda s: forged(s, {"b64": False, "crit": ["b64"]}), "token_critical_header"),
    "no exp": (lambda s: forged(s, drop=["exp"]), None),
    "exp as text": (lambda s: forged(s, exp="9999999999"), None),
    "exp null": (lambda s: forged(s, exp=None), None),
    "exp expired": (lambda s: forged(s, exp=int(time.time()) - 40), "token_expired"),
    "not yet": (lambda s: forged(s, nbf=int(time.time()) + 60), "token_not_yet_valid"),
    "no iss": (lambda s: forged(s, drop=["iss"]), "token_issuer"),
    "wrong iss": (lambda s: forged(s, iss="https://id.example/"), "token_issuer"),
    "iss in a list": (lambda s: forged(s, iss=["https://id.example"]), "token_issuer"),
    "no aud": (lambda s: forged(s, drop=["aud"]), "token_audience"),
    "wrong aud": (lambda s: forged(s, aud="gatewar"), "token_audience"),
    "aud empty list": (lambda s: forged(s, aud=[]), "token_audience"),
    "aud list with a number": (lambda s: forged(s, aud=["gateward", 1]), "token_audience"),
    "no sub": (lambda s: forged(s, drop=["sub"]), "token_subject"),
    "sub with a colon": (lambda s: forged(s, sub="a:b"), "token_subject"),
    "sub with a brace": (lambda s: forged(s, sub="{user_id}"), "token_subject"),
    "sub too long": (lambda s: forged(s, sub="a" * 65), "token_subject"),
    "sub a number": (lambda s: forged(s, sub=7), "token_subject"),
    "other secret": (lambda s: forged(b"x" * 64), "token_signature"),
    "secret cut": (lambda s: forged(s[:-1]), "token_signature"),
    "padding": (lambda s: forged(s) + "=", "token_malformed"),
    "four parts": (lambda s: forged(s) + ".e30", "token_malformed"),
    "backslash behind": (lambda s: forged(s) + "\\", "token_malformed"),
    "duplicate sub": (lambda s: jwt_maker.compact({"alg": "HS256"}, b'{"sub":"a","sub":"b","exp":9999999999}', s), None),
}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """A server that checks issuer and audience."""
    config = {"listen": PLAIN, "limits": ROOMY, "auth": {"jwt": [
        {"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": "https://id.example", "audience": "gateward"}]}}
    with GatewardServer(tmp_path_factory.mktemp("judge"), config) as running:
        yield running


@pytest.mark.parametrize("name", CLAIMS)
def test_a_wrong_token_is_refused_by_either_way_in(judge, name):
    make, code = CLAIMS[name]
    token = make(judge.secret)
    with RawWebSocket.open(judge) as ws:
        put(ws, "auth:" + token)
        closed_with(ws, 1008, "Token expired" if code == "token_expired" else FAILED)
        row = judge.wait_for_event("auth_failed", port=ws.local_port)
        assert row["code"].startswith("token_") and (code is None or row["code"] == code), row
    with RawWebSocket.open(judge, headers=bearer(token), expect=401) as ws:
        assert judge.wait_for_event("auth_failed", port=ws.local_port)["status"] == 401


def test_the_right_token_is_not(judge):
    for token in (forged(judge.secret), forged(judge.secret, aud=["other", "gateward"]), forged(judge.secret, nbf=1, iat=1),
                  forged(judge.secret, {"typ": "at+jwt", "cty": "x"}), forged(judge.secret, extra={"a": [1]})):
        RawWebSocket.login(judge, token=token).close()


# --- secrets

def test_secrets_appear_in_no_log_no_reason_and_no_command_line(tmp_path):
    canary = "kanarienvogel" + secrets.token_hex(8)
    server = GatewardServer(tmp_path, {"server": {"state_dir": "state"}, "limits": ROOMY, "log": {"level": "debug"}})
    server.secret = (canary + secrets.token_hex(24)).encode()
    server._write("jwt.secret", server.secret)
    said = []
    with server:
        tokens = [server.token("alice"), server.token("alice", ttl=-100), server.token("alice")[:-3], canary,
                  server.token("alice", jti=canary), jwt_maker.compact({"alg": "none"}, {"sub": canary}, b"x" * 32)]
        for token in tokens:
            for headers in ([], bearer(token), [("Cookie", "s=" + canary), ("Origin", "https://app.example.com")]):
                with RawWebSocket.open(server, path="/ws?token=%s&p=%s" % (token, canary), headers=headers, expect=None) as ws:
                    said.append(ws.response.body)
                    try:
                        put(ws, "auth:" + token)
                        put(ws, {"type": "message", "content": canary})
                        put(ws, {"type": "publish", "channel": "public:chat", "data": canary})
                        put(ws, {"type": "auth", "token": canary})
                        ws.send_close(1000, canary)
                        said.append(ws.recv_rest(5))
                    except (Ended, OSError):
                        pass
        with RawConnection.open(server) as c:
            c.send("GET /%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nX: \x01\r\n\r\n" % ("x?" + canary, canary))
            said.append(c.recv_rest())
        with open("/proc/%d/cmdline" % server.pid, "rb") as f:
            said.append(f.read())
        assert server.wait_for_event("auth_failed")
    for name in ("events.jsonl", "stderr.txt", "stdout.txt"):
        with open(os.path.join(server.directory, name), "rb") as f:
            said.append(f.read())
    whole = b"\n".join(said)
    assert whole.count(b'"event":"auth_failed"') >= 6
    assert canary.encode() not in whole
    for token in tokens[:3] + tokens[4:]:
        assert token.encode() not in whole and token.split(".")[1].encode() not in whole
