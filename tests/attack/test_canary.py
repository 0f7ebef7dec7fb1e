# SPDX-License-Identifier: Apache-2.0
"""No stranger chooses whom gateward connects to. A canary listens; its URL stands in every place that a stranger can write to:
tokens, headers, targets, messages, client certificates, and the answers of the servers that the configuration does name."""
import json
import secrets
import ssl
import time

import jwt
import pytest

import certificates
from askable import Askable
from canary import Canary
from gateward_server import GatewardServer
from internal_api import ORIGIN, SCOPES, InternalApi, internal_config
from jwks_maker import Signer
from raw_client import Ended, RawConnection, RawWebSocket, http_request

ISSUER = "https://id.example.com"
SETTLES = 0.7       # seconds in which a request that somebody started would have come
REDIRECTS = [301, 302, 303, 307, 308]


@pytest.fixture
def canary():
    with Canary() as made:
        yield made


def everywhere(canary):
    """Header fields of an answer that name another place."""
    url = canary.url()
    return [("Link", "<%s>; rel=preconnect" % url), ("Alt-Svc", 'h2="127.0.0.1:%d"; ma=60' % canary.port), ("Refresh", "0; url=" + url),
            ("Content-Location", url), ("WWW-Authenticate", 'Bearer realm="%s", resource_metadata="%s"' % (url, url)),
            ("NEL", '{"report_to":"x"}'), ("Report-To", '{"group":"x","endpoints":[{"url":"%s"}]}' % url)]


class World:
    """gateward, and the three that its configuration names: keys, introspection, hook. `redirect`: (who, status) or None."""

    def __init__(self, folder, canary, redirect=(None, 0)):
        self.canary, self.redirect = canary, redirect
        self.signer = Signer("ES256", "one")
        self.opaque = secrets.token_urlsafe(32)
        provider_ca = certificates.Authority("provider")
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*provider_ca.issue(folder, "provider", points_to=canary.url("/provider", "http")))
        self.keys = Askable(lambda _: self.say("keys", self.key_set()), "/jwks", tls)
        self.asked = Askable(lambda r: self.say("introspection", self.introspect(r)), "/introspect", tls)
        self.app = Askable(lambda r: self.say("hook", self.who(r)), "/whoami", tls)
        self.clients = certificates.Authority("clients")
        proxies = {name: canary.url(scheme="http") for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
        self.server = GatewardServer(folder, self.config(folder), environment={**proxies, "no_proxy": "", "NO_PROXY": ""})
        for name, data in (("provider.ca", provider_ca.pem()), ("clients.crt", self.clients.pem()), ("clients.crl", self.clients.crl())):
            self.server._write(name, data)
        self.server._write("client.secret", secrets.token_urlsafe(32).encode())
        self.server.authority.issue(folder, points_to=canary.url("/server", "http"))

    def config(self, folder):
        auth = {
            "jwt": [{"algorithms": ["ES256"], "jwks_url": self.keys.url, "jwks_ca": "provider.ca", "issuer": ISSUER, "audience": None}],
            "oauth2": {"introspection_url": self.asked.url, "ca": "provider.ca", "client_id": "gateward", "issuer": None,
                       "client_secret": {"file": "client.secret"}, "audience": None, "cache": "0s", "recheck": "1s"},
            "hook": {"url": self.app.url, "ca": "provider.ca", "headers": ["Cookie"], "cache": "0s", "recheck": "1s"},
            "csrf": "origin_only", "client_certificates": [{"name": "app-1", "user": "app-1", "roles": ["user"]}]}
        listen = {"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key", "client_certificates": "optional",
                                                    "client_ca": "clients.crt", "client_crl": "clients.crl"}}
        return {**internal_config(folder, 1, scopes=SCOPES, auth=auth), "listen": [listen]}

    def say(self, who, value):
        name, status = self.redirect
        more = everywhere(self.canary)
        if who == name:
            return status, value, more + [("Location", self.canary.url("/" + who))]
        return 200, value, more

    def links(self):
        url = self.canary.url("/link")
        return {"jku": url, "x5u": url, "jwks_uri": url, "introspection_endpoint": url, "url": url, "$ref": url, "next": url}

    def key_set(self):
        return {"keys": [self.signer.jwk(kid="one", use="sig", x5u=self.canary.url("/x5u"))], **self.links()}

    def introspect(self, request):
        if request.form().get("token") != self.opaque:
            return {"active": False, **self.links()}
        return {"active": True, "sub": "alice", "roles": ["user"], "exp": int(time.time()) + 600, "iss": self.canary.url(), **self.links()}

    def who(self, request):
        return {"user": "alice", "roles": ["user"], **self.links()} if request.cookies().get("sid") == "good" else {}

    def token(self, header=None, **claims):
        payload = {"sub": "alice", "roles": ["user"], "iss": ISSUER, "iat": int(time.time()), "exp": int(time.time()) + 600, **claims}
        return jwt.encode(payload, self.signer.key, algorithm="ES256", headers={"kid": "one", **(header or {})})

    def try_token(self, token):
        """By header and by message, whatever comes of it."""
        with RawWebSocket.open(self.server, headers=[("Authorization", "Bearer " + token)], expect=None):
            pass
        with RawWebSocket.open(self.server) as ws:
            ws.send_json({"type": "auth", "token": token})
            ws.recv_frame()

    def status(self, **kwargs):
        with RawWebSocket.open(self.server, expect=None, **kwargs) as ws:
            return ws.response.status

    def by_token(self, token):
        return self.status(headers=[("Authorization", "Bearer " + token)])

    def by_cookie(self):
        return self.status(headers=[("Cookie", "sid=good")], origin=ORIGIN)

    def __enter__(self):
        for source in (self.keys, self.asked, self.app):
            source.__enter__()
        return self.server.__enter__() and self

    def __exit__(self, *trouble):
        try:
            self.server.__exit__(*trouble)
        finally:
            self.server.kill()
            for source in (self.keys, self.asked, self.app):
                source.__exit__()
        if trouble[0] is None:
            time.sleep(SETTLES)
            assert self.canary.visits == 0
            assert self.canary.sings()
            for source, path in ((self.keys, "/jwks"), (self.asked, "/introspect"), (self.app, "/whoami")):
                assert {r.path for r in source.requests} <= {path}


@pytest.fixture
def world(tmp_path, canary):
    with World(tmp_path, canary) as made:
        made.server.wait_for_event("key_source", code="fetched")
        yield made
        assert made.by_token(made.token()) == 101       # after all of it, the three that were named still are asked
        assert made.by_token(made.opaque) == 101 and made.by_cookie() == 101
        assert made.keys.requests and made.asked.requests and made.app.requests
        time.sleep(SETTLES)
        assert made.canary.visits == 0


def places(canary):
    bare = "127.0.0.1:%d" % canary.port
    return [canary.url("/jwks"), canary.url("/jwks", "http"), "//" + bare, "../../" + bare, "x@" + bare, "one#" + canary.url(),
            "\r\nHost: " + bare]


def test_headers_of_tokens_lead_nowhere(world, canary):
    own = world.signer.jwk(kid="one")
    for value in places(canary):
        for header in ({"jku": value}, {"x5u": value}, {"kid": value}, {"jku": value, "kid": value}, {"jwk": {**own, "x5u": value}},
                       {"x5c": [value]}, {"jku": value, "x5u": value, "crit": ["jku"]}, {"url": value, "iss": value}):
            world.try_token(world.token(header))
    assert len(world.keys.requests) == 1        # 30 s apart, however many unknown keys are named


def test_claims_of_tokens_lead_nowhere(world, canary):
    for value in places(canary):
        for claims in ({"iss": value}, {"iss": value, "aud": value, "azp": value, "sub": value}, {"jti": value, "tid": value},
                       {"roles": [value], "scope": value}, {"cnf": {"jku": value, "kid": value}},
                       {"_claim_names": {"roles": "a"}, "_claim_sources": {"a": {"endpoint": value, "access_token": "x"}}},
                       {"status": {"status_list": {"idx": 0, "uri": value}}}, {"jwks_uri": value, "jwks": {"keys": []}}):
            world.try_token(world.token(**claims))


def test_opaque_tokens_that_are_urls_lead_nowhere(world, canary):
    for value in places(canary)[:-1]:
        world.try_token(value)
        world.try_token(value.replace("/", "_").replace(":", "-"))


HEADERS = ["Origin", "Referer", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Real-IP",
           "X-Original-URL", "X-Rewrite-URL", "X-Original-Host", "Via", "From", "Cookie", "Destination", "Location", "Link", "DPoP",
           "Content-Location", "Proxy-Authorization", "Proxy-Connection", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
           "Sec-WebSocket-Origin", "User-Agent", "X-Wap-Profile", "Client-Cert", "X-Callback-Url", "Alt-Used", "Upgrade"]


def test_headers_of_requests_lead_nowhere(world, canary):
    bare = "127.0.0.1:%d" % canary.port
    for value in (canary.url(), bare, "http://" + bare):
        for name in HEADERS:
            world.status(headers=[(name, value)])
            world.status(headers=[(name, value), ("Authorization", "Bearer " + world.token())])
        world.status(headers=[("Forwarded", "for=%s;host=%s;proto=https;by=%s" % (bare, bare, bare))])
        world.status(headers=[("Cookie", "sid=%s" % value)], origin=ORIGIN)
        world.status(headers=[("Cookie", "sid=good; __Host-session=%s" % value)], origin=ORIGIN)
        world.status(host=value)


def raw(world, data):
    with RawConnection.open(world.server) as c:
        c.send(data)
        try:
            assert c.recv_until(b"\r\n\r\n").startswith(b"HTTP/1.1 ")
        except Ended:
            pass        # refused without a word


def test_targets_of_requests_lead_nowhere(world, canary):
    host = "localhost:%d" % world.server.port
    bare = "127.0.0.1:%d" % canary.port
    for name in ("ticket", "token", "access_token", "url", "redirect_uri", "next", "jku", "callback", "csrf", "session", "state", "iss"):
        world.status(path="/ws?%s=%s" % (name, canary.url()))
        world.status(path="/ws?%s=%s" % (name, canary.url().replace(":", "%3A").replace("/", "%2F")))
    for target in (canary.url(), canary.url("/ws", "wss"), "//%s/ws" % bare, "/ws/../../%s" % bare, "/%s" % canary.url(), "@" + bare, bare):
        raw(world, http_request(path=target, host=host))
        raw(world, http_request(path=target, host=host, method="CONNECT", drop=["Upgrade", "Connection"]))


def test_messages_lead_nowhere(world, canary):
    with RawWebSocket.login(world.server, token=world.token()) as ws:
        ws.send_json({"type": "subscribe", "channel": "public:chat"})
        for value in places(canary):
            links = {"url": value, "$ref": value, "$schema": value, "href": value, "src": value, "reply_to": value, "callback": value,
                     "html": '<img src="%s"><script src="%s"></script><link rel=prefetch href="%s">' % (value, value, value),
                     "xml": '<!DOCTYPE x SYSTEM "%s"><x/>' % value}
            for message in ({"type": "publish", "channel": "public:chat", "data": links}, {"type": "publish", "channel": value, "data": 1},
                            {"type": "subscribe", "channel": value}, {"type": "auth", "token": value}, {"type": value},
                            {"type": "ping", "id": value}, {"type": "publish", "channel": "public:chat", "data": value, "id": value},
                            {"type": "publish", "channel": "public:chat", "data": 1, **links}, links):
                try:
                    ws.send_json(message)
                except OSError:
                    pass
        time.sleep(SETTLES)
    api = InternalApi(world.server)
    for body in ({"channel": "public:chat", "data": {"url": canary.url(), "$ref": canary.url()}}, {"channel": canary.url(), "data": 1},
                 {"channel": "public:chat", "data": 1, "webhook": canary.url()}):
        api.post("/api/publish", body)
    api.post("/api/tickets", {"user": "alice", "roles": [canary.url()], "origin": canary.url()})
    api.post("/api/revoke", {"token_id": canary.url()})


def test_urls_in_client_certificates_lead_nowhere(world, canary):
    middle = certificates.Authority("middle", parent=world.clients)
    here = canary.url("/certificate", "http")
    folder = world.server.directory
    made = [world.clients.client(folder, "known", points_to=here), certificates.Authority("clients").client(folder, "unknown", points_to=here)]
    lonely = middle.client(folder, "lonely", points_to=here)        # what signed it is to be found at the canary alone
    with open(lonely[0], "rb") as f:
        leaf = f.read().split(b"-----END CERTIFICATE-----")[0] + b"-----END CERTIFICATE-----\n"
    with open(lonely[0], "wb") as f:
        f.write(leaf)
    got = []
    for certificate, key, _ in made + [lonely]:
        context = world.server.ssl_context()
        context.load_cert_chain(certificate, key)
        try:
            with RawWebSocket.open(world.server, context=context, expect=None) as ws:
                got.append(ws.response.status)
        except (ssl.SSLError, OSError, Ended):
            got.append("refused")
    assert got == [101, "refused", "refused"]


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("who", ["keys", "introspection", "hook"])
def test_redirects_of_those_who_are_asked_are_not_followed(tmp_path, canary, who, status):
    with World(tmp_path, canary, (who, status)) as world:
        if who == "keys":
            event = world.server.wait_for_event("key_source", code="failed")
            assert event["detail"].startswith("redirect")
            assert world.by_token(world.token()) == 503
        else:
            assert (world.by_token(world.opaque) if who == "introspection" else world.by_cookie()) == 503
            assert (world.asked if who == "introspection" else world.app).requests
