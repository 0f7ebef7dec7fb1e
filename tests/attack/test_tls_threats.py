# SPDX-License-Identifier: Apache-2.0
"""What is tried to make TLS expensive: chains that are long to search, sessions that are never used, records of nothing."""
import json
import ssl
import time

import pytest
from cryptography.hazmat.primitives import serialization

import certificates
from attack_tools import LEAN, ROOMY, cpu_seconds, still_serves, tcp
from gateward_server import GatewardServer
from raw_client import RawWebSocket

ROWS = [{"name": "app-1", "user": "app-1", "roles": ["user"]}]


@pytest.fixture
def house(tmp_path):
    server = GatewardServer(tmp_path, {"limits": ROOMY, "auth": {"client_certificates": ROWS}}, environment=LEAN)
    server.clients = certificates.Authority("clients")
    server._write("clients.crt", server.clients.pem())
    server.config["listen"][0]["tls"].update({"client_certificates": "optional", "client_ca": "clients.crt", "min_version": "1.2"})
    server.write_config()
    with server:
        yield server


def look_alikes(folder, count):
    """A client's certificate and `count` authorities, all of one name, each signed by the next: every one could be the
    issuer of every other, and none leads to an authority that counts."""
    crowd = [certificates.Authority("maze")]
    for _ in range(count - 1):
        crowd.append(certificates.Authority("maze", crowd[-1]))
    cert, key, _ = crowd[-1].client(folder, "lost")
    with open(cert, "ab") as f:
        for one in reversed(crowd):
            f.write(one.pem())
    return cert, key


@pytest.mark.parametrize("count", [4, 8])
def test_a_maze_of_certificates_is_searched_cheaply(house, tmp_path, count):
    ctx = house.ssl_context()
    ctx.load_cert_chain(*look_alikes(tmp_path, count))
    RawWebSocket.login(house).close()
    before = cpu_seconds(house)
    for _ in range(30):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            RawWebSocket.open(house, context=ctx)
    spent = (cpu_seconds(house) - before) / 30
    print("%d authorities: %.1f ms of CPU a refusal" % (count, 1e3 * spent))
    assert spent < 0.02
    still_serves(house)


@pytest.mark.parametrize("tickets", ["off", "on"])
def test_sessions_that_nobody_resumes_cost_no_memory(house, tickets, tmp_path):
    """CVE-2024-2511: a cache of sessions that only grows. Where certificates are asked for there are no tickets."""
    server = house
    if tickets == "on":
        (tmp_path / "open").mkdir()
        server = GatewardServer(tmp_path / "open", {"limits": ROOMY}, environment=LEAN).start()
    try:
        ctx = server.ssl_context()

        def come(times):
            for _ in range(times):
                with tcp(server) as sock, ctx.wrap_socket(sock, server_hostname="localhost"):
                    pass

        come(1000)
        before = server.rss_kib()
        come(1000)
        grown = server.rss_kib() - before
        print("tickets %s: %d KiB more after 1,000 handshakes" % (tickets, grown))
        assert grown < 2000
    finally:
        if server is not house:
            server.stop()


def changed(house, ctx, der, other):
    """A TLS 1.2 handshake in which other bytes of the same number stand where the certificate was; what came of it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ctx.wrap_bio(incoming, outgoing, server_hostname="localhost")
    was_sent = False
    with tcp(house) as sock:
        sock.settimeout(10)
        try:
            while True:
                try:
                    tls.do_handshake()
                    return "served"
                except ssl.SSLWantReadError:
                    pass
                data = outgoing.read()
                was_sent = was_sent or der in data
                sock.sendall(data.replace(der, other))
                more = sock.recv(65536)
                if not more:
                    return "closed" if was_sent else "never sent"
                incoming.write(more)
        except (ssl.SSLError, ConnectionError):
            return "refused" if was_sent else "never sent"


def test_a_broken_certificate_is_refused_wherever_it_is_broken(house, tmp_path):
    """Each fifth byte of a good certificate, three ways: lengths, tags, curves, dates and names that do not fit any more."""
    cert, key, made = house.clients.client(tmp_path, "good")
    der = made.public_bytes(serialization.Encoding.DER)
    ctx = house.ssl_context()
    ctx.minimum_version = ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    ctx.load_cert_chain(cert, key)
    assert changed(house, ctx, der, der) == "served"
    before, got = cpu_seconds(house), {}
    others = [der[:at] + bytes([new(der[at])]) + der[at + 1:] for at in range(0, len(der), 5)
              for new in (lambda b: b ^ 0xFF, lambda b: b ^ 1, lambda b: 0x80 if b != 0x80 else 0)]
    others += [bytes(len(der)), b"\x30\x80" * (len(der) // 2) + bytes(len(der) % 2), der[:20] + b"\xff" * (len(der) - 20)]
    for other in others:
        said = changed(house, ctx, der, other)
        got[said] = got.get(said, 0) + 1
    print("%d changes: %s, %.1f ms of CPU each" % (len(others), got, 1e3 * (cpu_seconds(house) - before) / len(others)))
    assert set(got) <= {"refused", "closed"} and len(others) > 150
    assert (cpu_seconds(house) - before) / len(others) < 0.02
    still_serves(house)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_one_byte_at_a_time_and_certificates_go_together(house, tmp_path, version):
    """A handshake with a client's certificate whose every byte comes alone is served, or refused, as any other."""
    for who, wanted in ((house.clients, "app-1"), (certificates.Authority("others"), None)):
        ctx = house.ssl_context()
        ctx.minimum_version = ctx.maximum_version = version
        ctx.load_cert_chain(*who.client(tmp_path, "drip")[:2])
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = ctx.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with tcp(house) as sock:
            sock.settimeout(10)
            seen, start = None, time.monotonic()
            while seen is None:
                try:
                    tls.do_handshake()
                    seen = "done"
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    seen = "refused"
                data = outgoing.read()
                for i in range(len(data)):
                    sock.send(data[i:i + 1])
                if seen is None:
                    more = sock.recv(65536)
                    if not more:
                        seen = "refused"
                    incoming.write(more)
            if seen == "done" and version == ssl.TLSVersion.TLSv1_3 and wanted is None:
                incoming.write(sock.recv(65536))
                with pytest.raises(ssl.SSLError):
                    tls.read(1)
                seen = "refused"
            assert seen == ("done" if wanted else "refused")
            assert time.monotonic() - start < 8


def test_no_byte_of_a_server_name_breaks_a_line_of_the_log(house):
    """C-B13: the name in a ClientHello is the first text of a stranger, before any certificate or login."""
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        house.ssl_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="mark.example").do_handshake()
    hello = out.read()
    assert hello.count(b"mark.example") == 1
    names = [bytes([i]) * 12 for i in range(256)] + [b'"}\n{"event":', b"\r\n\x1b[2J\0\0\0\0\0\0", "\u2028\u202e\u2028\u202e".encode()]
    assert {len(name) for name in names} == {12}
    for name in names:
        with tcp(house) as sock:
            sock.sendall(hello.replace(b"mark.example", name))
            sock.settimeout(5)
            try:
                while sock.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    house.wait_for_event("tls_failed", count=250)
    with open(house.path("events.jsonl"), "rb") as f:
        lines = f.read().splitlines()
    for line in lines:
        assert not [b for b in line if b < 0x20 or b == 0x7f], line
        assert list(json.loads(line))[:4] == ["time", "event", "severity", "outcome"], line
        assert not set(line.decode()) & set("\u2028\u202e"), line
    still_serves(house)
