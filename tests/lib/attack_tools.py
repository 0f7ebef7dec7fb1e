# SPDX-License-Identifier: Apache-2.0
"""What the attack tests share: a request with what came back, and the proof that it was refused and logged.

    refused(server, http_request(path="/nope"), 404, "handshake_refused", "not_found")
"""
import collections
import json
import os
import secrets
import socket
import time

from gateward_server import SANITIZER_ENV
from raw_client import Ended, RawConnection, RawWebSocket, Response

# For servers that many tests share: no test is refused for what the others did.
ROOMY = {"connections": {"total": 4000, "per_ip": 2000}, "handshakes": {"per_second": 100000, "burst": 100000}}
PLAIN = [{"address": "127.0.0.1:0"}]
# For tests that look at memory: freed memory is not kept aside for the sanitizer's sake.
LEAN = {"ASAN_OPTIONS": SANITIZER_ENV["ASAN_OPTIONS"] + ":quarantine_size_mb=1"}
SANITIZED = "asan" in os.environ.get("GATEWARD_BIN", "build-asan")
# Behind a refused request, as a client of a careless proxy would send it.
PIPELINED = b"GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Answer:
    """What a request got: the response, what came behind it, our port, how long it took until the end."""

    def __init__(self, data, port, seconds):
        self.data, self.port, self.seconds = data, port, seconds
        head, mark, rest = data.partition(b"\r\n\r\n")
        assert mark, "no answer: %r" % data[:200]
        self.response = Response(head + mark)
        length = int(self.response.headers.get("content-length", 0))
        self.body, self.behind = rest[:length], rest[length:]

    @property
    def code(self):
        return json.loads(self.body)["error"]["code"]


def pace(server):
    """Keeps below the 300 lines a second that the event log writes of one type, so that no line a test waits for is left out."""
    times = server.__dict__.setdefault("paced", collections.deque(maxlen=250))
    if len(times) == times.maxlen:
        time.sleep(max(0.0, times[0] + 1.05 - time.monotonic()))
    times.append(time.monotonic())


def send_all(connection, data, chunk=None, pause=0.0):
    """Sends what the other side is willing to take: it may close in the middle."""
    try:
        if chunk:
            connection.send_slowly(data, chunk, pause)
        else:
            connection.send(data)
        return True
    except OSError:
        return False


def ask(server, data, chunk=None, timeout=20.0, **kwargs):
    """Sends bytes and reads until the server closes."""
    pace(server)
    start = time.monotonic()
    with RawConnection.open(server, **kwargs) as c:
        port = c.local_port
        send_all(c, data, chunk)
        received = c.recv_rest(timeout)
    return Answer(received, port, time.monotonic() - start)


def refused(server, data, status, event="handshake_refused", code=None, **kwargs):
    """The request gets this status once, the connection ends, nothing behind it is answered, and the log has the event."""
    answer = ask(server, data, **kwargs)
    assert answer.response.status == status, (answer.response.status, answer.body, data[:200])
    assert "close" in answer.response.headers["connection"].lower()
    assert answer.behind == b"", answer.behind
    if code is not None:
        assert answer.code == code, answer.body
    match = {"port": answer.port, "code": code} if code and event != "auth_failed" else {"port": answer.port}
    row = server.wait_for_event(event, **match)
    assert row["outcome"] == "refused"
    assert row.get("status", status) == status
    return answer


def closed_with(ws, code, reason=None, timeout=10.0):
    """The next Close has this code, and behind it the stream ends."""
    got = ws.recv_close(timeout)
    assert got[0] == code, got
    if reason is not None:
        assert got[1] == reason, got
    try:
        rest = ws.recv_rest(timeout)
    except TimeoutError:
        raise AssertionError("the connection stays open behind a Close") from None
    assert rest == b"", rest
    return got


def still_serves(server, **kwargs):
    """One client who does everything right is served, and in what time."""
    start = time.monotonic()
    kwargs.setdefault("sub", "user-" + secrets.token_hex(6))        # its own user, with messages left to send
    with RawWebSocket.login(server, **kwargs) as ws:
        ws.send_json({"type": "ping"})
        assert ws.recv_json()["type"] == "pong"
    return time.monotonic() - start


def cpu_seconds(server):
    with open("/proc/%d/stat" % server.pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def is_open(sock):
    """Whether the other side has left this non-TLS socket open."""
    sock.setblocking(False)
    try:
        return sock.recv(65536) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        sock.setblocking(True)


def wait_until(condition, timeout=10.0, what="condition"):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("in %s s: not %s" % (timeout, what))
        time.sleep(0.02)


def tcp(server, address=None, listener=0):
    """A bare TCP connection."""
    sock = socket.create_connection((address or server.host, server.listeners[listener][1]), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def end_of(connection, timeout=10.0):
    """Everything until the end, whichever way it ends; how long that took."""
    start = time.monotonic()
    try:
        data = connection.recv_rest(timeout)
    except (Ended, OSError) as e:
        if isinstance(e, TimeoutError):
            raise
        data = b""
    return data, time.monotonic() - start
