# SPDX-License-Identifier: Apache-2.0
"""Client certificates, every way around them: what a name asks for x fresh or by ticket x server name x who comes.

One listener with two names: `target` has the policy under test, `side` asks for nothing and hands out tickets. All go for
/cert, a route where only a certificate is a login, so there is one question: who came in? An oracle answers it.
"""
import contextlib
import json
import signal
import ssl

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

import certificates
from attack_tools import ROOMY, tcp
from gateward_server import GatewardServer
from raw_client import RawWebSocket, http_request, parse_close, read_response

TARGET, SIDE = "target.example.com", "side.example.com"
POLICIES = ["off", "optional", "required"]
RECORDS = ["auto", "openssl"]     # listen[].tls.records
VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
WAYS = ["fresh", "ticket"]
# The server name and the Host; None: no server name.
NAMES = {"match": (TARGET, TARGET), "mismatch": (SIDE, TARGET), "none": (None, TARGET), "reversed": (TARGET, SIDE)}
ALERTS = {"revoked": "CERTIFICATE_REVOKED", "expired": "CERTIFICATE_EXPIRED", "wrong authority": "UNKNOWN_CA",
          "wrong usage": "UNSUPPORTED_CERTIFICATE"}
WHO = ["nobody", "good", "unlisted", *ALERTS]
ROWS = [{"name": "app-1", "user": "app-1", "roles": ["user"]}]


class House(GatewardServer):
    """sites: rows (name, policy, stem of the authority's files), the first one also for those who send no name."""

    def __init__(self, directory, sites, listeners=1, records="auto"):
        super().__init__(directory, {"limits": ROOMY, "routes": [{"path": "/cert", "auth": ["certificate"]}]})
        self.clients = certificates.Authority("clients")
        self.made = {"good": self.clients.client(directory, "good"),
                     "revoked": self.clients.client(directory, "revoked"),
                     "expired": self.clients.client(directory, "expired", days=-1),
                     "wrong usage": self.clients.client(directory, "usage", usage=ExtendedKeyUsageOID.SERVER_AUTH),
                     "wrong authority": certificates.Authority("others").client(directory, "others"),
                     "unlisted": self.clients.client(directory, "unlisted", subject="app-2")}
        self.clients.revoke(self.made["revoked"][2])
        self.trust(self.clients)
        for name, _, _ in sites:
            self.authority.issue(directory, name, names=(name,), addresses=())
        rows = [self.site(*site) for site in sites]
        listen = [rows] if listeners == 1 else [[row] for row in rows]
        self.config["listen"] = [{"address": "127.0.0.1:0", "tls": {"certificates": r, "min_version": "1.2", "records": records}}
                                 for r in listen]
        self.config["auth"]["client_certificates"] = ROWS
        self.write_config()

    @staticmethod
    def site(name, policy, stem):
        asks = {} if policy == "off" else {"client_ca": stem + ".crt", "client_crl": stem + ".crl"}
        return {"cert": name + ".crt", "key": name + ".key", "client_certificates": policy, **asks}

    def trust(self, authority, stem="clients"):
        self._write(stem + ".crt", authority.pem())
        self._write(stem + ".crl", authority.crl())

    def reload(self):
        count = len(self.events("reload"))
        self.signal(signal.SIGHUP)
        assert self.wait_for_event("reload", count=count + 1)["outcome"] == "ok"

    def context(self, who, version):
        ctx = ssl.create_default_context(cafile=self.path("ca.crt"))
        ctx.check_hostname = False      # wrong names are said on purpose here
        ctx.minimum_version = ctx.maximum_version = version
        if who != "nobody":
            ctx.load_cert_chain(*self.made[who][:2])
        return ctx

    def session(self, ctx, sni, listener=0, host=None, path="/nope"):
        """What a client could show later: of a whole request and its answer, so that tickets have come."""
        with tcp(self, listener=listener) as sock:
            ws = RawWebSocket(ctx.wrap_socket(sock, server_hostname=sni))
            ws.send(http_request(path=path, host=host or sni))
            read_response(ws)
            if path != "/nope":
                ws.recv_frame()
            return ws.sock.session

    def outcome(self, ctx, sni, host, session=None, listener=0):
        """(what happened, whether the session was resumed): a user, a status, a close code or an alert's word."""
        with tcp(self, listener=listener) as sock:
            try:
                ws = RawWebSocket(ctx.wrap_socket(sock, server_hostname=sni, session=session))
                ws.send(http_request(path="/cert", host=host))
                answer = read_response(ws)
                if answer.status != 101:
                    return answer.status, ws.sock.session_reused
                frame = ws.recv_frame()
                said = json.loads(frame.payload)["user"] if frame.opcode == 1 else parse_close(frame.payload)[0]
                return said, ws.sock.session_reused
            except ssl.SSLError as e:
                return alert(e), False


def alert(e):
    return (e.reason or str(e)).upper().replace("TLSV1_ALERT_", "").replace("TLSV13_ALERT_", "").replace("SSLV3_ALERT_", "")


def expected(policy, is_target_first, names, who):
    """The verdict that the documentation promises (docs/tls.md), from the words of the cell alone."""
    sni, host = NAMES[names]
    if sni is None and policy == "required":
        return "HANDSHAKE_FAILURE"                      # where one requires certificates, nobody comes without a name
    if sni is None:
        sni = TARGET if is_target_first else SIDE
    asked = policy if sni == TARGET else "off"
    if asked != "off" and who in ALERTS:
        return ALERTS[who]                              # a bad one is refused even where none is needed
    if asked == "required" and who == "nobody":
        return "CERTIFICATE_REQUIRED"
    if sni != host:
        return 421
    if asked == "off" or who == "nobody":
        return 4001                                     # a certificate that was not asked for proves nothing
    return "app-1" if who == "good" else 4003


def in_tls_1_2(verdict):
    """TLS 1.2 has no alert of its own for a missing certificate."""
    return "HANDSHAKE_FAILURE" if verdict == "CERTIFICATE_REQUIRED" else verdict


@contextlib.contextmanager
def running(directory, *sites, **kwargs):
    with House(directory, sites, **kwargs) as house:
        yield house


@pytest.fixture(scope="module", params=[(p, o, r) for p in POLICIES for o in ("target first", "side first") for r in RECORDS],
                ids=lambda p: "-".join(p))
def cell(request, tmp_path_factory):
    policy, order, records = request.param
    sites = [(TARGET, policy, "clients"), (SIDE, "off", "clients")]
    sites = sites if order == "target first" else sites[::-1]
    if policy == "off":     # rows of auth.client_certificates need somebody who asks
        sites.append(("asks.example.com", "optional", "clients"))
    with running(tmp_path_factory.mktemp("matrix"), *sites, records=records) as house:
        yield house, policy, order == "target first"


@pytest.mark.parametrize("version", VERSIONS)
def test_nobody_comes_in_but_with_a_good_certificate_that_was_asked_for(cell, version):
    """Of 3 policies, 2 ways, 4 pairs of names and 7 clients, each in both orders of the names and both versions of TLS."""
    house, policy, is_target_first = cell
    wrong, let_in, before = [], 0, len(house.events("auth_ok"))
    for who in WHO:
        for way in WAYS:
            for names, (sni, host) in NAMES.items():
                ctx = house.context(who, VERSIONS[version])
                ticket = house.session(ctx, SIDE) if way == "ticket" else None
                assert ticket is None or ticket.has_ticket
                got, resumed = house.outcome(ctx, sni, host, ticket)
                wanted = expected(policy, is_target_first, names, who)
                let_in += wanted == "app-1"
                if got != (in_tls_1_2(wanted) if version == "TLS 1.2" else wanted):
                    wrong.append((who, way, names, "got", got, "not", wanted))
                # The ticket works where it was given (so it is a good one), and nowhere else.
                if sni is not None and resumed != (way == "ticket" and sni == SIDE):
                    wrong.append((who, way, names, "resumed" if resumed else "not resumed"))
                if resumed and sni is None and is_target_first:
                    wrong.append((who, way, names, "resumed at another site"))
    assert not wrong, wrong
    assert len(house.events("auth_ok")) - before == let_in       # the server's own word


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("policy", ["optional", "required"])
@pytest.mark.parametrize("change", ["revoked", "authority gone"])
def test_what_was_shown_before_a_change_is_worth_nothing_after_it(tmp_path, version, policy, change):
    """Sessions of both names from before: the one with a certificate's proof in it must not bring that proof along."""
    with running(tmp_path, (TARGET, policy, "clients"), (SIDE, "off", "clients")) as house:
        ctx = house.context("good", VERSIONS[version])
        assert house.outcome(ctx, TARGET, TARGET) == ("app-1", False)
        before = {"target": house.session(ctx, TARGET, path="/cert"), "side": house.session(ctx, SIDE)}
        assert house.outcome(ctx, SIDE, SIDE, before["side"]) == (4001, True)
        assert house.outcome(ctx, TARGET, TARGET, before["target"]) == ("app-1", False)
        if change == "revoked":
            house.clients.revoke(house.made["good"][2])
            house.trust(house.clients)
        else:
            house.trust(certificates.Authority("new clients"))
        house.reload()
        wanted = "CERTIFICATE_REVOKED" if change == "revoked" else "UNKNOWN_CA"
        for session in (None, *before.values()):
            assert house.outcome(ctx, TARGET, TARGET, session) == (wanted, False)
        assert house.outcome(ctx, SIDE, SIDE, before["side"]) == (4001, False)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_ticket_of_an_open_port_opens_no_other(tmp_path, version):
    """Two listeners of one process: the ticket is shown to the one that requires certificates."""
    with running(tmp_path, (SIDE, "off", "clients"), (TARGET, "required", "clients"), listeners=2) as house:
        for who, wanted in (("nobody", "CERTIFICATE_REQUIRED"), ("revoked", "CERTIFICATE_REVOKED"), ("good", "app-1")):
            ctx = house.context(who, VERSIONS[version])
            ticket = house.session(ctx, SIDE)
            assert house.outcome(ctx, SIDE, SIDE, ticket) == (4001, True)
            wanted = in_tls_1_2(wanted) if version == "TLS 1.2" else wanted
            assert house.outcome(ctx, TARGET, TARGET, ticket, listener=1) == (wanted, False)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_name_believes_its_own_authority(tmp_path, version):
    """A certificate that is good for one name is nothing to its neighbour, fresh or with what the first name gave."""
    house = House(tmp_path, [(TARGET, "required", "clients"), (SIDE, "required", "partners")])
    partners = certificates.Authority("partners")
    house.trust(partners, "partners")
    house.made["partner"] = partners.client(tmp_path, "partner")
    with house:
        for who, home, other in (("good", TARGET, SIDE), ("partner", SIDE, TARGET)):
            ctx = house.context(who, VERSIONS[version])
            assert house.outcome(ctx, home, home) == ("app-1", False)
            session = house.session(ctx, home, path="/cert")
            assert house.outcome(ctx, home, other, session) == (421, False)
            for shown in (None, session):
                assert house.outcome(ctx, other, other, shown) == ("UNKNOWN_CA", False)


@pytest.mark.parametrize("who", ["nobody", "good", "revoked"])
def test_post_handshake_authentication_is_no_way_in(tmp_path, who):
    """A client that announces it could show a certificate later (RFC 8446 section 4.2.6) is never asked, and not served."""
    with running(tmp_path, (TARGET, "required", "clients"), (SIDE, "off", "clients")) as house:
        ctx = house.context(who, ssl.TLSVersion.TLSv1_3)
        ctx.post_handshake_auth = True
        wanted = {"nobody": "CERTIFICATE_REQUIRED", "good": "app-1", "revoked": "CERTIFICATE_REVOKED"}[who]
        assert house.outcome(ctx, TARGET, TARGET) == (wanted, False)
        assert house.outcome(ctx, SIDE, SIDE) == (4001, False)
        assert house.outcome(ctx, SIDE, TARGET) == (421, False)
