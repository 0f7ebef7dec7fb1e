# SPDX-License-Identifier: Apache-2.0
"""`gateward dev`: what it makes, what it prints, what it serves and to whom."""
import json
import os
import socket
import stat
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from gateward_dev import Dev
from gateward_server import SANITIZER, SANITIZER_ENV, binary_path
from raw_client import RawConnection, RawWebSocket, read_response


@pytest.fixture
def dev(tmp_path):
    running = Dev(tmp_path / "state")
    yield running
    running.stop()


def get(server, path, headers=""):
    with RawConnection.open(server) as c:
        c.send("GET %s HTTP/1.1\r\nHost: localhost:%d\r\n%s\r\n" % (path, server.port, headers))
        return read_response(c)


def test_prints_page_socket_tokens_and_a_command(dev):
    assert "https://localhost:%d/" % dev.port in dev.said
    assert "wss://localhost:%d/ws" % dev.port in dev.said
    assert set(dev.tokens) == {"alice", "bob"}
    assert "gateward connect" in dev.said


def test_both_tokens_log_in_and_talk(dev):
    with RawWebSocket.login(dev, token=dev.tokens["alice"]) as alice, \
            RawWebSocket.login(dev, token=dev.tokens["bob"]) as bob:
        assert (alice.welcome["user"], bob.welcome["user"]) == ("alice", "bob")
        bob.send_json({"type": "subscribe", "channel": "private:room-lobby"})
        bob.recv_until_type("subscribed")
        alice.send_json({"type": "publish", "channel": "private:room-lobby", "data": {"text": "hi"}})
        push = bob.recv_until_type("message")
        assert push["data"] == {"text": "hi"} and push["from"]["user"] == "alice"


def test_secrets_are_for_the_owner_only(dev):
    assert stat.S_IMODE(os.stat(dev.state).st_mode) == 0o700
    modes = {name: stat.S_IMODE(os.stat(os.path.join(dev.state, name)).st_mode) for name in os.listdir(dev.state)}
    secret = [n for n in modes if n.endswith((".key", ".secret"))]
    assert len(secret) >= 2
    assert all(modes[n] == 0o600 for n in secret), modes


def test_certificate_is_p256_for_localhost_and_signed_by_its_authority(dev):
    with RawConnection.open(dev) as c:     # verifies the chain against state/ca.crt and the name localhost
        assert c.sock.version() == "TLSv1.3"
        certificate = x509.load_der_x509_certificate(c.sock.getpeercert(True))
    assert isinstance(certificate.public_key().curve, ec.SECP256R1)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert "127.0.0.1" in [str(a) for a in names.get_values_for_type(x509.IPAddress)]


def test_listens_on_loopback_only(dev):
    listening = [row.split()[1] for row in open("/proc/net/tcp").read().split("\n")[1:]
                 if row and row.split()[3] == "0A" and int(row.split()[1].split(":")[1], 16) == dev.port]
    assert listening and all(address.startswith("0100007F:") for address in listening)
    listening6 = [row for row in open("/proc/net/tcp6").read().split("\n")[1:]
                  if row and row.split()[3] == "0A" and int(row.split()[1].split(":")[1], 16) == dev.port]
    assert all(row.split()[1].startswith("00000000000000000000000001000000:") for row in listening6)


def test_page_is_served_under_a_strict_policy(dev):
    for path, kind in (("/", "text/html"), ("/app.js", "text/javascript"), ("/style.css", "text/css"),
                       ("/icon.svg", "image/svg+xml")):
        answer = get(dev, path)
        assert answer.status == 200 and answer.headers["content-type"].startswith(kind)
        assert answer.headers["x-content-type-options"] == "nosniff"
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "web",
                               "index.html" if path == "/" else path[1:]), "rb") as f:
            assert answer.body == f.read()
    policy = get(dev, "/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy


def test_only_the_named_pages_exist(dev):
    for path in ("/server.key", "/../state/server.key", "/index.html", "/app.js/", "//app.js", "/%2e%2e/jwt.secret"):
        assert get(dev, path).status in (400, 404), path


def test_page_for_another_host_is_refused(dev):
    with RawConnection.open(dev) as c:
        c.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert read_response(c).status in (400, 403, 404, 421)


def test_foreign_origin_is_refused(dev):
    ws = RawWebSocket.open(dev, origin="https://evil.example", expect=403)
    ws.close()
    RawWebSocket.open(dev, origin="https://localhost:%d" % dev.port).close()


def test_second_start_keeps_authority_and_tokens(tmp_path):
    first = Dev(tmp_path / "state")
    first.stop()
    with open(os.path.join(first.state, "ca.crt")) as f:
        authority = f.read()
    second = Dev(tmp_path / "state")
    try:
        with open(os.path.join(second.state, "ca.crt")) as f:
            assert f.read() == authority
        with RawWebSocket.login(second, token=first.tokens["alice"]) as ws:
            assert ws.welcome["user"] == "alice"
    finally:
        second.stop()


def test_busy_port_is_told_in_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run([binary_path(), "dev", "--port", str(port), "--state", str(tmp_path / "state")],
                              capture_output=True, text=True, timeout=30, env={**os.environ, **SANITIZER_ENV})
    assert done.returncode != 0
    assert "in use" in done.stderr and str(port) in done.stderr
    assert not SANITIZER.search(done.stderr)


def test_events_are_json_lines_without_the_tokens(tmp_path):
    dev = Dev(tmp_path / "state")
    with RawWebSocket.login(dev, token=dev.tokens["alice"]) as ws:
        ws.send_close()
    time.sleep(0.2)
    errors = dev.stop()
    events = [json.loads(line) for line in errors.split("\n") if line.startswith("{")]
    assert {"connection_open", "auth_ok"} <= {e["event"] for e in events}
    assert dev.tokens["alice"] not in errors
