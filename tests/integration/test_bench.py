# SPDX-License-Identifier: Apache-2.0
"""`gateward bench` from outside: against gateward, against a server in Python, and against servers that fail."""
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import pytest
import websockets

from gateward_server import SANITIZER, SANITIZER_ENV, GatewardServer, binary_path

ROOM = "private:room-1"
CONFIG = {
    "limits": {"connections": {"total": 500, "per_ip": 500}, "handshakes": {"per_second": 1000, "burst": 1000},
               "messages": {"per_minute": 1000000, "per_hour": 10000000}},
    "routes": [{"path": "/ws", "serve": "channels"}, {"path": "/echo", "serve": "echo"}],
}
PERCENTILES = ("p50", "p90", "p99", "p999", "max")


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        assert self.code == 0, self.err
        assert self.out.count("\n") == 1
        return json.loads(self.out)


def start(*arguments, environment=None):
    env = {**os.environ, **SANITIZER_ENV, **(environment or {})}
    return subprocess.Popen([binary_path(), "bench", *map(str, arguments)], stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)


def finish(process, timeout=60):
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError("does not end: %r" % (process.communicate(),)) from None
    assert not SANITIZER.search(err), err
    return Done(process.returncode, out, err)


def bench(*arguments, **kwargs):
    return finish(start(*arguments, **kwargs))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("bench"), CONFIG) as server:
        path = server.path("token")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(server.token("alice", ["user"]))
        server.token_path = path
        yield server


def secure(server, path="/ws"):
    return ("wss://localhost:%d%s" % (server.port, path), "--ca", server.path("ca.crt"))


def native(server):
    return ("--native", "--token-file", server.token_path, "--channel", ROOM)


def check_latency(latency):
    values = [latency[name] for name in PERCENTILES]
    assert values == sorted(values) and values[0] > 0, latency
    assert latency["count"] > 0


# --- against gateward

def test_echo_counts_messages_and_cpu(house):
    got = bench("echo", *secure(house, "/echo"), "--connections", 5, "--depth", 3, "--messages", 300, "--bytes", 1000,
                "--pid", house.pid, "--json").json
    assert got["mode"] == "echo" and got["unit"] == "messages"
    assert 300 <= got["messages"] < 330
    assert got["latency_us"]["count"] == got["messages"]
    check_latency(got["latency_us"])
    assert got["cpu_us_per_message"] > 0 and got["memory"]["anonymous_bytes"] > 0
    assert got["per_second"] == pytest.approx(got["messages"] / got["seconds"], rel=0.02)
    assert got["parameters"] == {"connections": 5, "bytes": 1000, "depth": 3, "tls": True, "compress": False, "native": False}


def test_several_threads_are_one_result(house):
    before = house.pid
    for more in ([], ["--rate", "1000"]):
        got = bench("echo", *secure(house, "/echo"), "--threads", 3, "--connections", 7, "--depth", 2, "--messages", 600,
                    "--warm-up", 60, "--pid", before, "--json", *more).json
        assert 600 <= got["messages"] < 620 and got["latency_us"]["count"] == got["messages"]
        assert got["parameters"]["threads"] == 3 and got["parameters"]["connections"] == 7
        check_latency(got["latency_us"])
    done = bench("echo", *secure(house, "/nowhere"), "--threads", 3, "--connections", 7)
    assert done.code == 1 and "404" in done.err


def test_echo_at_a_rate_sends_exactly_what_was_asked_for(house):
    got = bench("echo", *secure(house, "/echo"), "--connections", 4, "--rate", 500, "--messages", 250, "--warm-up", 50,
                "--json").json
    assert got["messages"] == 250 and got["latency_us"]["count"] == 250
    assert 0.4 < got["seconds"] < 5
    check_latency(got["latency_us"])


def test_a_share_of_the_saturation_rate(house):
    got = bench("echo", *secure(house, "/echo"), "--connections", 4, "--rate", "50%", "--messages", 200, "--json").json
    assert got["saturation_per_second"] > 0
    assert got["rate_asked_per_second"] == pytest.approx(got["saturation_per_second"] / 2, rel=0.01)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_echo_of_every_frame_length(house, size):
    got = bench("echo", *secure(house, "/echo"), "--connections", 2, "--messages", 10, "--bytes", size, "--json").json
    assert got["messages"] >= 10


def test_fanout_delivers_each_message_to_each_subscriber(house):
    for pace in (["--pace", "awaited"], ["--pace", "acked"], ["--pace", 200]):
        got = bench("fanout", *secure(house), *native(house), "--subscribers", 20, "--messages", 30, *pace, "--json").json
        assert got["unit"] == "deliveries" and got["messages"] == 600 and got["published"] == 30, pace
        assert got["latency_us"]["count"] == 600
        check_latency(got["latency_us"])


def test_fanout_counts_a_word_like_messages(house):
    got = bench("fanout", *secure(house), *native(house), "--subscribers", 7, "--messages", 10, "--count-word",
                '"type":"message"', "--json").json
    assert got["messages"] == 70


def test_connections_are_opened_in_full_and_resumed(house):
    full = bench("connect", *secure(house), "--connections", 30, "--pid", house.pid, "--json").json
    assert full["messages"] == 30 and full["sessions_resumed"] == 0
    resumed = bench("connect", *secure(house), "--resumed", "--connections", 30, "--keep", "--pid", house.pid, "--json").json
    assert resumed["messages"] == 30 and resumed["sessions_resumed"] == 30
    assert resumed["cpu_us_per_close"] > 0
    check_latency(resumed["latency_us"])


def test_a_token_goes_where_it_is_told(house):
    for more in ([], ["--bearer"]):
        got = bench("connect", *secure(house), *native(house), "--connections", 5, *more, "--json").json
        assert got["messages"] == 5
    with open(house.token_path) as f:
        token = f.read()
    got = bench("connect", *secure(house), "--native", "--token", "{env:BENCH_TOKEN}", "--connections", 3, "--json",
                environment={"BENCH_TOKEN": token})
    assert got.json["messages"] == 3
    assert token not in got.out + got.err


def test_idle_connections_cost_memory(house):
    got = bench("idle", *secure(house), *native(house), "--connections", 50, "--seconds", 0.3, "--pid", house.pid,
                "--json").json
    assert got["messages"] == 50 and got["lost"] == 0
    assert got["anonymous_bytes_each"] >= 0 and "rss_bytes_each" in got


def test_people_come_and_go(house):
    got = bench("chat", *secure(house), *native(house), "--connections", 10, "--rate", 50, "--churn", 10, "--seconds", 1,
                "--json").json
    assert 30 <= got["published"] <= 55
    assert got["published"] <= got["messages"] <= got["published"] * 10
    assert 1 <= got["left"] <= 11 and 1 <= got["joined"] <= 11 and got["lost"] == 0
    check_latency(got["latency_us"])


def test_text_is_for_people(house):
    done = bench("echo", *secure(house, "/echo"), "--connections", 2, "--messages", 20)
    assert done.code == 0 and done.err == ""
    assert "p99.9" in done.out and "a second" in done.out


# --- against another server

class Other:
    """websockets of Python: echo at /, one channel with plain words at /chat; it may put two messages into one."""

    def __init__(self, compression=None):
        self.members, self.compression, self.opened, self.messages = set(), compression, 0, 0
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    async def serve(self, socket_, path):
        self.opened += 1
        try:
            async for text in socket_:
                self.messages += 1
                if path == "/":
                    await socket_.send(text)
                elif text == "join":
                    await socket_.send("greetings")
                    self.members.add(socket_)
                    await socket_.send("joined at last")
                else:
                    websockets.broadcast(self.members, text)
                    await socket_.send("published")
        finally:
            self.members.discard(socket_)

    async def main(self):
        self.stop = self.loop.create_future()
        async with websockets.serve(self.serve, "127.0.0.1", 0, compression=self.compression) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.ready.set()
            await self.stop

    def run(self):
        self.loop.run_until_complete(self.main())

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set_result, None)
        self.thread.join(10)

    def url(self, path="/"):
        return "ws://127.0.0.1:%d%s" % (self.port, path)


def test_echo_of_another_server():
    with Other() as other:
        got = bench("echo", other.url(), "--connections", 3, "--depth", 4, "--messages", 120, "--warm-up", 12, "--json").json
        assert 120 <= got["messages"] < 132
        assert other.opened == 3 and other.messages >= 132
        assert bench("echo", other.url(), "--binary", "--messages", 10, "--json").json["messages"] >= 10


def test_echo_with_compression():
    with Other(compression="deflate") as other:
        got = bench("echo", other.url(), "--compress", "--connections", 2, "--messages", 50, "--bytes", 5000, "--json").json
        assert got["messages"] >= 50 and got["parameters"]["compress"] is True
    with Other() as other:
        done = bench("echo", other.url(), "--compress", "--messages", 10)
        assert done.code == 1 and "does not accept permessage-deflate" in done.err


def test_fanout_of_another_server_in_its_own_words():
    with Other() as other:
        got = bench("fanout", other.url("/chat"), "--join", "join", "--joined", "at last", "--send", "to all: {data}", "--ack",
                    "--pace", "acked", "--subscribers", 6, "--messages", 20, "--json").json
        assert got["messages"] == 120 and got["published"] == 20
        assert got["latency_us"]["count"] == 120
        got = bench("fanout", other.url("/chat"), "--join", "join", "--joined", "-", "--count-word", "station",
                    "--subscribers", 4, "--messages", 5, "--json").json
        assert got["messages"] == 20


def test_fanout_with_compression_reads_the_answers_of_setting_up():
    with Other(compression="deflate") as other:
        got = bench("fanout", other.url("/chat"), "--compress", "--join", "join", "--joined", "at last", "--ack",
                    "--subscribers", 4, "--messages", 10, "--bytes", 2000, "--json").json
        assert got["messages"] == 40 and "latency_us" not in got


def test_a_server_that_does_not_echo_is_found_out():
    with Other() as other:
        done = bench("echo", other.url("/chat"), "--messages", 10, "--connections", 1)
        assert done.code == 1 and "this is no echo" in done.err


def test_answers_that_are_no_echo_are_judged_by_a_word(house):
    say = ("echo", *secure(house), *native(house), "--send", '{"type":"message","content":"{data}"}', "--messages", 40,
           "--connections", 2, "--bytes", 64)
    assert bench(*say, "--answer", '"ack"', "--json").json["messages"] >= 40
    done = bench(*say, "--answer", '"nack"')
    assert done.code == 1 and '"nack"' in done.err and "Message received" in done.err


# --- what goes wrong

def test_nobody_listens():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    done = bench("echo", "ws://127.0.0.1:%d/" % port)
    assert done.code == 1 and "Connection refused" in done.err and done.out == ""


def test_a_refused_upgrade_is_told_with_its_status(house):
    done = bench("echo", *secure(house, "/nowhere"))
    assert done.code == 1 and "404" in done.err and "not_found" in done.err


def test_a_certificate_that_nobody_vouches_for_is_refused(house):
    url = secure(house)[0]
    done = bench("connect", url, "--connections", 1)
    assert done.code == 1 and "--ca FILE" in done.err
    assert bench("connect", url, "--insecure", "--connections", 1, "--json").json["messages"] == 1


def test_the_wrong_scheme_is_found_out(house):
    done = bench("echo", "ws://localhost:%d/echo" % house.port)
    assert done.code == 1 and done.err.startswith("gateward bench: ")
    with Other() as other:
        done = bench("echo", other.url().replace("ws://", "wss://"), "--insecure")
        assert done.code == 1 and "TLS" in done.err


def test_a_channel_that_is_denied_is_told(house):
    done = bench("fanout", *secure(house), "--native", "--token-file", house.token_path, "--channel", "admin:logs",
                 "--subscribers", 2)
    assert done.code == 1 and "not_allowed" in done.err


def test_a_server_that_dies_in_the_middle(tmp_path):
    with GatewardServer(tmp_path, {**CONFIG, "listen": [{"address": "127.0.0.1:0"}]}) as server:
        processes = [start("echo", "ws://localhost:%d/echo" % server.port, "--seconds", 30, *more)
                     for more in ([], ["--rate", "100"], ["--pid", str(server.pid)])]
        time.sleep(1.5)
        server.kill()
        for process in processes:
            done = finish(process, 20)
            assert done.code == 1 and done.out == "" and "the server ended connection" in done.err, done.err
        server.process = None


def test_a_server_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        done = bench("echo", "ws://127.0.0.1:%d/" % silent.getsockname()[1], "--timeout", 0.5)
        assert done.code == 1 and "--timeout" in done.err
        assert time.monotonic() - begin < 15


@contextlib.contextmanager
def talker(answer):
    """Sends `answer` to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    connection.recv(4096)
                    connection.sendall(answer)
                    time.sleep(0.2)
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield "ws://127.0.0.1:%d/" % listener.getsockname()[1]


@pytest.mark.parametrize("answer, words", [
    (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP/1.1"),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n", "Sec-WebSocket-Accept"),
    (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 6\r\n\r\n\x1b[2Jno", "503 Service Unavailable"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100000, "head"),
])
def test_servers_that_speak_something_else(answer, words):
    with talker(answer) as url:
        done = bench("echo", url, "--connections", 1, "--timeout", 5)
        assert done.code == 1 and words in done.err, done.err
        assert "\x1b" not in done.err


@pytest.mark.parametrize("arguments, words", [
    ([], "wants a mode"),
    (["echo"], "wants one URL"),
    (["ecko", "ws://localhost/"], "did you mean `echo`"),
    (["echo", "http://localhost/"], "write wss://"),
    (["echo", "ws://localhost/", "--connections", "0"], "from 1 to"),
    (["echo", "ws://localhost/", "--connections", "many"], "`many`"),
    (["echo", "ws://localhost/", "--pace", "acked"], "--pace is not for echo"),
    (["fanout", "ws://localhost/", "--pace", "acked"], "--ack"),
    (["echo", "ws://localhost/", "--threads", "60"], "--threads"),
    (["echo", "ws://localhost/", "--threads", "2", "--pin", "0"], "taskset"),
    (["echo", "ws://localhost/", "--rate", "fast"], "`fast`"),
    (["echo", "ws://localhost/", "--rate", "101%"], "1% to 100%"),
    (["echo", "ws://localhost/", "--seconds", "1", "--messages", "1"], "one of them"),
    (["connect", "ws://localhost/", "--resumed"], "wss://"),
    (["echo", "ws://localhost/", "--insecure"], "wss://"),
    (["echo", "wss://localhost/", "--token", "eyJhbGciOi"], "--token-file"),
    (["echo", "wss://localhost/", "--token", "{env:NO_SUCH_NAME}"], "NO_SUCH_NAME"),
    (["echo", "ws://localhost/", "--origin", "a\r\nb"], "--origin"),
    (["echo", "ws://localhost/", "--nonsense"], "--help"),
    (["fanout", "ws://localhost/", "--native", "--join", "x"], "--native"),
    (["chat", "ws://localhost/", "--bytes", "5"], "--bytes"),
])
def test_command_lines_that_make_no_sense(arguments, words):
    done = bench(*arguments)
    assert done.code == 2 and words in done.err and done.out == "", done.err
    assert "eyJ" not in done.err


def test_a_token_is_not_shown_to_who_is_not_verified(house):
    done = bench("connect", "wss://198.51.100.1/", "--insecure", "--token-file", house.token_path)
    assert done.code == 2 and "verified" in done.err


def test_more_connections_than_descriptors():
    done = finish(subprocess.Popen(
        ["sh", "-c", 'ulimit -n 100; exec "$0" bench idle ws://127.0.0.1:1/ --connections 500', binary_path()],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    assert done.code == 1 and "ulimit" in done.err


def test_a_process_that_is_not_there(house):
    done = bench("echo", *secure(house, "/echo"), "--pid", 2 ** 31 - 1)
    assert done.code == 1 and "--pid" in done.err


def test_help_names_every_mode():
    done = bench("--help")
    assert done.code == 0
    for mode in ("echo", "fanout", "connect", "idle", "chat"):
        assert mode in done.out
