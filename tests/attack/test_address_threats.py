# SPDX-License-Identifier: Apache-2.0
"""What is tried to come from another address: headers and prologues that only a proxy may write. None is trusted here."""
import struct

import pytest

from attack_tools import PLAIN, ROOMY, tcp
from gateward_server import GatewardServer
from raw_client import Ended, RawConnection, RawWebSocket, http_request, read_response

NAMES = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Originating-IP",
         "X-Remote-Addr", "Client-IP", "Via", "X-Cluster-Client-IP", "Fastly-Client-IP"]


def spoofed(i):
    address = "203.%d.%d.%d" % (i >> 16 & 255, i >> 8 & 255, i & 255)
    name = NAMES[i % len(NAMES)]
    return (name, "for=%s;proto=https" % address if name == "Forwarded" else address + (", 127.0.0.1" if i % 2 else ""))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("plain"), {"listen": PLAIN, "limits": ROOMY}) as running:
        yield running


def test_a_header_changes_no_address_in_the_log(server):
    for i in range(120):
        with RawConnection.open(server) as c:
            c.send(http_request("/nope", headers=[spoofed(i)]))
            assert read_response(c).status == 404
            assert server.wait_for_event("handshake_refused", port=c.local_port)["ip"] == "127.0.0.1"
    assert "203." not in "".join(str(row.get("ip")) for row in server.events())


def test_ten_thousand_headers_do_not_move_a_limit(start_server):
    """One address has a rate of new connections; each one claims to be somebody else."""
    limits = {"connections": {"total": 4000, "per_ip": 4000}, "handshakes": {"per_second": 1, "burst": 50}}
    server = start_server({"listen": PLAIN, "limits": limits})
    heads = b"".join(("%s: %s\r\n" % spoofed(i)).encode() for i in range(50))
    got = {}
    for i in range(200):        # 50 headers each
        with tcp(server) as sock:
            c = RawConnection(sock)
            try:
                c.send(http_request(headers=[spoofed(i)]).replace(b"\r\n\r\n", b"\r\n" + heads + b"\r\n"))
                status = read_response(c).status
            except (OSError, Ended):
                status = "closed"       # refused before the request was read
            got[status] = got.get(status, 0) + 1
    assert set(got) <= {101, 429, "closed"} and got.get(101, 0) < 70, got
    assert all(row["ip"] == "127.0.0.1" for row in server.events() if "ip" in row)


V2 = b"\r\n\r\n\0\r\nQUIT\n"
PROLOGUES = {
    "v1": b"PROXY TCP4 203.0.113.7 127.0.0.1 1234 443\r\n", "v1 for IPv6": b"PROXY TCP6 2001:db8::7 ::1 1234 443\r\n",
    "v1 unknown": b"PROXY UNKNOWN\r\n", "v1 without end": b"PROXY TCP4 " + b"1" * 20000,
    "v2": V2 + b"\x21\x11" + struct.pack("!H", 12) + bytes([203, 0, 113, 7, 127, 0, 0, 1, 4, 210, 1, 187]),
    "v2 local": V2 + b"\x20\x00\x00\x00", "v2 of a Unix socket": V2 + b"\x21\x31" + struct.pack("!H", 216) + b"/" * 216,
    "v2 of a bad length": V2 + b"\x21\x11\xff\xff", "v2 of another version": V2 + b"\x31\x11\x00\x0c" + b"\0" * 12,
}


@pytest.mark.parametrize("listen", [PLAIN, None], ids=["plain", "tls"])
@pytest.mark.parametrize("name", PROLOGUES)
def test_a_prologue_of_a_proxy_is_no_request(start_server, name, listen):
    """A PROXY header in front of a good request: refused, and the address in the log is the socket's."""
    server = start_server({"limits": ROOMY, **({"listen": listen} if listen else {})})
    bearer = [("Authorization", "Bearer " + server.token("alice"))]
    with tcp(server) as sock:
        c = RawConnection(sock)
        port = c.local_port
        try:
            c.send(PROLOGUES[name] + http_request(headers=bearer))
            rest = c.recv_rest(8)
        except ConnectionError:
            rest = b""
    assert b" 101 " not in rest[:64], rest
    assert not server.events("auth_ok")
    event = server.wait_for_event("handshake_refused" if listen else "tls_failed", port=port)
    assert event["ip"] == "127.0.0.1" and "203.0.113.7" not in str(server.events())
    with RawWebSocket.login(server):
        pass
