# SPDX-License-Identifier: Apache-2.0
"""The internal API over real sockets: health, tickets, revocation on all workers and across a restart, publishing, the CLI."""
import http.client
import json
import os
import threading
import time

import pytest

import certificates
from gateward_server import GatewardServer
from internal_api import ORIGIN, InternalApi, code, internal_config, receive
from raw_client import Ended, RawWebSocket
from talk import ask, closed_with, run_gateward

WORKERS = 4


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Four workers and all keys, for tests that leave nothing behind."""
    folder = tmp_path_factory.mktemp("house")
    with GatewardServer(folder, internal_config(folder, WORKERS)) as running:
        running.api = InternalApi(running)
        yield running


def open_with(server, ticket, **kwargs):
    return RawWebSocket.open(server, path="/ws?ticket=" + ticket, **kwargs)


def logged_in(server, user, count, **claims):
    """So many connections of one user, on whatever workers the kernel chooses."""
    return [RawWebSocket.login(server, token=server.token(user, jti=claims.get("jti"), roles=claims.get("roles", ("user",))))
            for _ in range(count)]


def refused_login(server, token):
    with RawWebSocket.open(server) as ws:
        ws.send_json({"type": "auth", "token": token})
        closed_with(ws, 1008, "Authentication failed")
        return server.wait_for_event("auth_failed", port=ws.local_port)["code"]


# --- health and the door

def test_health_needs_no_key(house):
    assert house.api.get("/health/live") == (200, {"ok": True})
    assert house.api.get("/health/ready") == (200, {"ok": True})


def test_an_ordinary_client_gets_on_with_it(house):
    client = http.client.HTTPConnection("127.0.0.1", house.api.port, timeout=10)
    client.request("POST", "/api/publish", json.dumps({"channel": "public:chat", "data": 1}),
                   {"Authorization": "Bearer " + house.api.key(), "Content-Type": "application/json"})
    answer = client.getresponse()
    assert (answer.status, json.loads(answer.read())) == (200, {"ok": True})


@pytest.mark.parametrize("method, path, status, what", [
    ("GET", "/", 404, "not_found"),
    ("GET", "/ws", 404, "not_found"),
    ("POST", "/health/live", 405, "method_not_allowed"),
    ("GET", "/api/tickets", 405, "method_not_allowed"),
    ("DELETE", "/api/revoke", 405, "method_not_allowed"),
    ("OPTIONS", "/api/revoke", 405, "method_not_allowed"),
    ("GET", "/health/live?x=1", 400, "bad_request"),
])
def test_what_is_not_an_endpoint_is_refused(house, method, path, status, what):
    body = b"{}" if method == "POST" else None
    assert code(house.api.request(method, path, body)) == (status, what)


def test_media_type_and_length_are_required(house):
    api = house.api
    head = "POST /api/revoke HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n" % api.key()
    assert b" 411 " in api.raw((head + "Content-Type: application/json\r\n\r\n").encode())
    assert b" 415 " in api.raw((head + "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}").encode())
    assert b" 415 " in api.raw((head + "Content-Length: 2\r\n\r\n{}").encode())


def test_a_body_is_asked_for_with_100_continue(house):
    body = json.dumps({"channel": "public:chat", "data": "x" * 2000}).encode()
    with house.api.socket() as sock:
        sock.sendall(("POST /api/publish HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\n"
                      "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (house.api.key(), len(body))).encode())
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(body)
        assert b" 200 OK" in receive(sock)


def test_the_public_port_knows_nothing_of_the_api(house):
    for path in ("/health/live", "/api/revoke", "/api/tickets"):
        with RawWebSocket.open(house, path=path, expect=404):
            pass


def test_ready_says_503_while_the_server_drains(start_server, tmp_path):
    server = start_server(internal_config(tmp_path, 2, scopes={}))
    server_api = InternalApi(server)
    with RawWebSocket.login(server):            # does not answer the Close: the drain takes its second
        server.signal(15)
        server.wait_for_event("server_drain")
        assert code(server_api.get("/health/ready")) == (503, "draining")
        assert server_api.get("/health/live") == (200, {"ok": True})
    server.wait()


def test_it_serves_on_a_unix_socket_and_takes_it_away(start_server, tmp_path):
    path = str(tmp_path / "api.sock")
    server = start_server(internal_config(tmp_path, address="unix:" + path))
    api = InternalApi(server)
    assert api.path == path and api.get("/health/live") == (200, {"ok": True})
    assert api.post("/api/revoke", {"user": "nobody"}) == (200, {"closed": 0})
    server.stop()
    assert not os.path.exists(path)


# --- tickets

def test_a_ticket_logs_in_once(house):
    ticket = house.api.ticket("alice", ["user", "moderator"], session_ttl=100)
    with open_with(house, ticket) as ws:
        welcome = ws.recv_json()
        assert welcome["type"] == "welcome" and welcome["user"] == "alice" and welcome["roles"] == ["user", "moderator"]
        assert 95 <= welcome["expires_in"] <= 100
        assert ask(ws, {"type": "subscribe", "channel": "user:alice:messages"})["type"] == "subscribed"
    with open_with(house, ticket, expect=401) as ws:
        assert json.loads(ws.response.body)["error"]["code"] == "invalid_ticket"
        assert house.wait_for_event("auth_failed", port=ws.local_port)["code"] == "ticket_used"


def test_the_answer_tells_how_to_use_it(house):
    status, answer = house.api.post("/api/tickets", {"user": "a", "roles": [], "origin": None, "ttl": 7})
    assert status == 200 and answer["expires_in"] == 7 and answer["url_parameter"] == "ticket" and len(answer["ticket"]) >= 22


def test_a_ticket_is_bound_to_its_origin(house):
    for wrong in ({}, {"origin": "https://other.example.com"}):
        ticket = house.api.ticket(origin=ORIGIN)
        with open_with(house, ticket, expect=None, **wrong) as ws:
            assert ws.response.status == (403 if wrong else 401)     # an origin the gate refuses never reaches the ticket
            if not wrong:
                assert house.wait_for_event("auth_failed", port=ws.local_port)["code"] == "ticket_origin"
                with open_with(house, ticket, origin=ORIGIN, expect=401) as again:
                    assert house.wait_for_event("auth_failed", port=again.local_port)["code"] == "ticket_used"
    with open_with(house, house.api.ticket(origin=ORIGIN), origin=ORIGIN) as ws:
        assert ws.recv_json()["type"] == "welcome"


def test_an_origin_that_is_not_listed_gets_no_ticket(house):
    answer = house.api.post("/api/tickets", {"user": "a", "roles": [], "origin": "https://evil.example.net"})
    assert code(answer) == (400, "invalid_origin")


def test_all_bad_tickets_look_the_same(house):
    bodies = set()
    expired = house.api.ticket(ttl=1)
    used = house.api.ticket()
    open_with(house, used).close()
    time.sleep(1.1)
    for ticket, what in ((expired, "ticket_expired"), (used, "ticket_used"), ("A" * 22, "ticket_unknown"), ("", "ticket_unknown"),
                         ("%41" * 22, "ticket_unknown"), (house.api.ticket(origin=ORIGIN), "ticket_origin")):
        with open_with(house, ticket, expect=401) as ws:
            bodies.add((ws.response.body, tuple(sorted(ws.response.headers))))
            assert house.wait_for_event("auth_failed", port=ws.local_port)["code"] == what
    assert len(bodies) == 1


def test_a_ticket_and_a_token_or_two_tickets_are_refused(house):
    ticket = house.api.ticket()
    bearer = [("Authorization", "Bearer " + house.token())]
    for path in ("/ws?ticket=%s&ticket=%s" % (ticket, ticket), "/ws?a=b&ticket=&ticket=x"):
        with RawWebSocket.open(house, path=path, expect=400) as ws:
            assert json.loads(ws.response.body)["error"]["code"] == "credentials_repeated"
    with open_with(house, ticket, headers=bearer, expect=400) as ws:
        assert json.loads(ws.response.body)["error"]["code"] == "credentials_repeated"
    with RawWebSocket.open(house, path="/ws?tab=2&ticket=" + ticket) as ws:     # it was not spent by any of these
        assert ws.recv_json()["type"] == "welcome"


def test_a_connection_by_ticket_ends_with_its_session(house):
    with open_with(house, house.api.ticket(session_ttl=1)) as ws:
        assert ws.recv_json()["type"] == "welcome"
        assert ws.recv_close(4)[0] == 4001


def test_a_route_takes_only_the_ways_to_log_in_that_it_names(start_server, tmp_path):
    server = start_server(internal_config(tmp_path, routes=[{"path": "/pages", "auth": ["ticket"]}, {"path": "/bots", "auth": ["jwt"]}]))
    api = InternalApi(server)
    ticket = api.ticket()
    with RawWebSocket.open(server, path="/bots?ticket=" + ticket, expect=401) as ws:
        assert server.wait_for_event("auth_failed", port=ws.local_port)["code"] == "ticket_not_taken"
    with RawWebSocket.open(server, path="/pages?ticket=" + ticket) as ws:       # asking elsewhere did not spend it
        assert ws.recv_json()["type"] == "welcome"
        assert ask(ws, {"type": "auth", "token": server.token("alice")})["type"] == "error"
    RawWebSocket.open(server, path="/pages", headers=[("Authorization", "Bearer " + server.token())], expect=401).close()
    with RawWebSocket.open(server, path="/pages", expect=401) as ws:       # no message could log it in
        assert code((401, json.loads(ws.response.body))) == (401, "credentials_missing")
        assert 'realm="gateward"' in ws.response.headers["www-authenticate"] and "error=" not in ws.response.headers["www-authenticate"]
    RawWebSocket.login(server, path="/bots").close()


def test_a_ticket_takes_the_place_of_a_token_but_not_of_a_certificate(tmp_path):
    clients = certificates.Authority("clients")
    tls = {"cert": "server.crt", "key": "server.key", "client_certificates": "optional", "client_ca": "clients.crt"}
    server = GatewardServer(tmp_path, internal_config(
        tmp_path, listen=[{"address": "127.0.0.1:0", "tls": tls}], routes=[{"path": "/ws", "require": "all"}],
        auth={"client_certificates": [{"name": "app-1", "user": "app-1", "roles": ["user"]}]}))
    server._write("clients.crt", clients.pem())
    with server:
        api = InternalApi(server)
        with open_with(server, api.ticket()) as ws:
            assert ws.recv_close() == (4001, "Certificate required")
        context = server.ssl_context()
        context.load_cert_chain(*clients.client(tmp_path, "app-1")[:2])
        with open_with(server, api.ticket(), context=context) as ws:
            assert ws.recv_json()["user"] == "alice"


# --- revocation

@pytest.mark.parametrize("by", ["user", "token_id", "role", "ip", "connection"])
def test_matching_connections_close_on_all_workers_within_a_second(house, by):
    user = "victim-" + by.replace("_", "-")
    kwargs = {"source": "127.0.0.77"} if by == "ip" else {}
    role = "guest" if by == "role" else "user"
    token = house.token(user, [role], jti="jti of " + user)
    victims = [RawWebSocket.login(house, token=token, **kwargs) for _ in range(12)]
    bystander = RawWebSocket.login(house, "bystander")
    value = {"user": user, "token_id": "jti of " + user, "role": role, "ip": "127.0.0.77",
             "connection": victims[0].welcome["connection"]}[by]
    began = time.monotonic()
    status, answer = house.api.post("/api/revoke", {by: value}, key="revoke")
    hit = victims[:1] if by == "connection" else victims
    assert (status, answer) == (200, {"closed": len(hit)})
    for ws in hit:
        assert ws.recv_close(2) == (1008, "Revoked")
    assert time.monotonic() - began < 1.5
    house.wait_for_event("revoked", user=user, count=len(hit))
    assert ask(bystander, {"type": "ping"}) == {"type": "pong"}
    with_same = RawWebSocket.open(house)
    with_same.send_json({"type": "auth", "token": token})
    if by in ("ip", "connection"):
        assert with_same.recv_json()["type"] == "welcome"       # closed, not barred
    else:
        closed_with(with_same, 1008, "Authentication failed")
    for ws in [*victims, bystander, with_same]:
        ws.close()


def test_what_is_issued_later_is_accepted_and_earlier_tickets_are_not(house):
    ticket, token = house.api.ticket("eve"), house.token("eve")
    assert house.api.post("/api/revoke", {"user": "eve"})[0] == 200
    assert refused_login(house, token) == "user_revoked"
    with open_with(house, ticket, expect=401) as ws:
        assert house.wait_for_event("auth_failed", port=ws.local_port)["code"] == "user_revoked"
    time.sleep(1.1)
    with RawWebSocket.login(house, "eve"):
        pass
    with open_with(house, house.api.ticket("eve")) as ws:
        assert ws.recv_json()["type"] == "welcome"


def test_a_revoked_token_cannot_extend_an_open_connection(house):
    with RawWebSocket.login(house, "frank") as ws:
        token = house.token("frank", jti="franks-second")
        assert house.api.post("/api/revoke", {"token_id": "franks-second"}) == (200, {"closed": 0})
        assert ask(ws, {"type": "auth", "token": token})["code"] == "authentication_failed"


def test_tokens_must_say_when_they_were_issued_and_not_be_too_old(house):
    assert refused_login(house, house.token("grace", iat=None)) == "issued_at_missing"
    assert refused_login(house, house.token("grace", iat=int(time.time()) - 24 * 3600 - 5, exp=int(time.time()) + 60)) == \
        "token_too_old"


def test_without_a_key_that_revokes_the_age_of_tokens_does_not_matter(start_server, tmp_path):
    server = start_server(internal_config(tmp_path, scopes={"tickets": ["tickets"]}))
    with RawWebSocket.login(server, token=server.token("grace", iat=None)):
        pass
    assert not os.path.exists(server.path("state/revocations.log"))


def test_a_revocation_outlives_a_crash(start_server, tmp_path):
    server = start_server(internal_config(tmp_path, 2))
    token = server.token("heidi", jti="one")
    assert InternalApi(server).post("/api/revoke", {"user": "heidi"}) == (200, {"closed": 0})
    server.kill()       # at once, without any goodbye
    server.start()
    assert refused_login(server, token) == "user_revoked"
    with open(server.path("state/revocations.log"), "ab") as f:
        f.write(b"user 18000")      # torn by a crash
    server.stop()
    server.start()
    assert refused_login(server, token) == "user_revoked"


def test_a_damaged_file_stops_the_start(start_server, tmp_path):
    server = start_server(internal_config(tmp_path))
    assert InternalApi(server).post("/api/revoke", {"user": "heidi"})[0] == 200
    server.stop()
    path = server.path("state/revocations.log")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("user ", "role "))
    result = run_gateward("serve", "-c", server.config_path, cwd=server.directory)
    assert result.returncode == 1 and "damaged in line 2" in result.stderr


def test_two_servers_never_share_a_state_folder(start_server, tmp_path):
    server = start_server(internal_config(tmp_path))
    result = run_gateward("serve", "-c", server.config_path, cwd=server.directory)
    assert result.returncode == 1 and "another server uses" in result.stderr


def test_the_command_line_revokes(start_server, tmp_path):
    server = start_server(internal_config(tmp_path, 2))
    api = InternalApi(server)
    server.config["internal"]["address"] = "127.0.0.1:%d" % api.port        # as a configuration with a fixed port says
    server.write_config()
    with RawWebSocket.login(server, "ivan") as ws:
        result = run_gateward("revoke", "--config", server.config_path, "--user", "ivan")
        assert (result.returncode, json.loads(result.stdout)) == (0, {"closed": 1}), result.stderr
        assert ws.recv_close(2) == (1008, "Revoked")
    result = run_gateward("revoke", "--config", server.config_path, "--role", "no-such")
    assert result.returncode == 1 and "unknown_role" in result.stderr
    assert run_gateward("revoke", "--config", server.config_path).returncode == 2
    assert run_gateward("revoke", "--config", server.config_path, "--user", "a", "--role", "b").returncode == 2
    server.stop()
    result = run_gateward("revoke", "--config", server.config_path, "--user", "ivan")
    assert result.returncode == 1 and "no server answers" in result.stderr


# --- publishing

def test_a_message_reaches_subscribers_on_all_workers(house):
    listeners = []
    for _ in range(12):
        ws = RawWebSocket.login(house, "reader")
        assert ask(ws, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"
        listeners.append(ws)
    data = {"text": "h\u00e9llo", "n": [1, None, True]}
    assert house.api.post("/api/publish", {"channel": "public:chat", "data": data}, key="news") == (200, {"ok": True})
    for ws in listeners:
        assert ws.recv_json() == {"type": "message", "channel": "public:chat", "data": data, "from": {"server": True}}
        ws.close()


# --- many at once

def test_of_two_connections_with_one_ticket_exactly_one_wins_200_times(house):
    wins = []
    lock = threading.Lock()

    def run(ticket, gate):
        gate.wait()
        try:
            ws = open_with(house, ticket, expect=None)
        except Ended:
            return
        with lock:
            wins.append((ticket, ws.response.status))
        ws.close()

    for _ in range(200):
        ticket, gate = house.api.ticket(), threading.Barrier(2)
        threads = [threading.Thread(target=run, args=(ticket, gate)) for _ in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert sorted(status for won, status in wins if won == ticket) == [101, 401]


def test_revocations_from_many_callers_are_all_answered(house):
    victims = [RawWebSocket.login(house, "mass-%d" % i) for i in range(20)]
    answers = []

    def run(i):
        answers.append(house.api.post("/api/revoke", {"user": "mass-%d" % i}))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert answers == [(200, {"closed": 1})] * 20
    for ws in victims:
        assert ws.recv_close(2) == (1008, "Revoked")
        ws.close()
