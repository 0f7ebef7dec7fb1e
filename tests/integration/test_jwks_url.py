# SPDX-License-Identifier: Apache-2.0
"""Public keys from a URL: downloads, rotation, outages, storms of unknown keys, and providers that mean harm.

The provider is an https server of the test's own, under an authority of its own (`jwks_ca`)."""
import http.server
import json
import os
import socket
import ssl
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import jwt_maker
from canary import Canary
from certificates import Authority
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, error, is_quiet, run_gateward

ISSUER = "https://id.example.com"


class Provider:
    """Serves its keys at /jwks, or whatever `answer(handler)` does instead. `requests` are the paths asked for."""

    def __init__(self, directory, names=("localhost",), addresses=("127.0.0.1",), days=7, authority=None):
        self.directory = str(directory)
        self.authority = authority or Authority("provider")
        self.ca = os.path.join(self.directory, "provider-ca.crt")
        with open(self.ca, "wb") as f:
            f.write(self.authority.pem())
        cert, key = self.authority.issue(directory, "provider", names=names, addresses=addresses, days=days)
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(cert, key)
        self.keys, self.requests, self.answer, self.http, self.port = {}, [], None, None, 0
        self.headers = []

    def add(self, kid, algorithm="EdDSA"):
        self.keys[kid] = ed25519.Ed25519PrivateKey.generate() if algorithm == "EdDSA" else \
            ec.generate_private_key(ec.SECP256R1())
        return self

    def token(self, kid, sub="alice", key=None, **claims):
        key = key or self.keys[kid]
        algorithm = "EdDSA" if isinstance(key, ed25519.Ed25519PrivateKey) else "ES256"
        payload = {"sub": sub, "roles": ["user"], "exp": int(time.time()) + 600, "iss": ISSUER, "aud": "gateward", **claims}
        return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": kid})

    def key_set(self):
        rows = []
        for kid, key in self.keys.items():
            is_ed = isinstance(key, ed25519.Ed25519PrivateKey)
            make = jwt.algorithms.OKPAlgorithm if is_ed else jwt.algorithms.ECAlgorithm
            if is_ed:
                row = json.loads(make.to_jwk(key.public_key()))
            else:
                numbers = key.public_key().public_numbers()
                row = {"kty": "EC", "crv": "P-256", "x": jwt_maker.b64url(numbers.x.to_bytes(32, "big")),
                       "y": jwt_maker.b64url(numbers.y.to_bytes(32, "big"))}
            row.pop("key_ops", None)
            rows.append({**row, "kid": kid, "use": "sig"})
        return json.dumps({"keys": rows}).encode()

    def start(self, port=0):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.requests.append((time.monotonic(), self.path, dict(self.headers)))
                if provider.answer is not None:
                    provider.answer(self)
                    return
                self.say(200, provider.key_set(), provider.headers)

            def say(self, status, body, headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def finish_request(self, request, address):
                try:    # the handshake on the connection's own thread
                    with provider.tls.wrap_socket(request, server_side=True) as wrapped:
                        self.RequestHandlerClass(wrapped, address, self)
                except (OSError, ValueError):
                    pass    # the client has hung up, as it may

            def handle_error(self, *_):
                pass

        self.http = Server(("127.0.0.1", port), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self):
        if self.http is not None:
            self.http.shutdown()
            self.http.server_close()
            self.http = None

    def url(self, host="127.0.0.1"):
        return "https://%s:%d/jwks" % (host, self.port)

    def downloads(self):
        return len(self.requests)


@pytest.fixture
def provider(tmp_path):
    made = Provider(tmp_path).add("one").start()
    yield made
    made.stop()


@pytest.fixture
def canary():
    with Canary() as made:
        yield made


def row(provider, **changes):
    issuer = {"algorithms": ["EdDSA", "ES256"], "jwks_url": provider.url(), "jwks_ca": provider.ca, "issuer": ISSUER,
              "audience": "gateward", **changes}
    issuer = {k: v for k, v in issuer.items() if v is not None}
    return {"server": {"workers": 2}, "listen": PLAIN, "limits": ROOMY, "auth": {"jwt": [issuer]}}


def login(server, token):
    """"welcome", or the close code and reason of a first message with this token."""
    with RawWebSocket.open(server) as ws:
        ws.send_text("auth:" + token)
        frame = ws.recv_frame(10)
        if frame.opcode == 1:
            return json.loads(frame.payload)["type"]
        return int.from_bytes(frame.payload[:2], "big"), frame.payload[2:].decode()


FAILED = (1008, "Authentication failed")
LATER = (1013, "Authentication unavailable, try again later")


def until_welcome(server, token, seconds):
    end = time.monotonic() + seconds
    while login(server, token) != "welcome":
        assert time.monotonic() < end, "no welcome within %s s" % seconds
        time.sleep(0.1)


def source_event(server, code, timeout=10, **fields):
    return server.wait_for_event("key_source", timeout=timeout, code=code, **fields)


# --- the way it should be

def test_tokens_under_downloaded_keys_are_welcome(start_server, provider):
    provider.add("two", "ES256")
    server = start_server(row(provider))
    event = source_event(server, "fetched")
    assert event["count"] == 2 and event["outcome"] == "ok"
    assert event["host"] == "127.0.0.1:%d" % provider.port and event["path"] == "/jwks"
    assert login(server, provider.token("one")) == "welcome"
    assert login(server, provider.token("two")) == "welcome"
    assert login(server, provider.token("one", iss="https://other.example.com")) == FAILED
    stranger = ed25519.Ed25519PrivateKey.generate()
    assert login(server, provider.token("one", key=stranger)) == FAILED
    assert provider.downloads() == 1
    _, path, headers = provider.requests[0]
    assert path == "/jwks" and headers["User-Agent"] == "gateward" and "Cookie" not in headers


def test_check_says_where_keys_come_from_and_fetches_nothing(start_server, provider, tmp_path):
    server = start_server(row(provider))
    source_event(server, "fetched")
    before = provider.downloads()
    result = run_gateward("check", os.path.join(server.directory, "gateward.yaml"))
    assert result.returncode == 0 and provider.url() in result.stdout, result.stdout + result.stderr
    assert provider.downloads() == before


def test_the_threads_beside_the_workers_are_there_only_when_something_needs_them(start_server, provider):
    def threads(server):
        return len(os.listdir("/proc/%d/task" % server.pid))

    with_url = start_server(row(provider))
    source_event(with_url, "fetched")
    # One downloads, one verifies signatures that are slow. One of libcurl's may just be looking up the name.
    alone = threads(start_server({"server": {"workers": 2}, "listen": PLAIN}))
    deadline = time.monotonic() + 10
    while threads(with_url) != alone + 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threads(with_url) == alone + 2


# --- rotation and storms

def test_a_storm_of_unknown_keys_is_one_download_and_then_the_set_is_replaced(start_server, provider):
    server = start_server(row(provider))
    source_event(server, "fetched")
    known = provider.token("one")
    stranger = ed25519.Ed25519PrivateKey.generate()
    first = provider.requests[0][0]
    provider.add("two")
    old = provider.keys.pop("one")      # from now on the provider knows it no more
    with RawWebSocket.login(server, token=known) as ws:
        storm_started = time.monotonic()
        for i in range(10000):
            ws.send_text(json.dumps({"type": "auth", "token": provider.token("kid-%d" % i, key=stranger)}))
            if i % 100 == 99:
                for _ in range(100):
                    assert ws.recv_json(20)["code"] == "authentication_failed"
        assert login(server, known) == "welcome"        # the cooldown lasts, and so does the old set
        stormed = time.monotonic()
        # At most one in 30 s, however long the storm took.
        assert provider.downloads() <= 1 + (stormed - first) // 30, (provider.downloads(), stormed - storm_started)
    until_welcome(server, provider.token("two"), 45)
    assert provider.requests[1][0] - first >= 29.5
    assert login(server, provider.token("one", key=old)) == FAILED


# --- outages

def test_a_server_starts_without_its_provider_and_recovers(start_server, provider):
    port = provider.port
    provider.stop()
    server = start_server(row(provider))
    failed = source_event(server, "failed")
    assert failed["detail"] == "cannot_connect" and failed["outcome"] == "error"
    token = provider.token("one")
    assert login(server, token) == LATER
    RawWebSocket.open(server, headers=[("Authorization", "Bearer " + token)], expect=503).close()
    assert server.wait_for_event("handshake_refused", status=503)["detail"] == "keys_unavailable"
    hs256 = jwt_maker.token(b"x" * 32)
    assert login(server, hs256) == FAILED       # is no token of this issuer, whoever is down
    time.sleep(3)
    provider.start(port)
    until_welcome(server, token, 5.5)
    source_event(server, "fetched")


def test_a_host_that_nobody_knows_is_a_failure_like_others(start_server, provider):
    server = start_server(row(provider, jwks_url="https://keys.invalid/jwks"))
    # Where no name server answers, the deadline comes first.
    assert source_event(server, "failed", timeout=15)["detail"] in ("unknown_host", "deadline")
    started = time.monotonic()
    assert login(server, provider.token("one")) == LATER
    server.stop()
    assert time.monotonic() - started < 4       # a name server that is silent holds up nothing


def test_an_outage_leaves_the_last_set_in_force(start_server, provider):
    server = start_server(row(provider))
    source_event(server, "fetched")
    provider.stop()
    for _ in range(20):
        assert login(server, provider.token("one")) == "welcome"


def test_another_issuer_is_served_while_one_is_down(start_server, provider, tmp_path):
    (tmp_path / "b").mkdir()
    other = Provider(tmp_path / "b").add("one").start()
    try:
        config = row(provider)
        config["auth"]["jwt"] += row(other, issuer="https://b.example.com")["auth"]["jwt"]
        config["auth"]["jwt"][0]["jwks_url"] = "https://127.0.0.1:1/jwks"
        server = start_server(config)
        source_event(server, "fetched")
        source_event(server, "failed")
        assert login(server, other.token("one", iss="https://b.example.com")) == "welcome"
        assert login(server, other.token("one")) == FAILED      # its own key, another's name
        assert login(server, provider.token("one")) == LATER
        with RawWebSocket.login(server, token=other.token("one", iss="https://b.example.com")) as ws:
            assert ask(ws, {"type": "auth", "token": provider.token("one")}) == \
                error("authentication_unavailable", "Authentication unavailable, try again later")
            assert is_quiet(ws)     # and the login that it has stays
    finally:
        other.stop()


# --- providers that mean harm

def refused(start_server, provider, detail, **changes):
    server = start_server(row(provider, **changes))
    event = source_event(server, "failed", timeout=15)
    assert event["detail"].startswith(detail), event
    assert login(server, provider.token("one")) == LATER
    return server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(start_server, provider, canary, status):
    target = "https://127.0.0.1:%d/jwks" % canary.port
    provider.answer = lambda h: h.say(status, provider.key_set(), [("Location", target)])
    refused(start_server, provider, "redirect")
    assert canary.visits == 0


def test_nothing_a_token_says_becomes_a_request(start_server, provider, canary):
    """C-D17: claims and headers that hold URLs, and templates that would take them in."""
    server = start_server(row(provider))
    source_event(server, "fetched")
    base = "https://127.0.0.1:%d/" % canary.port
    key = ed25519.Ed25519PrivateKey.generate()
    for value in [base, base + "jwks", "../" + base, "x@127.0.0.1:%d" % canary.port, "\r\nHost: 127.0.0.1:%d" % canary.port]:
        claims = {"sub": "alice", "exp": int(time.time()) + 600, "iss": value, "aud": value, "azp": value, "tid": value}
        for header in [{"kid": value}, {"jku": value}, {"x5u": value, "kid": "one"}, {"jku": value, "kid": value}]:
            assert login(server, jwt.encode(claims, key, algorithm="EdDSA", headers=header)) == FAILED
    time.sleep(0.5)
    assert canary.visits == 0
    assert {path for _, path, _ in provider.requests} == {"/jwks"}


def test_a_body_without_end_is_cut(start_server, provider):
    sent = []

    def flood(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        count = 0
        try:
            while count < 1 << 30:
                handler.wfile.write(b" " * 65536)
                count += 65536
        except OSError:
            pass
        sent.append(count)

    provider.answer = flood
    refused(start_server, provider, "too_large")
    end = time.monotonic() + 10
    while not sent and time.monotonic() < end:
        time.sleep(0.05)
    assert sent and sent[0] < 64 << 20      # what the kernel's buffers took, not a gigabyte


def test_a_chunked_body_without_length_is_cut(start_server, provider):
    def flood(handler):
        handler.protocol_version = "HTTP/1.0"
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            pass

    provider.answer = flood
    refused(start_server, provider, "too_large")


def test_an_endless_slow_body_ends_at_the_deadline(start_server, provider):
    stop = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while not stop.is_set():
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass

    provider.answer = drip
    started = time.monotonic()
    refused(start_server, provider, "deadline")
    assert 4.5 < time.monotonic() - started < 14
    stop.set()


@pytest.mark.parametrize("name", ["html", "private", "duplicate", "status"])
def test_bad_answers_are_refused_with_a_reason(start_server, provider, name):
    one = json.loads(provider.key_set())["keys"][0]
    bodies = {"html": b"<html>", "private": json.dumps({"keys": [{**one, "d": one["x"]}]}).encode(),
              "duplicate": json.dumps({"keys": [one, one]}).encode(), "status": provider.key_set()}
    provider.answer = lambda h: h.say(404 if name == "status" else 200, bodies[name])
    refused(start_server, provider, "http_status" if name == "status" else "bad_key_set: ")


def test_a_certificate_of_another_authority_is_refused(start_server, provider, tmp_path):
    (tmp_path / "other").mkdir()
    ca = tmp_path / "other" / "ca.crt"
    ca.write_bytes(Authority("someone else").pem())
    refused(start_server, provider, "certificate", jwks_ca=str(ca))
    assert provider.downloads() == 0


def test_without_an_own_authority_the_systems_are_asked(start_server, provider):
    refused(start_server, provider, "certificate", jwks_ca=None)
    assert provider.downloads() == 0


@pytest.mark.parametrize("fault", ["name", "expired"])
def test_a_certificate_for_another_host_or_time_is_refused(start_server, tmp_path, fault):
    made = Provider(tmp_path, **({"addresses": ("127.0.0.2",)} if fault == "name" else {"days": -1})).add("one").start()
    try:
        refused(start_server, made, "certificate")
        assert made.downloads() == 0
    finally:
        made.stop()


@pytest.mark.parametrize("url, fault", [
    ("http://id.example.com/jwks", "must begin with https://"),
    ("http://127.0.0.1:8080/jwks", "must begin with https://"),
    ("file:///etc/passwd", "must begin with https://"),
    ("https://user:word@id.example.com/jwks", "names no host"),
])
def test_other_urls_stop_the_start(tmp_path, provider, url, fault):
    config = row(provider, jwks_url=url)
    config["channels"] = [{"pattern": "public:chat"}]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(config))
    result = run_gateward("check", str(path))
    assert result.returncode != 0 and fault in result.stderr + result.stdout


def test_proxies_of_the_environment_are_ignored(start_server, provider, canary):
    proxy = "http://127.0.0.1:%d" % canary.port
    server = start_server(row(provider), environment={"https_proxy": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy})
    source_event(server, "fetched")
    assert canary.visits == 0


def test_no_key_of_a_download_is_logged(start_server, provider, tmp_path):
    log = tmp_path / "tls-keys"
    server = start_server(row(provider), environment={"SSLKEYLOGFILE": str(log)})
    until_welcome(server, provider.token("one"), 5)
    server.stop()
    assert not log.exists() or log.read_bytes() == b""


def test_a_hanging_download_does_not_hold_up_the_end(start_server, provider):
    hang = threading.Event()
    provider.answer = lambda h: hang.wait(20)
    server = start_server(row(provider))
    end = time.monotonic() + 10
    while provider.downloads() == 0 and time.monotonic() < end:
        time.sleep(0.02)
    started = time.monotonic()
    server.stop()
    hang.set()
    assert time.monotonic() - started < 4
