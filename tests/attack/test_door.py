# SPDX-License-Identifier: Apache-2.0
"""The door: how many may come, how fast, and how long they may stand there without saying anything."""
import resource
import signal
import socket
import ssl
import time

import pytest

from attack_tools import PLAIN, cpu_seconds, is_open, refused, send_all, still_serves, tcp, wait_until
from raw_client import Ended, RawConnection, RawWebSocket, http_request, read_response

SLOW = 10       # what a sanitizer may cost
FREE = {"per_second": 100000, "burst": 100000}
QUICK = {"timeouts": {"header": "1s", "tls": "1s"}}


def can_enter(server):
    try:
        ws = RawWebSocket.open(server, expect=None)
    except (Ended, OSError):        # over the limit not everybody gets an answer
        return None
    if ws.response.status != 101:
        ws.close()
        return None
    return ws


def wait_for_room(server, timeout=10.0):
    """The server notices an end a moment after we made it."""
    entered = []
    wait_until(lambda: entered.append(can_enter(server)) or entered[-1] is not None, timeout, "room again")
    entered[-1].close()


# --- how many

@pytest.mark.parametrize("limits,status,code", [
    ({"per_ip": 5, "total": 100}, 429, "too_many_connections"), ({"per_ip": 100, "total": 5}, 503, "server_full")])
def test_a_limit_holds_exactly_and_its_refusal_is_quick(start_server, limits, status, code):
    server = start_server({"limits": {"connections": limits, "handshakes": FREE}})
    inside = [RawWebSocket.login(server) for _ in range(5)]
    for _ in range(3):
        start = time.monotonic()
        answer = refused(server, http_request(), status, "connection_refused", code)
        assert time.monotonic() - start < 0.1 * SLOW
        assert 1 <= int(answer.response.headers["retry-after"]) <= 3600
    for ws in inside:       # those inside notice nothing
        ws.send_json({"type": "ping"})
        assert ws.recv_json()["type"] == "pong"
    inside.pop().close()
    wait_for_room(server)
    for ws in inside:
        ws.close()


def test_unfinished_handshakes_count_too(start_server):
    server = start_server({"listen": PLAIN, "limits": {"connections": {"per_ip": 5}, "handshakes": FREE}})
    silent = [tcp(server) for _ in range(5)]
    refused(server, http_request(), 429, "connection_refused", "too_many_connections")
    for s in silent:
        s.close()
    wait_for_room(server)


def test_addresses_are_counted_apart(start_server):
    server = start_server({"listen": PLAIN, "limits": {"connections": {"per_ip": 3}, "handshakes": FREE}})
    a = [RawWebSocket.login(server, source="127.0.0.2") for _ in range(3)]
    refused(server, http_request(), 429, "connection_refused", source="127.0.0.2")
    still_serves(server, source="127.0.0.3")
    for ws in a:
        ws.close()
    rows = server.events("connection_refused")
    assert {r["ip"] for r in rows} == {"127.0.0.2"}


def test_ipv6_is_counted_by_64(start_server):
    """Every address of ::/64 is one client; 127.0.0.1 on the other listener is another."""
    server = start_server({"listen": [{"address": "[::1]:0"}, {"address": "127.0.0.1:0"}],
                           "limits": {"connections": {"per_ip": 3}, "handshakes": FREE}})
    inside = [RawWebSocket.login(server, address="::1") for _ in range(3)]
    refused(server, http_request(), 429, "connection_refused", "too_many_connections", address="::1")
    assert {r["ip"] for r in server.events("connection_refused")} == {"::1"}
    still_serves(server, port=server.listeners[1][1])
    for ws in inside:
        ws.close()


def test_new_connections_have_a_rate(start_server):
    server = start_server({"listen": PLAIN, "limits": {"handshakes": {"per_second": 2, "burst": 5}}})
    seen = []
    for _ in range(15):
        with RawConnection.open(server) as c:
            c.send(http_request())
            response = read_response(c)
            seen.append(response.status)
            if response.status == 429:
                assert int(response.headers["retry-after"]) >= 1
                assert b"too_many_handshakes" in response.body
    assert seen[:5] == [101] * 5
    assert seen.count(429) >= 5, seen
    server.wait_for_event("connection_refused", code="too_many_handshakes")
    still_serves(server, source="127.0.0.9")        # others are not slowed down
    time.sleep(1.2)
    still_serves(server)                            # and it comes back by itself


def test_counters_return_to_zero_after_2000_connections(start_server):
    """Whichever way a connection ends, what was counted in is counted out: the limit can be filled again exactly."""
    server = start_server({"listen": PLAIN, "limits": {"connections": {"per_ip": 20, "total": 25}, "handshakes": FREE}})
    handshake = http_request()
    for i in range(250):
        socks = [tcp(server) for _ in range(8)]
        for n, s in enumerate(socks):
            if n in (1, 2, 3):
                s.sendall(handshake if n != 2 else handshake[:30])
            if n == 4:
                s.sendall(http_request(path="/nope"))
            if n == 5:
                s.sendall(b"\x00\x01garbage\r\n\r\n")
            if n == 6:
                s.sendall(handshake + b"\x81\x80abcd\x88\x80abcd")
            if n in (3, 7):
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        if i % 2:
            socks[1].settimeout(10)
            assert socks[1].recv(12) != b""
        for s in socks:
            s.close()
    fds = []

    def fill():
        inside = []
        while True:
            ws = can_enter(server)
            if ws is None:
                break
            inside.append(ws)
        count = len(inside)
        for ws in inside:
            ws.close()
        fds.append(count)
        return count == 20
    wait_until(fill, what="exactly 20 places: %r" % fds)
    base = server.fd_count()
    wait_until(lambda: server.fd_count() <= base, what="descriptors back")
    wait_for_room(server)


@pytest.mark.parametrize("listen", [PLAIN, None], ids=["plain", "tls"])
def test_200_who_come_in_the_same_instant_are_all_served(start_server, listen):
    """Their requests are there before the server has looked at any of them, and 200 silent ones are due at the same time."""
    config = {"limits": {"connections": {"per_ip": 500}, "handshakes": FREE}, **QUICK}
    server = start_server({**config, **({"listen": listen} if listen else {})})
    hello = http_request() if listen else client_hello()
    silent = [tcp(server) for _ in range(200)]
    time.sleep(0.3)
    server.signal(signal.SIGSTOP)
    socks = [tcp(server) for _ in range(200)]
    for s in socks:
        s.sendall(hello)
    time.sleep(1.0)
    server.signal(signal.SIGCONT)
    for s in socks:
        s.settimeout(10)
        got = s.recv(12)
        assert got == b"HTTP/1.1 101" if listen else got[:3] == b"\x16\x03\x03", got
    for s in socks + silent:
        s.close()
    still_serves(server)


# --- how long

def test_silent_sockets_are_gone_at_the_shipped_deadline_of_5_s(start_server):
    server = start_server()
    c = RawConnection.open(server)      # TLS done, then silence
    bare = tcp(server)                  # not even TLS
    start = time.monotonic()
    port = c.local_port
    response = read_response(c, timeout=15)
    assert response.status == 408
    assert 4.5 < time.monotonic() - start < 7
    c.close()
    bare.settimeout(10)
    assert bare.recv(1) == b""
    assert time.monotonic() - start < 8
    server.wait_for_event("handshake_refused", port=port, code="handshake_timeout")
    server.wait_for_event("tls_failed", code="tls_timeout")
    bare.close()


def serve_meanwhile(server, socks, seconds):
    """Attackers come back as soon as they are closed; a client who does it right is served all the time."""
    worst, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        for i, s in enumerate(socks):
            if not is_open(s):
                s.close()
                socks[i] = tcp(server)
        worst = max(worst, still_serves(server, source="127.0.0.7"))
    for s in socks:
        s.close()
    return worst


@pytest.mark.parametrize("listen", [PLAIN, None], ids=["plain", "tls"])
def test_300_silent_sockets_do_not_keep_others_out(start_server, listen):
    config = {"limits": {"connections": {"per_ip": 400}, "handshakes": FREE}, **QUICK}
    if listen:
        config["listen"] = listen
    server = start_server(config)
    alone = max(still_serves(server, source="127.0.0.7") for _ in range(3))
    socks = [tcp(server) for _ in range(300)]
    worst = serve_meanwhile(server, socks, 2.5)
    assert worst < max(10 * alone, 1.0), (alone, worst)
    name, code = ("handshake_refused", "handshake_timeout") if listen else ("tls_failed", "tls_timeout")
    assert server.wait_for_event(name, code=code, count=250)
    wait_until(lambda: server.fd_count() < 60, what="descriptors back")


def client_hello():
    """The bytes of a real ClientHello."""
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def test_a_client_hello_at_a_byte_a_time_ends_at_the_tls_deadline(start_server):
    server = start_server({**QUICK, "limits": {"handshakes": FREE}})
    hello = client_hello()
    socks = [tcp(server) for _ in range(50)]
    start = time.monotonic()
    alive, sent = set(range(50)), 0
    while alive and time.monotonic() - start < 6:
        for i in list(alive):
            try:
                socks[i].send(hello[sent:sent + 1])
            except OSError:
                alive.discard(i)
                continue
            if not is_open(socks[i]):
                alive.discard(i)
        sent += 1
        still_serves(server, source="127.0.0.7")
        time.sleep(0.1)
    assert not alive
    assert sent < len(hello)
    assert 0.9 < time.monotonic() - start < 5
    assert server.wait_for_event("tls_failed", code="tls_timeout", count=50)
    for s in socks:
        s.close()


@pytest.mark.parametrize("data", [http_request(), b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n"],
                         ids=["upgrade", "post", "http2"])
def test_plain_http_on_the_tls_port_is_closed_at_once_and_named(start_server, data):
    server = start_server()
    with RawConnection.open(server, tls=False) as c:
        port = c.local_port
        start = time.monotonic()
        c.send(data)
        got = c.recv_rest()
        assert time.monotonic() - start < 2
        assert b"HTTP" not in got
    server.wait_for_event("tls_failed", port=port, code="plaintext_on_tls_port")
    still_serves(server)


@pytest.mark.parametrize("data", [b"\x80\x2e\x01\x03\x01", b"SSH-2.0-x\r\n", b"\x16\x02\x00\x00\x05", b"\x17\x03\x03\x00\x05abcde",
                                  b"\x15\x03\x03\x00\x02\x01\x00", b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\xff\xff",
                                  b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", b"\x16\x03\x01\x00\x04\x01\xff\xff\xff", b"\x00" * 64,
                                  b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"], ids=range(11))
def test_what_is_no_client_hello_is_closed_at_once(start_server, data):
    server = start_server()
    with RawConnection.open(server, tls=False) as c:
        port = c.local_port
        start = time.monotonic()
        c.send(data)
        c.recv_rest()
        assert time.monotonic() - start < 2
    server.wait_for_event("tls_failed", port=port, code="tls_handshake_failed")


def test_100_dripping_heads_cost_no_cpu_and_keep_nobody_out(start_server):
    server = start_server({"listen": PLAIN, "limits": {"connections": {"per_ip": 400}, "handshakes": FREE},
                           "timeouts": {"header": "2s"}})
    head = http_request(headers=[("X-Pad", "p" * 500)])
    socks = [tcp(server) for _ in range(100)]
    before, start = cpu_seconds(server), time.monotonic()
    alive = list(socks)
    at = 0
    while alive and time.monotonic() - start < 8:
        for s in list(alive):
            try:
                s.send(head[at:at + 1])
            except OSError:
                alive.remove(s)
                continue
            if not is_open(s):
                alive.remove(s)
        at += 1
        if at % 5 == 0:
            still_serves(server, source="127.0.0.7")
        time.sleep(0.05)
    assert not alive and at < len(head)
    assert time.monotonic() - start < 6
    assert cpu_seconds(server) - before < 3
    assert server.wait_for_event("handshake_refused", code="handshake_timeout", status=408, count=100)
    for s in socks:
        s.close()


def test_no_login_in_time_is_1008_whatever_is_sent_meanwhile(start_server):
    """C-C8: pings, pongs and a message that never ends do not extend the time for the first message."""
    server = start_server({"auth": {"timeout": "1s"}})
    with RawWebSocket.open(server) as ws:
        port, start = ws.local_port, time.monotonic()
        ws.send(b"\x01\x81abcd\x1b")
        while time.monotonic() - start < 5:
            try:
                ws.send_frame(0x9, b"")
                ws.send_frame(0xA, b"")
                ws.send_frame(0x0, b" ", fin=False)
                if ws.recv_frame(0.2).opcode == 0x8:
                    break
            except (OSError, TimeoutError):
                pass
            time.sleep(0.1)
        assert 0.9 < time.monotonic() - start < 3
    server.wait_for_event("auth_timeout", port=port, close_code=1008)
    still_serves(server)


def test_running_out_of_descriptors_neither_spins_nor_lasts(start_server):
    """SC-22."""
    server = start_server({"listen": PLAIN, "limits": {"handshakes": FREE}})
    with RawWebSocket.login(server) as inside:
        limit = server.fd_count() + 10
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, limit))
        socks = [tcp(server) for _ in range(60)]
        time.sleep(0.3)
        before = cpu_seconds(server)
        time.sleep(1.0)
        assert cpu_seconds(server) - before < 0.05 * SLOW
        inside.send_json({"type": "ping"})      # who is inside is served
        assert inside.recv_json()["type"] == "pong"
        for s in socks:
            s.close()
        start = time.monotonic()
        wait_for_room(server)
        assert time.monotonic() - start < 3
    still_serves(server)


def test_the_refusals_themselves_are_bounded(start_server):
    """Over the limit only so many get an answer at a time; the rest are closed unheard, and those inside are served."""
    server = start_server({"listen": PLAIN, "limits": {"connections": {"per_ip": 2}, "handshakes": FREE}})
    with RawWebSocket.login(server) as inside, RawWebSocket.login(server):
        before = server.fd_count()
        socks = [tcp(server) for _ in range(300)]
        time.sleep(0.3)
        assert server.fd_count() <= before + 64
        inside.send_json({"type": "ping"})
        assert inside.recv_json()["type"] == "pong"
        for s in socks:
            send_all(RawConnection(s), http_request())
            s.close()
    wait_for_room(server)
