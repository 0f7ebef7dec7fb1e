# SPDX-License-Identifier: Apache-2.0
"""Sessions and CSRF tokens through the internal API and the command line: made, read, extended, ended with their connections on all
workers, and never in a log."""
import json
import os
import re
import threading
import time

import pytest

from gateward_server import GatewardServer
from internal_api import ORIGIN, InternalApi, code, internal_config
from raw_client import RawWebSocket
from talk import ask, closed_with, run_gateward

COOKIE = "__Host-session"
ID = re.compile(r"[A-Za-z0-9_-]{22}")
UNKNOWN = "B" * 22


def config(directory, store="memory", workers=4, csrf="origin_only", sessions=None, **more):
    auth = {"sessions": {"store": store, **(sessions or {})}, "csrf": csrf}
    return internal_config(directory, workers, auth=auth, origins=[ORIGIN], **more)


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def house(request, tmp_path_factory):
    """Four workers, a store, all keys; for tests that leave nothing behind."""
    folder = tmp_path_factory.mktemp("house")
    with GatewardServer(folder, config(folder, request.param)) as running:
        running.api = InternalApi(running)
        yield running


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """No auth.sessions at all."""
    folder = tmp_path_factory.mktemp("bare")
    with GatewardServer(folder, internal_config(folder, 2)) as running:
        running.api = InternalApi(running)
        yield running


def create(api, user="alice", roles=("user",), **more):
    status, answer = api.post("/api/sessions", {"user": user, "roles": list(roles), **more}, key="sessions")
    assert status == 200, (status, answer)
    return answer["session"]


def call(api, verb, **body):
    return api.post("/api/sessions/" + verb, body, key="sessions")


def browse(server, session):
    """A page of the allowed origin whose browser has the cookie."""
    return RawWebSocket.open(server, origin=ORIGIN, headers=[("Cookie", "%s=%s" % (COOKIE, session))])


def open_page(server, session):
    ws = browse(server, session)
    assert ws.recv_json()["type"] == "welcome"
    return ws


def not_let_in(server, session):
    """The cookie is no login; only a token would help now."""
    with browse(server, session) as ws:
        ws.send_json({"type": "ping"})
        closed_with(ws, 1008)


# --- what a session is

def test_a_session_is_made_read_extended_and_ended(house):
    api = house.api
    status, made = api.post("/api/sessions", {"user": "alice", "roles": ["user", "admin", "user"], "tenant": "acme"}, key="sessions")
    assert status == 200 and set(made) == {"session", "expires_in", "idle"}
    assert ID.fullmatch(made["session"]) and 0 <= 12 * 3600 - made["expires_in"] <= 2 and 0 <= 1800 - made["idle"] <= 2
    status, read = call(api, "get", session=made["session"])
    assert status == 200 and abs(read.pop("created") - time.time()) < 5
    assert 0 <= 12 * 3600 - read.pop("expires_in") <= 5 and 0 <= 1800 - read.pop("idle") <= 5
    assert (read["user"], sorted(read["roles"]), read["tenant"]) == ("alice", ["admin", "user"], "acme") and len(read) == 3
    status, longer = call(api, "extend", session=made["session"])
    assert status == 200 and set(longer) == {"expires_in", "idle"} and 0 <= 1800 - longer["idle"] <= 2
    assert call(api, "end", session=made["session"]) == (200, {"ended": 1, "closed": 0})
    for verb in ("get", "extend", "end"):
        assert code(call(api, verb, session=made["session"])) == (404, "session_not_found")


def test_a_session_without_roles_and_tenant_says_so(house):
    answer = call(house.api, "get", session=create(house.api, "bob", []))[1]
    assert (answer["user"], answer["roles"], answer["tenant"]) == ("bob", [], None)


def test_ids_that_nobody_made_are_not_found(house):
    for session in (UNKNOWN, "x", "x" * 256, "s:express.signature", "../../etc/passwd", "' OR 1=1 --".replace(" ", "_")):
        for verb in ("get", "extend", "end"):
            assert code(call(house.api, verb, session=session)) == (404, "session_not_found")


def test_a_thousand_sessions_have_a_thousand_ids(house):
    made = {create(house.api, "many") for _ in range(100)}
    assert len(made) == 100
    assert call(house.api, "end", user="many") == (200, {"ended": 100, "closed": 0})
    assert call(house.api, "end", user="many") == (200, {"ended": 0, "closed": 0})


def test_the_number_of_sessions_has_a_ceiling(start_server, tmp_path):
    api = InternalApi(start_server(config(tmp_path, workers=1, sessions={"max": 3})))
    made = [create(api, "user-%d" % i) for i in range(3)]
    assert code(api.post("/api/sessions", {"user": "fourth", "roles": []}, key="sessions")) == (503, "sessions_full")
    assert call(api, "get", session=made[0])[0] == 200
    assert call(api, "end", session=made[0])[0] == 200
    create(api, "fourth")


def test_sessions_that_are_not_used_end(start_server, tmp_path):
    api = InternalApi(start_server(config(tmp_path, workers=1, sessions={"idle": "2s", "absolute": "4s"})))
    used, unused = create(api), create(api)
    ends = time.monotonic() + 4
    while time.monotonic() < ends - 1:
        assert call(api, "extend", session=used)[0] == 200
        time.sleep(0.4)
    assert code(call(api, "get", session=unused)) == (404, "session_not_found")
    time.sleep(max(0, ends + 1.2 - time.monotonic()))
    assert code(call(api, "extend", session=used)) == (404, "session_not_found")       # however much it is used


def test_sessions_in_a_file_outlive_a_crash_and_those_in_memory_do_not(start_server, tmp_path):
    for store, status in (("sqlite", 200), ("memory", 404)):
        folder = tmp_path / store
        folder.mkdir()
        with GatewardServer(folder, config(folder, store, workers=1)) as server:
            kept, ended = create(InternalApi(server), "heidi"), create(InternalApi(server), "heidi")
            assert call(InternalApi(server), "end", session=ended)[0] == 200
            server.kill()
            server.start()
            assert call(InternalApi(server), "get", session=kept)[0] == status
            assert call(InternalApi(server), "get", session=ended)[0] == 404


def test_many_callers_at_once_are_all_answered(house):
    answers = []

    def run(i):
        session = create(house.api, "crowd-%d" % i)
        answers.append((call(house.api, "get", session=session)[1]["user"] == "crowd-%d" % i,
                        call(house.api, "end", session=session)))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [(True, (200, {"ended": 1, "closed": 0}))] * 20


def test_a_graceful_end_in_the_middle_of_calls_is_clean(start_server, tmp_path):
    server = start_server(config(tmp_path, "sqlite", workers=2, server={"workers": 2, "drain": "1s"}))
    api = InternalApi(server)
    answers = set()

    def run():
        while True:
            try:
                status, body = api.post("/api/sessions", {"user": "busy", "roles": []}, key="sessions")
            except (OSError, AssertionError):
                return      # closed unheard
            answers.add(status if status == 200 else body["error"]["code"])
            if status != 200:
                return

    threads = [threading.Thread(target=run) for _ in range(8)]
    for t in threads:
        t.start()
    time.sleep(0.5)
    server.stop()
    for t in threads:
        t.join()
    assert 200 in answers and answers <= {200, "draining", "sessions_unavailable"}


# --- and its connections

def test_the_end_of_a_session_closes_its_connections_on_all_workers(house):
    session, other = create(house.api, "victim"), create(house.api, "victim")
    victims = [open_page(house, session) for _ in range(12)]
    bystanders = [open_page(house, other), RawWebSocket.login(house, "victim")]
    assert call(house.api, "end", session=session) == (200, {"ended": 1, "closed": 12})
    for ws in victims:
        assert ws.recv_close(2) == (4001, "Session ended")
    assert house.wait_for_event("session_ended", user="victim", count=12)["code"] == "logged_out"
    for ws in bystanders:
        assert ask(ws, {"type": "ping"}) == {"type": "pong"}
    not_let_in(house, session)
    assert call(house.api, "end", user="victim") == (200, {"ended": 1, "closed": 1})
    assert bystanders[0].recv_close(2) == (4001, "Session ended")
    assert ask(bystanders[1], {"type": "ping"}) == {"type": "pong"}        # came by a token
    for ws in [*victims, *bystanders]:
        ws.close()


def test_a_login_that_replaces_a_session_ends_it(house):
    before = create(house.api, "mallory")
    with open_page(house, before) as page:
        after = create(house.api, "alice", replaces=before)
        assert after != before and code(call(house.api, "get", session=before)) == (404, "session_not_found")
        assert page.recv_close(3) == (4001, "Session ended")
    assert house.wait_for_event("session_ended", user="mallory")["code"] == "replaced"
    with open_page(house, after):
        pass
    assert create(house.api, "alice", replaces=UNKNOWN)     # what has ended already is no obstacle


def test_an_open_page_is_told_that_its_session_has_expired(start_server, tmp_path):
    server = start_server(config(tmp_path, workers=2, sessions={"idle": "1s", "absolute": "1h"}))
    with open_page(server, create(InternalApi(server))) as ws:
        assert ws.recv_close(5) == (4001, "Session expired")
    assert server.wait_for_event("session_ended")["code"] == "idle"


# --- revocation by session

def test_a_revoked_session_is_closed_and_barred(house):
    session = create(house.api, "ivan")
    pages = [open_page(house, session) for _ in range(4)]
    assert house.api.post("/api/revoke", {"session": session}, key="revoke") == (200, {"closed": 4})
    for ws in pages:
        assert ws.recv_close(2) == (4001, "Session ended")
        ws.close()
    not_let_in(house, session)
    assert house.api.post("/api/revoke", {"session": session}, key="revoke") == (200, {"closed": 0})


def test_without_a_store_a_session_can_still_be_revoked(bare):
    assert bare.api.post("/api/revoke", {"session": UNKNOWN}, key="revoke") == (200, {"closed": 0})
    assert bare.wait_for_event("api_call", action="revoke")["detail"] == "session"


# --- CSRF tokens

def test_csrf_tokens_are_for_allowed_origins_only(start_server, tmp_path):
    api = InternalApi(start_server(config(tmp_path, csrf="required_for_cookies", workers=1)))
    session = create(api)

    def token(origin):
        return api.post("/api/csrf", {"session": session, "origin": origin}, key="sessions")

    status, answer = token(ORIGIN)
    assert status == 200 and answer["expires_in"] == 1800 and re.fullmatch(r"[A-Za-z0-9_-]{20,79}", answer["csrf"])
    assert token(ORIGIN)[1]["csrf"] != answer["csrf"]
    for origin in ("https://evil.example", "null", ORIGIN + ".evil.example", ORIGIN + "/", "http://app.example.com", ORIGIN + ":8443",
                   "https://app.example.com\r\nX: y"):
        assert code(token(origin)) == (400, "invalid_origin"), origin


# --- without

@pytest.mark.parametrize("path, body", [
    ("/api/sessions", {"user": "alice", "roles": []}),
    ("/api/sessions/get", {"session": UNKNOWN}),
    ("/api/sessions/extend", {"session": UNKNOWN}),
    ("/api/sessions/end", {"session": UNKNOWN}),
    ("/api/sessions/end", {"user": "alice"}),
])
def test_without_sessions_in_the_configuration_it_says_so(bare, path, body):
    assert code(bare.api.post(path, body, key="sessions")) == (409, "sessions_off")


def test_without_csrf_tokens_in_the_configuration_it_says_so(bare):
    assert code(bare.api.post("/api/csrf", {"session": UNKNOWN, "origin": ORIGIN}, key="sessions")) == (409, "csrf_off")


# --- the log

def test_what_is_done_stands_in_the_log_and_no_id_does(start_server, tmp_path):
    server = start_server({**config(tmp_path, "sqlite", workers=2), "log": {"level": "debug"}})
    api = InternalApi(server)
    first = create(api)
    second = create(api, "bob", replaces=first)
    with open_page(server, second):
        call(api, "get", session=second)
        call(api, "extend", session=second)
        call(api, "get", session=first)
        call(api, "end", session=second)
    third = create(api, "bob")
    api.post("/api/revoke", {"session": third})
    call(api, "end", user="bob")
    server.wait_for_event("api_call", detail="end_user")        # the log is written by a thread of its own
    told = [(e["detail"], e["code"], e.get("user")) for e in server.events("api_call") if e["action"] == "sessions"]
    assert told == [("create", "ok", "alice"), ("create", "ok", "bob"), ("get", "session_not_found", None), ("end", "ok", None),
                    ("create", "ok", "bob"), ("end_user", "ok", "bob")]
    server.stop()
    for name in ("events.jsonl", "stderr.txt", "stdout.txt"):
        with open(server.path(name)) as f:
            text = f.read()
        for session in (first, second, third):
            assert session not in text, name
    for folder, _, files in os.walk(server.path("state")):
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                data = f.read()
            for session in (first, second, third):
                assert session.encode() not in data, name


# --- the command line

@pytest.fixture
def fixed(start_server, tmp_path):
    """A server whose configuration names the port of its API, as one that is in use does."""
    server = start_server(config(tmp_path, workers=2))
    server.config["internal"]["address"] = "127.0.0.1:%d" % InternalApi(server).port
    server.write_config()
    return server


def gateward(server, *arguments, typed=None):
    return run_gateward("session", *arguments, "--config", server.config_path, typed=typed)


def test_the_command_line_makes_shows_extends_and_ends_sessions(fixed, tmp_path):
    made = gateward(fixed, "create", "--user", "alice", "--roles", "user,admin", "--tenant", "acme")
    assert made.returncode == 0, made.stderr
    session = made.stdout.strip()
    read = gateward(fixed, "get", typed=session + "\n")
    assert read.returncode == 0 and json.loads(read.stdout)["tenant"] == "acme", read.stderr
    path = tmp_path / "session.txt"
    path.write_text(session + "\n")
    path.chmod(0o600)
    assert json.loads(gateward(fixed, "extend", "--session-file", str(path)).stdout)["idle"] >= 1798
    again = gateward(fixed, "create", "--user", "alice", "--roles", "user", "--replaces", typed=session).stdout.strip()
    gone = gateward(fixed, "get", "--session-file", str(path))
    assert gone.returncode == 1 and "session_not_found" in gone.stderr and gone.stdout == ""
    with open_page(fixed, again) as ws:
        assert json.loads(gateward(fixed, "end", typed=again).stdout) == {"ended": 1, "closed": 1}
        assert ws.recv_close(2) == (4001, "Session ended")
    gateward(fixed, "create", "--user", "alice", "--roles", "user")
    assert json.loads(gateward(fixed, "end", "--user", "alice").stdout) == {"ended": 1, "closed": 0}
    third = gateward(fixed, "create", "--user", "alice", "--roles", "user").stdout.strip()
    assert run_gateward("revoke", "--config", fixed.config_path, "--session", third).returncode == 2
    result = run_gateward("revoke", "--config", fixed.config_path, "--session-file", "-", typed=third)
    assert (result.returncode, json.loads(result.stdout)) == (0, {"closed": 0})
    assert gateward(fixed, "get", typed=third).returncode == 1


def test_the_command_line_never_takes_an_id_as_an_argument(fixed, tmp_path):
    for arguments in (["get", UNKNOWN], ["get", "--session", UNKNOWN], ["end", UNKNOWN], ["extend", "--session-file"]):
        result = gateward(fixed, *arguments)
        assert result.returncode == 2 and "usage: gateward session" in result.stderr
    path = tmp_path / "open.txt"
    path.write_text(UNKNOWN)
    path.chmod(0o644)
    result = gateward(fixed, "get", "--session-file", str(path))
    assert result.returncode == 1 and UNKNOWN not in result.stderr and result.stdout == ""


@pytest.mark.parametrize("arguments", [
    [], ["make"], ["create"], ["create", "--user", "a"], ["create", "--roles", "user"], ["get", "--user", "a"], ["get", "--roles", "user"],
    ["end", "--user", "a", "--session-file", "-"], ["end", "--replaces"], ["extend", "--tenant", "t"], ["get", "end"],
    ["create", "--user", "a", "--roles", "user", "--session-file", "-"],
])
def test_what_makes_no_sense_is_not_understood(fixed, arguments):
    result = gateward(fixed, *arguments, typed=UNKNOWN)
    assert result.returncode == 2 and "usage: gateward session" in result.stderr


def test_the_command_line_says_what_is_wrong(fixed):
    assert "no role" in gateward(fixed, "create", "--user", "a", "--roles", "superuser").stderr
    assert "invalid_user" in gateward(fixed, "create", "--user", "a:b", "--roles", "user").stderr
    for typed in ("", "\n", " \t\n", "x" * 257, "x" * 100000):
        result = gateward(fixed, "get", typed=typed)
        assert result.returncode == 1 and "no id of a session" in result.stderr
    assert "invalid_session" in gateward(fixed, "get", typed="two words").stderr
    fixed.stop()
    assert "no server answers" in gateward(fixed, "get", typed=UNKNOWN).stderr
    assert run_gateward("session", "--help").returncode == 0
