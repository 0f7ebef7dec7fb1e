# SPDX-License-Identifier: Apache-2.0
"""What a program on the same machine, or a page in a browser there, would try at the internal API."""
import json
import os
import socket
import time

import pytest

from internal_api import ORIGIN, InternalApi, code, internal_config, parse, receive
from raw_client import RawWebSocket
from talk import ask


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    from gateward_server import GatewardServer
    folder = tmp_path_factory.mktemp("house")
    with GatewardServer(folder, internal_config(folder, 2)) as running:
        running.api = InternalApi(running)
        yield running


def head(api, path="/api/revoke", key=True, **more):
    lines = ["POST %s HTTP/1.1" % path, "Host: localhost", "Content-Type: application/json"]
    if key:
        lines.append("Authorization: Bearer " + api.key())
    lines += ["%s: %s" % (name.replace("_", "-"), value) for name, value in more.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def still_serves(house):
    assert house.api.get("/health/ready") == (200, {"ok": True})


def test_guessing_a_key_gets_the_same_answer_whatever_is_right_about_it(house):
    right = house.api.key()
    guesses = ["", "x", right[:-1], right + "A", right[:-1] + ("A" if right[-1] != "A" else "B"), right.upper() + "a",
               right.lower() + "a", "A" * len(right), right[::-1] + "x"]
    answers = {json.dumps(house.api.post("/api/revoke", {"user": "a"}, key=("raw", guess))) for guess in guesses}
    assert len(answers) == 1 and "invalid_key" in answers.pop()
    for scheme in ("Basic " + right, "bearer" + right, right, "Bearer %s, Bearer %s" % (right, right)):
        answer = house.api.request("POST", "/api/revoke", {"user": "a"}, key=None, headers=[("Authorization", scheme)])
        assert code(answer) == (401, "invalid_key")
    assert house.wait_for_event("api_call", code="invalid_key", count=9)["status"] == 401


def test_a_jwt_of_an_administrator_is_no_key(house):
    answer = house.api.post("/api/revoke", {"user": "a"}, key=("raw", house.token("root", ["admin"])))
    assert code(answer) == (401, "invalid_key")


@pytest.mark.parametrize("key, path, body", [
    ("tickets", "/api/revoke", {"user": "a"}),
    ("tickets", "/api/publish", {"channel": "public:chat", "data": 1}),
    ("revoke", "/api/tickets", {"user": "a", "roles": ["admin"], "origin": None}),
    ("news", "/api/publish", {"channel": "public:other", "data": 1}),
    ("news", "/api/publish", {"channel": "public:chat:more", "data": 1}),
    ("rooms", "/api/publish", {"channel": "private", "data": 1}),
    ("rooms", "/api/publish", {"channel": "private:room-1:x", "data": 1}),
    ("rooms", "/api/publish", {"channel": "public:chat", "data": 1}),
    ("tickets", "/api/sessions", {"user": "a", "roles": ["admin"]}),
    ("revoke", "/api/sessions", {"user": "a", "roles": ["admin"]}),
    ("revoke", "/api/sessions/get", {"session": "B" * 22}),
    ("revoke", "/api/sessions/extend", {"session": "B" * 22}),
    ("revoke", "/api/sessions/end", {"user": "a"}),
    ("tickets", "/api/csrf", {"session": "B" * 22, "origin": ORIGIN}),
    ("sessions", "/api/revoke", {"session": "B" * 22}),
    ("sessions", "/api/tickets", {"user": "a", "roles": ["admin"], "origin": None}),
])
def test_no_scope_reaches_further_than_it_says(house, key, path, body):
    assert code(house.api.post(path, body, key=key)) == (403, "scope_missing")


@pytest.mark.parametrize("channel", ["private:*", "*", "private:room-1\n", "private:room-1\u0000", "private:", "private:../x", ""])
def test_names_that_are_no_channels_are_refused_before_any_pattern(house, channel):
    assert code(house.api.post("/api/publish", {"channel": channel, "data": 1}, key="rooms")) == (400, "invalid_channel")


def test_roles_and_users_out_of_the_air_get_no_ticket(house):
    def post(**body):
        return code(house.api.post("/api/tickets", {"user": "a", "roles": [], "origin": None, **body}))
    assert post(roles=["superuser"]) == (400, "unknown_role")
    assert post(user="a:b") == (400, "invalid_user")
    assert post(user="{user_id}") == (400, "invalid_user")
    assert post(ttl=31) == (400, "invalid_ttl")
    assert post(session_ttl=86401) == (400, "invalid_session_ttl")
    assert post(permissions=["admin"]) == (400, "unknown_field")


@pytest.mark.parametrize("path, body, what", [
    ("", {"user": "a", "roles": ["superuser"]}, "unknown_role"),
    ("", {"user": "{user_id}", "roles": []}, "invalid_user"),
    ("", {"user": "a", "roles": [], "tenant": "a:b"}, "invalid_tenant"),
    ("", {"user": "a", "roles": [], "replaces": "x" * 257}, "invalid_session"),
    ("", {"user": "a", "roles": [], "session": "chosen-by-the-caller"}, "unknown_field"),
    ("", {"user": "a", "roles": [], "expires_in": 10 ** 9}, "unknown_field"),
    ("/get", {"session": "x" * 257}, "invalid_session"),
    ("/get", {"session": "x\r\nSET y z"}, "invalid_session"),
    ("/get", {"session": ["x"]}, "missing_field"),
    ("/extend", {"session": ""}, "invalid_session"),
    ("/extend", {"session": "x", "idle": 10 ** 9}, "unknown_field"),
    ("/end", {"session": "x", "user": "a"}, "missing_field"),
    ("/end", {"user": "*"}, "invalid_user"),
])
def test_sessions_out_of_the_air_are_refused(house, path, body, what):
    assert code(house.api.post("/api/sessions" + path, body, key="sessions")) == (400, what)


@pytest.mark.parametrize("path", ["", "/get", "/extend", "/end"])
def test_a_body_for_sessions_is_bounded_too(house, path):
    answer = house.api.raw(head(house.api, "/api/sessions" + path, Content_Length=65537))
    assert parse(answer)[0] == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"user":"a","user":"b"}', b'{"user":"a"}x', b'\xef\xbb\xbf{"user":"a"}',
                                  b'{"user":"\xff"}', b"[" * 60000, b'{"a":' * 5000])
def test_bodies_that_are_no_object_are_refused(house, body):
    answer = code(house.api.request("POST", "/api/revoke", body))
    assert answer == (400, "invalid_json")


def test_a_body_over_64_kib_is_refused_before_it_is_read(house):
    assert parse(house.api.raw(head(house.api, Content_Length=65537)))[0] == 413
    exact = json.dumps({"channel": "public:chat", "data": "x" * 65000}).encode()
    assert house.api.post("/api/publish", exact + b" " * (65536 - len(exact))) == (200, {"ok": True})


def test_a_strangers_body_is_not_even_waited_for(house):
    began = time.monotonic()
    assert parse(house.api.raw(head(house.api, key=False, Content_Length=65536)))[0] == 401
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("more", [
    {"Content_Length": "12", "Transfer_Encoding": "chunked"},
    {"Transfer_Encoding": "chunked"},
    {"Content_Length": "12\r\nContent-Length: 12"},
    {"Content_Length": "12\r\nContent-Length: 13"},
    {"Content_Length": "12, 12"},
    {"Content_Length": "+12"},
    {"Content_Length": "0012"},
    {"Content_Length": "12\x0b"},
    {"Content_Length": "12", "X": "y\nTransfer-Encoding: chunked"},
])
def test_a_request_framed_in_two_ways_is_refused(house, more):
    answer = house.api.raw(head(house.api, **more) + b'{"user":"a"}')
    assert parse(answer)[0] == 400


def test_a_second_request_behind_the_first_is_never_served(house):
    first = head(house.api, Content_Length=12) + b'{"user":"a"}'
    answer = house.api.raw(first + b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1 and b" 400 " in answer.split(b"\r\n")[0]


def test_a_slow_caller_has_five_seconds(house):
    for start in (b"", b"POST /api/revoke HTT", head(house.api, Content_Length=12) + b'{"us'):
        with house.api.socket(timeout=12) as sock:
            sock.sendall(start)
            began = time.monotonic()
            answer = receive(sock)
            assert 4 <= time.monotonic() - began <= 8
            assert parse(answer)[0] == 408


def test_drops_of_bytes_do_not_buy_time(house):
    with house.api.socket(timeout=12) as sock:
        began = time.monotonic()
        try:
            while time.monotonic() - began < 9:
                sock.sendall(b"G")
                time.sleep(0.3)
        except OSError:
            pass
        assert time.monotonic() - began < 8
    still_serves(house)


def test_a_hundred_silent_callers_are_held_to_64_and_let_go(start_server, tmp_path):
    server = start_server(internal_config(tmp_path))
    api = InternalApi(server)
    before = server.fd_count()
    idle = [api.socket() for _ in range(100)]
    time.sleep(0.5)
    assert server.fd_count() - before <= 64
    for sock in idle:
        sock.close()
    deadline = time.monotonic() + 5
    while server.fd_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.fd_count() <= before
    assert api.get("/health/live") == (200, {"ok": True})


def test_a_page_that_rebinds_its_name_is_misdirected(house):
    for host, status in (("evil.example.com", 421), ("192.0.2.1", 421), ("localhost.evil.com", 421), ("127.0.0.1:1", 200),
                         ("[::1]", 200), ("LOCALHOST", 200)):
        answer = house.api.raw(("GET /health/ready HTTP/1.1\r\nHost: %s\r\n\r\n" % host).encode())
        assert parse(answer)[0] == status, host


def test_callers_that_vanish_leave_nothing(house):
    before = house.fd_count()
    for i in range(50):
        sock = house.api.socket()
        sock.sendall((head(house.api, Content_Length=12) + b'{"user":"a"}')[:10 + i * 5])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        sock.close()
    time.sleep(0.5)
    still_serves(house)
    assert house.fd_count() <= before + 1


def test_neither_keys_nor_tickets_nor_queries_reach_a_log(start_server, tmp_path):
    server = start_server({**internal_config(tmp_path, 2), "log": {"level": "debug"}})
    api = InternalApi(server)
    used, refused, bound = api.ticket(), api.ticket(), api.ticket(origin=ORIGIN)
    with RawWebSocket.open(server, path="/ws?secret=hunter2&ticket=" + used) as ws:
        assert ws.recv_json()["type"] == "welcome" and ask(ws, {"type": "ping"}) == {"type": "pong"}
    for ticket in (used, bound, "B" * 22):
        RawWebSocket.open(server, path="/ws?ticket=" + ticket, expect=401).close()
    RawWebSocket.open(server, path="/nowhere?ticket=" + refused, expect=404).close()
    api.post("/api/revoke", {"token_id": "a-token-id-of-someone"})
    api.post("/api/revoke", {"user": "a"}, key=("raw", "wrong-key-wrong-key-wrong-key-wrong"))
    api.get("/api/tickets?key=" + api.key())
    for path in ("", "/get", "/extend", "/end"):
        api.post("/api/sessions" + path, {"session": "an-id-of-a-session"})
    api.post("/api/csrf", {"session": "an-id-of-a-session", "origin": ORIGIN})
    assert api.post("/api/revoke", {"session": "an-id-of-a-session"})[0] == 200
    server.wait_for_event("api_call", code="bad_request")
    server.stop()
    logs = ""
    for name in ("events.jsonl", "stderr.txt", "stdout.txt"):
        with open(server.path(name)) as f:
            logs += f.read()
    for word in (used, refused, bound, "B" * 22, "hunter2", "ticket=", "wrong-key", "an-id-of", *map(api.key, ("ops", "tickets", "revoke"))):
        assert word not in logs, word
    with open(server.path("state/revocations.log")) as f:
        assert api.key() not in f.read()
    assert os.stat(server.path("state/revocations.log")).st_mode & 0o077 == 0


# --- steering

def test_a_batch_cannot_be_nested_nor_reach_what_its_key_may_not(house):
    inner = {"path": "/api/publish", "body": {"channel": "public:chat", "data": 1}}
    paths = ["/api/batch", "/api/batch/", "/api//publish", "/API/publish", "/api/publish?x", "/api/publish%00", "//api/publish", "/", ""]
    body = {"operations": [{"path": path, "body": inner["body"]} for path in paths] + [{"path": "/api/batch", "body": {"operations": [inner]}}]}
    status, answer = house.api.post("/api/batch", body, key="news")
    assert status == 200 and all(result["status"] in (400, 404) for result in answer["results"])
    still_serves(house)


def test_deep_and_wide_batches_are_refused_or_done_within_bounds(house):
    for body in (b'{"operations":' + b"[" * 30000 + b"]" * 30000 + b"}", b'{"operations":[' + b'{"path":"/api/publish","body":{}},' * 1800 + b"{}]}",
                 b'{"operations":[{"path":"/api/publish","body":' + b"[" * 60 + b"]" * 60 + b"}]}"):
        assert house.api.post("/api/batch", body)[0] == 400
    still_serves(house)


def test_callers_that_leave_at_once_leave_nothing_behind(house):
    body = json.dumps({"operations": [{"path": "/api/disconnect", "body": {"user": "nobody"}}] * 20}).encode()
    request = head(house.api, "/api/batch", Content_Length=len(body)) + body
    fds = house.fd_count()
    for _ in range(100):
        with house.api.socket() as sock:
            sock.sendall(request)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            if house.fd_count() <= fds and house.api.get("/health/ready")[0] == 200:
                return
        except (AssertionError, OSError):
            pass            # all 64 places are taken for the moment
        time.sleep(0.1)
    raise AssertionError("descriptors or places stay taken: %d, before %d" % (house.fd_count(), fds))


def test_an_idempotency_key_of_another_api_key_tells_nothing(house):
    body = {"user": "a", "roles": [], "origin": None}
    first = house.api.post("/api/tickets", body, headers=[("Idempotency-Key", "shared")])
    second = house.api.post("/api/tickets", body, key="tickets", headers=[("Idempotency-Key", "shared")])
    assert first[0] == second[0] == 200 and first[1]["ticket"] != second[1]["ticket"]
    assert code(house.api.post("/api/tickets", body, key="revoke", headers=[("Idempotency-Key", "shared")])) == (403, "scope_missing")
    assert code(house.api.post("/api/tickets", body, key=None, headers=[("Idempotency-Key", "shared")])) == (401, "invalid_key")


def test_a_broadcast_does_not_wait_for_a_slow_reader(house):
    sleepers = [RawWebSocket.login(house, token=house.token("sleeper"), rcvbuf=4096) for _ in range(4)]
    for ws in sleepers:
        assert ask(ws, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"
    started = time.monotonic()
    for _ in range(40):
        assert house.api.post("/api/broadcast", {"channels": "*", "data": "x" * 60000})[0] == 200
    assert time.monotonic() - started < 20
    for ws in sleepers:
        ws.close()
    still_serves(house)
