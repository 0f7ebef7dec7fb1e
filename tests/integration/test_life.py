# SPDX-License-Identifier: Apache-2.0
"""The life of a server: heartbeat, drain, workers, listeners, and what happens when the system has no more to give."""
import asyncio
import json
import os
import random
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
from datetime import datetime

import aiohttp
import pytest
import websockets

from gateward_server import ROOT, SANITIZER_ENV, GatewardServer
from raw_client import OP_CLOSE, OP_PING, OP_PONG, RawConnection, RawWebSocket, http_request, parse_close, read_response
from talk import PLAIN, ROOMY, ask, is_quiet, put, run_gateward

BEAT = {"listen": PLAIN, "limits": ROOMY, "timeouts": {"ping": "1s", "pong": "600ms"}}
DRAIN = {"limits": ROOMY, "server": {"workers": 2, "drain": "5s"}}

# A client that says who it is, then only lives; it is stopped from outside.
CLIENT = """
import sys
sys.path.insert(0, sys.argv[1])
from raw_client import RawWebSocket
class Server: host, uses_tls, port = "127.0.0.1", False, int(sys.argv[2])
ws = RawWebSocket.login(Server, token=sys.argv[3])
print(ws.local_port, flush=True)
ws.recv_message(600)
"""


def cpu_seconds(server):
    with open("/proc/%d/stat" % server.pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- heartbeat

def test_a_client_that_answers_lives_and_is_asked_again(start_server):
    server = start_server(BEAT)
    with RawWebSocket.login(server) as ws:
        asked, payloads = [time.monotonic()], set()
        for _ in range(3):
            frame = ws.recv_frame()
            assert frame.opcode == OP_PING and frame.fin and not frame.masked and 1 <= len(frame.payload) <= 125
            asked.append(time.monotonic())
            payloads.add(frame.payload)
            ws.send_frame(OP_PONG, frame.payload)
        gaps = [b - a for a, b in zip(asked, asked[1:])]
        assert all(0.93 < gap < 1.05 + 0.4 for gap in gaps), gaps      # 1 s, 5 % to either side
        assert len(payloads) == 3
        assert not server.events("peer_dead")


def test_whatever_a_client_says_is_a_sign_of_life(start_server):
    server = start_server(BEAT)
    with RawWebSocket.login(server) as ws:
        for _ in range(9):
            time.sleep(0.3)
            put(ws, {"type": "ping"})
            assert ws.recv_frame().opcode != OP_PING       # nobody is asked who is talking


def test_a_wrong_pong_is_as_good_a_sign_of_life(start_server):
    server = start_server(BEAT)
    with RawWebSocket.login(server) as ws:
        assert ws.recv_frame().opcode == OP_PING
        ws.send_frame(OP_PONG, b"something else")
        assert ws.recv_frame(2).opcode == OP_PING


def test_a_silent_client_is_found_dead_in_ping_plus_pong(start_server):
    server = start_server(BEAT)
    client = subprocess.Popen([sys.executable, "-c", CLIENT, os.path.join(ROOT, "tests", "lib"), str(server.port), server.token()],
                              stdout=subprocess.PIPE, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    try:
        port = int(client.stdout.readline())
        time.sleep(1.3)             # it has answered once
        client.send_signal(signal.SIGSTOP)
        start = time.monotonic()
        row = server.wait_for_event("peer_dead", port=port, timeout=5)
        passed = time.monotonic() - start
        assert 0.5 < passed < 1.05 + 0.6 + 0.3, passed
        assert row["code"] == "no_pong" and row["user"] == "alice"
        close = server.wait_for_event("connection_close", port=port)
        assert close["close_code"] == 1006
        # From the last thing heard: one ping and one pong after the login, then the wait.
        assert 2.6 * 0.9 < close["duration_ms"] / 1000 < 2.6 * 1.1 + 0.2, close
    finally:
        client.kill()
        client.wait()
        client.stdout.close()


# --- drain

def drained(ws):
    """Reads to the end: the Close and when it came. A reset in between is a failure."""
    code = parse_close(ws.recv_frame(20).payload)
    at = time.monotonic()
    ws.send_close(1001)
    while True:
        ws.sock.settimeout(10)
        if not ws.sock.recv(4096):      # raises on a reset
            return code, at


def test_a_drain_says_goodbye_to_everyone_at_a_pace_and_ends_with_code_0(tmp_path):
    server = GatewardServer(tmp_path, DRAIN)
    server.start()
    many = [RawWebSocket.login(server, "u%d" % i) for i in range(200)]
    start = time.monotonic()
    server.signal(signal.SIGTERM)
    got = [drained(ws) for ws in many]
    assert {code for code, _ in got} == {(1001, "Server shutting down")}
    server.wait(5)
    for ws in many:
        ws.close()
    times = sorted(at - start for _, at in got)
    assert times[-1] < 4 and time.monotonic() - start < 5
    names = [r["event"] for r in server.events()]
    assert names.count("server_drain") == 1 and names[-1] == "server_stop" and names[0] == "server_start"
    closes = server.events("connection_close")
    assert len(closes) == 200 and {r["close_code"] for r in closes} == {1001}


def test_a_drain_of_many_is_spread_over_time(tmp_path):
    """More than 500 a second are never told at once, so that they do not all come back in the same instant."""
    server = GatewardServer(tmp_path, {**DRAIN, "listen": PLAIN, "server": {"workers": 1, "drain": "10s"}})
    server.start()
    many = [RawWebSocket.login(server, "u") for _ in range(300)]
    server.signal(signal.SIGTERM)
    got = [drained(ws) for ws in many]
    server.wait(8)
    for ws in many:
        ws.close()
    rows = server.events("connection_close")
    assert len(rows) == 300 and {code for code, _ in got} == {(1001, "Server shutting down")}
    times = sorted(datetime.fromisoformat(r["time"].rstrip("Z")) for r in rows)
    spread = (times[-1] - times[0]).total_seconds()
    assert 0.4 < spread < 3, spread


def test_a_draining_server_takes_nobody_new_and_lets_a_slow_one_finish(tmp_path):
    server = GatewardServer(tmp_path, {**DRAIN, "listen": PLAIN, "timeouts": {"close": "3s"}})
    with server:
        waiting = RawWebSocket.login(server)
        half = RawConnection.open(server)       # has not sent its request yet
        server.signal(signal.SIGTERM)
        server.wait_for_event("server_drain")
        time.sleep(0.1)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port), 2)
        assert read_response(half).status == 503
        half.close()
        assert server.is_running()
        assert waiting.recv_close() == (1001, "Server shutting down")
        put(waiting, {"type": "ping"})          # said too late: not answered, no harm
        waiting.send_close(1001)
        assert waiting.recv_rest() == b""
        waiting.close()
        server.wait(2)


def test_a_drain_ends_in_its_window_whoever_does_not_answer(tmp_path):
    server = GatewardServer(tmp_path, {"listen": PLAIN, "server": {"drain": "1s"}, "timeouts": {"close": "30s"}})
    server.start()
    silent = [RawWebSocket.login(server) for _ in range(5)]
    start = time.monotonic()
    server.signal(signal.SIGTERM)
    server.wait(10)
    assert 0.9 < time.monotonic() - start < 2
    for ws in silent:
        ws.close()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(tmp_path, second):
    server = GatewardServer(tmp_path, {"listen": PLAIN, "server": {"workers": 2, "drain": "10m"}, "timeouts": {"close": "30s"}})
    server.start()
    silent = [RawWebSocket.login(server) for _ in range(20)]
    server.signal(signal.SIGTERM)
    server.wait_for_event("server_drain")
    time.sleep(0.3)
    assert server.is_running()
    start = time.monotonic()
    server.signal(second)
    server.wait(5)
    assert time.monotonic() - start < 1.5
    for ws in silent:
        ws.close()


def test_an_idle_server_ends_at_once(tmp_path):
    server = GatewardServer(tmp_path, {"server": {"drain": "10m"}})
    server.start()
    start = time.monotonic()
    server.signal(signal.SIGINT)
    server.wait(5)
    assert time.monotonic() - start < 1.5


# --- workers

async def test_four_workers_deliver_everything_once_and_in_order(start_server):
    """Publishers and subscribers wherever the kernel put them; real clients."""
    server = start_server({"server": {"workers": 4}, "limits": ROOMY})
    publishers = [await server.login("p%d" % i) for i in range(4)]
    subscribers = [await server.login("s%d" % i) for i in range(24)]
    for s in subscribers:
        await s.send(json.dumps({"type": "subscribe", "channel": "private:room-x"}))
        assert json.loads(await s.recv())["type"] == "subscribed"
    rounds = 100

    async def speak(name, ws):
        for n in range(rounds):
            await ws.send(json.dumps({"type": "publish", "channel": "private:room-x", "data": [name, n]}))
            assert json.loads(await ws.recv())["type"] == "ack"

    async def listen(ws):
        heard = {}
        for _ in range(rounds * len(publishers)):
            message = json.loads(await ws.recv())
            name, n = message["data"]
            assert message["from"] == {"user": name}
            heard.setdefault(name, []).append(n)
        assert heard == {"p%d" % i: list(range(rounds)) for i in range(4)}

    await asyncio.gather(*[speak("p%d" % i, p) for i, p in enumerate(publishers)], *[listen(s) for s in subscribers])
    for s in subscribers:
        await s.send('{"type":"ping"}')
        assert json.loads(await s.recv()) == {"type": "pong"}       # and nothing twice
    for ws in publishers + subscribers:
        await ws.close()


async def test_aiohttp_is_served_as_well(server):
    """Another real client, with its own handshake, masking, pings and close."""
    async with aiohttp.ClientSession() as session:
        url = "https://localhost:%d/ws" % server.port
        async with session.ws_connect(url, ssl=server.ssl_context(), origin="https://app.example.com",
                                      protocols=["gateward.v1"]) as ws:
            assert ws.protocol == "gateward.v1"
            await ws.send_str("auth:" + server.token())
            assert (await ws.receive_json())["type"] == "welcome"
            await ws.ping(b"x")
            await ws.send_json({"type": "message", "content": "x" * 5000})
            assert await ws.receive_json() == {"type": "ack", "message": "Message received"}
            await ws.close(code=1000)
            assert ws.close_code == 1000
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url, ssl=server.ssl_context(), origin="https://evil.example")
        assert refused.value.status == 403


async def test_a_compressing_client_is_understood(start_server):
    server = start_server({"compression": {"enabled": True}})
    ws = await server.login(compression="deflate")
    assert [e.name for e in ws.extensions] == ["permessage-deflate"]
    other = await server.login("bob", compression=None)
    text = " ".join(str(n) for n in range(5000))
    for who in (ws, other):
        await who.send(json.dumps({"type": "subscribe", "channel": "public:chat"}))
        assert json.loads(await who.recv())["type"] == "subscribed"
    for who in (ws, other):
        await who.send(json.dumps({"type": "publish", "channel": "public:chat", "data": text}))
        for listener, count in ((who, 2), (other if who is ws else ws, 1)):
            got = [json.loads(await listener.recv()) for _ in range(count)]
            assert text in [m.get("data") for m in got]
    await ws.close()
    await other.close()


# --- listeners

def unix_socket(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.connect(path)
    return sock


def test_a_unix_socket_serves_and_is_gone_afterwards(tmp_path):
    path = str(tmp_path / "s.sock")
    with GatewardServer(tmp_path, {"listen": [{"address": "unix:" + path}], "server": {"workers": 2}}) as server:
        assert server.listeners == [("unix", path)]
        assert stat.S_ISSOCK(os.stat(path).st_mode) and not os.stat(path).st_mode & 0o007
        for i in range(10):
            with RawWebSocket(unix_socket(path)) as ws:
                ws.send(http_request(host="localhost"))
                assert read_response(ws).status == 101
                put(ws, "auth:" + server.token("u%d" % i))
                assert ws.recv_json()["user"] == "u%d" % i
                assert is_quiet(ws)
    assert not os.path.exists(path)


def test_a_unix_socket_left_by_a_crash_is_taken_over_but_not_one_that_lives(tmp_path):
    path = str(tmp_path / "s.sock")
    config = {"listen": [{"address": "unix:" + path}]}
    server = GatewardServer(tmp_path, config).start()
    second = run_gateward("serve", "-c", server.config_path)
    assert second.returncode == 1 and path in second.stderr
    RawWebSocket(unix_socket(path)).close()         # the first one has not noticed
    server.kill()
    assert os.path.exists(path)
    with GatewardServer(tmp_path, config):
        unix_socket(path).close()


def test_no_file_that_is_not_a_socket_is_removed(tmp_path):
    path = tmp_path / "precious"
    path.write_text("data")
    server = GatewardServer(tmp_path, {"listen": [{"address": "unix:" + str(path)}]})
    result = run_gateward("serve", "-c", server.config_path)
    assert result.returncode == 1 and str(path) in result.stderr
    assert path.read_text() == "data"


def test_plaintext_on_an_address_that_others_reach_must_be_said(tmp_path):
    for address in ("0.0.0.0:0", "[::]:0"):
        server = GatewardServer(tmp_path, {"listen": [{"address": address}], "hosts": ["localhost"]})
        result = run_gateward("serve", "-c", server.config_path)
        assert result.returncode == 1 and "insecure_plaintext" in result.stderr and "listening" not in result.stderr
    for listener in ({"address": "0.0.0.0:0", "insecure_plaintext": True}, {"address": "127.0.0.1:0"}):
        with GatewardServer(tmp_path, {"listen": [listener], "hosts": ["localhost"]}) as server:
            RawWebSocket.login(server).close()


def test_two_listeners_are_one_server(start_server):
    tls = {"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key"}}
    server = start_server({"listen": [tls, {"address": "127.0.0.1:0"}], "server": {"workers": 2}})
    assert [scheme for scheme, _ in server.listeners] == ["wss", "ws"]
    with RawWebSocket.login(server) as safe, \
            RawWebSocket.login(server, "bob", tls=False, port=server.listeners[1][1]) as plain:
        assert ask(safe, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"
        assert ask(plain, {"type": "publish", "channel": "public:chat", "data": 1})["type"] == "ack"
        assert safe.recv_json()["from"] == {"user": "bob"}


def test_a_port_in_use_is_said_and_ends_with_1(tmp_path):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    address = "127.0.0.1:%d" % taken.getsockname()[1]
    for listen in ([{"address": address}], PLAIN + [{"address": address}]):
        server = GatewardServer(tmp_path, {"listen": listen, "server": {"workers": 2}})
        result = run_gateward("serve", "-c", server.config_path)
        assert result.returncode == 1
        assert address in result.stderr and "in use" in result.stderr and "listening on" not in result.stderr
    taken.close()


def test_a_second_server_on_the_same_port_is_refused_too(tmp_path):
    """Workers share a port among themselves; strangers to them, even of the same user, do not."""
    for name in "ab":
        (tmp_path / name).mkdir()
    with GatewardServer(tmp_path / "a", {"listen": PLAIN}) as first:
        second = GatewardServer(tmp_path / "b", {"listen": [{"address": "127.0.0.1:%d" % first.port}]})
        result = run_gateward("serve", "-c", second.config_path)
        assert result.returncode == 1 and "in use" in result.stderr


# --- the system has no more to give

def test_without_file_descriptors_it_goes_on_without_spinning_and_recovers(start_server):
    server = start_server({"listen": PLAIN, "limits": ROOMY})
    inside = RawWebSocket.login(server)
    room = server.fd_count() + 8
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (room, room))
    waiting = [socket.create_connection((server.host, server.port), 5) for _ in range(60)]
    time.sleep(0.3)
    before = cpu_seconds(server)
    time.sleep(1.5)
    assert cpu_seconds(server) - before < 0.15      # a tenth of a core, sanitizers included
    assert is_quiet(inside)                         # those inside are served
    assert server.is_running()
    for s in waiting:
        s.close()
    deadline = time.monotonic() + 3
    while True:
        try:
            RawWebSocket.login(server, timeout=1).close()
            break
        except (OSError, TimeoutError, AssertionError):
            assert time.monotonic() < deadline, "does not recover"
            time.sleep(0.05)
    assert is_quiet(inside)
    inside.close()


def test_a_full_disk_or_a_closed_terminal_costs_lines_and_not_service(start_server):
    server = start_server({"listen": PLAIN, "limits": ROOMY, "log": {"events": "/dev/full"}})
    for i in range(20):
        with RawWebSocket.login(server, "u%d" % i) as ws:
            assert is_quiet(ws)


def test_nothing_is_left_behind_by_those_who_vanish(start_server):
    """Descriptors and memory after hundreds of ends of every kind are what they were before."""
    quick = SANITIZER_ENV["ASAN_OPTIONS"] + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
    server = start_server({"limits": ROOMY}, environment={"ASAN_OPTIONS": quick})
    chance = random.Random(7)

    def come_and_go(count):
        for _ in range(count):
            how = chance.randrange(6)
            if how == 0:
                RawConnection.open(server, tls=False).close()
            elif how == 1:
                with RawConnection.open(server) as c:
                    c.send(b"GET / HT")
            else:
                ws = RawWebSocket.login(server, "u%d" % chance.randrange(20))
                if how > 3:
                    ask(ws, {"type": "subscribe", "channel": "private:room-%d" % chance.randrange(50)})
                    ws.send(b"\x81\xfe\x04\x00half a frame")
                ws.reset() if how % 2 else ws.close()

    come_and_go(100)
    time.sleep(0.3)
    files, memory = server.fd_count(), server.rss_kib()
    come_and_go(500)
    deadline = time.monotonic() + 5
    while server.fd_count() > files and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.fd_count() <= files
    assert server.rss_kib() - memory < 10 * 1024
