# SPDX-License-Identifier: Apache-2.0
"""Tokens of other providers: claims elsewhere, tenants, access tokens (RFC 9068), scopes, tokens bound to a certificate."""
import time

import pytest

import jwt_maker
from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, closed_with, run_gateward

ROW = {"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": "https://id.test", "audience": "gateward"}
PROVIDER = {**ROW, "user_claim": "preferred_username", "roles_claim": "/realm_access/roles", "tenant_claim": "/org/id",
            "required_claims": ["email_verified", "/org/plan"]}
CHANNELS = [{"pattern": "public:chat"}, {"pattern": "private:room-{room_id}", "scopes": {"subscribe": "chat:read"}}]


def house(tmp_path_factory, row):
    config = {"listen": PLAIN, "limits": ROOMY, "channels": CHANNELS, "auth": {"jwt": [row]}}
    return GatewardServer(tmp_path_factory.mktemp("house"), config)


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    with house(tmp_path_factory, PROVIDER) as running:
        yield running


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    with house(tmp_path_factory, {**ROW, "profile": "rfc9068"}) as running:
        yield running


def text_of(server, claims, typ="JWT"):
    """A token. A claim given as None is left out."""
    payload = {"iss": "https://id.test", "aud": "gateward", "sub": "0e7c1f", "exp": int(time.time()) + 600, **claims}
    header = {"alg": "HS256", **({"typ": typ} if typ else {})}
    return jwt_maker.compact(header, {k: v for k, v in payload.items() if v is not None}, server.secret)


def welcomed(ws, text):
    return ask(ws, "auth:" + text)


def refused(server, text, word):
    with RawWebSocket.open(server) as ws:
        ws.send_text("auth:" + text)
        closed_with(ws, 1008, "Authentication failed")
        assert server.wait_for_event("auth_failed", port=ws.local_port)["code"] == word


GOOD = {"preferred_username": "alice", "realm_access": {"roles": ["user", "offline_access"]},
        "org": {"id": "acme", "plan": "free"}, "email_verified": False}


def test_user_and_roles_stand_where_the_provider_puts_them(provider):
    with RawWebSocket.open(provider) as ws:
        welcome = welcomed(ws, text_of(provider, GOOD))
        assert welcome["user"] == "alice" and welcome["roles"] == ["user"]


@pytest.mark.parametrize("changes, word", [
    ({"preferred_username": None}, "token_subject"), ({"preferred_username": "a b"}, "token_subject"),
    ({"org": {"plan": "x"}}, "token_tenant"), ({"org": {"id": "a:b", "plan": "x"}}, "token_tenant"),
    ({"org": "acme"}, "token_tenant"), ({"org": {"id": "acme"}}, "token_claim_missing"),
    ({"email_verified": None}, "token_claim_missing"), ({"realm_access": {"roles": 7}}, "token_claims"),
    ({"auth_time": "yesterday"}, "token_claims"), ({"auth_time": time.time() + 3600}, "token_not_yet_valid"),
    ({"cnf": {"x5t#S256": "A" * 43}}, "token_not_bound"), ({"cnf": {"jkt": "A" * 43}}, "token_not_bound"),
])
def test_what_is_missing_or_wrong_refuses_and_the_log_says_which(provider, changes, word):
    refused(provider, text_of(provider, {**GOOD, **changes}), word)


ACCESS = {"sub": "alice", "roles": ["user"], "client_id": "app", "jti": "t-1", "iat": 1700000000}


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT"])
def test_an_access_token_opens_the_door(access, typ):
    with RawWebSocket.open(access) as ws:
        assert welcomed(ws, text_of(access, ACCESS, typ))["user"] == "alice"


@pytest.mark.parametrize("typ", ["JWT", None])
def test_an_id_token_does_not(access, typ):
    refused(access, text_of(access, {**ACCESS, "nonce": "n", "at_hash": "h"}, typ), "token_type")


@pytest.mark.parametrize("missing", ["client_id", "jti", "iat"])
def test_an_access_token_is_complete(access, missing):
    refused(access, text_of(access, {**ACCESS, missing: None}, "at+jwt"), "token_claim_missing")


@pytest.mark.parametrize("claims, may", [
    ({"scope": "openid chat:read"}, True), ({"scp": ["chat:read"]}, True), ({"scope": "chat:readx"}, False), ({}, False),
    ({"scope": "chat:read", "scp": "other"}, False),
])
def test_scopes_of_an_access_token_bound_what_it_may_do(access, claims, may):
    with RawWebSocket.open(access) as ws:
        welcomed(ws, text_of(access, {**ACCESS, **claims}, "at+jwt"))
        answer = ask(ws, {"type": "subscribe", "channel": "private:room-1"})
        assert answer["type"] == ("subscribed" if may else "error")
        assert ask(ws, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"


def test_tokens_of_our_own_fit_the_row(provider, access):
    def token(server, *more):
        return run_gateward("token", "--config", server.config_path, "--sub", "alice", "--roles", "user", *more)

    for server, row, more in ((provider, PROVIDER, ("--tenant", "acme")), (access, ROW, ())):
        made = token(server, *more, "--scopes", "chat:read,x")
        if row is PROVIDER:     # the provider alone knows who has verified an address
            assert made.returncode == 1 and "would refuse the token itself" in made.stderr and not made.stdout
            continue
        assert made.returncode == 0, made.stderr
        with RawWebSocket.open(server) as ws:
            assert welcomed(ws, made.stdout.strip())["user"] == "alice"
            assert ask(ws, {"type": "subscribe", "channel": "private:room-1"})["type"] == "subscribed"
    for wrong, says in ((("--tenant", "a b"), "--tenant must be"), (("--tenant", "x" * 33), "--tenant must be"),
                        (("--scopes", "a,,b"), "--scopes must be"), (("--scopes", 'a"'), "--scopes must be"),
                        (("--tenant", "acme"), "has no tenant_claim")):
        result = token(access, *wrong)
        assert result.returncode == 2 and says in result.stderr and not result.stdout


def test_our_own_token_names_its_tenant(tmp_path_factory):
    row = {k: v for k, v in PROVIDER.items() if k != "required_claims"}
    with house(tmp_path_factory, row) as server:
        arguments = ("token", "--config", server.config_path, "--sub", "alice", "--roles", "user,admin")
        assert "--tenant" in run_gateward(*arguments).stderr
        made = run_gateward(*arguments, "--tenant", "acme")
        with RawWebSocket.open(server) as ws:
            assert welcomed(ws, made.stdout.strip())["roles"] == ["user", "admin"]


def test_check_names_bad_claims_with_their_place(tmp_path):
    (tmp_path / "jwt.secret").write_text("h1fkNq0bS2vX8yQm4rTz7uJw9eLc5aPd3gVo6iKx0nB")
    (tmp_path / "jwt.secret").chmod(0o600)
    (tmp_path / "bad.yaml").write_text("""\
listen: [{address: "127.0.0.1:0"}]
auth:
  jwt:
    - algorithms: [HS256]
      secret: {file: jwt.secret}
      issuer: null
      audience: null
      user_claim: /a~b
      required_claims: [email, "/x~", email]
      profile: rfc9068
channels: [{pattern: "public:chat"}]
""")
    says = run_gateward("check", str(tmp_path / "bad.yaml")).stderr
    for place in ("bad.yaml:8:19: `/a~b` is no JSON pointer", "bad.yaml:9:32: `/x~` is no JSON pointer",
                  "bad.yaml:9:39: `email` stands here a second time", "bad.yaml:4:7: `profile: rfc9068` checks who"):
        assert place in says, says
