# SPDX-License-Identifier: Apache-2.0
"""Tokens bound to a client certificate (RFC 8705): good on a connection that showed it, worthless to whoever stole them.

One server asks for a certificate that may be missing; its tokens are HS256, or ES512 whose signatures are judged on a
thread of their own (the certificate must travel along)."""
import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives import serialization

import certificates
from gateward_server import GatewardServer
from jwks_maker import Signer, write_set
from raw_client import RawWebSocket
from talk import ROOMY, ask, closed_with

FAILED = "Authentication failed"


class House(GatewardServer):
    def __init__(self, directory):
        super().__init__(directory, {"limits": ROOMY})
        self.clients = certificates.Authority("clients")
        self._write("clients.crt", self.clients.pem())
        self.made = {who: self.clients.client(directory, "cert-%d" % i, subject=subject)
                     for i, (who, subject) in enumerate((("mine", "app-1"), ("another", "app-2"), ("same name", "app-1")))}
        self.signer = Signer("ES512", "slow")
        write_set(self.path("keys.json"), self.signer)
        self.config["listen"][0]["tls"].update({"client_certificates": "optional", "client_ca": "clients.crt"})
        common = {"issuer": None, "audience": None}
        self.config["auth"]["jwt"] = [
            {"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, **common},
            {"algorithms": ["ES512"], "jwks_file": "keys.json", "issuer": "https://slow.test", "audience": None}]
        self.config["auth"]["client_certificates"] = [{"name": "app-1", "user": "app-1", "roles": ["user"]}]
        self.config["routes"] = [{"path": "/ws"}, {"path": "/token", "auth": ["jwt"]}, {"path": "/both", "require": "all"}]
        self.write_config()

    def thumbprint(self, who="mine", digest=hashlib.sha256):
        der = self.made[who][2].public_bytes(serialization.Encoding.DER)
        return base64.urlsafe_b64encode(digest(der).digest()).rstrip(b"=").decode()

    def bound(self, kind="HS256", cnf=None, **claims):
        cnf = {"x5t#S256": self.thumbprint()} if cnf is None else cnf
        if kind == "ES512":
            return self.signer.token("alice", cnf=cnf, iss="https://slow.test", **claims)
        return self.token("alice", cnf=cnf, **claims)

    def connect_as(self, who, path="/token", token=None, **kwargs):
        context = self.ssl_context()
        if who:
            context.load_cert_chain(*self.made[who][:2])
        headers = [("Authorization", "Bearer " + token)] if token else []
        return RawWebSocket.open(self, path, context=context, headers=headers, **kwargs)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with House(tmp_path_factory.mktemp("bound")) as running:
        yield running


@pytest.mark.parametrize("kind", ["HS256", "ES512"])
@pytest.mark.parametrize("path", ["/token", "/ws", "/both"])
def test_a_bound_token_is_good_with_its_certificate(house, kind, path):
    with house.connect_as("mine", path, house.bound(kind)) as ws:
        assert ws.recv_json()["user"] == "alice"
    if path != "/ws":       # there the certificate alone is a login already
        with house.connect_as("mine", path) as ws:
            assert ask(ws, {"type": "auth", "token": house.bound(kind)})["user"] == "alice"


@pytest.mark.parametrize("kind", ["HS256", "ES512"])
@pytest.mark.parametrize("who", [None, "another", "same name"])
def test_a_stolen_one_is_worthless(house, kind, who):
    """Without a certificate, with a good one of somebody else, and with another one of the very same name."""
    with house.connect_as(who, token=house.bound(kind), expect=401) as ws:
        row = house.wait_for_event("auth_failed", port=ws.local_port)
        assert (row["detail"], row["status"]) == ("token_not_bound", 401)
    with house.connect_as(who) as ws:
        ws.send_json({"type": "auth", "token": house.bound(kind)})
        port = ws.local_port
        closed_with(ws, 1008, FAILED)
    assert house.wait_for_event("auth_failed", port=port)["code"] == "token_not_bound"


ODD = {
    "cut": lambda h: {"x5t#S256": h.thumbprint()[:-1]}, "longer": lambda h: {"x5t#S256": h.thumbprint() + "A"},
    "padded": lambda h: {"x5t#S256": h.thumbprint() + "="}, "upper case": lambda h: {"x5t#S256": h.thumbprint().upper()},
    "in hex": lambda h: {"x5t#S256": hashlib.sha256(h.made["mine"][2].public_bytes(serialization.Encoding.DER)).hexdigest()},
    "by SHA-1": lambda h: {"x5t": h.thumbprint(digest=hashlib.sha1)}, "empty": lambda h: {"x5t#S256": ""},
    "in a list": lambda h: {"x5t#S256": [h.thumbprint()]}, "null": lambda h: {"x5t#S256": None},
    "to a key too": lambda h: {"x5t#S256": h.thumbprint(), "jkt": "A" * 43}, "to a key": lambda h: {"jkt": "A" * 43},
    "to nothing": lambda h: {}, "a text": lambda h: h.thumbprint(), "a list": lambda h: [h.thumbprint()],
    "false": lambda h: False, "zero": lambda h: 0,
}


@pytest.mark.parametrize("odd", ODD)
def test_a_binding_that_we_cannot_check_binds_all_the_same(house, odd):
    """With the right certificate on the connection: what is not exactly its thumbprint is refused, never skipped."""
    with house.connect_as("mine", token=house.bound(cnf=ODD[odd](house)), expect=401) as ws:
        assert house.wait_for_event("auth_failed", port=ws.local_port)["detail"] == "token_not_bound"


def test_renewing_takes_the_certificate_too(house):
    with house.connect_as("mine", token=house.bound()) as ws:
        assert ws.recv_json()["user"] == "alice"
        foreign = house.bound(cnf={"x5t#S256": house.thumbprint("another")})
        assert ask(ws, {"type": "auth", "token": foreign})["code"] == "authentication_failed"
        assert ask(ws, {"type": "auth", "token": house.bound()})["type"] == "welcome"
        assert ask(ws, {"type": "auth", "token": house.bound("ES512")})["type"] == "welcome"


def test_headers_of_proxies_show_no_certificate(house):
    der = house.made["mine"][2].public_bytes(serialization.Encoding.DER)
    pem = base64.b64encode(der).decode()
    for name in ("Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert", "X-Client-Cert", "ssl-client-cert"):
        headers = [("Authorization", "Bearer " + house.bound()), (name, ":" + pem + ":")]
        with RawWebSocket.open(house, "/token", headers=headers, expect=401) as ws:
            assert json.loads(ws.response.body)["error"]["code"] == "invalid_token"
