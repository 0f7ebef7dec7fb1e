# SPDX-License-Identifier: Apache-2.0
"""Who says from where a client comes: only proxies that were named, only what they wrote themselves, and nobody else."""
import os
import socket
import struct
import time

import pytest

from raw_client import RawConnection, RawWebSocket, http_request, read_response
from talk import ROOMY

MARK = b"\r\n\r\n\0\r\nQUIT\n"
SPOOFS = 10_000
TLS = {"cert": "server.crt", "key": "server.key"}


def listener(**more):
    return {"listen": [{"address": "127.0.0.1:0", **more}], "limits": ROOMY}


def refused_row(server, headers, port=None):
    """The event of a request that is refused for its path: who does the server say it was?"""
    path = "/" + os.urandom(8).hex()
    with RawWebSocket.open(server, path=path, headers=headers, expect=404):
        return server.wait_for_event("handshake_refused", path=path)


def v1(ip="203.0.113.9", port=4711):
    return b"PROXY TCP4 %s 192.0.2.1 %d 443\r\n" % (ip.encode(), port)


def v2(ip="203.0.113.9", port=4711, command=0x21, tlv=b""):
    if ":" in ip:
        block = socket.inet_pton(socket.AF_INET6, ip) + bytes(16) + struct.pack("!HH", port, 443)
    else:
        block = socket.inet_aton(ip) + bytes(4) + struct.pack("!HH", port, 443)
    block += tlv
    return MARK + struct.pack("!BBH", command, 0x21 if ":" in ip else 0x11, len(block)) + block


def test_ten_thousand_spoofed_headers_and_the_log_says_the_socket_every_time(start_server):
    """Half of the listener's trust goes to a network that the spoofer is not in, half to nobody."""
    server = start_server({"listen": [{"address": "127.0.0.1:0", "trusted_proxies": ["10.0.0.0/8", "127.0.0.99"]}],
                           "limits": ROOMY})
    names = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "x-forwarded-for", "Client-IP", "True-Client-IP"]
    for i in range(SPOOFS):
        address = "%d.%d.%d.%d" % (10 + i % 2, i >> 8 & 255, i & 255, i % 250 + 1)
        name = names[i % len(names)]
        value = "for=%s" % address if name == "Forwarded" else address
        with RawConnection.open(server) as c:
            c.send(http_request("/none", headers=[(name, value)], host="localhost:%d" % server.port))
            if i % 500 == 0:
                assert read_response(c).status == 404
    server.wait_for_event("handshake_refused", count=20)
    server.stop()
    rows = server.events("handshake_refused")
    told = sum(r["count"] for r in server.events("events_suppressed"))
    assert len(rows) >= 300 and len(rows) + told > SPOOFS * 0.9     # some went before their request was read
    assert {r["ip"] for r in rows} == {"127.0.0.1"}
    assert not [r for r in server.events() if r.get("ip", "127.0.0.1") != "127.0.0.1"]


@pytest.mark.parametrize("header,value,ip", [
    ("X-Forwarded-For", "203.0.113.9", "203.0.113.9"),
    ("X-Forwarded-For", "10.0.0.1, 127.0.0.1, 203.0.113.9", "203.0.113.9"),
    ("X-Forwarded-For", "6.6.6.6, 203.0.113.9, 127.0.0.1", "203.0.113.9"),
    ("X-Forwarded-For", "<script>, 203.0.113.9", "203.0.113.9"),
    ("X-Forwarded-For", "2001:db8::7", "2001:db8::7"),
    ("X-Forwarded-For", "203.0.113.9, unknown", "127.0.0.1"),
    ("Forwarded", "for=203.0.113.9", "127.0.0.1"),      # not the header that this proxy writes
    ("X-Real-IP", "203.0.113.9", "127.0.0.1"),
])
def test_a_trusted_proxys_word_counts_from_the_right(start_server, header, value, ip):
    server = start_server(listener(trusted_proxies=["127.0.0.0/8"]))
    assert refused_row(server, [(header, value)])["ip"] == ip


def test_the_standard_header_where_it_was_chosen(start_server):
    server = start_server(listener(trusted_proxies=["127.0.0.1"], forwarded_header="Forwarded"))
    open_quote = [("Forwarded", 'for="'), ("Forwarded", 'for="[2001:db8::7]:443";proto=https'), ("X-Forwarded-For", "6.6.6.6")]
    assert refused_row(server, open_quote)["ip"] == "2001:db8::7"
    assert refused_row(server, [("X-Forwarded-For", "6.6.6.6")])["ip"] == "127.0.0.1"


def test_what_a_trusted_proxy_writes_must_be_an_address(start_server):
    server = start_server(listener(trusted_proxies=["127.0.0.1"]))
    with RawWebSocket.open(server, headers=[("X-Forwarded-For", "203.0.113.9, 1.2.3")], expect=400):
        row = server.wait_for_event("handshake_refused", detail="forwarded_malformed")
    assert row["ip"] == "127.0.0.1" and row["code"] == "bad_request"


def test_limits_count_the_client_and_not_the_proxy(start_server):
    server = start_server({"listen": [{"address": "127.0.0.1:0", "trusted_proxies": ["127.0.0.1"]}],
                           "limits": {"connections": {"per_ip": 2, "total": 9}, "handshakes": {"per_second": 100, "burst": 100}}})
    inside = [RawWebSocket.open(server, headers=[("X-Forwarded-For", "203.0.113.%d" % (i // 2))]) for i in range(8)]
    for i in range(3):      # a client cannot hide behind what it writes itself
        with RawWebSocket.open(server, headers=[("X-Forwarded-For", "198.51.100.%d, 203.0.113.1" % i)], expect=429) as ws:
            assert b"too_many_connections" in ws.response.body and int(ws.response.headers["retry-after"]) >= 1
    assert server.wait_for_event("connection_refused", count=3)["ip"] == "203.0.113.1"
    with RawWebSocket.open(server, headers=[("X-Forwarded-For", "203.0.113.200")]):
        pass
    inside.pop(0).close()
    deadline = time.monotonic() + 10
    while True:             # the place is free again, for its own client only
        ws = RawWebSocket.open(server, headers=[("X-Forwarded-For", "203.0.113.0")], expect=None)
        inside.append(ws)
        if ws.response.status == 101 or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert ws.response.status == 101
    for ws in inside:
        ws.close()


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("head,ip,port", [
    (v1(), "203.0.113.9", 4711),
    (v2(), "203.0.113.9", 4711),
    (v2("2001:db8::7", 1), "2001:db8::7", 1),
    (v2(tlv=b"\x03\x00\x04\x01\x02\x03\x04" + b"\x04\x01\x00" + bytes(256)), "203.0.113.9", 4711),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1", None),
    (v2(command=0x20), "127.0.0.1", None),
])
def test_the_proxy_protocol_says_who_comes(start_server, tls, head, ip, port):
    server = start_server(listener(trusted_proxies=["127.0.0.1"], proxy_protocol=True, **({"tls": TLS} if tls else {})))
    for is_slow in (False, True):
        with RawConnection.open(server, tls=False) as c:
            if is_slow:
                c.send_slowly(head, chunk=max(1, len(head) // 20), pause=0.002)
            else:
                c.send(head)
            if tls:
                c.sock = server.ssl_context().wrap_socket(c.sock, server_hostname="localhost")
            path = "/" + os.urandom(8).hex()
            c.send(http_request(path, host="localhost:%d" % server.port, headers=[("X-Forwarded-For", "6.6.6.6")]))
            assert read_response(c).status == 404
            row = server.wait_for_event("handshake_refused", path=path)
            assert row["ip"] == ip and (port is None or row["port"] == port)


def test_header_and_request_in_one_segment(start_server):
    server = start_server(listener(trusted_proxies=["127.0.0.1"], proxy_protocol=True))
    with RawConnection.open(server) as c:
        c.send(v2() + http_request(host="localhost:%d" % server.port))
        assert read_response(c).status == 101
    assert server.wait_for_event("connection_open")["ip"] == "203.0.113.9"


def test_nobody_else_may_speak_the_proxy_protocol(start_server):
    server = start_server(listener(trusted_proxies=["127.0.0.99"], proxy_protocol=True))
    for _ in range(20):
        with RawConnection.open(server) as c:
            try:
                c.send(v1())
            except OSError:
                pass
            assert c.is_closed()
    assert server.wait_for_event("connection_refused", count=20, code="proxy_not_trusted")["ip"] == "127.0.0.1"
    with RawConnection.open(server, source="127.0.0.99") as c:
        c.send(v1() + http_request(host="localhost:%d" % server.port))
        assert read_response(c).status == 101


@pytest.mark.parametrize("head", [
    b"GET /ws HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01", b"PROXY TCP4 1.2.3.4\r\n", b"PROXY TCP4 127.0.0.1 127.0.0.1 1 1\n",
    MARK + b"\x31\x11\x00\x00", MARK + b"\x21\x11\xff\xff", b"PROXY UNKNOWN " + b"x" * 200])
def test_without_a_header_there_is_no_connection(start_server, head):
    server = start_server(listener(trusted_proxies=["127.0.0.1"], proxy_protocol=True))
    with RawConnection.open(server) as c:
        c.send(head)
        assert c.is_closed()
    server.wait_for_event("connection_refused", code="proxy_header_malformed")
    assert not server.events("connection_open")


def test_a_header_that_does_not_come_is_not_waited_for_and_costs_nothing(start_server):
    server = start_server({"timeouts": {"header": "1s"},
                           **listener(trusted_proxies=["127.0.0.1"], proxy_protocol=True)})
    waiting = [RawConnection.open(server) for _ in range(50)]
    for c in waiting[:25]:
        c.send(b"PROXY TCP4 ")
    before = os.times().elapsed
    with open("/proc/%d/stat" % server.pid) as f:
        used = sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13])
    assert all(c.is_closed(10) for c in waiting)
    with open("/proc/%d/stat" % server.pid) as f:
        used = sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13]) - used
    assert used / os.sysconf("SC_CLK_TCK") < 0.5, "spinning for %.1f s" % (os.times().elapsed - before)
    server.wait_for_event("connection_refused", count=50, code="proxy_header_timeout")
    for c in waiting:
        c.close()


def test_a_stop_does_not_wait_for_headers(start_server):
    server = start_server(listener(trusted_proxies=["127.0.0.1"], proxy_protocol=True))
    with RawConnection.open(server) as c:
        c.send(b"PROXY ")
        time.sleep(0.2)
        start = time.monotonic()
        server.stop()
        assert time.monotonic() - start < 5 and c.is_closed()
