# SPDX-License-Identifier: Apache-2.0
"""`gateward audit` of running servers: ours passes, and of servers that are weak on purpose every planted hole is found."""
import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess

import certificates
import jwt_maker
import pytest
from gateward_server import ROOT
from talk import PLAIN, run_gateward

WEAK = os.path.join(ROOT, "tests", "weak")
SECRET = secrets.token_hex(32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("audit")
    authority = certificates.Authority()
    authority.issue(path)
    (path / "ca.crt").write_bytes(authority.pem())
    for name, text in (("secret", SECRET), ("token", jwt_maker.token(SECRET.encode(), "alice", ["user"], 3600))):
        (path / name).write_text(text)
        (path / name).chmod(0o600)
    return path


def audit(url, *options, patience="3s", cwd=None, code=None):
    result = run_gateward("audit", url, "--json", "--patience", patience, "--timeout", "3s", *options, cwd=cwd, timeout=110)
    assert result.returncode in (0, 1), result.stderr
    report = json.loads(result.stdout)
    assert result.returncode == (1 if report["fail"] else 0)
    assert report["kind"] == "server" and report["subject"] == url and len(report["points"]) == 14
    assert all(p["findings"] for p in report["points"]), report
    return report


def texts(report, verdict="fail"):
    return ["%s: %s" % (p["id"], f["text"]) for p in report["points"] for f in p["findings"] if f["verdict"] == verdict]


def verdicts(report, verdict):
    return {p["id"] for p in report["points"] if p["verdict"] == verdict}


def found(report, *wanted):
    """Each of these is a failure."""
    failures = texts(report)
    missing = [w for w in wanted if not any(w in f for f in failures)]
    assert not missing, (missing, failures)


@contextlib.contextmanager
def running(*command):
    """A server that prints its port; yields it with the process. It ends with its stdin."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield int(process.stdout.readline()), process
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def python_server(kind, *arguments):
    return running("/usr/bin/python3", os.path.join(WEAK, "naive_websockets.py"), kind, *map(str, arguments))


# --- ours

def token_file(server):
    path = server.path("token")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(server.token())
    return path


def test_our_default_passes(server):
    report = audit(server.url(), "--ca", server.path("ca.crt"), patience="12s")
    assert texts(report) == []
    assert verdicts(report, "unknown") == {"channels", "rates", "log", "mtls", "random"}


@pytest.mark.parametrize("how", [[], ["--bearer"], ["--origin", "https://app.example.com"]])
def test_our_default_passes_with_a_token(server, how):
    report = audit(server.url(), "--ca", server.path("ca.crt"), "--token-file", token_file(server), *how, patience="12s")
    assert texts(report) == []
    assert verdicts(report, "unknown") == {"log", "mtls", "random"}
    assert len(server.events("connection_open")) < 60
    assert server.is_running()


def test_our_server_with_compression_does_not_take_the_bomb(start_server):
    server = start_server({"compression": {"enabled": True}})
    report = audit(server.url(), "--ca", server.path("ca.crt"), patience="11s")
    assert texts(report) == [] and any("2 MiB in 2 KiB" in t for t in texts(report, "pass"))


def test_an_echo_route_of_ours_is_found(start_server):
    server = start_server({"listen": PLAIN, "routes": [{"path": "/echo", "serve": "echo"}]})
    found(audit(server.url("/echo")), "tls: ws:// is plaintext", "login: without login a message is answered",
          "messages: text that is no JSON is taken", "rates: 200 messages")


def test_a_route_that_asks_before_the_upgrade_is_no_hole(start_server):
    server = start_server({"routes": [{"path": "/ws", "auth": ["certificate", "jwt"], "require": "all"}],
                           "auth": {"client_certificates": [{"name": "x", "user": "x", "roles": ["user"]}]},
                           "listen": [{"address": "127.0.0.1:0",
                                       "tls": {"cert": "server.crt", "key": "server.key", "client_certificates": "optional",
                                               "client_ca": "ca.crt"}}]})
    report = audit(server.url(), "--ca", server.path("ca.crt"), patience="11s")
    assert texts(report) == [] and "mtls" in verdicts(report, "pass")


# --- weak ones

def test_an_open_server_in_python(folder):
    with python_server("open") as (port, _):
        report = audit("ws://127.0.0.1:%d/" % port)
    found(report, "tls: ws:// is plaintext", "origin: a page of https://audit.invalid may connect", "origin: a page of null",
          "login: without login a message is answered: `{\"type\": \"pong\"}`", "channels: anybody may subscribe to user:audit-",
          "messages: the header Server tells versions", "messages: a message of a type that does not exist is taken",
          "messages: text that is no JSON breaks something: the answer is Close 1011", "rates: 200 messages",
          "size: a message of 16 MiB", "size: a message of just over 1 MiB", "size: a message in 2000 empty fragments",
          "size: 2 MiB in 2 KiB")
    assert verdicts(report, "unknown") >= {"timeouts", "ping"}      # three seconds are too short to say


@pytest.mark.long
def test_who_waits_long_enough_knows_that_there_are_no_timeouts_and_no_pings(folder):
    with python_server("open") as (port, _):
        report = audit("ws://127.0.0.1:%d/" % port, patience="31s")
    found(report, "timeouts: a request that stops half-way is not ended", "timeouts: a connection that says nothing is not ended",
          "ping: the server sent no ping in 31 s")


def test_a_server_that_believes_every_token(folder):
    with python_server("token", folder / "server.crt", folder / "server.key") as (port, _):
        report = audit("wss://localhost:%d/" % port, "--ca", "ca.crt", "--token-file", "token", cwd=str(folder))
    found(report, "tls: TLS 1.2 is spoken", "tls: TLS 1.1 is spoken", "tls: TLS 1.0 is spoken",
          "origin: a page of https://audit.invalid may connect",
          "tokens: a token that nobody signed in the first message is taken",
          "tokens: a token that nobody signed in the address (?token=) is taken",
          "tokens: a good token in the address (?token=) is taken", "tokens: a token with a wrong signature in the first message",
          "channels: anybody may subscribe", "rates: 200 messages")
    assert "login" in verdicts(report, "pass")
    # The server said the token back, and the report does not.
    assert "[redacted]" in json.dumps(report)
    token = (folder / "token").read_text()
    assert not any(token[i:i + 16] in json.dumps(report) for i in range(len(token) - 16))


def test_a_server_that_answers_nothing(folder):
    with python_server("deaf") as (port, _):
        report = audit("ws://127.0.0.1:%d/" % port)
    found(report, "ping: a ping is not answered", "close: Close 1000 is answered with nothing",
          "messages: a frame without mask does not end", "messages: a frame with a reserved bit does not end",
          "messages: text that is not UTF-8 does not end", "messages: the header X-Powered-By tells versions")
    assert "login" in verdicts(report, "unknown")       # nobody was served, and nobody was refused


def test_a_careful_server_has_few_failures(folder):
    """The control: what the audit finds elsewhere is not found where it is not."""
    with python_server("careful", folder / "server.crt", folder / "server.key", folder / "secret") as (port, _):
        report = audit("wss://localhost:%d/" % port, "--ca", "ca.crt", "--token-file", "token", cwd=str(folder))
    assert [t.split(" does")[0] for t in texts(report)] == ["size: a message in 2000 empty fragments"]
    assert verdicts(report, "unknown") == {"timeouts", "log", "mtls", "random"}
    assert "ping: the server sends pings" in texts(report, "pass") or "ping" in verdicts(report, "pass")


def test_an_open_server_in_node(folder):
    node = shutil.which("node")
    if not node or not os.path.isdir(os.path.join(WEAK, "node_modules", "ws")):
        pytest.skip("needs Node.js and `npm ci` in tests/weak")
    with running(node, os.path.join(WEAK, "naive_ws.mjs")) as (port, process):
        report = audit("ws://127.0.0.1:%d/" % port)
        assert process.wait(5) == 1     # text that is no JSON was the end of it
    found(report, "tls: ws:// is plaintext", "origin: a page of https://audit.invalid may connect", "login: without login",
          "messages: a message of a type that does not exist is taken",
          "messages: text that is no JSON breaks something: the answer is the end of the connection",
          "messages: after that the server does not answer any more", "rates: 200 messages", "size: a message of 16 MiB",
          "size: a message of just over 1 MiB", "size: 2 MiB in 2 KiB")


# --- certificates, and where there is nothing to audit

def test_a_certificate_that_nobody_vouches_for_fails(server):
    report = audit(server.url(), patience="1s")
    found(report, "tls: the certificate is not to be trusted")
    assert texts(report) == [t for t in texts(report) if t.startswith("tls: ")]


def test_a_certificate_for_another_name_or_past_its_end_fails(folder):
    authority = certificates.Authority()
    (folder / "ca2.crt").write_bytes(authority.pem())
    for stem, changes, words in (("other", {"names": ("example.com",), "addresses": ()}, "mismatch"), ("old", {"days": -2}, "expired")):
        authority.issue(folder, stem, **changes)
        with python_server("careful", folder / (stem + ".crt"), folder / (stem + ".key"), folder / "secret") as (port, _):
            report = audit("wss://localhost:%d/" % port, "--ca", str(folder / "ca2.crt"), patience="1s")
        assert [t for t in texts(report) if "not to be trusted" in t and words in t], texts(report)


def test_nothing_to_audit(folder, server):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        nobody = "ws://127.0.0.1:%d/" % s.getsockname()[1]
        result = run_gateward("audit", nobody)
    assert result.returncode == 2 and result.stdout == "" and "no WebSocket server at" in result.stderr
    result = run_gateward("audit", server.url("/nowhere"), "--ca", server.path("ca.crt"))
    assert result.returncode == 2 and re.search(r"no WebSocket server at \S+: HTTP 404", result.stderr)


@pytest.mark.parametrize("arguments", [
    ["wss://"], ["http://localhost/"], ["ws://localhost/", "--timeout", "61s"], ["ws://localhost/", "--patience", "5"],
    ["ws://localhost/", "--origin", "a\r\nb"], ["ws://localhost/", "--bearer"], ["ws://localhost/", "--token-file", "none"],
    ["ws://localhost/", "--token-file", "spaced"], ["c.yaml", "--ca", "ca.crt"], ["ws://localhost/", "more"],
])
def test_what_is_not_understood(folder, arguments):
    (folder / "spaced").write_text("a b")
    (folder / "spaced").chmod(0o600)
    result = run_gateward("audit", *arguments, cwd=str(folder))
    assert result.returncode == 2 and result.stdout == "" and result.stderr
