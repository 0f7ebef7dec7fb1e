# SPDX-License-Identifier: Apache-2.0
"""TLS as clients meet it: versions, ciphers, ALPN, resumption, early data, odd records, odd ends, and where plaintext may be."""
import ctypes
import os
import re
import ssl
import subprocess
import time

import pytest

from attack_tools import ROOMY, cpu_seconds, still_serves, tcp, wait_until
from gateward_server import DELETE, SANITIZER, GatewardServer, binary_path
from raw_client import RawConnection, RawWebSocket, http_request, read_response

TLS = {"cert": "server.crt", "key": "server.key"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("tls"), {"limits": ROOMY}) as running:
        yield running


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """TLS 1.2 said to be welcome."""
    config = {"limits": ROOMY, "listen": [{"address": "127.0.0.1:0", "tls": {**TLS, "min_version": "1.2"}}]}
    with GatewardServer(tmp_path_factory.mktemp("older"), config) as running:
        yield running


def context(server, **settings):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(server.path("ca.crt"))
    for name, value in settings.items():
        setattr(made, name, value)
    return made


def s_client(server, *arguments, data=b"", timeout=20):
    """openssl s_client: (exit code, everything it said)."""
    done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, "-servername", "localhost", "-CAfile",
                           server.path("ca.crt"), *arguments], input=data, capture_output=True, timeout=timeout)
    return done.returncode, (done.stdout + done.stderr).decode("latin-1")


def s_client_steps(server, steps, *arguments):
    """openssl s_client, with each step typed a moment after the one before: a key such as R works alone in its line only."""
    process = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, "-servername", "localhost",
                                "-CAfile", server.path("ca.crt"), *arguments],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for step in steps:
        time.sleep(0.3)
        try:
            process.stdin.write(step)
            process.stdin.flush()
        except BrokenPipeError:
            break
    time.sleep(0.3)
    try:
        return process.communicate(timeout=20)[0].decode("latin-1")
    except BrokenPipeError:
        return ""


def fails(server, **kwargs):
    """The handshake is refused and the log says so."""
    with tcp(server) as sock:
        port = sock.getsockname()[1]
        with pytest.raises((ssl.SSLError, ConnectionError)):
            kwargs.pop("using").wrap_socket(sock, server_hostname="localhost", **kwargs).recv(1)
    return server.wait_for_event("tls_failed", port=port, code="tls_handshake_failed")


# --- versions and ciphers

def test_tls_1_3_is_spoken_with_an_aead_cipher(server):
    with RawWebSocket.login(server) as ws:
        assert ws.sock.version() == "TLSv1.3"
        assert ws.sock.cipher()[0] in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
        assert ws.sock.compression() is None


def test_tls_1_2_is_refused_by_default(server):
    row = fails(server, using=context(server, maximum_version=ssl.TLSVersion.TLSv1_2))
    assert row["detail"]


def test_tls_1_2_is_spoken_when_the_config_says_so(older):
    ctx = context(older, maximum_version=ssl.TLSVersion.TLSv1_2)
    with RawWebSocket.login(older, context=ctx) as ws:
        assert ws.sock.version() == "TLSv1.2"
        assert ws.sock.cipher()[0].startswith("ECDHE-")
    with RawWebSocket.login(older) as ws:
        assert ws.sock.version() == "TLSv1.3"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_tls_1_0_and_1_1_are_never_spoken(server, older, version):
    for one in (server, older):
        _, said = s_client(one, version, "-cipher", "ALL:@SECLEVEL=0")
        assert "Cipher is (NONE)" in said or "no protocols available" in said
        assert not re.search(r"Protocol *: TLSv1(\.1)?\n[\s\S]*Cipher *: [A-Z]+-", said)


OFFERED = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"]
REFUSED = ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM", "AES128-GCM-SHA256", "AES128-SHA",
           "DHE-RSA-AES128-GCM-SHA256", "AECDH-AES128-SHA", "ECDHE-ECDSA-NULL-SHA", "PSK-AES128-GCM-SHA256"]


def test_tls_1_2_has_ecdhe_and_aead_only(older):
    for cipher in OFFERED:
        code, said = s_client(older, "-tls1_2", "-cipher", cipher)
        assert code == 0 and "Cipher is " + cipher in said, said[-400:]
    for cipher in REFUSED:
        _, said = s_client(older, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
        assert "Cipher is (NONE)" in said, cipher


def test_tls_1_3_has_three_ciphers(server):
    for cipher in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        assert "Cipher is " + cipher in s_client(server, "-ciphersuites", cipher)[1]
    for cipher in ("TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"):
        assert "Cipher is (NONE)" in s_client(server, "-ciphersuites", cipher)[1]


def test_weak_groups_and_signatures_are_refused(server, older):
    for one, extra in ((server, ()), (older, ("-tls1_2",))):
        assert "Cipher is (NONE)" in s_client(one, *extra, "-groups", "P-521")[1]
        # In TLS 1.2 the list also says which curves a certificate may have.
        for groups in ("X25519:P-256", "P-256:P-521") + (() if extra else ("X25519",)):
            code, said = s_client(one, *extra, "-groups", groups)
            assert code == 0, said[-600:]
        assert "Cipher is (NONE)" in s_client(one, *extra, "-sigalgs", "ECDSA+SHA1", "-cipher", "ALL:@SECLEVEL=0")[1]


def test_renegotiation_is_refused(older):
    """R is s_client's key for it."""
    said = s_client_steps(older, [b"R\n", http_request()], "-tls1_2")
    assert "RENEGOTIATING" in said and "no renegotiation" in said, said[-800:]
    assert "HTTP/1.1" not in said
    assert "101 Switching" in s_client_steps(older, [http_request()], "-tls1_2")


# --- ALPN, SNI

def test_alpn_is_http_1_1_or_nothing(server):
    ctx = context(server)
    ctx.set_alpn_protocols(["h2", "http/1.1"])
    with RawWebSocket.login(server, context=ctx) as ws:
        assert ws.sock.selected_alpn_protocol() == "http/1.1"
    with RawWebSocket.login(server) as ws:
        assert ws.sock.selected_alpn_protocol() is None
    for wrong in (["h2"], ["h3", "spdy/3"], ["http/1.0"], ["HTTP/1.1"], ["http/1.10"], ["xhttp/1.1"]):
        ctx = context(server)
        ctx.set_alpn_protocols(wrong)
        fails(server, using=ctx)
    assert "alert number 120" in s_client(server, "-alpn", "h2")[1]


# --- resumption

def allowed_early_data(path, change=None):
    """What the session in this PEM file says about early data; change: a lie to write there instead."""
    lib = ctypes.CDLL("libssl.so.3"), ctypes.CDLL("libcrypto.so.3")
    for name, one in (("PEM_read_bio_SSL_SESSION", lib[0]), ("BIO_new_file", lib[1])):
        getattr(one, name).restype = ctypes.c_void_p
    null = ctypes.c_void_p()
    bio = ctypes.c_void_p(lib[1].BIO_new_file(path.encode(), b"r"))
    session = ctypes.c_void_p(lib[0].PEM_read_bio_SSL_SESSION(bio, null, null, null))
    lib[1].BIO_free(bio)
    if change is not None:
        assert lib[0].SSL_SESSION_set_max_early_data(session, ctypes.c_uint32(change)) == 1
        bio = ctypes.c_void_p(lib[1].BIO_new_file(path.encode(), b"w"))
        assert lib[0].PEM_write_bio_SSL_SESSION(bio, session) == 1
        lib[1].BIO_free(bio)
    value = lib[0].SSL_SESSION_get_max_early_data(session)
    lib[0].SSL_SESSION_free(session)
    return value


def test_a_ticket_resumes_and_the_new_connection_proves_itself_again(server):
    ctx = context(server)
    with RawWebSocket.login(server, context=ctx) as ws:
        session = ws.sock.session
        assert session.has_ticket and not ws.sock.session_reused
    with tcp(server) as sock:
        again = ctx.wrap_socket(sock, server_hostname="localhost", session=session)
        assert again.session_reused
        ws = RawWebSocket(again)
        ws.send(http_request())
        assert read_response(ws).status == 101
        ws.send_json({"type": "ping"})
        assert ws.recv_close() == (1008, "First message must be auth")


def test_a_ticket_of_another_server_is_worthless(server, older):
    ctx = context(server)
    with RawWebSocket.login(server, context=ctx) as ws:
        session = ws.sock.session
    ctx.load_verify_locations(older.path("ca.crt"))
    with tcp(older) as sock:
        assert not ctx.wrap_socket(sock, server_hostname="localhost", session=session).session_reused


def test_s_client_resumes_too_and_early_data_is_refused(server, tmp_path):
    saved, early = str(tmp_path / "session.pem"), str(tmp_path / "early.txt")
    with open(early, "wb") as f:
        f.write(http_request(path="/early"))
    plain = http_request(path="/nope")      # an answer to wait for, so that the ticket has come
    code, said = s_client(server, "-ign_eof", "-sess_out", saved, data=plain)
    assert code == 0 and "404 Not Found" in said
    _, said = s_client(server, "-ign_eof", "-sess_in", saved, data=plain)
    assert "Reused, TLSv1.3" in said
    s_client(server, "-ign_eof", "-sess_out", saved, data=plain)
    assert allowed_early_data(saved) == 0
    allowed_early_data(saved, 16384)        # this client sends it all the same
    _, said = s_client(server, "-ign_eof", "-sess_in", saved, "-early_data", early, data=plain)
    assert "Early data was rejected" in said, said
    assert "accepted" not in said
    assert not server.events(path="/early")
    still_serves(server)


# --- records and pieces

def hello(server):
    out = ssl.MemoryBIO()
    tls = context(server).wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read(), tls


class ByHand:
    """A TLS client whose bytes to the server we cut as we like."""

    def __init__(self, server):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context(server).wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.sock = tcp(server)
        self.sock.settimeout(10)

    def step(self, call, cut):
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                result = None
            data = self.outgoing.read()
            if data:
                cut(self.sock, data)
            if result is not None:
                return result
            got = self.sock.recv(65536)
            if not got:
                self.incoming.write_eof()
            self.incoming.write(got)

    def request(self, cut):
        self.step(lambda: self.tls.do_handshake() or True, cut)
        self.step(lambda: self.tls.write(http_request()), cut)
        return self.step(lambda: self.tls.read(65536), cut)


def whole(sock, data):
    sock.sendall(data)


def by_bytes(sock, data):
    for i in range(len(data)):
        sock.sendall(data[i:i + 1])


def by_records(sock, data):
    """The handshake message of the first record spread over records of 50 bytes; the rest as it is."""
    if data[0] != 22:
        sock.sendall(data)
        return
    size = int.from_bytes(data[3:5], "big")
    body, rest = data[5:5 + size], data[5 + size:]
    for i in range(0, len(body), 50):
        piece = body[i:i + 50]
        sock.sendall(data[:3] + len(piece).to_bytes(2, "big") + piece)
    sock.sendall(rest)


@pytest.mark.parametrize("cut", [whole, by_bytes, by_records])
def test_a_handshake_in_any_pieces_is_served(server, cut):
    client = ByHand(server)
    assert client.request(cut).startswith(b"HTTP/1.1 101 ")
    client.sock.close()


def test_a_hello_that_announces_too_much_or_never_ends_is_refused(server):
    data, _ = hello(server)
    huge = data[:5] + b"\x01\xff\xff\xff" + data[9:]
    empty = data[:3] + b"\x00\x00"
    for raw in (huge, empty * 3, data[:3] + b"\x40\x01" + data[5:], b"\x16\x03\x01\x40\x00" + b"\x01\x00\x80\x00" + b"\0" * 20000):
        with tcp(server) as sock:
            port = sock.getsockname()[1]
            sock.sendall(raw)
            sock.settimeout(5)
            try:
                while sock.recv(4096):
                    pass
            except ConnectionError:
                pass
        server.wait_for_event("tls_failed", port=port, code="tls_handshake_failed")
    still_serves(server)


def test_broken_records_behind_the_handshake_end_the_connection(server):
    for raw in (b"\x17\x03\x03\x00\x20" + b"\xaa" * 32, b"\x17\x03\x03\x00\x00", b"\x17\x03\x03\x41\x01" + b"a" * 300,
                b"\x14\x03\x03\x00\x01\x01" * 3, b"\x16\x03\x03\x00\x04\x01\x00\x00\x00", b"GET / HTTP/1.1\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28"):
        client = ByHand(server)
        assert client.request(whole).startswith(b"HTTP/1.1 101 ")
        client.sock.sendall(raw)
        start = time.monotonic()
        try:
            while client.sock.recv(4096):
                pass
        except ConnectionError:
            pass
        assert time.monotonic() - start < 5, raw[:8]
        client.sock.close()
    still_serves(server)


def test_key_updates_are_followed(server):
    """K is s_client's key for a key update that asks for ours as well."""
    said = s_client_steps(server, [b"K\n", b"K\n", b"k\n", http_request(path="/nope")])
    assert said.count("KEYUPDATE") == 3, said[-800:]
    assert "404 Not Found" in said


# --- odd ends

def test_a_close_notify_at_odd_moments_does_not_spin(server):
    before = server.fd_count()
    cpu = cpu_seconds(server)
    clients = []
    for moment in ("hello", "handshake", "half head", "open", "open, no FIN"):
        for _ in range(5):
            client = ByHand(server)
            clients.append(client)
            if moment == "hello":
                whole(client.sock, b"\x15\x03\x03\x00\x02\x01\x00")
                continue
            client.step(lambda c=client: c.tls.do_handshake() or True, whole)
            if moment == "half head":
                client.step(lambda c=client: c.tls.write(http_request()[:50]), whole)
            if moment.startswith("open"):
                client.step(lambda c=client: c.tls.write(http_request()), whole)
                assert client.step(lambda c=client: c.tls.read(65536), whole)
            with pytest.raises((ssl.SSLWantReadError, ssl.SSLError)):
                client.tls.unwrap()
            client.sock.sendall(client.outgoing.read())
            if moment == "open":
                client.sock.shutdown(1)
    cpu_began, began = cpu_seconds(server), time.monotonic()
    time.sleep(1.5)
    assert cpu_seconds(server) - cpu_began < 0.3 * (time.monotonic() - began)
    wait_until(lambda: server.fd_count() <= before, 15, "descriptors back while the clients still hold their ends")
    assert cpu_seconds(server) - cpu < 3
    for client in clients:
        client.sock.close()
    still_serves(server)


def test_a_reset_at_odd_moments_is_given_back(server):
    before = server.fd_count()
    for n in range(40):
        c = RawConnection.open(server, tls=n % 4 != 0)
        if n % 4 > 1:
            c.send(http_request()[:(n % 4 - 1) * 60])
        if n % 4 == 0:
            c.send(hello(server)[0][:n * 5])
        c.reset()
    wait_until(lambda: server.fd_count() <= before, 15, "descriptors back")
    still_serves(server)


def test_our_end_is_said_with_close_notify(server):
    """Without it a cut connection and an end look the same (truncation)."""
    with RawWebSocket.login(server) as ws:
        ws.send_close(1000)
        assert ws.recv_close()[0] == 1000
        ws.sock.settimeout(5)
        assert ws.sock.recv(100) == b""     # ssl raises SSLEOFError when the notify is missing
    ctx = context(server)
    ctx.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    with RawConnection.open(server, context=ctx) as c:
        c.send(http_request(path="/nope"))
        while c.sock.recv(4096):
            pass


# --- where plaintext may be

def start_fails(tmp_path, config):
    one = GatewardServer(tmp_path, config)
    done = subprocess.run([one.binary, "serve", "-c", one.config_path], cwd=one.directory, capture_output=True, timeout=20,
                          env={**os.environ, "ASAN_OPTIONS": "exitcode=99"})
    said = done.stderr.decode()
    assert done.returncode not in (0, 99) and not SANITIZER.search(said), said
    assert "listening" not in said
    return said


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080", "[2001:db8::1]:8080"])
def test_plaintext_on_an_address_others_can_reach_is_refused_at_the_start(tmp_path, address):
    said = start_fails(tmp_path, {"listen": [{"address": address}], "hosts": ["localhost"]})
    assert "tls" in said and "insecure_plaintext" in said


def test_plaintext_is_allowed_on_loopback_and_unix_sockets_and_when_said(start_server, tmp_path):
    for listener in ({"address": "127.0.0.1:0"}, {"address": "[::1]:0"}, {"address": "127.1.2.3:0"},
                     {"address": "unix:%s" % (tmp_path / "s.sock")},
                     {"address": "0.0.0.0:0", "insecure_plaintext": True}):
        one = start_server({"listen": [listener], "hosts": ["localhost"]})
        assert one.is_running()
        if not listener["address"].startswith(("unix", "[")):
            still_serves(one, address="127.1.2.3" if "1.2.3" in listener["address"] else "127.0.0.1")


@pytest.mark.parametrize("change,word", [
    ({"cert": "missing.crt"}, "cannot read"), ({"key": "server.crt"}, "key"), ({"cert": "ca.crt"}, "belong"),
    ({"min_version": "1.1"}, "min_version"), ({"min_version": "1.0"}, "min_version"), ({"cert": DELETE}, "cert")])
def test_a_bad_tls_section_is_refused_at_the_start(tmp_path, change, word):
    tls = {k: v for k, v in {**TLS, **change}.items() if v is not DELETE}
    assert word in start_fails(tmp_path, {"listen": [{"address": "127.0.0.1:0", "tls": tls}]})


def test_an_expired_certificate_or_an_open_key_is_refused_at_the_start(tmp_path):
    for name in ("expired", "open"):
        (tmp_path / name).mkdir()
        one = GatewardServer(tmp_path / name)
        if name == "expired":
            one.authority.issue(one.directory, days=-1)
        else:
            os.chmod(one.path("server.key"), 0o644)
        done = subprocess.run([binary_path(), "serve", "-c", one.config_path], cwd=one.directory, capture_output=True, timeout=20)
        assert done.returncode != 0
        assert (b"expired" if name == "expired" else b"chmod 600") in done.stderr
