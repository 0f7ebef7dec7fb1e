# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: new certificates, keys, authorities, revocation lists and OCSP answers without losing a connection."""
import datetime
import os
import selectors
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

import certificates
from attack_tools import LEAN, ROOMY, wait_until
from gateward_server import GatewardServer
from raw_client import Ended, RawWebSocket
from talk import closed_with

ASKS = {"client_certificates": "optional", "client_ca": "clients.crt", "client_crl": "clients.crl"}


class Reloader(GatewardServer):
    """A server whose TLS files change. Client certificates: who.crt and who.key for each name in `who`."""

    def __init__(self, directory, asks=True, who=("app-1", "app-2"), environment=None, records="auto", **changes):
        super().__init__(directory, {"limits": ROOMY, **changes}, environment=environment)
        self.config["listen"][0]["tls"]["records"] = records
        self.clients = certificates.Authority("clients")
        self.made = {name: self.clients.client(directory, name, subject=name) for name in who}
        if asks:
            self._write("clients.crt", self.clients.pem())
            self._write("clients.crl", self.clients.crl())
            self.config["listen"][0]["tls"].update(ASKS)
            self.config["auth"]["client_certificates"] = [{"name": name, "user": name, "roles": ["user"]} for name in who]
        self.write_config()
        self.reloads = 0

    def context(self, who=None):
        ctx = self.ssl_context()
        if who:
            ctx.load_cert_chain(*self.made[who][:2])
        return ctx

    def reload(self, outcome="ok"):
        self.signal(signal.SIGHUP)
        self.reloads += 1
        row = self.wait_for_event("reload", count=self.reloads)
        assert row["outcome"] == outcome, row
        return row

    def serial(self):
        with RawWebSocket.open(self) as ws:
            return ws.sock.getpeercert()["serialNumber"]


@pytest.fixture(params=["auto", "openssl"])
def started(request, tmp_path):
    running = []

    def start(**kwargs):
        running.append(Reloader(tmp_path, **{"records": request.param, **kwargs}).start())
        return running[-1]

    yield start
    for one in running:
        one.__exit__(None, None, None)


def test_a_new_certificate_is_served_and_old_connections_stay(started):
    server = started()
    before = server.serial()
    with RawWebSocket.login(server) as old:
        server.authority.issue(server.directory)
        assert server.serial() == before
        server.reload()
        assert server.serial() != before
        old.send_json({"type": "ping"})
        assert old.recv_json() == {"type": "pong"}
    assert "reloaded: 0 changes of " in server.stderr_text()


BROKEN = {
    "no certificate": ("server.crt", None, "cannot read"),
    "no key": ("server.key", None, "cannot read"),
    "broken certificate": ("server.crt", b"nothing of the kind\n", "cannot use the certificate"),
    "other key": ("server.key", "app-1.key", "mismatch"),
    "no authority": ("clients.crt", b"", "must hold PEM certificates"),
    "half a list": ("clients.crl", b"-----BEGIN X509 CRL-----\nMII\n", "must hold PEM revocation lists"),
    "list of another": ("clients.crl", certificates.Authority("clients").crl(), "that no certificate of client_ca has signed"),
}


@pytest.mark.parametrize("fault", [*BROKEN, "old list", "open key", "expired", "pipe"])
def test_with_any_fault_all_of_the_old_stays(started, fault):
    server = started()
    with RawWebSocket.login(server) as old:
        before = server.serial()
        server.authority.issue(server.directory)
        if fault == "old list":
            server._write("clients.crl", server.clients.crl(days=-1))
            words = "next update is past"
        elif fault == "open key":
            os.chmod(server.path("server.key"), 0o644)
            words = "chmod 600"
        elif fault == "pipe":
            os.unlink(server.path("server.crt"))
            os.mkfifo(server.path("server.crt"))
            words = "is not a regular file"
        elif fault == "expired":
            server.authority.issue(server.directory, days=-1)
            words = "has expired"
        else:
            name, content, words = BROKEN[fault]
            if content is None:
                os.unlink(server.path(name))
            elif isinstance(content, str):
                shutil.copy(server.path(content), server.path(name))
            else:
                server._write(name, content)
        assert words in server.reload("error")["detail"]
        assert "reload refused, everything stays as it was" in server.stderr_text()
        assert server.serial() == before
        old.send_json({"type": "ping"})
        assert old.recv_json() == {"type": "pong"}
    if fault == "pipe":
        os.unlink(server.path("server.crt"))
    if fault == "open key":
        os.chmod(server.path("server.key"), 0o600)
    server.authority.issue(server.directory)
    server._write("clients.crt", server.clients.pem())
    server._write("clients.crl", server.clients.crl())
    server.reload()
    assert server.serial() != before


def test_a_revoked_certificate_is_refused_from_the_reload_on_and_its_connections_end(started):
    server = started(server={"workers": 2})
    live = [RawWebSocket.open(server, context=server.context("app-1")) for _ in range(8)]
    others = [RawWebSocket.open(server, context=server.context("app-2")) for _ in range(4)] + [RawWebSocket.login(server)]
    for ws in live + others[:4]:
        assert ws.recv_json()["type"] == "welcome"
    carried = {"auto": "own", "openssl": "openssl"}[server.config["listen"][0]["tls"]["records"]]
    assert {e["tls_records"] for e in server.events("connection_open")} == {carried}
    context = server.context("app-1")
    with RawWebSocket.open(server, context=context) as ws:
        session = ws.sock.session
    server.clients.revoke(server.made["app-1"][2])
    server._write("clients.crl", server.clients.crl())
    start = time.monotonic()
    server.reload()
    for ws in live:
        closed_with(ws, 4003, "Unauthorized client")
    assert time.monotonic() - start < 1
    assert len(server.events("auth_failed", code="certificate_revoked", close_code=4003)) == 8
    for ws in others:
        ws.send_json({"type": "ping"})
        assert ws.recv_json() == {"type": "pong"}
        ws.close()
    assert session is None or not session.has_ticket
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REVOKED"):
        RawWebSocket.open(server, context=context)


def test_a_certificate_revoked_during_its_handshake_is_turned_away(started):
    server = started()
    raw = socket.create_connection(("127.0.0.1", server.port), 10)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.context("app-1").wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    raw.sendall(outgoing.read())
    incoming.write(raw.recv(65536))
    tls.do_handshake()                  # our last flight, with the certificate, is not sent yet
    server.clients.revoke(server.made["app-1"][2])
    server._write("clients.crl", server.clients.crl())
    server.reload()
    raw.sendall(outgoing.read())
    raw.settimeout(5)
    try:
        while raw.recv(4096):
            pass
    except ConnectionError:
        pass
    server.wait_for_event("auth_failed", code="certificate_revoked", port=raw.getsockname()[1])
    raw.close()


def test_an_authority_that_is_gone_vouches_for_nobody(started):
    server = started(server={"workers": 2})
    live = [RawWebSocket.open(server, context=server.context("app-1")) for _ in range(4)]
    by_token = RawWebSocket.login(server)
    for ws in live:
        assert ws.recv_json()["type"] == "welcome"
    other = certificates.Authority("others")
    server._write("clients.crt", server.clients.pem() + other.pem())
    server._write("clients.crl", server.clients.crl() + other.crl())
    server.reload()
    for ws in live:    # one authority more harms nobody
        ws.send_json({"type": "ping"})
        assert ws.recv_json() == {"type": "pong"}
    server._write("clients.crt", other.pem())
    server._write("clients.crl", other.crl())
    server.reload()
    for ws in live:
        closed_with(ws, 4003, "Unauthorized client")
    by_token.send_json({"type": "ping"})
    assert by_token.recv_json() == {"type": "pong"}
    by_token.close()
    with pytest.raises(ssl.SSLError, match="(?i)unknown.ca|decrypt"):
        RawWebSocket.open(server, context=server.context("app-1"))


def test_a_ticket_does_not_outlive_a_reload(started):
    server = started(asks=False)
    context = server.context()
    with RawWebSocket.login(server, context=context) as ws:
        session = ws.sock.session
    assert session.has_ticket
    for reused in (True, False):
        with socket.create_connection(("127.0.0.1", server.port), 10) as sock:
            tls = context.wrap_socket(sock, server_hostname="localhost", session=session)
            assert tls.session_reused == reused
        server.reload()


def swap(server, pair):
    """The files of a certificate take the place of the old ones, each in one step, and the server reads them."""
    for name, data in zip(("server.crt", "server.key"), pair):
        server._write("next", data)
        os.rename(server.path("next"), server.path(name))
    server.reload()


class Stream(threading.Thread):
    """A ring of connections: each publishes numbered messages to the room that the next one listens to, `per_second` in all."""

    def __init__(self, ring, per_second):
        super().__init__()
        self.ring, self.per_second = ring, per_second
        self.sent, self.acks, self.got = [0] * len(ring), [0] * len(ring), [0] * len(ring)
        self.total, self.stop, self.failure = 0, False, None
        self.selector = selectors.DefaultSelector()
        for i, ws in enumerate(ring):
            ws.send_json({"type": "subscribe", "channel": "private:room-%d" % i})
            assert ws.recv_json()["type"] == "subscribed"
            self.selector.register(ws.sock, selectors.EVENT_READ, i)

    def run(self):
        try:
            start = time.monotonic()
            while not self.stop:
                due = int((time.monotonic() - start) * self.per_second) - self.total
                for _ in range(min(due, len(self.ring))):
                    self.publish(self.total % len(self.ring))
                self.read(0.005)
            self.seconds = time.monotonic() - start
            deadline = time.monotonic() + 30
            while (sum(self.acks), sum(self.got)) != (self.total, self.total) and time.monotonic() < deadline:
                self.read(0.05)
        except (OSError, Ended, AssertionError) as e:
            self.failure = e

    def publish(self, i):
        room = "private:room-%d" % ((i + 1) % len(self.ring))
        self.ring[i].sock.settimeout(20)
        self.ring[i].send_json({"type": "publish", "channel": room, "data": self.sent[i]})
        self.sent[i] += 1
        self.total += 1

    def read(self, timeout):
        for key, _ in self.selector.select(timeout):
            ws = self.ring[key.data]
            while True:     # at least one whole message is there or on its way
                self.take(key.data, ws.recv_json(20))
                if not ws.received and not ws.sock.pending():
                    break

    def take(self, i, message):
        if message["type"] == "ack":
            self.acks[i] += 1
            return
        assert message["type"] == "message" and message["channel"] == "private:room-%d" % i, message
        assert message["data"] == self.got[i], (i, "got", message["data"], "not", self.got[i])
        self.got[i] += 1


class Newcomers(threading.Thread):
    """Comes, logs in, goes, over and over; and remembers which certificates were shown."""

    def __init__(self, server):
        super().__init__()
        self.server, self.serials, self.visits, self.stop, self.failure = server, set(), 0, False, None

    def run(self):
        try:
            while not self.stop:
                with RawWebSocket.login(self.server) as ws:
                    self.serials.add(int(ws.sock.getpeercert()["serialNumber"], 16))
                self.visits += 1
        except (OSError, Ended, AssertionError) as e:
            self.failure = e


def test_a_hundred_reloads_under_a_thousand_messages_a_second_lose_nothing(started):
    """50 connections on 2 workers, half of them by client certificates; two server certificates take turns, and every
    fifth time the revocation list is new. Every number arrives once and in order, and no newcomer is turned away."""
    roomy = {**ROOMY, "messages": {"per_minute": 1000000, "per_hour": 10000000}}
    server = started(server={"workers": 2}, limits=roomy, environment=LEAN)
    pairs, serials = [], set()
    for turn in range(2):
        paths = server.authority.issue(server.directory, "pair-%d" % turn)
        pairs.append([open(p, "rb").read() for p in paths])
        serials.add(x509.load_pem_x509_certificate(pairs[-1][0]).serial_number)
    ring = []
    for i in range(50):
        if i % 2:
            ring.append(RawWebSocket.open(server, context=server.context("app-%d" % (1 + i // 2 % 2))))
            assert ring[-1].recv_json()["type"] == "welcome"
        else:
            ring.append(RawWebSocket.login(server, sub="user-%d" % i))
    swap(server, pairs[1])
    stream, newcomers = Stream(ring, 1000), Newcomers(server)
    stream.start()
    newcomers.start()
    memory = None
    for turn in range(100):
        if turn % 5 == 4:
            server.clients.revoked.append(turn)
            server._write("clients.crl", server.clients.crl())
        swap(server, pairs[turn % 2])
        if turn == 20:
            memory = server.rss_kib()
    for thread in (newcomers, stream):
        thread.stop = True
    for thread in (newcomers, stream):
        thread.join()
        assert thread.failure is None, thread.failure
    assert stream.got == stream.sent[-1:] + stream.sent[:-1] and stream.acks == stream.sent
    assert stream.total >= 0.9 * 1000 * stream.seconds > 500, (stream.total, stream.seconds)
    assert newcomers.visits > 10 and newcomers.serials == serials
    assert server.rss_kib() - memory < 30000
    for ws in ring:
        ws.sock.settimeout(10)
        ws.send_json({"type": "ping"})
        assert ws.recv_json()["type"] == "pong"
        ws.close()
    print("%d reloads in %.1f s, %d messages, %d newcomers" % (server.reloads, stream.seconds, stream.total, newcomers.visits))


# --- OCSP answers

def staple(server, status=ocsp.OCSPCertStatus.GOOD, hours=(-1, 24), signer=None, about=None):
    """An OCSP answer about server.crt; the issuer's certificate goes behind it, as in a real chain."""
    with open(server.path("server.crt"), "rb") as f:
        mine = x509.load_pem_x509_certificate(f.read())
    now = datetime.datetime.utcnow()
    signer = signer or server.authority
    revoked = status == ocsp.OCSPCertStatus.REVOKED
    answer = ocsp.OCSPResponseBuilder().add_response(
        cert=about or mine, issuer=server.authority.certificate, algorithm=hashes.SHA1(), cert_status=status,
        this_update=now + datetime.timedelta(hours=hours[0]),
        next_update=None if hours[1] is None else now + datetime.timedelta(hours=hours[1]),
        revocation_time=now if revoked else None, revocation_reason=None,
    ).responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate).sign(signer.key, hashes.SHA256())
    server._write("server.ocsp", answer.public_bytes(serialization.Encoding.DER))


def with_issuer(server):
    server.authority.issue(server.directory)
    with open(server.path("server.crt"), "ab") as f:
        f.write(server.authority.pem())


def s_client_status(server):
    done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, "-servername", "localhost",
                           "-CAfile", server.path("ca.crt"), "-status"], input=b"", capture_output=True, timeout=20)
    return done.stdout.decode("latin-1")


@pytest.fixture
def stapling(tmp_path):
    server = Reloader(tmp_path, asks=False)
    server.config["listen"][0]["tls"]["ocsp_staple"] = "server.ocsp"
    server.write_config()
    with_issuer(server)
    yield server
    if server.process:
        server.__exit__(None, None, None)


def test_an_ocsp_answer_from_a_file_is_sent_until_it_is_out_of_date(stapling):
    staple(stapling, hours=(-1, 3 / 3600))
    stapling.start()
    said = s_client_status(stapling)
    assert "OCSP Response Status: successful" in said and "Cert Status: good" in said
    assert "Verify return code: 0" in said
    wait_until(lambda: "OCSP response: no response sent" in s_client_status(stapling), 8, "the old answer is left out")
    RawWebSocket.login(stapling).close()
    staple(stapling)
    stapling.reload()
    assert "Cert Status: good" in s_client_status(stapling)


@pytest.mark.parametrize("fault,words", [
    ("revoked", "does not say that the certificate is good"), ("unknown", "does not say"), ("old", "out of date"),
    ("early", "out of date"), ("endless", "out of date"), ("signer", "not signed"), ("other", "another certificate"),
    ("garbage", "no successful OCSP answer"), ("tail", "no successful OCSP answer"), ("issuer", "put the issuer's certificate")])
def test_an_unsound_ocsp_answer_is_refused_when_it_is_loaded(stapling, fault, words):
    kwargs = {"revoked": {"status": ocsp.OCSPCertStatus.REVOKED}, "unknown": {"status": ocsp.OCSPCertStatus.UNKNOWN},
              "old": {"hours": (-48, -24)}, "early": {"hours": (2, 24)}, "endless": {"hours": (-1, None)},
              "signer": {"signer": certificates.Authority()},
              "other": {"about": stapling.authority.client(stapling.directory, "other")[2]}}.get(fault, {})
    staple(stapling)
    stapling.start()
    staple(stapling, **kwargs)
    if fault in ("garbage", "tail"):
        with open(stapling.path("server.ocsp"), "rb") as f:
            good = f.read()
        stapling._write("server.ocsp", b"garbage" if fault == "garbage" else good + b"\0")
    if fault == "issuer":
        stapling.authority.issue(stapling.directory)
    assert words in stapling.reload("error")["detail"]
    assert "Cert Status: good" in s_client_status(stapling)
