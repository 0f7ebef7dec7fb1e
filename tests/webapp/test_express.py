# SPDX-License-Identifier: Apache-2.0
"""A login in a real Express application with connect-redis opens a WebSocket here, and whatever ends it there or here closes
the socket within two seconds; nothing is delivered later than a second after the end."""
import json
import threading
import time

import pytest

from raw_client import OP_CLOSE, parse_close
from talk import ask, closed_with, is_quiet
from web_house import Browser, WebHouse

CLOSE_S, LAST_BYTE_S = 2.0, 1.0
ONLY_SESSIONS = [{"path": "/ws", "auth": ["session"]}]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with WebHouse(tmp_path_factory.mktemp("web"), routes=ONLY_SESSIONS) as running:
        yield running


class Publisher:
    """Twenty publishes a second by the internal API while the block runs; each says its number."""

    def __init__(self, house):
        self.house = house
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.published = 0

    def run(self):
        while not self.ending.wait(0.05):
            status, _ = self.house.api.post("/api/publish", {"channel": "public:chat", "data": {"text": str(self.published)}})
            self.published += status == 200

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()


def watch(ws, seconds):
    """(times of pushes, time of the close, (code, reason)) of a socket until it ends."""
    pushes, deadline = [], time.monotonic() + seconds
    while True:
        frame = ws.recv_frame(max(0.01, deadline - time.monotonic()))
        if frame.opcode == OP_CLOSE:
            return pushes, time.monotonic(), parse_close(frame.payload)
        assert json.loads(frame.payload)["type"] == "message", frame
        pushes.append(time.monotonic())


def ends_in_time(house, browser, end, reason="Session ended"):
    """The socket gets pushes, `end` ends its session, and then the two bounds hold."""
    seen = []
    with browser.enter("public:chat") as ws, Publisher(house) as publisher:
        thread = threading.Thread(target=lambda: seen.append(watch(ws, 10)))
        thread.start()
        time.sleep(1.0)
        start = time.monotonic()
        end()
        done = time.monotonic()
        thread.join()
        time.sleep(0.3)
    assert seen, "the socket stayed open"
    pushes, closed, close = seen[0]
    assert close == (4001, reason)
    assert closed - start < CLOSE_S, "closed %.2f s after the end" % (closed - start)
    assert sum(t < start for t in pushes) >= 5, "there must have been pushes before the end"
    late = [t - done for t in pushes if t > done + LAST_BYTE_S]
    assert not late, "pushes %s s after the end" % late
    assert publisher.published > len(pushes), "there were pushes to miss"


# --- the login

def test_a_login_in_express_opens_a_socket_as_that_user(house):
    with Browser(house).login("alice").enter() as ws:
        assert (ws.welcome["user"], ws.welcome["roles"]) == ("alice", ["user", "moderator"])
        assert 3600 < ws.welcome["expires_in"] <= 12 * 3600     # express prolongs its sessions; `absolute` ends a connection
        assert ask(ws, {"type": "subscribe", "channel": "user:alice:messages"})["type"] == "subscribed"
        assert ask(ws, {"type": "subscribe", "channel": "user:bob:messages"})["code"] == "not_allowed"


def test_a_login_of_passport_is_found_where_passport_puts_it(house):
    with Browser(house).login("paula", style="passport").enter() as ws:
        assert (ws.welcome["user"], ws.welcome["roles"]) == ("paula", [])


def test_the_token_may_stand_in_the_address(house):
    browser = Browser(house).login("bob")
    with browser.open("/ws?csrf=" + browser.csrf()) as ws:
        assert ws.recv_json()["user"] == "bob"


def test_a_session_in_which_nobody_is_logged_in_is_refused(house):
    browser = Browser(house)
    assert browser.request("GET", "/basket")[0] == 200 and browser.cookie
    assert browser.refusal() == "invalid_session"
    assert house.server.wait_for_event("auth_failed", code="session_anonymous")


@pytest.mark.parametrize("case", ["none", "used", "of another session", "of another origin", "made up"])
def test_without_its_own_csrf_token_the_cookie_is_worth_nothing(house, case):
    browser, other = Browser(house).login("carol"), Browser(house).login("mallory")
    token = {"none": lambda: None, "used": browser.csrf, "of another session": other.csrf, "made up": lambda: "A" * 43,
             "of another origin": lambda: house.api.post("/api/csrf", {"session": browser.session,
                                                                       "origin": "https://shop.example.com"})[1]["csrf"]}[case]()
    if case == "used":
        with browser.open("/ws?csrf=" + token) as ws:
            assert ws.recv_json()["type"] == "welcome"
    if token is not None:
        assert browser.refusal("/ws?csrf=" + token, expect=403) == "csrf_token_invalid"
    with browser.open() as ws:
        ws.send_json({"type": "auth"} if token is None else {"type": "auth", "csrf": token})
        closed_with(ws, 1008, "CSRF token refused")
    assert browser.refusal(expect=403, origin="https://evil.example") == "origin_not_allowed"
    with browser.enter() as ws:
        assert is_quiet(ws)


# --- the end

def test_a_logout_in_express_closes_the_socket(house):
    browser = Browser(house).login("dave")
    ends_in_time(house, browser, browser.logout)


def test_a_logout_before_the_first_message_leaves_no_login(house):
    browser = Browser(house).login("dora")
    token = browser.csrf()
    with browser.open() as ws:
        start = time.monotonic()
        browser.logout()
        time.sleep(LAST_BYTE_S)
        ws.send_json({"type": "auth", "csrf": token})
        said = ws.recv_frame()
        assert said.opcode == OP_CLOSE and time.monotonic() - start < CLOSE_S, said


def test_a_stolen_cookie_is_worth_nothing_after_the_logout(house):
    browser = Browser(house).login("dave")
    stolen = browser.cookie
    browser.logout()
    assert browser.refusal(cookie=stolen) == "invalid_session"


def test_another_login_in_the_same_browser_closes_the_old_socket(house):
    browser = Browser(house).login("erin")
    ends_in_time(house, browser, lambda: browser.login("frank"))
    with browser.enter() as ws:
        assert ws.welcome["user"] == "frank"


def test_the_api_ends_a_session_and_express_knows(house):
    browser = Browser(house).login("gina")
    ends_in_time(house, browser, lambda: house.api.post("/api/sessions/end", {"session": browser.session}))
    assert browser.request("GET", "/page")[0] == 401
    assert browser.refusal() == "invalid_session"


def test_a_revoked_session_is_closed_and_stays_out(house):
    browser = Browser(house).login("henry")
    ends_in_time(house, browser, lambda: house.api.post("/api/revoke", {"session": browser.session}))
    assert browser.refusal() == "invalid_session"


def test_the_sockets_of_a_revoked_user_are_closed(house):
    browser, bystander = Browser(house).login("iris"), Browser(house).login("judy")
    with bystander.enter() as ws, browser.enter() as hers:
        start = time.monotonic()
        assert house.api.post("/api/revoke", {"user": "iris"}) == (200, {"closed": 1})
        closed_with(hers, 1008, "Revoked", timeout=CLOSE_S)
        assert time.monotonic() - start < CLOSE_S
        assert is_quiet(ws)


@pytest.mark.parametrize("is_known", [True, False], ids=["the moment of the login is known", "it is not"])
def test_a_revoked_user_stays_out_with_the_sessions_from_before(tmp_path, is_known):
    """Also after what gateward had read of them is forgotten; a login after the revocation counts where it can be told apart."""
    with WebHouse(tmp_path, redis={"created": "/at"} if is_known else {}, routes=ONLY_SESSIONS) as house:
        old, fresh = Browser(house).login("iris"), Browser(house)
        time.sleep(1.1)
        assert house.api.post("/api/revoke", {"user": "iris"})[0] == 200
        assert old.refusal() == "invalid_session"
        time.sleep(6.5)
        assert old.refusal() == "invalid_session"
        fresh.login("iris")
        if is_known:
            with fresh.enter() as ws:
                assert ws.welcome["user"] == "iris"
        else:
            assert fresh.refusal() == "invalid_session"
        assert house.server.wait_for_event("auth_failed", code="user_revoked")


def test_two_hundred_sockets_of_one_session_are_all_closed(house):
    browser = Browser(house).login("kate")
    sockets = [browser.enter() for _ in range(200)]
    with Browser(house).login("kate").enter() as bystander:
        start = time.monotonic()
        browser.logout()
        for ws in sockets:
            assert ws.recv_close(5) == (4001, "Session ended")
        assert time.monotonic() - start < CLOSE_S
        for ws in sockets:
            ws.close()
        assert is_quiet(bystander)


def test_a_session_expires_in_express_and_its_socket_with_it(tmp_path):
    with WebHouse(tmp_path, app={"max_age_ms": 4000}, routes=ONLY_SESSIONS) as house:
        idle, busy = Browser(house).login("alice"), Browser(house).login("bob")
        with idle.enter() as ws, busy.enter() as kept:
            start = time.monotonic()
            while time.monotonic() - start < 6:
                busy.csrf()         # each page that express serves prolongs its session
                time.sleep(0.5)
            # A key that has run out is a key that is gone, as after a logout.
            assert ws.recv_close(1) == (4001, "Session ended")
            assert is_quiet(kept)
        assert idle.refusal() == "invalid_session"


# --- signatures

def forged(cookie, place):
    """The cookie with one character of its id or its signature changed."""
    at = 5 if place == "id" else len(cookie) - 3
    return cookie[:at] + ("A" if cookie[at] != "A" else "B") + cookie[at + 1:]


@pytest.mark.parametrize("change", ["id", "signature", "cut", "unsigned", "bare", "empty"])
def test_a_cookie_that_express_has_not_signed_is_refused(house, change):
    browser = Browser(house).login("liam")
    cookie = {"cut": browser.cookie[:-1], "unsigned": "s%3A" + browser.session, "bare": browser.session,
              "empty": "s%3A" + browser.session + "."}.get(change) or forged(browser.cookie, change)
    assert browser.refusal(cookie=cookie) == "invalid_session"
    with browser.enter() as ws:
        assert ws.welcome["user"] == "liam"


def test_the_secret_changes_without_a_logout(tmp_path):
    with WebHouse(tmp_path, routes=ONLY_SESSIONS) as house:
        old, fresh = house.secrets
        before = Browser(house).login("alice")
        house.app.sign_with(fresh, old)
        after = Browser(house).login("bob")
        assert after.refusal() == "invalid_session"     # gateward knows the old secret alone
        rows = house.server.config["auth"]["sessions"]["redis"]
        house.server.stop()
        rows["secret"] = [{"file": house.server.path("express.1")}, {"file": house.server.path("express.0")}]
        house.server.write_config()
        house.server.start()
        for browser, user in ((before, "alice"), (after, "bob")):
            with browser.enter() as ws:
                assert ws.welcome["user"] == user
        house.server.stop()
        rows["secret"] = {"file": house.server.path("express.1")}
        house.server.write_config()
        house.server.start()
        house.app.sign_with(fresh)
        assert before.refusal() == "invalid_session"
        with after.enter() as ws:
            assert ws.welcome["user"] == "bob"
        said = house.server.stderr_text() + json.dumps(house.server.events())
        assert not any(text in said for text in (old, fresh, before.session, after.session))


# --- Redis in trouble

def refused_within(browser, seconds):
    start = time.monotonic()
    code = browser.refusal(expect=503)
    assert time.monotonic() - start < seconds, "refused after %.2f s" % (time.monotonic() - start)
    return code


def test_while_redis_hangs_nobody_new_enters_and_nobody_is_thrown_out(tmp_path):
    with WebHouse(tmp_path, routes=ONLY_SESSIONS) as house:
        browser, later = Browser(house).login("alice"), Browser(house).login("bob")
        with browser.enter("public:chat") as ws, later.enter() as leaving:
            house.redis.pause()
            time.sleep(1.1)     # what was read just now counts for a second
            assert refused_within(browser, 2) == "auth_unavailable"
            assert refused_within(later, 2) == "auth_unavailable"
            assert house.server.wait_for_event("identity_source", code="down")["action"] == "sessions"
            assert house.api.post("/api/publish", {"channel": "public:chat", "data": {"text": "still here"}})[0] == 200
            assert ws.recv_json()["data"] == {"text": "still here"}
            house.redis.resume()
            assert house.server.wait_for_event("identity_source", code="up")
            later.logout()
            assert leaving.recv_close(5) == (4001, "Session ended")
            assert is_quiet(ws)
        with browser.enter() as ws:
            assert ws.welcome["user"] == "alice"


@pytest.mark.parametrize("how", ["flushed", "restarted empty"])
def test_a_redis_that_has_lost_everything_has_ended_all_sessions(tmp_path, how):
    with WebHouse(tmp_path, routes=ONLY_SESSIONS) as house:
        browsers = [Browser(house).login(user) for user in ("alice", "bob", "carol")]
        sockets = [b.enter() for b in browsers for _ in range(3)]
        start = time.monotonic()
        if how == "flushed":
            house.redis.ask("FLUSHALL")
        else:
            house.redis.kill()
            house.redis.start()
            start = time.monotonic() + 2        # the pause before it is tried again
        for ws in sockets:
            assert ws.recv_close(8) == (4001, "Session ended")
            ws.close()
        assert time.monotonic() - start < CLOSE_S
        for browser in browsers:
            assert browser.refusal() == "invalid_session"


def test_sessions_end_when_redis_stays_away(tmp_path):
    with WebHouse(tmp_path, redis={"stale": "5s"}, routes=ONLY_SESSIONS) as house:
        with Browser(house).login("alice").enter() as ws:
            house.redis.kill()
            start = time.monotonic()
            assert ws.recv_close(15) == (4001, "Session ended")
            assert 4 < time.monotonic() - start < 8
            assert house.server.wait_for_event("session_ended", code="lost")
