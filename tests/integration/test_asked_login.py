# SPDX-License-Identifier: Apache-2.0
"""Logins that somebody else has to confirm: opaque tokens by introspection (RFC 7662), requests by the application's hook.
The answer comes late, never, wrong, or changes while the connection is open."""
import json
import secrets
import time

import pytest

from askable import Application, Askable, Tokens, hook_config, oauth_config
from gateward_server import GatewardServer
from internal_api import ORIGIN, InternalApi
from raw_client import OP_TEXT, RawConnection, RawWebSocket, encode_frame, http_request, read_response
from talk import ask, closed_with, is_quiet


@pytest.fixture
def tokens():
    return Tokens()


@pytest.fixture
def house(tmp_path, tokens):
    with Askable(tokens, "/introspect") as provider:
        with GatewardServer(tmp_path, oauth_config(tmp_path, provider.url)) as server:
            server.provider = provider
            yield server


def refusal(server, status, token, origin=None):
    with RawWebSocket.open(server, headers=[("Authorization", "Bearer " + token)], origin=origin, expect=status) as ws:
        return json.loads(ws.response.body)["error"]["code"], ws.response.headers


# --- opaque tokens

def test_an_opaque_token_logs_in_by_message_and_by_header(house, tokens):
    token = tokens.make("alice")
    with RawWebSocket.login(house, token=token) as ws:
        assert (ws.welcome["user"], ws.welcome["roles"]) == ("alice", ["user"])
    with RawWebSocket.open(house, headers=[("Authorization", "Bearer " + token)]) as ws:
        assert ws.recv_json()["user"] == "alice"
    request = house.provider.requests[0]
    assert request.method == "POST" and request.form()["token"] == token
    assert request.headers["Authorization"].startswith("Basic ")
    assert token not in house.stderr_text() + json.dumps(house.events())


def test_what_waits_behind_the_token_is_not_lost(house, tokens):
    token = tokens.make()
    frames = [{"type": "auth", "token": token}, {"type": "ping", "id": 1}, {"type": "subscribe", "channel": "public:chat"}]
    for head, first in ((http_request(host="localhost:%d" % house.port), 0),
                        (http_request(host="localhost:%d" % house.port, headers=[("Authorization", "Bearer " + tokens.make())]), 1)):
        with RawConnection.open(house) as c:
            c.send(head + b"".join(encode_frame(OP_TEXT, json.dumps(f)) for f in frames[first:]))
            assert read_response(c).status == 101
            ws = RawWebSocket(c.sock)
            ws.received = c.received
            assert [ws.recv_json()["type"] for _ in frames] == ["welcome", "pong", "subscribed"]


@pytest.mark.parametrize("answer", [{"active": False}, {"active": "true", "sub": "alice"}, {"active": 1, "sub": "alice"},
                                    {"active": None, "sub": "alice"}, {"sub": "alice"}, {"active": True}, [], "x", None,
                                    {"active": True, "sub": "../x"}, {"active": True, "sub": "alice", "exp": 1}])
def test_an_answer_that_is_no_yes_is_a_no(house, tokens, answer):
    token = tokens.make()
    if isinstance(answer, dict) and "exp" not in answer:
        answer = {**answer, "exp": int(time.time()) + 60}
    tokens.rows[token] = answer if answer is not None else {"active": "yes"}
    got, headers = refusal(house, None, token)
    assert got in ("invalid_token", "auth_unavailable"), got
    if isinstance(answer, dict):
        assert got == "invalid_token" and 'error="invalid_token"' in headers["www-authenticate"]


def test_a_scope_that_is_asked_for_must_be_there(tmp_path, tokens):
    with Askable(tokens) as provider, GatewardServer(tmp_path, oauth_config(tmp_path, provider.url, scopes=["chat"])) as server:
        got, headers = refusal(server, 403, tokens.make(scope="mail profile"))
        assert got == "insufficient_scope" and 'error="insufficient_scope", scope="chat"' in headers["www-authenticate"]
        with RawWebSocket.open(server) as ws:
            ws.send_json({"type": "auth", "token": tokens.make(scope="mail")})
            closed_with(ws, 1008, "Insufficient scope")
        with RawWebSocket.login(server, token=tokens.make(scope="mail chat")) as ws:
            assert is_quiet(ws)


def test_a_revoked_token_ends_the_live_connection(house, tokens):
    token = tokens.make()
    with RawWebSocket.login(house, token=token) as ws:
        assert is_quiet(ws)
        tokens.rows[token] = {"active": False}
        assert ws.recv_close(6) == (4001, "Access revoked")


def test_an_expired_token_ends_the_live_connection(tmp_path, tokens):
    with Askable(tokens) as provider, \
            GatewardServer(tmp_path, oauth_config(tmp_path, provider.url, recheck="1m", skew="0s")) as server:
        with RawWebSocket.login(server, token=tokens.make(ttl=3)) as ws:
            assert ws.recv_close(8) == (4001, "Token expired")


def test_a_token_that_changes_hands_ends_the_connection(house, tokens):
    token = tokens.make("alice")
    with RawWebSocket.login(house, token=token) as ws:
        tokens.rows[token]["sub"] = "mallory"
        assert ws.recv_close(6) == (4001, "Access revoked")


def test_a_role_that_is_taken_away_takes_the_subscription_along(house, tokens):
    token = tokens.make("alice", roles=["user", "moderator"])
    with RawWebSocket.login(house, token=token) as ws, RawWebSocket.login(house, token=tokens.make("bob", roles=["moderator"])) as bob:
        assert ask(ws, {"type": "subscribe", "channel": "chat:mod-only"})["type"] == "subscribed"
        tokens.rows[token]["roles"] = ["user"]
        deadline = time.monotonic() + 6
        while time.monotonic() < deadline:
            ws.send_json({"type": "publish", "channel": "chat:mod-only", "data": 0, "id": 1})
            if next(m for m in iter(ws.recv_json, None) if m.get("id") == 1)["type"] == "error":
                break
            time.sleep(0.3)
        assert time.monotonic() < deadline
        assert ask(bob, {"type": "publish", "channel": "chat:mod-only", "data": "for moderators"})["type"] == "ack"
        ws.send_json({"type": "ping", "id": 9})
        for message in iter(ws.recv_json, {"type": "pong", "id": 9}):
            assert message["data"] == 0, message        # its own, of before


def test_while_the_provider_hangs_new_ones_are_told_so_and_old_ones_stay(house, tokens):
    known = tokens.make()
    with RawWebSocket.login(house, token=known) as ws:
        house.provider.mood = "hang"
        start = time.monotonic()
        assert refusal(house, 503, tokens.make())[0] == "auth_unavailable"
        assert time.monotonic() - start < 2.5
        with RawWebSocket.open(house) as new:
            new.send_json({"type": "auth", "token": tokens.make()})
            closed_with(new, 1013, "Authentication unavailable, try again later", timeout=3)
        assert is_quiet(ws)
        time.sleep(2.5)                     # rechecks fail meanwhile
        assert is_quiet(ws)
        house.provider.mood = "answer"
        house.provider.end.set()
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            with RawWebSocket.open(house, headers=[("Authorization", "Bearer " + tokens.make())], expect=None) as new:
                if new.response.status == 101:
                    break
            time.sleep(0.2)
        assert time.monotonic() < deadline
        assert is_quiet(ws)


def test_one_token_shown_a_hundred_times_is_asked_about_once(tmp_path, tokens):
    with Askable(tokens) as provider, \
            GatewardServer(tmp_path, oauth_config(tmp_path, provider.url, cache="30s", recheck="30s")) as server:
        token = tokens.make()
        sockets = [RawWebSocket.open(server) for _ in range(40)]
        for ws in sockets:
            ws.send_json({"type": "auth", "token": token})
        assert all(ws.recv_json()["type"] == "welcome" for ws in sockets)
        for ws in sockets:
            ws.close()
        assert len(provider.requests) == 1


def test_jwt_and_opaque_live_side_by_side(tmp_path, tokens):
    jwt = [{"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None}]
    with Askable(tokens) as provider, GatewardServer(tmp_path, oauth_config(tmp_path, provider.url, jwt=jwt)) as server:
        with RawWebSocket.login(server) as ws:
            assert is_quiet(ws)
        assert not provider.requests
        assert refusal(server, 401, server.token()[:-4] + "AAAA")[0] == "invalid_token"
        assert not provider.requests        # the form decides: nobody else sees a JWT
        with RawWebSocket.login(server, token=tokens.make()) as ws:
            assert ask(ws, {"type": "auth", "token": tokens.make()})["type"] == "welcome"
            ws.send_json({"type": "auth", "token": tokens.make("mallory")})
            closed_with(ws, 1008, "Authentication failed")


def test_a_client_that_goes_while_it_is_asked_about_leaves_nothing(house):
    house.provider.mood = "hang"
    for _ in range(5):
        with RawConnection.open(house) as c:
            c.send(http_request(host="localhost:%d" % house.port, headers=[("Authorization", "Bearer " + secrets.token_urlsafe(32))]))
            time.sleep(0.05)
            c.reset()
    with RawWebSocket.open(house) as ws:
        ws.send_json({"type": "auth", "token": secrets.token_urlsafe(32)})
        time.sleep(0.05)
    house.provider.end.set()


# --- the hook

def with_cookie(server, sid, path="/ws", **kwargs):
    return RawWebSocket.open(server, path=path, headers=[("Cookie", "sid=" + sid)], origin=ORIGIN, **kwargs)


def test_the_application_says_who_it_is(tmp_path):
    app = Application()
    app.users["good-one"] = "alice"
    with Askable(app) as site, GatewardServer(tmp_path, hook_config(tmp_path, site.url)) as server:
        api = InternalApi(server)
        with with_cookie(server, "good-one") as ws:
            token = api.post("/api/csrf", {"session": "s-alice", "origin": ORIGIN})[1]["csrf"]
            ws.send_json({"type": "auth", "csrf": token})
            assert ws.recv_json()["user"] == "alice"
            assert site.requests[0].method == "GET" and site.requests[0].cookies()["sid"] == "good-one"
            assert site.requests[0].headers["Host"].startswith("127.0.0.1")
            del app.users["good-one"]       # logged out over there
            assert ws.recv_close(6) == (4001, "Access revoked")
        with with_cookie(server, "bad-one", expect=401) as ws:
            assert json.loads(ws.response.body)["error"]["code"] == "invalid_session"
        assert "good-one" not in server.stderr_text() + json.dumps(server.events())


def test_without_a_csrf_token_the_application_s_word_is_not_enough(tmp_path):
    app = Application()
    app.users["x"] = "alice"
    with Askable(app) as site, GatewardServer(tmp_path, hook_config(tmp_path, site.url)) as server:
        with with_cookie(server, "x") as ws:
            ws.send_json({"type": "auth"})
            closed_with(ws, 1008, "CSRF token refused")
        with with_cookie(server, "x", path="/ws?csrf=AAAA", expect=403):
            pass
    with Askable(app) as site, GatewardServer(tmp_path / "b", hook_config(tmp_path, site.url, csrf="origin_only")) as server:
        with with_cookie(server, "x") as ws:
            assert ws.recv_json()["user"] == "alice"


def test_a_hook_that_hangs_or_breaks_refuses(tmp_path):
    app = Application()
    app.users["x"] = "alice"
    with Askable(app) as site, GatewardServer(tmp_path, hook_config(tmp_path, site.url)) as server:
        for attempt, mood in enumerate(["hang"] + ["down"] * 8):
            site.mood = mood
            start = time.monotonic()
            with with_cookie(server, "x-%d" % attempt, expect=503):
                assert time.monotonic() - start < 2.5
        assert server.wait_for_event("identity_source", code="down")["action"] == "hook"
        site.mood = "answer"
        site.end.set()
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            with with_cookie(server, "x", expect=None) as ws:
                if ws.response.status == 101:
                    break
            time.sleep(0.2)
        assert time.monotonic() < deadline
        server.wait_for_event("identity_source", code="up")


def test_a_ticket_for_whom_the_application_vouches_is_good(tmp_path):
    app = Application()
    app.users["x"] = "alice"
    with Askable(app) as site, GatewardServer(tmp_path, hook_config(tmp_path, site.url, csrf="origin_only")) as server:
        api = InternalApi(server)
        with RawConnection.open(server) as c:
            c.send(http_request("/ticket", "localhost:%d" % server.port, [("Cookie", "sid=x"), ("Origin", ORIGIN)],
                                method="POST", drop=("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")))
            answer = read_response(c)
        assert answer.status == 200, answer.body
        path = "/ws?ticket=" + json.loads(answer.body)["ticket"]
        with RawWebSocket.open(server, path=path, origin=ORIGIN) as ws:
            assert ws.recv_json()["user"] == "alice"
            assert api.post("/api/revoke", {"user": "alice"})[0] == 200
            closed_with(ws, 1008, "Revoked")
