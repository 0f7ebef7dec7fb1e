# SPDX-License-Identifier: Apache-2.0
"""`gateward connect` from outside: against the server, at a terminal, and its command line."""
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from certificates import Authority
from connect_program import ROOM, Done, Terminal, connect, finish, lines, start, to
from gateward_server import SANITIZER_ENV, binary_path
from raw_client import RawWebSocket


def test_lines_in_lines_out(server):
    done = connect(*to(server, "--token", server.token(), "--subscribe", ROOM, "--wait", "0.3"),
                   stdin=lines({"type": "ping", "id": 1}, {"type": "publish", "channel": ROOM, "data": "hi"}))
    assert done.code == 0, done.err
    assert done.types[:3] == ["welcome", "subscribed", "pong"]
    assert sorted(done.types[3:]) == ["ack", "message"]
    assert done.err == ""


def test_several_channels_are_subscribed_in_order(server):
    done = connect(*to(server, "--token", server.token(), "-s", ROOM, "-s", "public:chat", "--wait", "0.3"))
    assert [m.get("channel") for m in done.messages[1:]] == [ROOM, "public:chat"]


def test_token_from_a_file_and_from_the_environment(server, tmp_path):
    path = tmp_path / "token"
    path.write_text(server.token("bob") + "\n")
    path.chmod(0o600)
    done = connect(*to(server, "--token-file", str(path), "--wait", "0.2"))
    assert (done.code, done.messages[0]["user"]) == (0, "bob")
    done = connect(*to(server, "--wait", "0.2"), environment={"GATEWARD_TOKEN": server.token("carol")})
    assert (done.code, done.messages[0]["user"]) == (0, "carol")
    done = connect(*to(server, "--token", server.token("dave"), "--wait", "0.2"),
                   environment={"GATEWARD_TOKEN": server.token("carol")})
    assert (done.code, done.messages[0]["user"]) == (0, "dave")


def test_token_file_that_others_can_read_is_refused(server, tmp_path):
    path = tmp_path / "token"
    path.write_text(server.token())
    path.chmod(0o644)
    done = connect(*to(server, "--token-file", str(path)))
    assert done.code == 2 and str(path) in done.err


def test_token_leaves_the_list_of_processes(server):
    token = server.token()
    process = start(*to(server, "--token", token))
    assert process.stdout.readline().startswith(b'{"type":"welcome"')
    with open("/proc/%d/cmdline" % process.pid, "rb") as f:
        seen = f.read()
    assert token.encode() not in seen and b"--token" in seen
    assert finish(process).code == 0


def test_token_in_the_environment_is_removed_from_it(server):
    token = server.token()
    process = start(*to(server), environment={"GATEWARD_TOKEN": token})
    assert process.stdout.readline().startswith(b'{"type":"welcome"')
    with open("/proc/%d/environ" % process.pid, "rb") as f:
        seen = f.read()
    assert token.encode() not in seen and b"PATH=" in seen
    assert finish(process).code == 0


def test_bearer_logs_in_with_the_handshake(server):
    done = connect(*to(server, "--bearer", "--token", server.token("bob"), "--wait", "0.3"), stdin=lines({"type": "ping"}))
    assert done.code == 0 and sorted(done.types) == ["pong", "welcome"]
    done = connect(*to(server, "--bearer", "--token", "abc"))
    assert done.code == 1 and "refused: 401 invalid_token: " in done.err


def test_bad_token_tells_the_close(server):
    done = connect(*to(server, "--token", "abc"), stdin=lines({"type": "ping"}))
    assert (done.code, done.out) == (1, "")
    assert "closed 1008 Authentication failed" in done.err


def test_refused_origin_tells_status_and_code(server):
    done = connect(*to(server, "--origin", "https://evil.example"))
    assert done.code == 1 and "refused: 403 origin_not_allowed: " in done.err
    done = connect(*to(server, "--origin", "https://app.example.com", "--token", server.token(), "--wait", "0.2"))
    assert done.code == 0, done.err


def test_unknown_path_tells_status_and_code(server):
    done = connect(server.url("/nope"), "--cacert", server.path("ca.crt"))
    assert done.code == 1 and "refused: 404 not_found: " in done.err


def test_count_ends_after_so_many_messages(server):
    process = start(*to(server, "--token", server.token(), "--count", "3"))
    process.stdin.write(lines(*[{"type": "ping", "id": i} for i in range(5)]).encode())
    process.stdin.flush()       # and stays open
    assert process.wait(20) == 0
    assert [json.loads(line).get("id") for line in process.stdout.read().decode().split("\n")[:-1]] == [None, 0, 1]
    process.stdin.close()


def test_each_message_starts_the_wait_anew(server):
    process = start(*to(server, "--token", server.token(), "--subscribe", ROOM, "--wait", "1"))
    process.stdin.close()
    process.stdin = None
    with RawWebSocket.login(server, "bob") as bob:
        server.wait_for_event("auth_ok", count=2)
        for i in range(4):
            bob.send_json({"type": "publish", "channel": ROOM, "data": i})
            time.sleep(0.6)
    done = finish(process, None)
    assert done.code == 0
    assert [m["data"] for m in done.messages if m["type"] == "message"] == [0, 1, 2, 3]


def test_foreign_certificate_is_refused(server, tmp_path):
    (tmp_path / "other.crt").write_bytes(Authority().pem())
    done = connect(server.url(), "--cacert", str(tmp_path / "other.crt"), "--token", server.token())
    assert done.code == 1 and "cannot connect: TLS: " in done.err
    done = connect(server.url(), "--token", server.token())     # the system's authorities do not know ours
    assert done.code == 1 and "cannot connect: TLS: " in done.err
    assert server.events("connection_open") == []


def test_an_unknown_authority_is_refused_with_what_to_do(server):
    done = connect("wss://127.0.0.1:%d/ws" % server.port)
    assert done.code == 1 and done.out == ""
    assert "cannot connect: TLS: " in done.err and "--cacert" in done.err


def test_certificate_for_another_name_is_refused(start_server):
    server = start_server()
    server.authority.issue(server.directory, names=("other.example",), addresses=())
    server.stop()
    server.start()
    # The server refuses a name that it has no certificate for; where no name is sent, the client refuses.
    for host, words in (("localhost", "server name unknown"), ("127.0.0.1", "mismatch")):
        done = connect("wss://%s:%d/ws" % (host, server.port), "--cacert", server.path("ca.crt"))
        assert done.code == 1 and words in done.err


def test_address_in_the_url_is_checked_as_an_address(server):
    done = connect("wss://127.0.0.1:%d/ws" % server.port, "--cacert", server.path("ca.crt"),
                   "--token", server.token(), "--wait", "0.2")
    assert done.code == 0 and done.types == ["welcome"]


def test_ipv6_literal(start_server):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    server = start_server({"listen": [{"address": "[::1]:0", "tls": {"cert": "server.crt", "key": "server.key"}}]})
    done = connect("wss://[::1]:%d/ws" % server.port, "--cacert", server.path("ca.crt"),
                   "--token", server.token(), "--wait", "0.2")
    assert done.code == 0 and done.types == ["welcome"]


def test_verbose_shows_all_but_the_token(server):
    token = server.token()
    for extra in ((), ("--bearer",)):
        done = connect(*to(server, "-v", "--token", token, "--wait", "0.2", "-H", "Proxy-Authorization: secret1", *extra))
        assert done.code == 0, done.err
        assert "> GET /ws HTTP/1.1\n" in done.err and "< HTTP/1.1 101" in done.err
        assert "close 2 1000" in done.err and "[redacted]" in done.err
        for part in (token, token.split(".")[2], "secret1"):
            assert part not in done.err


def test_server_that_goes_away_is_a_clean_end(server):
    process = start(*to(server, "--token", server.token()))
    assert process.stdout.readline().startswith(b'{"type":"welcome"')
    server.stop()
    process.stdout.read()
    assert process.wait(20) == 0
    process.stdin.close()


def test_interrupt_closes_in_order(server):
    process = start(*to(server, "--token", server.token()))
    assert process.stdout.readline().startswith(b'{"type":"welcome"')
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    process.stdin.close()
    assert server.wait_for_event("connection_close")["close_code"] == 1001


def test_many_lines_from_a_file_arrive_in_order(start_server, tmp_path):
    server = start_server({"limits": {"messages": {"per_minute": 100000, "per_hour": 100000}}})
    path = tmp_path / "lines"
    path.write_text(lines(*[{"type": "ping", "id": i} for i in range(20000)]).rstrip("\n"))
    process = subprocess.run([binary_path(), "connect", *to(server, "--token", server.token(), "--wait", "2")],
                             stdin=open(path, "rb"), capture_output=True, timeout=60, env={**os.environ, **SANITIZER_ENV})
    done = Done(process.returncode, process.stdout, process.stderr)
    assert done.code == 0, done.err
    assert [m["id"] for m in done.messages[1:]] == list(range(20000))


def test_terminal_prompts_sends_and_ends(server):
    terminal = Terminal(*to(server, "--token", server.token()))
    terminal.read_until(b"connected to localhost:%d" % server.port)
    terminal.read_until(b'{"type":"welcome"')
    terminal.read_until(b"> ")
    terminal.type(b'{"type":"ping","id":7}\n')
    terminal.read_until(b'{"type":"pong","id":7}')
    terminal.type(b"\n\x04")        # an empty line is no message
    terminal.read_until(b"closed 1000")
    assert terminal.wait() == 0
    assert server.wait_for_event("connection_close")["messages_in"] == 2


# --- the command line

@pytest.mark.parametrize("arguments, reason", [
    ((), "usage"),
    (("a", "b"), "usage"),
    (("http://h/",), "write wss://"),
    (("ws://h/#x",), "fragment"),
    (("ws://u:p@h/",), "user name"),
    (("ws://h/", "--insecure"), "unrecognized"),
    (("ws://h/", "-H", "A: b\r\nC: d"), "line breaks"),
    (("ws://h/", "-H", "A: b\nC: d"), "line breaks"),
    (("ws://h/", "-H", "no colon"), "Name: value"),
    (("ws://h/", "-H", "A b: c"), "Name: value"),
    (("ws://h/", "-H", "Host: x"), "by itself"),
    (("ws://h/", "-H", "sec-websocket-key: x"), "by itself"),
    (("ws://h/", "--origin", "a\r\nb"), "--origin"),
    (("ws://h/", "--protocol", "a, b"), "--protocol"),
    (("ws://h/", "--count", "0"), "--count"),
    (("ws://h/", "--count", "x"), "--count"),
    (("ws://h/", "--wait", "-1"), "--wait"),
    (("ws://h/", "--wait", "1."), "--wait"),
    (("ws://h/", "--wait", "1.2345"), "--wait"),
    (("ws://h/", "--token", "a b"), "not a token"),
    (("ws://h/", "--token", ""), "not a token"),
    (("ws://h/", "--token", "a", "--token", "b"), "one token"),
    (("ws://h/", "--bearer"), "needs a token"),
    (("ws://h/", "--bearer", "--token", "a", "-H", "authorization: b"), "two ways"),
    (("ws://h/", "--cacert", "x"), "wss://"),
    (("ws://h/", "--token-file", "/does/not/exist"), "/does/not/exist"),
])
def test_command_lines_that_are_not_understood(arguments, reason):
    done = connect(*arguments)
    assert (done.code, done.out) == (2, "") and reason in done.err


def test_missing_authority_file_is_told():
    done = connect("wss://127.0.0.1:1/", "--cacert", "/does/not/exist")
    assert done.code == 1 and "/does/not/exist" in done.err


def test_token_over_plaintext_is_warned_about():
    done = connect("ws://does-not-exist.invalid/", "--token", "abc")
    assert "everyone on the way can read the token" in done.err
    done = connect("ws://127.0.0.1:1/", "--token", "abc")
    assert "everyone on the way" not in done.err


def test_help_names_every_option_and_no_way_around_verification():
    done = connect("--help")
    assert done.code == 0 and done.err == ""
    for option in ("--subscribe", "--token", "--token-file", "--bearer", "--cacert", "--origin", "--header", "--protocol",
                   "--compress", "--count", "--wait", "--verbose", "GATEWARD_TOKEN"):
        assert option in done.out
    assert "insecure" not in done.out and "verif" not in done.out
