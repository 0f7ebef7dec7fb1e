# SPDX-License-Identifier: Apache-2.0
"""What is tried around logins that are no JWT: a foreign page with a real cookie, doors without a guard, one user's login
for another's, answers without end, sockets that outlive their session."""
import re
import secrets
import threading
import time

import pytest

from askable import Askable
from attack_tools import LEAN, refused
from gateward_server import GatewardServer
from internal_api import ORIGIN, InternalApi, internal_config
from raw_client import OP_CLOSE, RawConnection, RawWebSocket, http_request, read_response

COOKIE = "__Host-session"
SCOPES = {"ops": ["sessions", "tickets", "revoke", "publish:public:*"]}


class Tokens:
    """An authorization server's view of its opaque tokens."""

    def __init__(self):
        self.rows = {}

    def __call__(self, request):
        return 200, self.rows.get(request.form().get("token"), {"active": False})

    def make(self, sub, token=None):
        token = token or secrets.token_urlsafe(32)
        self.rows[token] = {"active": True, "sub": sub, "exp": int(time.time()) + 600, "roles": ["user"]}
        return token


class House(GatewardServer):
    """Every way to log in on four workers: JWT, opaque tokens, sessions, tickets; and a route for each alone."""

    def __init__(self, directory, provider):
        secret = directory / "client.secret"
        secret.touch(0o600)
        secret.write_text(secrets.token_urlsafe(32))
        auth = {"sessions": {"store": "memory"},
                "oauth2": {"introspection_url": provider.url, "client_id": "gateward", "client_secret": {"file": str(secret)},
                           "issuer": None, "audience": None, "cache": "30s", "recheck": "30s"}}
        ways = ["jwt", "oauth2", "session", "ticket"]
        routes = [{"path": "/ws"}] + [{"path": "/by-" + way, "auth": [way]} for way in ways]
        super().__init__(directory, internal_config(directory, 4, scopes=SCOPES, auth=auth, origins=[ORIGIN], routes=routes))
        self.provider = provider

    def session(self, user):
        status, body = self.api.post("/api/sessions", {"user": user, "roles": ["user"]})
        assert status == 200, body
        return body["session"]

    def csrf(self, of):
        return self.api.post("/api/csrf", {"session": of, "origin": ORIGIN})[1]["csrf"]


@pytest.fixture(scope="module")
def tokens():
    return Tokens()


@pytest.fixture(scope="module")
def house(tmp_path_factory, tokens):
    with Askable(tokens, "/introspect") as provider, House(tmp_path_factory.mktemp("logins"), provider) as running:
        running.api = InternalApi(running)
        yield running


# --- foreign pages

def test_a_foreign_page_with_a_real_cookie_fails_a_thousand_times(house):
    """The victim's cookie and a good CSRF token come along by themselves; where the page comes from does not change."""
    of = house.session("victim")
    token = house.csrf(of)
    origins = ["https://evil.test", "https://app.example.com.evil.test", "http://app.example.com", "null", "https://evil.test:443"]
    got = {}
    for i in range(1000):
        with RawConnection.open(house) as c:
            c.send(http_request("/ws?csrf=" + token, headers=[("Cookie", COOKIE + "=" + of), ("Origin", origins[i % len(origins)]),
                                                              ("Sec-Fetch-Site", "cross-site")]))
            status = read_response(c).status
            got[status] = got.get(status, 0) + 1
    assert got == {403: 1000}
    assert house.wait_for_event("origin_refused", count=100)["outcome"] == "refused"
    with RawWebSocket.open(house, "/ws?csrf=" + token, headers=[("Cookie", COOKIE + "=" + of)], origin=ORIGIN) as ws:
        assert ws.recv_json()["user"] == "victim"       # the token was never used up, so it was good all the time


# --- doors without a guard

FIRST = [{"type": "subscribe", "channel": "public:chat"}, {"type": "publish", "channel": "public:chat", "data": 1}, {"type": "ping"},
         {"type": "auth"}, {"type": "auth", "token": ""}, {"type": "auth", "token": None}, {"type": "auth", "csrf": "A" * 43},
         {"type": "welcome", "user": "admin"}, {"type": "auth", "user": "admin", "roles": ["admin"]}]
HEADERS = [[], [("Cookie", COOKIE + "=" + "A" * 43), ("Origin", ORIGIN)], [("Origin", ORIGIN)], [("X-User", "admin")],
           [("X-Original-URL", "/open")], [("X-Rewrite-URL", "/health/live")], [("Connection", "keep-alive")],
           [("Sec-WebSocket-Protocol", "admin")], [("X-HTTP-Method-Override", "POST")]]


@pytest.mark.parametrize("path", ["/ws", "/by-jwt", "/by-oauth2", "/by-session", "/by-ticket", "/ws?x=1", "/ws?auth=none", "/ws?user=admin"])
def test_no_route_serves_anyone_before_a_login(house, path):
    """Whatever is sent without a credential that is good: refused, or a socket on which nothing but a Close ever comes."""
    for headers in HEADERS:
        for first in FIRST:
            with RawWebSocket.open(house, path, headers=headers, expect=None) as ws:
                if ws.response.status != 101:
                    assert ws.response.status in (400, 401, 403, 426), (ws.response.status, headers)
                    break       # what would be sent next does not matter
                ws.send_json(first)
                assert ws.recv_frame().opcode == OP_CLOSE, (path, headers, first)
    assert not house.events("auth_ok", user="admin")


@pytest.mark.parametrize("path", ["/", "/api/sessions", "/health/live", "/health/ready", "/metrics", "/admin", "/ws/", "/ws/ticket", "/debug"])
def test_what_is_no_route_is_no_way_in(house, path):
    headers = [("Authorization", "Bearer " + house.token("alice"))]
    refused(house, http_request(path, headers=headers), 404)


# --- whose login is it

def test_thousands_of_mixed_logins_never_change_places(house, tokens):
    """Four ways in, four workers, sixteen clients at a time: each welcome names the one who came, and no one else."""
    wrong, came = [], []

    def come(n):
        for i in range(60):
            me = "user-%d-%d" % (n, i)
            ways = [("/ws", [("Authorization", "Bearer " + house.token(me))]),
                    ("/by-oauth2", [("Authorization", "Bearer " + tokens.make(me))]),
                    ("/ws?ticket=" + house.api.ticket(me, origin=ORIGIN), [("Origin", ORIGIN)])]
            of = house.session(me)
            ways.append(("/by-session?csrf=" + house.csrf(of), [("Cookie", COOKIE + "=" + of), ("Origin", ORIGIN)]))
            path, headers = ways[(i + n) % 4]
            with RawWebSocket.open(house, path, headers=headers) as ws:
                said = [ws.recv_json()["user"]]
                ws.send_json({"type": "subscribe", "channel": "user:%s:messages" % me})
                ws.send_json({"type": "subscribe", "channel": "user:user-%d-%d:messages" % (n ^ 1, i)})
                said += [ws.recv_json()["type"], ws.recv_json().get("code")]
            if said != [me, "subscribed", "not_allowed"]:
                wrong.append((me, said))
        came.append(n)

    crowd = [threading.Thread(target=come, args=(n,)) for n in range(16)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert wrong == []
    assert sorted(came) == list(range(16))


def test_answers_about_tokens_that_look_alike_are_kept_apart(house, tokens):
    """60 tokens of 4,000 letters that differ in one of them, first, last or in the middle; each shown twice."""
    base = "t" * 4000
    alike = []
    for i in range(60):
        at = (0, 3999, 2000)[i % 3]
        alike.append(base[:at] + chr(65 + i // 3) + base[at + 1:])
    assert len(set(alike)) == 60
    for i, token in enumerate(alike):
        if i % 5:       # every fifth is known to nobody
            tokens.make("alike-%d" % i, token)
    for turn in range(2):
        for i, token in enumerate(alike):
            with RawWebSocket.open(house, "/by-oauth2") as ws:
                ws.send_json({"type": "auth", "token": token})
                if i % 5:
                    assert ws.recv_json()["user"] == "alike-%d" % i
                else:
                    assert ws.recv_close()[0] == 1008


def test_an_answer_without_end_is_cut(tmp_path):
    """The one who is asked about a token sends two mebibytes: no login, no memory, and the next answer counts."""
    answers = [b'{"active":true,"sub":"alice","exp":4102444800,"x":"' + b"x" * 2000000 + b'"}',
               b"[" * 200000, b'{"active":true,"active":false,"sub":"alice","exp":4102444800}', b'{"active":true,"sub":"alice"'] * 3
    with Askable(lambda request: (200, answers.pop() if answers else {"active": True, "sub": "alice", "exp": 4102444800})) as provider:
        with House(tmp_path, provider) as server:
            before = server.rss_kib()
            while answers:
                token = secrets.token_urlsafe(16)
                with RawWebSocket.open(server, "/by-oauth2", headers=[("Authorization", "Bearer " + token)], expect=None) as ws:
                    assert ws.response.status in (401, 503), ws.response.status
            assert server.rss_kib() - before < 30000
            deadline = time.monotonic() + 30
            while True:         # the breaker may have opened
                with RawWebSocket.open(server, "/by-oauth2", headers=[("Authorization", "Bearer new-%d" % time.monotonic_ns())], expect=None) as ws:
                    if ws.response.status == 101:
                        assert ws.recv_json()["user"] == "alice"
                        return
                assert time.monotonic() < deadline
                time.sleep(0.2)


# --- what is over

def ended(crowd, deadline):
    """How many were closed by the deadline, and the codes."""
    codes = {}
    for ws in crowd:
        try:
            code = ws.recv_close(max(0.01, deadline - time.monotonic()))[0]
        except TimeoutError:
            code = "open"
        codes[code] = codes.get(code, 0) + 1
    return codes


@pytest.mark.parametrize("count", [1500, pytest.param(9000, marks=pytest.mark.long)])
def test_all_sockets_of_a_user_end_in_time(tmp_path, count):
    """A revocation while the sockets receive: nothing comes more than a second later, and all are closed."""
    limits = {"connections": {"total": 20000, "per_ip": 20000}, "handshakes": {"per_second": 1000000, "burst": 1000000},
              "messages": {"per_minute": 1000000, "per_hour": 10000000}}
    config = internal_config(tmp_path, 2, scopes=SCOPES, limits=limits)
    with GatewardServer(tmp_path, config, environment=LEAN) as server:
        api = InternalApi(server)
        bearer = [("Authorization", "Bearer " + server.token("victim"))]
        crowd = [RawWebSocket.open(server, headers=bearer) for _ in range(count)]
        with RawWebSocket.login(server, "other") as other:
            for ws in crowd:
                assert ws.recv_json()["user"] == "victim"
            for ws in crowd[:200]:
                ws.send_json({"type": "subscribe", "channel": "public:chat"})
                assert ws.recv_json()["type"] == "subscribed"
            start = time.monotonic()
            assert api.post("/api/revoke", {"user": "victim"}) == (200, {"closed": count})
            told = time.monotonic()
            assert api.post("/api/publish", {"channel": "public:chat", "data": "too late"})[0] in (200, 404)
            other.send_json({"type": "publish", "channel": "public:chat", "data": "too late"})
            assert other.recv_json()["type"] == "ack"
            for ws in crowd[:200]:
                frame = ws.recv_frame()
                assert frame.opcode == OP_CLOSE and b"too late" not in frame.payload, frame
            assert ended(crowd[200:], start + 10) == {1008: count - 200}
            print("%d closed; told after %.2f s, the last read after %.2f s" % (count, told - start, time.monotonic() - start))
            assert time.monotonic() - start < 5 + count / 1000
        for ws in crowd:
            ws.close()


def test_a_crash_leaves_no_core_with_secrets(house):
    with open("/proc/%d/limits" % house.pid) as f:
        assert re.search(r"Max core file size\s+0\s+0\s", f.read())


def test_two_credentials_are_one_too_many(house, tokens):
    """Which of two would count is a question that two readers answer differently."""
    of = house.session("alice")
    bearer = ("Authorization", "Bearer " + house.token("alice"))
    cases = [("/ws", [bearer, bearer]), ("/ws?ticket=" + house.api.ticket("alice", origin=ORIGIN), [bearer, ("Origin", ORIGIN)]),
             ("/ws", [bearer, ("Authorization", "Bearer " + tokens.make("mallory"))]),
             ("/ws?csrf=%s&csrf=%s" % (house.csrf(of), house.csrf(of)), [("Cookie", COOKIE + "=" + of), ("Origin", ORIGIN)])]
    for path, headers in cases:
        with RawWebSocket.open(house, path, headers=headers, expect=None) as ws:
            assert ws.response.status == 400, (path, ws.response.status, ws.response.body)
