# SPDX-License-Identifier: Apache-2.0
"""Login by the cookie of a session of ours: CSRF, tickets for pages, and every way such a login ends."""
import json
import time

import pytest

from gateward_server import GatewardServer
from internal_api import ORIGIN, InternalApi, internal_config
from raw_client import RawWebSocket, RawConnection, encode_frame, http_request, read_response, OP_TEXT
from talk import ask, closed_with, is_quiet

COOKIE = "__Host-session"
OTHER_ORIGIN = "https://shop.example.com"
SCOPES = {"ops": ["sessions", "tickets", "revoke", "publish:public:*"]}


def config(folder, workers=2, sessions=None, **more):
    auth = {"sessions": {"store": "memory", **(sessions or {})}, **more.pop("auth", {})}
    return internal_config(folder, workers, scopes=SCOPES, auth=auth, origins=[ORIGIN, OTHER_ORIGIN], **more)


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def house(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    with GatewardServer(folder, config(folder, 4, {"store": request.param})) as running:
        running.api = InternalApi(running)
        yield running


def session(server, user="alice", roles=("user",), **more):
    status, body = server.api.post("/api/sessions", {"user": user, "roles": list(roles), **more})
    assert status == 200, body
    return body["session"]


def csrf(server, of, origin=ORIGIN):
    status, body = server.api.post("/api/csrf", {"session": of, "origin": origin})
    assert status == 200, body
    return body["csrf"]


def cookie(of):
    return ("Cookie", "theme=dark; %s=%s; lang=en" % (COOKIE, of))


def open_with(server, of, path="/ws", **kwargs):
    kwargs.setdefault("origin", ORIGIN)
    return RawWebSocket.open(server, path=path, headers=[cookie(of)], **kwargs)


def enter(server, of):
    """Logged in by cookie and the CSRF token in the first message."""
    ws = open_with(server, of)
    ws.send_json({"type": "auth", "csrf": csrf(server, of), "id": 1})
    ws.welcome = ws.recv_json()
    assert ws.welcome["type"] == "welcome", ws.welcome
    return ws


def refusal(server, status, headers=(), path="/ws", origin=ORIGIN):
    with RawWebSocket.open(server, path=path, headers=headers, origin=origin, expect=status) as ws:
        return json.loads(ws.response.body)["error"]["code"]


# --- the right way

def test_a_cookie_and_a_csrf_token_log_in(house):
    of = session(house, "alice", ["user", "moderator"])
    with enter(house, of) as ws:
        assert (ws.welcome["user"], ws.welcome["roles"], ws.welcome["id"]) == ("alice", ["user", "moderator"], 1)
        assert 0 < ws.welcome["expires_in"] <= 12 * 3600
        assert ask(ws, {"type": "subscribe", "channel": "user:alice:messages"})["type"] == "subscribed"


def test_the_token_may_stand_in_the_query(house):
    of = session(house, "bob")
    with open_with(house, of, "/ws?csrf=" + csrf(house, of)) as ws:
        assert ws.recv_json()["user"] == "bob"


def test_what_follows_the_first_message_is_not_lost(house):
    of = session(house)
    token = csrf(house, of)
    with RawConnection.open(house) as c:
        frames = [{"type": "auth", "csrf": token}, {"type": "ping", "id": 7}, {"type": "subscribe", "channel": "public:chat"}]
        c.send(http_request(headers=[cookie(of), ("Origin", ORIGIN)], host="localhost:%d" % house.port) +
               b"".join(encode_frame(OP_TEXT, json.dumps(f)) for f in frames))
        assert read_response(c).status == 101
        ws = RawWebSocket(c.sock)
        ws.received = c.received
        assert [ws.recv_json()["type"] for _ in frames] == ["welcome", "pong", "subscribed"]


# --- the wrong ways

@pytest.mark.parametrize("case", ["absent", "empty", "random", "of another session", "of another origin", "used", "cut", "longer"])
def test_a_bad_csrf_token_is_refused(house, case):
    of, other = session(house), session(house, "mallory")
    token = csrf(house, of)
    if case == "used":
        with open_with(house, of, "/ws?csrf=" + token) as ws:
            ws.recv_json()
    bad = {"empty": "", "random": "A" * len(token), "of another session": csrf(house, other), "cut": token[:-1],
           "longer": token + "A", "of another origin": csrf(house, of, OTHER_ORIGIN)}.get(case, token)
    if case != "absent":
        assert refusal(house, 403, [cookie(of)], "/ws?csrf=" + bad) == "csrf_token_invalid"
    with open_with(house, of) as ws:
        ws.send_json({"type": "auth"} if case == "absent" else {"type": "auth", "csrf": bad})
        closed_with(ws, 1008, "CSRF token refused")
    assert is_quiet_after(house, of)


@pytest.mark.parametrize("where", ["handshake", "ticket", "first message", "first message without it"])
def test_a_refused_csrf_token_is_one_line_of_the_event_log(tmp_path, where):
    """csrf_refused with what was wrong and the page it came from, and no second line for the same refusal."""
    with GatewardServer(tmp_path, config(tmp_path, 1)) as server:
        server.api = InternalApi(server)
        of = session(server)
        if where == "handshake":
            assert refusal(server, 403, [cookie(of)], "/ws?csrf=AAAA") == "csrf_token_invalid"
        elif where == "ticket":
            assert ticket_request(server, of).status == 403
        else:
            with open_with(server, of) as ws:
                ws.send_json({"type": "auth", **({} if "without" in where else {"csrf": "AAAA"})})
                closed_with(ws, 1008, "CSRF token refused")
        row = server.wait_for_event("csrf_refused")
        assert row["code"] == ("csrf_missing" if where.endswith(("ticket", "it")) else "csrf_malformed")
        assert row["origin"] == ORIGIN and (row.get("status"), row.get("close_code")) in ((403, None), (None, 1008))
        said = [r["event"] for r in server.events() if r["event"] in ("csrf_refused", "auth_failed", "handshake_refused")]
        assert said == ["csrf_refused"]


def is_quiet_after(server, of):
    with enter(server, of) as ws:
        return is_quiet(ws)


def test_a_cookie_alone_logs_nobody_in(house):
    of = session(house)
    with open_with(house, of) as ws:
        ws.send_json({"type": "subscribe", "channel": "public:chat"})
        closed_with(ws, 1008, "First message must be auth")


def test_a_stranger_s_page_is_refused_whatever_it_brings(house):
    of = session(house)
    token = csrf(house, of)
    assert refusal(house, 403, [cookie(of)], "/ws?csrf=" + token, origin="https://evil.example") == "origin_not_allowed"
    assert refusal(house, 403, [cookie(of)], "/ws?csrf=" + token, origin=None) == "origin_missing"
    with open_with(house, of, "/ws?csrf=" + token) as ws:       # nothing of that has used the token up
        assert ws.recv_json()["type"] == "welcome"


@pytest.mark.parametrize("header, status, code", [
    ("{c}={s}; {c}={s}", 400, "cookie_invalid"),
    ("{c}={s}; {c}=other", 400, "cookie_invalid"),
    ("; ".join("a%d=b" % i for i in range(51)) + "; {c}={s}", 400, "cookie_invalid"),
])
def test_a_cookie_that_may_mean_two_things_is_refused(house, header, status, code):
    of = session(house)
    got = refusal(house, status, [("Cookie", header.format(c=COOKIE, s=of))])
    assert got == code or got.startswith("cookie"), got


@pytest.mark.parametrize("value", ["", "A" * 22, "A" * 21, "A" * 23, "../../etc/passwd", "%00", "'or''='"])
def test_an_unknown_session_is_no_login_but_leaves_tokens_their_chance(house, value):
    with open_with(house, value) as ws:
        ws.send_json({"type": "auth", "csrf": "x"})
        closed_with(ws, 1008, "Authentication failed")
    with open_with(house, value) as ws:
        ws.send_json({"type": "auth", "token": house.token("alice")})
        assert ws.recv_json()["type"] == "welcome"


def test_where_only_sessions_count_the_handshake_says_so(tmp_path):
    with GatewardServer(tmp_path, config(tmp_path, routes=[{"path": "/ws", "auth": ["session"]}])) as server:
        server.api = InternalApi(server)
        assert refusal(server, 401, [cookie("A" * 22)]) == "invalid_session"
        assert refusal(server, 401) == "credentials_missing"
        assert server.wait_for_event("auth_failed")["code"] == "session_unknown"
        of = session(server)
        with enter(server, of) as ws:
            ws.send_json({"type": "auth", "token": server.token("alice"), "id": 3})
            assert ws.recv_json() == {"type": "error", "code": "not_allowed",
                                      "message": "This route takes no authentication", "id": 3}
        text = server.stderr_text() + json.dumps(server.events())
        assert of not in text


# --- tickets for pages

def ticket_request(server, of=None, token=None, origin=ORIGIN, method="POST", headers=()):
    lines = [("Origin", origin)] if origin else []
    lines += [cookie(of)] if of else []
    lines += [("X-CSRF-Token", token)] if token else []
    with RawConnection.open(server) as c:
        text = "%s /ticket HTTP/1.1\r\nHost: localhost:%d\r\n" % (method, server.port)
        text += "".join("%s: %s\r\n" % pair for pair in [*lines, *headers]) + "\r\n"
        c.send(text)
        return read_response(c)


def test_a_page_trades_its_cookie_for_a_ticket(house):
    of = session(house, "carol")
    answer = ticket_request(house, of, csrf(house, of), headers=[("Content-Length", "0")])
    assert answer.status == 200 and answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-credentials"] == "true" and answer.headers["cache-control"] == "no-store"
    body = json.loads(answer.body)
    assert body["expires_in"] == 30
    assert house.wait_for_event("ticket_issued", user="carol")["origin"] == ORIGIN
    with RawWebSocket.open(house, path="/ws?ticket=" + body["ticket"], origin=ORIGIN) as ws:
        assert ws.recv_json()["user"] == "carol"
        assert house.api.post("/api/sessions/end", {"session": of})[0] == 200
        closed_with(ws, 4001, "Session ended", timeout=2)
    assert refusal(house, 401, path="/ws?ticket=" + body["ticket"]) == "invalid_ticket"
    assert body["ticket"] not in house.stderr_text() + json.dumps(house.events())


def test_a_ticket_takes_cookie_token_and_origin(house):
    of = session(house)
    token = csrf(house, of)
    assert ticket_request(house, of).status == 403
    assert ticket_request(house, of, "A" * len(token)).status == 403
    assert ticket_request(house, None, token).status == 401
    assert ticket_request(house, of, token, origin="https://evil.example").status == 403
    assert ticket_request(house, of, token, origin=None).status == 403
    assert ticket_request(house, of, token, method="GET").status == 405
    assert ticket_request(house, of, token, headers=[("Content-Length", "5")]).status == 400
    assert ticket_request(house, of, token, headers=[("Transfer-Encoding", "chunked")]).status == 400
    assert ticket_request(house, of, token).status == 200
    assert ticket_request(house, of, token).status == 403       # used
    refused = ticket_request(house, of, token, origin="https://evil.example")
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("mode", ["navigate", "no-cors", "websocket", "same-origin, cors"])
def test_a_form_or_a_picture_gets_no_ticket_even_from_a_good_page(house, mode):
    of = session(house)
    token = csrf(house, of)
    assert ticket_request(house, of, token, headers=[("Sec-Fetch-Mode", mode)]).status == 403
    for good in ("cors", "same-origin"):
        assert ticket_request(house, of, csrf(house, of), headers=[("Sec-Fetch-Mode", good), ("Sec-Fetch-Site", "same-site")]).status == 200
    if mode != "websocket":
        with RawWebSocket.open(house, headers=[cookie(of), ("Sec-Fetch-Mode", mode)], origin=ORIGIN, expect=403):
            pass


def test_a_preflight_names_what_the_page_may_send(house):
    answer = ticket_request(house, method="OPTIONS", headers=[("Access-Control-Request-Method", "POST")])
    assert answer.status == 204 and answer.headers["access-control-allow-headers"] == "X-CSRF-Token"
    assert ticket_request(house, method="OPTIONS", origin="https://evil.example").status == 403


# --- the end

def test_the_end_of_a_session_closes_its_sockets_on_all_workers(house):
    of, other = session(house, "dave"), session(house, "dave")
    mine = [enter(house, of) for _ in range(6)]
    with enter(house, other) as bystander:
        start = time.monotonic()
        status, body = house.api.post("/api/sessions/end", {"session": of})
        assert status == 200 and body["closed"] == 6, body
        for ws in mine:
            closed_with(ws, 4001, "Session ended", timeout=2)
            ws.close()
        assert time.monotonic() - start < 2
        assert is_quiet(bystander)
    with open_with(house, of) as ws:
        ws.send_json({"type": "auth", "csrf": "x"})
        closed_with(ws, 1008)


def test_a_revoked_user_has_no_session_left(house):
    of = session(house, "kim")
    with enter(house, of) as ws:
        assert house.api.post("/api/revoke", {"user": "kim"})[0] == 200
        assert ws.recv_close(2)[0] in (1008, 4001)
    deadline = time.monotonic() + 2
    while house.api.post("/api/sessions/get", {"session": of})[0] != 404 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert time.monotonic() < deadline
    time.sleep(1.1)                     # the revocation covers the second in which it was made
    with enter(house, session(house, "kim")) as ws:
        assert is_quiet(ws)


@pytest.mark.parametrize("how", ["/api/sessions/end", "/api/sessions/end user", "/api/revoke", "/api/revoke user"])
def test_who_still_owes_the_csrf_token_is_closed_with_the_session(house, how):
    """Between the handshake and the first message the cookie has named somebody: that ends with the session too."""
    user = "olivia-%d" % len(how)
    of = session(house, user)
    token = csrf(house, of)
    with open_with(house, of) as ws:
        what = {"user": user} if how.endswith("user") else {"session": of}
        status, answer = house.api.post(how.split()[0], what)
        assert status == 200 and answer["closed"] == 1, answer
        closed_with(ws, *((1008, "Revoked") if how == "/api/revoke user" else (4001, "Session ended")), timeout=2)
    if how != "/api/revoke user":
        with open_with(house, of) as ws:
            ws.send_json({"type": "auth", "csrf": token})
            closed_with(ws, 1008)


def test_rotation_ends_what_the_old_session_held(house):
    of = session(house, "erin")
    with enter(house, of) as ws:
        fresh = session(house, "erin", replaces=of)
        closed_with(ws, 4001, timeout=2)
    with enter(house, fresh) as ws:
        assert is_quiet(ws)


def test_a_session_that_idles_ends_and_one_that_talks_does_not(tmp_path):
    with GatewardServer(tmp_path, config(tmp_path, sessions={"idle": "3s", "absolute": "1h"})) as server:
        server.api = InternalApi(server)
        of = session(server)
        with enter(server, of) as ws:
            start = time.monotonic()
            assert ws.recv_close(8) == (4001, "Session expired")
            assert 2 <= time.monotonic() - start < 6
        assert server.wait_for_event("session_ended")["code"] == "idle"


def test_a_session_grows_too_old(tmp_path):
    with GatewardServer(tmp_path, config(tmp_path, sessions={"idle": "3s", "absolute": "3s"})) as server:
        server.api = InternalApi(server)
        with enter(server, session(server)) as ws:
            assert ws.welcome["expires_in"] <= 3
            for _ in range(3):
                ask(ws, {"type": "ping"})
            assert ws.recv_close(8)[0] == 4001


def test_sqlite_sessions_outlive_the_process(tmp_path):
    settings = config(tmp_path, sessions={"store": "sqlite"})
    server = GatewardServer(tmp_path, settings).start()
    server.api = InternalApi(server)
    of, gone = session(server, "frank"), session(server, "gina")
    assert server.api.post("/api/sessions/end", {"session": gone})[0] == 200
    token = csrf(server, of)
    server.kill()
    with GatewardServer(tmp_path, settings) as server:
        server.api = InternalApi(server)
        with open_with(server, of, "/ws?csrf=" + token) as ws:      # the key of CSRF tokens has stayed as well
            assert ws.recv_json()["user"] == "frank"
        with open_with(server, gone) as ws:
            ws.send_json({"type": "auth", "csrf": "x"})
            closed_with(ws, 1008)
        with open(server.path("state/sessions.db"), "rb") as f:
            assert of.encode() not in f.read()


def test_the_same_user_may_extend_by_token_and_the_session_still_ends_it(house):
    of = session(house, "henry")
    with enter(house, of) as ws:
        assert ask(ws, {"type": "auth", "token": house.token("henry")})["type"] == "welcome"
        assert house.api.post("/api/sessions/end", {"session": of})[1]["closed"] == 1
        closed_with(ws, 4001, "Session ended", timeout=2)
    of = session(house, "iris")
    with enter(house, of) as ws:
        ws.send_json({"type": "auth", "token": house.token("mallory")})
        closed_with(ws, 1008, "Authentication failed")
