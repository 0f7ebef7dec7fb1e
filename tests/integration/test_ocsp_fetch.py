# SPDX-License-Identifier: Apache-2.0
"""`ocsp: fetch`: answers come from the responder that the certificate names, in the background, and only sound ones are sent."""
import datetime
import http.server
import signal
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

import certificates
from attack_tools import wait_until
from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import run_gateward

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
NONE = "OCSP response: no response sent"


class Responder:
    """An OCSP responder (RFC 6960 appendix A) on a port that the kernel chose; `change` says how it behaves."""

    def __init__(self):
        responder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                responder.requests.append((self.path, self.headers["Content-Type"], body))
                status, content = responder.answer(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                if status == 302:
                    self.send_header("Location", responder.url)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.requests, self.is_closed = [], False
        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/ocsp" % self.listener.server_port
        self.change()
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def change(self, authority=None, signer=None, status=GOOD, hours=(-1, 24), http=200, about=None, raw=None):
        self.authority, self.signer, self.status = authority, signer or authority, status
        self.hours, self.http, self.about, self.raw = hours, http, about, raw

    def answer(self, body):
        if self.http != 200 or self.raw is not None:
            return self.http, self.raw or b"no"
        asked = ocsp.load_der_ocsp_request(body)
        assert isinstance(asked.hash_algorithm, hashes.SHA1) and len(asked.extensions) == 0
        now = datetime.datetime.utcnow()
        built = ocsp.OCSPResponseBuilder().add_response(
            cert=self.about or self.find(asked.serial_number), issuer=self.authority.certificate, algorithm=hashes.SHA1(),
            cert_status=self.status, this_update=now + datetime.timedelta(hours=self.hours[0]),
            next_update=None if self.hours[1] is None else now + datetime.timedelta(hours=self.hours[1]),
            revocation_time=now if self.status == REVOKED else None, revocation_reason=None)
        built = built.responder_id(ocsp.OCSPResponderEncoding.HASH, self.signer.certificate)
        return 200, built.sign(self.signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def find(self, serial):
        return next(c for c in map(read_certificate, self.paths) if c.serial_number == serial)

    paths = ()

    def close(self):
        """Harmless twice."""
        if not self.is_closed:
            self.listener.shutdown()
            self.listener.server_close()
        self.is_closed = True


def read_certificate(path):
    with open(path, "rb") as f:
        return x509.load_pem_x509_certificate(f.read())


class House(GatewardServer):
    def __init__(self, directory, responder, **tls):
        super().__init__(directory)
        self.responder = responder
        self.authority.issue(self.directory, responder=responder.url)
        self.config["listen"][0]["tls"].update({"ocsp": "fetch", **tls})
        self.write_config()
        responder.paths = [self.path("server.crt")]
        responder.change(self.authority)

    def staple(self, name="localhost", *more):
        done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % self.port, "-servername", name,
                               "-CAfile", self.path("ca.crt"), "-status", *more], input=b"", capture_output=True, timeout=20)
        text = done.stdout.decode("latin-1")
        assert "Verify return code: 0" in text
        return text

    def wait_for_staple(self, name="localhost"):
        wait_until(lambda: "Cert Status: good" in self.staple(name), 12, "an OCSP answer is sent")


@pytest.fixture
def responder():
    it = Responder()
    yield it
    it.close()


@pytest.fixture
def house(tmp_path, responder):
    server = House(tmp_path, responder)
    yield server
    if server.process:
        server.__exit__(None, None, None)


def test_the_answer_is_fetched_at_the_start_and_sent(house, responder):
    house.start()
    row = house.wait_for_event("ocsp_staple", code="fetched")
    assert (row["outcome"], row["host"], row["path"]) == ("ok", responder.url.split("/")[2], "/ocsp")
    assert "server.crt: until 2" in row["detail"]
    said = house.staple()
    assert "OCSP Response Status: successful" in said and "Cert Status: good" in said
    assert [(path, kind) for path, kind, _ in responder.requests] == [("/ocsp", "application/ocsp-request")]
    RawWebSocket.login(house).close()


def test_a_dead_responder_delays_nothing_and_is_asked_again(house, responder):
    responder.change(http=503)
    house.start()
    row = house.wait_for_event("ocsp_staple", code="failed")
    assert row["outcome"] == "error" and "http_status" in row["detail"]
    assert NONE in house.staple()
    RawWebSocket.login(house).close()
    responder.change(house.authority)
    house.wait_for_staple()
    assert house.events("ocsp_staple", code="fetched")


def test_nobody_at_the_responders_address_is_no_reason_not_to_start(tmp_path, responder):
    house = House(tmp_path, responder)
    responder.close()
    with house:
        assert "cannot_connect" in house.wait_for_event("ocsp_staple", code="failed")["detail"]
        assert NONE in house.staple()


@pytest.mark.parametrize("fault, words", [
    ("signer", "is not signed by the certificate's issuer"), ("old", "is out of date"), ("early", "is out of date"),
    ("endless", "is out of date"), ("unknown", "the responder does not know it"), ("other", "speaks of another certificate"),
    ("garbage", "no successful OCSP answer"), ("large", "too_large"), ("redirect", "redirect")])
def test_an_unsound_answer_is_never_sent(house, responder, fault, words):
    other = house.authority.client(house.directory, "other")[2]
    responder.change(house.authority, **{
        "signer": {"signer": certificates.Authority()}, "old": {"hours": (-48, -24)}, "early": {"hours": (2, 24)},
        "endless": {"hours": (-1, None)}, "unknown": {"status": UNKNOWN}, "other": {"about": other},
        "garbage": {"raw": b"garbage"}, "large": {"raw": b"0" * 65537}, "redirect": {"http": 302}}[fault])
    house.start()
    assert words in house.wait_for_event("ocsp_staple", code="failed")["detail"]
    assert NONE in house.staple()
    assert len({path for path, _, _ in responder.requests}) == 1


def test_a_revoked_certificate_is_shouted_about_and_the_old_answer_ends(house, responder):
    house.start()
    house.wait_for_event("ocsp_staple", code="fetched")
    assert "Cert Status: good" in house.staple()
    responder.change(house.authority, status=REVOKED)
    house.signal(signal.SIGHUP)
    assert house.wait_for_event("ocsp_staple", code="revoked")["outcome"] == "error"
    assert NONE in house.staple()
    assert "HAS BEEN REVOKED" in house.stderr_text()


def test_an_answer_is_sent_until_its_own_end(house, responder):
    responder.change(house.authority, hours=(-1, 3 / 3600))
    house.start()
    house.wait_for_event("ocsp_staple", code="fetched")
    wait_until(lambda: NONE in house.staple(), 8, "the old answer is left out")


def test_a_reload_keeps_the_answer_of_a_certificate_that_stays(house, responder):
    house.start()
    house.wait_for_event("ocsp_staple", code="fetched")
    responder.change(http=503)
    house.signal(signal.SIGHUP)
    house.wait_for_event("reload")
    house.wait_for_event("ocsp_staple", code="failed")
    assert "Cert Status: good" in house.staple()


def test_a_reload_asks_for_the_new_certificate_and_no_more_for_the_old(house, responder):
    house.start()
    house.wait_for_event("ocsp_staple", code="fetched")
    house.authority.issue(house.directory, responder=responder.url + "/new")
    house.signal(signal.SIGHUP)
    house.wait_for_event("ocsp_staple", code="fetched", path="/ocsp/new")
    assert "Cert Status: good" in house.staple()
    asked = ocsp.load_der_ocsp_request(responder.requests[-1][2])
    assert asked.serial_number == read_certificate(house.path("server.crt")).serial_number
    for _ in range(20):
        house.signal(signal.SIGHUP)
    house.wait_for_staple()
    assert [path for path, _, _ in responder.requests].count("/ocsp") == 1


def test_each_certificate_has_its_own_answer_and_tls12_gets_it_too(tmp_path, responder):
    house = House(tmp_path, responder, min_version="1.2",
                  certificates=[{"cert": "b.crt", "key": "b.key"}, {"cert": "c.crt", "key": "c.key", "ocsp": "off"}])
    for stem in ("b", "c"):
        house.authority.issue(house.directory, stem, (stem + ".example.com",), (), responder=responder.url + "/" + stem)
    responder.paths = [house.path(stem + ".crt") for stem in ("server", "b")]
    with house:
        for path in ("/ocsp", "/ocsp/b"):
            house.wait_for_event("ocsp_staple", code="fetched", path=path)
        assert "Cert Status: good" in house.staple("localhost", "-tls1_2")
        assert "Cert Status: good" in house.staple("b.example.com")
        assert NONE in house.staple("c.example.com")
        assert {path for path, _, _ in responder.requests} == {"/ocsp", "/ocsp/b"}


@pytest.mark.parametrize("has_responder, words", [(False, "no_issuer"), (True, "no_responder")])
def test_a_certificate_that_cannot_be_asked_about_is_said_once_and_served(tmp_path, responder, has_responder, words):
    house = House(tmp_path, responder)
    house.authority.issue(house.directory)
    if has_responder:
        with open(house.path("server.crt"), "ab") as f:
            f.write(house.authority.pem())
    with house:
        assert words in house.wait_for_event("ocsp_staple", code="failed")["detail"]
        assert NONE in house.staple()
        assert not responder.requests


def test_a_file_and_a_fetch_do_not_go_together(tmp_path, responder):
    house = House(tmp_path, responder, ocsp_staple="ca.crt")
    result = run_gateward("check", house.config_path)
    assert result.returncode == 1 and "do not go together" in result.stdout + result.stderr
