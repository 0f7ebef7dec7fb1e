# SPDX-License-Identifier: Apache-2.0
"""What may happen between a question about a login and its answer: another login, the end of a session, a reload, the
end of the server."""
import secrets
import signal
import threading
import time

import pytest

from askable import Askable, Application, Tokens, oauth_config
from gateward_server import Changing, GatewardServer
from internal_api import ORIGIN, InternalApi
from raw_client import RawConnection, RawWebSocket, http_request, read_response
from talk import ask, closed_with, is_quiet

JWT = [{"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None}]
SECRET_CHANNEL = "chat:mod-only"


class SlowTokens(Tokens):
    """Answers about `slow` only when `go` is set."""

    def __init__(self):
        super().__init__()
        self.slow, self.go, self.asked = set(), threading.Event(), threading.Event()

    def __call__(self, request):
        token = request.form().get("token")
        if token in self.slow:
            self.asked.set()
            self.go.wait(20)
        return super().__call__(request)


@pytest.fixture
def tokens():
    made = SlowTokens()
    yield made
    made.go.set()


def config_with_jwt(folder, provider, **more):
    return oauth_config(folder, provider.url, jwt=JWT, timeout="8s", **more)


def by_header(server, token):
    """The request is sent, the answer is still to be read."""
    ws = RawConnection.open.__func__(RawWebSocket, server)
    ws.send(http_request(host="localhost:%d" % server.port, headers=[("Authorization", "Bearer " + token)]))
    return ws


# --- rechecks

def test_the_answer_about_an_old_token_does_not_bring_its_roles_back(tmp_path, tokens):
    with Askable(tokens) as provider, GatewardServer(tmp_path, config_with_jwt(tmp_path, provider)) as server:
        token = tokens.make("alice", roles=["user", "moderator"])
        with RawWebSocket.login(server, token=token) as ws:
            tokens.slow.add(token)
            assert tokens.asked.wait(8)         # the recheck is under way
            assert ask(ws, {"type": "auth", "token": server.token("alice", ["user"])})["roles"] == ["user"]
            tokens.go.set()
            time.sleep(0.5)
            assert ask(ws, {"type": "subscribe", "channel": SECRET_CHANNEL})["code"] == "not_allowed"


def test_no_message_keeps_a_recheck_from_ending_the_connection(tmp_path, tokens):
    with Askable(tokens) as provider, GatewardServer(tmp_path, config_with_jwt(tmp_path, provider)) as server:
        token, unknown = tokens.make("alice"), secrets.token_urlsafe(32)
        with RawWebSocket.login(server, token=token) as ws:
            tokens.slow |= {token, unknown}
            tokens.rows[token] = {"active": False}
            assert tokens.asked.wait(8)
            ws.send_json({"type": "auth", "token": secrets.token_urlsafe(32)})      # would take the question's place
            assert ws.recv_json()["code"] == "authentication_failed"
            ws.send_json({"type": "auth", "token": unknown})                        # and this one is under way
            tokens.go.set()
            assert ws.recv_close(4) == (4001, "Access revoked")


def test_a_recheck_does_not_forget_the_session_that_the_connection_began_with(tmp_path, tokens):
    with Askable(tokens) as provider:
        config = config_with_jwt(tmp_path, provider)
        config["auth"]["sessions"] = {"store": "memory"}
        with GatewardServer(tmp_path, config) as server:
            api = InternalApi(server)
            session = api.post("/api/sessions", {"user": "alice", "roles": ["user"]})[1]["session"]
            csrf = api.post("/api/csrf", {"session": session, "origin": ORIGIN})[1]["csrf"]
            with RawWebSocket.open(server, path="/ws?csrf=" + csrf, origin=ORIGIN,
                                   headers=[("Cookie", "__Host-session=" + session)]) as ws:
                assert ws.recv_json()["user"] == "alice"
                assert ask(ws, {"type": "auth", "token": tokens.make("alice")})["type"] == "welcome"
                asked = len(provider.requests)
                deadline = time.monotonic() + 8
                while len(provider.requests) < asked + 2 and time.monotonic() < deadline:
                    time.sleep(0.05)
                assert is_quiet(ws)
                assert api.post("/api/sessions/end", {"session": session})[0] == 200
                assert ws.recv_close(4) == (4001, "Session ended")


def test_one_login_at_a_time_and_each_is_answered(tmp_path, tokens):
    with Askable(tokens) as provider, GatewardServer(tmp_path, config_with_jwt(tmp_path, provider)) as server:
        token = tokens.make("alice")
        tokens.slow.add(token)
        with RawWebSocket.login(server) as ws:
            for i in range(3):
                ws.send_json({"type": "auth", "token": token, "id": i})
            assert [ws.recv_json()["code"] for _ in range(2)] == ["authentication_unavailable"] * 2
            tokens.go.set()
            answer = ws.recv_json()
            assert (answer["type"], answer["id"]) == ("welcome", 0)


# --- reloads

@pytest.mark.parametrize("way", ["header", "first message"])
def test_an_answer_is_worth_nothing_on_a_route_that_takes_no_such_login_any_more(tmp_path, tokens, way):
    with Askable(tokens) as provider, Changing(tmp_path, config_with_jwt(tmp_path, provider)) as server:
        token = tokens.make("alice")
        tokens.slow.add(token)
        if way == "header":
            ws = by_header(server, token)
        else:
            ws = RawWebSocket.open(server)
            ws.send_json({"type": "auth", "token": token})
        with ws:
            assert tokens.asked.wait(8)
            server.reload({"routes": [{"path": "/ws", "auth": ["jwt"]}]})
            tokens.go.set()
            if way == "header":
                assert read_response(ws).status == 401
            else:
                closed_with(ws, 1008, "Authentication failed")


def test_what_was_asked_before_a_reload_is_answered_after_it(tmp_path, tokens):
    with Askable(tokens) as provider, Changing(tmp_path, config_with_jwt(tmp_path, provider)) as server:
        token = tokens.make("alice")
        tokens.slow.add(token)
        with by_header(server, token) as ws:
            assert tokens.asked.wait(8)
            server.reload({"channels": [{"pattern": "round-{n}"}]})
            tokens.go.set()
            assert read_response(ws).status == 101
            assert ws.recv_json()["user"] == "alice"
            assert is_quiet(ws)


# --- the end

def test_questions_under_way_do_not_keep_the_server_from_hearing_that_it_is_to_end(tmp_path, tokens):
    with Askable(tokens) as provider:
        config = config_with_jwt(tmp_path, provider)
        config["server"] = {"workers": 1, "drain": "1s"}
        with GatewardServer(tmp_path, config) as server, RawWebSocket.login(server) as ws:
            token = tokens.make("alice")
            tokens.slow.add(token)
            for _ in range(1100):       # more than a worker's box holds; nobody waits for their answers
                with RawWebSocket.open(server) as gone:
                    gone.send_json({"type": "auth", "token": token})
            server.signal(signal.SIGHUP)
            assert server.wait_for_event("reload")["outcome"] == "ok"
            server.signal(signal.SIGTERM)
            assert ws.recv_close(4) == (1001, "Server shutting down")


def test_stopping_reloading_and_answers_meet(tmp_path, tokens):
    with Askable(tokens) as provider, Askable(Application()) as site:
        config = config_with_jwt(tmp_path, provider, recheck="1s")
        config["auth"]["hook"] = {"url": site.url, "cache": "1s", "recheck": "1s"}
        config["auth"]["csrf"] = "origin_only"
        config["server"] = {"workers": 2, "drain": "1s"}
        with Changing(tmp_path, config) as server:
            sockets = []
            try:
                for i in range(200):
                    token = tokens.make("user-%d" % (i % 7))
                    tokens.slow.add(token)
                    if i % 2:
                        ws = RawWebSocket.open(server)
                        ws.send_json({"type": "auth", "token": token})
                        ws.send_json({"type": "ping", "id": i})
                    else:
                        ws = by_header(server, token)
                    sockets.append(ws)
                assert tokens.asked.wait(8)
                for ws in sockets[::10]:
                    ws.sock.close()
                server.signal(signal.SIGHUP)
                tokens.go.set()
                server.signal(signal.SIGHUP)
                time.sleep(0.05)
                server.signal(signal.SIGTERM)
                server.wait(20)
            finally:
                for ws in sockets:
                    ws.close()
            server.process = None
