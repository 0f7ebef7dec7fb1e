# SPDX-License-Identifier: Apache-2.0
"""Certificates by server name, client certificates as logins, and what neither a ticket nor another name gets around."""
import hashlib
import json
import signal
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import certificates
from attack_tools import ROOMY, tcp
from gateward_server import GatewardServer
from raw_client import RawWebSocket, http_request, read_response
from talk import closed_with

ROWS = [
    {"name": "app-1", "user": "app-1", "roles": ["user"]},
    {"dns": "device.example.com", "user": "device", "roles": ["guest"]},
    {"uri": "spiffe://example.com/billing", "user": "billing", "roles": ["moderator"]},
    {"email": "bob@example.com", "user": "bob", "roles": ["user"]},
]
OPEN, STRICT, LAX = "open.example.com", "strict.example.com", "lax.example.com"
NAMES = {OPEN: "off", LAX: "optional", STRICT: "required"}


class World:
    """One server with three names: open asks for no certificate, lax for an optional one, strict requires one."""

    def __init__(self, directory, min_version="1.3", has_crl=True, order=tuple(NAMES)):
        self.directory = directory
        self.clients = certificates.Authority("clients")
        self.server = server = GatewardServer(directory)
        for name in NAMES:
            server.authority.issue(directory, name, names=(name,), addresses=())
        self.made = {}
        self.make("good")
        self.make("revoked")
        self.clients.revoke(self.made["revoked"][2])
        self.make("expired", days=-1)
        self.make("wrong usage", usage=ExtendedKeyUsageOID.SERVER_AUTH)
        self.make("no usage said", usage=None)
        self.made["wrong authority"] = certificates.Authority("others").client(directory, "wrong-authority")
        self.made["same-named authority"] = certificates.Authority("clients").client(directory, "same-named")
        self.write()
        asks = {"client_ca": "clients.crt", **({"client_crl": "clients.crl"} if has_crl else {})}
        sites = [{"cert": n + ".crt", "key": n + ".key", "client_certificates": w, **({} if w == "off" else asks)}
                 for n, w in ((n, NAMES[n]) for n in order)]
        server.config.update({
            "limits": ROOMY, "listen": [{"address": "127.0.0.1:0", "tls": {"certificates": sites, "min_version": min_version}}],
            "routes": [{"path": "/ws"}, {"path": "/cert", "auth": ["certificate"]}, {"path": "/token", "auth": ["jwt"]},
                       {"path": "/both", "require": "all"}]})
        server.config["auth"]["client_certificates"] = [
            *ROWS, {"fingerprint": self.fingerprint("no usage said"), "user": "printed", "roles": []}]
        server.write_config()
        server.start()

    def write(self):
        self.server._write("clients.crt", self.clients.pem())
        self.server._write("clients.crl", self.clients.crl())

    def make(self, stem, **kwargs):
        self.made[stem] = self.clients.client(self.directory, stem, **kwargs)
        return stem

    def fingerprint(self, stem):
        return hashlib.sha256(self.made[stem][2].public_bytes(serialization.Encoding.DER)).hexdigest()

    def context(self, who=None, version=None):
        ctx = ssl.create_default_context(cafile=self.server.path("ca.crt"))
        ctx.check_hostname = False      # these tests say on purpose what is not there
        if version:
            ctx.maximum_version = ctx.minimum_version = version
        if who is not None:
            ctx.load_cert_chain(*self.made[who][:2])
        return ctx

    def open(self, sni, who=None, path="/ws", host=None, **kwargs):
        """The 101, or what the server said instead of it."""
        return RawWebSocket.open(self.server, path, host="%s:%d" % (host or sni or OPEN, self.server.port),
                                 context=self.context(who), server_hostname=sni, **kwargs)

    def outcome(self, ctx, sni, host, session=None):
        """(what happened, was a ticket taken): an alert's or a refusal's word, or the user that was let in."""
        with tcp(self.server) as sock:
            try:
                ws = RawWebSocket(ctx.wrap_socket(sock, server_hostname=sni, session=session))
                ws.send(http_request(path="/cert" if host != OPEN else "/ws", host="%s:%d" % (host, self.server.port)))
                answer = read_response(ws)
                if answer.status != 101:
                    return answer.status, ws.sock.session_reused
                if host == OPEN:
                    return "open", ws.sock.session_reused
                frame = ws.recv_frame()
                said = json.loads(frame.payload)["user"] if frame.opcode == 1 else int.from_bytes(frame.payload[:2], "big")
                return said, ws.sock.session_reused
            except ssl.SSLError as e:
                return e.reason, False
            except ConnectionError:
                return "reset", False


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("mtls"))
    yield made
    made.server.__exit__(None, None, None)


# --- names

@pytest.mark.parametrize("sni", [OPEN, LAX, "OPEN.Example.COM"])
def test_each_name_gets_its_own_certificate(world, sni):
    with world.open(sni) as ws:
        names = [v for k, v in ws.sock.getpeercert()["subjectAltName"]]
        assert names == [sni.lower()]


@pytest.mark.parametrize("sni", ["other.example.com", "example.com", "x.open.example.com", "localhost"])
def test_a_name_that_no_certificate_has_is_refused(world, sni):
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        world.open(sni)
    world.server.wait_for_event("tls_failed", detail="server name unknown")


def test_without_a_name_nothing_is_served_where_one_requires_a_certificate(world):
    with pytest.raises(ssl.SSLError, match="(?i)handshake.failure"):
        world.open(None)
    world.server.wait_for_event("tls_failed", detail="server name missing")


@pytest.mark.parametrize("sni", NAMES)
@pytest.mark.parametrize("host", NAMES)
def test_the_host_must_belong_to_the_name_the_connection_began_with(world, sni, host):
    with world.open(sni, "good", host=host, expect=101 if sni == host else 421) as ws:
        if sni != host:
            assert json.loads(ws.response.body)["error"]["code"] == "host_misdirected"


def test_without_a_name_the_first_certificate_is_served(start_server, tmp_path):
    made = certificates.Authority()
    for stem, name in (("a", "a.example.com"), ("b", "*.b.example.com")):
        made.issue(tmp_path, stem, names=(name,), addresses=())
    sites = [{k: str(tmp_path / (stem + e)) for k, e in (("cert", ".crt"), ("key", ".key"))} for stem in "ab"]
    server = start_server({"hosts": ["a.example.com", "x.b.example.com", "127.0.0.1"],
                           "listen": [{"address": "127.0.0.1:0", "tls": {"certificates": sites}}]})
    ctx = ssl.create_default_context(cadata=made.pem().decode())
    ctx.check_hostname = False
    for sni, host, status in ((None, "a.example.com", 101), (None, "127.0.0.1", 101), (None, "x.b.example.com", 421),
                              ("x.b.example.com", "x.b.example.com", 101), ("x.b.example.com", "127.0.0.1", 421)):
        RawWebSocket.open(server, host="%s:%d" % (host, server.port), context=ctx, server_hostname=sni, expect=status).close()
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        RawWebSocket.open(server, context=ctx, server_hostname="y.x.b.example.com")


# --- what a name asks for, fresh and by ticket

REFUSED = {"revoked": "CERTIFICATE_REVOKED", "expired": "CERTIFICATE_EXPIRED", "wrong authority": "UNKNOWN_CA",
           "same-named authority": "DECRYPT_ERROR",
           "wrong usage": "UNSUPPORTED_CERTIFICATE"}


def expected(sni, host, who):
    if sni is None:
        return "HANDSHAKE_FAILURE"
    if NAMES[sni] != "off" and who in REFUSED:
        return REFUSED[who]
    if NAMES[sni] == "required" and who is None:
        return "CERTIFICATE_REQUIRED"
    if sni != host:
        return 421
    if host == OPEN:
        return "open"
    return "app-1" if who == "good" else 4001


@pytest.mark.parametrize("who", [None, "good", *REFUSED])
@pytest.mark.parametrize("way", ["fresh", "ticket"])
@pytest.mark.parametrize("host", NAMES)
def test_no_name_is_served_without_the_certificate_it_asks_for(world, who, way, host):
    """Every way in: the server name matches, is another one, or is missing; fresh, or with a ticket of the open name."""
    for sni in (*NAMES, None):
        ctx, session = world.context(who), None
        if way == "ticket":
            with tcp(world.server) as sock:
                first = RawWebSocket(ctx.wrap_socket(sock, server_hostname=OPEN))
                first.send(http_request(path="/nope", host="%s:%d" % (OPEN, world.server.port)))
                assert read_response(first).status == 404
                session = first.sock.session
                assert session.has_ticket
        got, resumed = world.outcome(ctx, sni, host, session)
        wanted = expected(sni, host, who)
        assert got == wanted or (isinstance(wanted, str) and isinstance(got, str) and wanted in got.upper()), (sni, got, wanted)
        assert resumed == (way == "ticket" and sni == OPEN), (sni, "resumed" if resumed else "not resumed")


def test_a_name_that_asks_for_certificates_gives_no_tickets(world):
    for sni in (LAX, STRICT):
        with world.open(sni, "good", path="/cert") as ws:
            assert ws.recv_json()["user"] == "app-1"
            session = ws.sock.session
            assert session is None or not session.has_ticket


@pytest.mark.parametrize("order", [(OPEN, LAX, STRICT), (STRICT, LAX, OPEN)])
def test_the_rules_of_a_name_hold_in_tls_1_2_too(tmp_path, order):
    """The first name's settings must not leak into the others: verify mode and ticket policy."""
    old = World(tmp_path, "1.2", order=order)
    try:
        with RawWebSocket.open(old.server, host="%s:%d" % (OPEN, old.server.port), context=old.context(), server_hostname=OPEN) as ws:
            assert ws.sock.version() == "TLSv1.3"
            session = ws.sock.session
        for sni, reused in ((OPEN, True), (LAX, False)):
            with tcp(old.server) as sock:
                assert old.context().wrap_socket(sock, server_hostname=sni).version() == "TLSv1.3"
            got = old.outcome(ws.sock.context, sni, sni, session)
            assert got == ("open", True) if reused else got == (4001, False)
        for sni, who in ((OPEN, None), (STRICT, "good"), (LAX, None)):
            with tcp(old.server) as sock:
                ctx = old.context(who, ssl.TLSVersion.TLSv1_2)
                tls = ctx.wrap_socket(sock, server_hostname=sni)
                assert tls.version() == "TLSv1.2" and bool(tls.session.has_ticket) == (sni == OPEN), sni
                session = tls.session
            with tcp(old.server) as sock:
                tls = ctx.wrap_socket(sock, server_hostname=sni, session=session)
                assert tls.session_reused == (sni == OPEN), sni
        for sni, who in ((STRICT, None), (STRICT, "revoked"), (LAX, "revoked"), (STRICT, "wrong usage")):
            with tcp(old.server) as sock, pytest.raises(ssl.SSLError):
                old.context(who, ssl.TLSVersion.TLSv1_2).wrap_socket(sock, server_hostname=sni)
    finally:
        old.server.stop()


# --- who it is

def in_by(world, stem, user, roles, path="/cert"):
    with world.open(STRICT, stem, path=path) as ws:
        welcome = ws.recv_json()
        assert (welcome["type"], welcome["user"], welcome["roles"]) == ("welcome", user, roles)
        end = world.made[stem][2].not_valid_after
        assert 0 < welcome["expires_in"] <= 7 * 86400 and end
        ws.send_json({"type": "subscribe", "channel": "public:chat"})
        assert ws.recv_json()["type"] == "subscribed"


def test_a_row_matches_by_common_name_dns_uri_email_or_fingerprint(world):
    in_by(world, "good", "app-1", ["user"])
    in_by(world, "good", "app-1", ["user"], path="/ws")
    in_by(world, world.make("dns", subject="x", san=[x509.DNSName("other.example.com"), x509.DNSName("Device.example.COM")]),
          "device", ["guest"])
    in_by(world, world.make("uri", subject="x", san=[x509.UniformResourceIdentifier("spiffe://example.com/billing")]),
          "billing", ["moderator"])
    in_by(world, world.make("email", subject="x", san=[x509.RFC822Name("bob@example.com")]), "bob", ["user"])
    with world.open(STRICT, "no usage said", path="/cert") as ws:       # RFC 5280: not said is not limited
        assert ws.recv_json()["user"] == "app-1"                        # the first row that fits decides
    assert world.server.wait_for_event("auth_ok", user="billing")


def relative(*values):
    return x509.RelativeDistinguishedName([x509.NameAttribute(o, v) for o, v in values])


ODD = {
    "another name": {"subject": "app-2"},
    "case": {"subject": "APP-1"},
    "longer": {"subject": "app-1.example.com"},
    "two common names": {"subject": x509.Name([relative((NameOID.COMMON_NAME, "app-1")), relative((NameOID.COMMON_NAME, "app-2"))])},
    "two values": {"subject": x509.Name([relative((NameOID.COMMON_NAME, "app-1"), (NameOID.USER_ID, "root"))])},
    "two values elsewhere": {"subject": x509.Name([relative((NameOID.ORGANIZATION_NAME, "o"), (NameOID.USER_ID, "u")),
                                                   relative((NameOID.COMMON_NAME, "app-1"))])},
    "dns as common name": {"subject": "device.example.com"},
    "common name as dns": {"subject": "x", "san": [x509.DNSName("app-1")]},
    "wildcard": {"subject": "x", "san": [x509.DNSName("*.example.com")]},
    "uri case": {"subject": "x", "san": [x509.UniformResourceIdentifier("spiffe://example.com/Billing")]},
    "uri prefix": {"subject": "x", "san": [x509.UniformResourceIdentifier("spiffe://example.com/billing/x")]},
}
# A SAN of one DNS name: "device.example.com\0.evil.example", one of no bytes, and one cut off in the middle.
NUL = b"device.example.com\0.evil.example"
RAW = {"nul": b"\x30" + bytes([len(NUL) + 2]) + b"\x82" + bytes([len(NUL)]) + NUL, "empty": b"\x30\x02\x82\x00",
       "cut": b"\x30\x0a\x82\x12devi"}


@pytest.mark.parametrize("odd", [*ODD, *RAW])
def test_a_certificate_on_no_row_or_with_odd_names_is_no_login(world, odd):
    if odd in ODD:
        world.make("odd " + odd, **ODD[odd])
    else:
        world.make("odd " + odd, subject="app-1", raw_san=RAW[odd])
    try:
        ws = world.open(STRICT, "odd " + odd, path="/cert")
    except ssl.SSLError:
        assert odd == "cut"     # OpenSSL calls the extension broken before we see it
        return
    with ws:
        closed_with(ws, 4003, "Unauthorized client")
    code = "certificate_invalid" if odd in RAW else "certificate_unknown"
    assert world.server.wait_for_event("auth_failed", code=code, port=ws_port(ws))["close_code"] == 4003


def ws_port(ws):
    return ws.port_was


@pytest.fixture(autouse=True)
def remember_ports(monkeypatch):
    """The local port of a connection, also after its end."""
    opened = RawWebSocket.__init__

    def init(self, sock, *rest, **more):
        opened(self, sock, *rest, **more)
        self.port_was = sock.getsockname()[1]

    monkeypatch.setattr(RawWebSocket, "__init__", init)


def test_no_certificate_where_only_certificates_count_is_4001(world):
    with world.open(LAX, path="/cert") as ws:
        closed_with(ws, 4001, "Certificate required")
    assert world.server.wait_for_event("auth_failed", code="certificate_required", port=ws_port(ws))["close_code"] == 4001


def test_what_follows_the_request_of_an_uncertified_client_is_not_read(world):
    with world.open(LAX, path="/cert") as ws:
        ws.send_json({"type": "auth", "token": world.server.token()})
        closed_with(ws, 4001, "Certificate required")


def test_with_both_ways_set_up_either_is_enough(world):
    with world.open(LAX) as ws:
        ws.send_json({"type": "auth", "token": world.server.token("alice", ["user"])})
        assert ws.recv_json()["user"] == "alice"
    world.make("stranger", subject="stranger")
    with world.open(LAX, "stranger") as ws:
        ws.send_json({"type": "auth", "token": world.server.token("alice", ["user"])})
        assert ws.recv_json()["user"] == "alice"
    with world.open(LAX, "good", headers=[("Authorization", "Bearer " + world.server.token("alice", ["user"]))]) as ws:
        assert ws.recv_json()["user"] == "alice"        # what is said outright counts more
    with world.open(LAX, "good", headers=[("Authorization", "Bearer x.y.z")], expect=401):
        pass


def test_a_route_for_tokens_ignores_certificates_and_the_other_way_round(world):
    with world.open(STRICT, "good", path="/token") as ws:
        ws.send_json({"type": "auth", "token": world.server.token("alice", ["user"])})
        assert ws.recv_json()["user"] == "alice"
    bearer = [("Authorization", "Bearer " + world.server.token("alice", ["user"]))]
    with world.open(STRICT, "good", path="/cert", headers=bearer, expect=401):
        pass
    with world.open(STRICT, "good", path="/cert") as ws:
        assert ws.recv_json()["user"] == "app-1"
        ws.send_json({"type": "auth", "token": world.server.token("app-1", ["admin"])})
        assert ws.recv_json()["code"] == "not_allowed"


def test_where_both_are_required_the_token_names_the_user_and_the_sooner_end_counts(world):
    bearer = [("Authorization", "Bearer " + world.server.token("alice", ["user"], ttl=30 * 86400))]
    with world.open(STRICT, "good", path="/both", headers=bearer) as ws:
        welcome = ws.recv_json()
        assert welcome["user"] == "alice" and welcome["expires_in"] <= 7 * 86400
    with world.open(LAX, "good", path="/both") as ws:
        ws.send_json({"type": "auth", "token": world.server.token("alice", ["user"], ttl=60)})
        welcome = ws.recv_json()
        assert welcome["user"] == "alice" and welcome["expires_in"] <= 90
    with world.open(LAX, path="/both", headers=bearer) as ws:
        closed_with(ws, 4001, "Certificate required")
    world.make("stranger", subject="stranger")
    with world.open(LAX, "stranger", path="/both", headers=bearer) as ws:
        closed_with(ws, 4003, "Unauthorized client")
    with world.open(STRICT, "good", path="/both") as ws:
        ws.send_json({"type": "ping"})
        closed_with(ws, 1008, "First message must be auth")


# --- chains

def chained(world, tmp_path, links):
    top = world.clients
    for i in range(links):
        top = certificates.Authority("link %d" % i, top)
    return top.client(tmp_path, "deep")


def test_a_chain_has_a_depth(tmp_path):
    deep = World(tmp_path, has_crl=False)
    try:
        for links, is_good in ((1, True), (4, True), (5, False), (12, False)):
            deep.made["deep"] = chained(deep, tmp_path, links)
            if is_good:
                with deep.open(STRICT, "deep", path="/cert") as ws:
                    assert ws.recv_json()["user"] == "app-1"
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    deep.open(STRICT, "deep", path="/cert")
    finally:
        deep.server.stop()


def test_an_authority_without_a_list_vouches_for_nobody_once_there_are_lists(world, tmp_path):
    world.made["below"] = chained(world, tmp_path, 1)
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        world.open(STRICT, "below", path="/cert")
    world.server.wait_for_event("tls_failed", detail="unable to get certificate CRL")


def test_many_authorities_do_not_swell_the_handshake(tmp_path):
    server = GatewardServer(tmp_path)
    crowd = [certificates.Authority("authority %d of many, %s" % (i, "x" * 40)) for i in range(150)]
    server._write("clients.crt", b"".join(a.pem() for a in crowd))
    server.config["listen"][0]["tls"].update({"client_certificates": "required", "client_ca": "clients.crt"})
    server.config["auth"]["client_certificates"] = ROWS
    server.write_config()
    with server:
        context = server.ssl_context()
        context.load_cert_chain(*crowd[149].client(tmp_path, "one")[:2])
        with RawWebSocket.open(server, context=context) as ws:
            assert ws.recv_json()["user"] == "app-1"


def test_a_chain_has_a_size(world, tmp_path):
    padding = [x509.UniformResourceIdentifier("urn:" + "x" * 60000), x509.UniformResourceIdentifier("urn:" + "y" * 9000)]
    world.make("huge", san=padding)
    before = world.server.rss_kib()
    for _ in range(20):
        with pytest.raises((ssl.SSLError, ConnectionError, socket.timeout)):
            world.open(STRICT, "huge", path="/cert")
    assert world.server.rss_kib() - before < 60000
    in_by(world, "good", "app-1", ["user"])


def test_a_certificate_that_a_route_cannot_do_without_is_judged_anew(tmp_path):
    world = World(tmp_path)
    server = world.server
    try:
        bearer = [("Authorization", "Bearer " + server.token())]
        with world.open(LAX, "good", path="/both", headers=bearer) as ws, world.open(LAX, "good", path="/both") as first, \
                world.open(LAX, path="/token", headers=bearer) as bare:
            assert ws.recv_json()["user"] == bare.recv_json()["user"] == "alice"
            rows = server.config["auth"]["client_certificates"]
            server.config["auth"]["client_certificates"] = [r for r in rows if r.get("name") != "app-1"]
            server.config["routes"][2] = {"path": "/token", "auth": ["jwt", "certificate"], "require": "all"}
            server.write_config()
            server.signal(signal.SIGHUP)
            closed_with(ws, 4003, "Unauthorized client")
            closed_with(first, 4003, "Unauthorized client")
            closed_with(bare, 4001, "Certificate required")
    finally:
        server.__exit__(None, None, None)
