# SPDX-License-Identifier: Apache-2.0
"""Tokens under public keys from a file, signed by PyJWT: each algorithm, rotation, confusion, and what the commands say."""
import json
import os
import secrets

import pytest

import jwt_maker
from gateward_server import GatewardServer
from jwks_maker import ALGORITHMS, Signer, write_set
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, closed_with, run_gateward

FAILED = "Authentication failed"


def row(path, algorithms, **more):
    return {"algorithms": algorithms, "jwks_file": str(path), "issuer": None, "audience": None, **more}


def config(*rows):
    return {"listen": PLAIN, "limits": ROOMY, "auth": {"jwt": list(rows)}}


@pytest.fixture(scope="module")
def signers():
    return {name: Signer(name, kid="key-" + name) for name in ALGORITHMS}


@pytest.fixture(scope="module")
def house(tmp_path_factory, signers):
    """A server that knows a key for each algorithm, and in a second row a secret."""
    folder = tmp_path_factory.mktemp("jwks")
    path = write_set(folder / "keys.json", *signers.values())
    symmetric = {"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None}
    with GatewardServer(folder, config(row(path, ALGORITHMS), symmetric)) as running:
        yield running


def refused(server, token, code, reason=FAILED):
    with RawWebSocket.open(server) as ws:
        port = ws.local_port
        ws.send_text("auth:" + token)
        closed_with(ws, 1008, reason)
    assert server.wait_for_event("auth_failed", port=port)["code"] == code


def welcomed(server, token):
    with RawWebSocket.open(server) as ws:
        return ask(ws, {"type": "auth", "token": token})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_of_each_algorithm_is_answered_by_a_welcome(house, signers, algorithm):
    welcome = welcomed(house, signers[algorithm].token("alice", ["user", "moderator"]))
    assert (welcome["type"], welcome["user"], welcome["roles"]) == ("welcome", "alice", ["user", "moderator"])
    assert 3500 < welcome["expires_in"] <= 3630


@pytest.mark.parametrize("algorithm", ["RS256", "ES384", "EdDSA"])
def test_the_handshake_takes_such_a_token_too(house, signers, algorithm):
    headers = [("Authorization", "Bearer " + signers[algorithm].token("bob"))]
    with RawWebSocket.open(house, headers=headers) as ws:
        assert house.wait_for_event("auth_ok", port=ws.local_port)["user"] == "bob"


def test_a_symmetric_row_beside_it_goes_on_serving(house):
    assert welcomed(house, house.token("carol"))["user"] == "carol"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_key_of_the_same_name_and_another_name_are_refused(house, signers, algorithm):
    stranger = Signer(algorithm, kid=signers[algorithm].kid)
    refused(house, stranger.token(), "token_signature")
    stranger.key, stranger.kid = signers[algorithm].key, "../../../etc/passwd"
    refused(house, stranger.token(), "token_unknown_key")


def test_an_expired_token_has_its_reason(house, signers):
    refused(house, signers["ES256"].token(ttl=-60), "token_expired", "Token expired")


@pytest.mark.parametrize("form", ["pem", "pem without line end", "jwk"])
@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES256", "EdDSA"])
def test_a_public_key_is_no_secret(house, signers, algorithm, form):
    signer = signers[algorithm]
    secret = {"pem": signer.pem(), "pem without line end": signer.pem().rstrip(),
              "jwk": json.dumps(signer.jwk()).encode()}[form]
    payload = {"sub": "alice", "exp": 4102444800}
    for header, code in (({"alg": "HS256", "kid": signer.kid}, "token_signature"),
                         ({"alg": algorithm, "kid": signer.kid}, "token_signature"),
                         ({"alg": "none"}, "token_algorithm")):
        refused(house, jwt_maker.compact(header, payload, secret), code)


def test_keys_that_a_token_brings_along_are_not_looked_at(house, signers):
    import jwt
    stranger = Signer("ES256")
    headers = {"jwk": stranger.jwk(), "jku": "http://127.0.0.1:1/keys", "kid": signers["ES256"].kid}
    refused(house, jwt.encode({"sub": "alice", "exp": 4102444800}, stranger.key, "ES256", headers), "token_signature")


def test_two_keys_in_the_file_carry_a_rotation(tmp_path, start_server):
    old, new = Signer("ES256", kid="2025"), Signer("ES256", kid="2026")
    path = tmp_path / "keys.json"
    write_set(path, old)
    first = start_server(config(row(path, ["ES256"])))
    assert welcomed(first, old.token())["type"] == "welcome"
    refused(first, new.token(), "token_unknown_key")
    write_set(path, new, old)
    both = start_server(config(row(path, ["ES256"])))
    assert welcomed(both, old.token())["type"] == welcomed(both, new.token())["type"] == "welcome"
    write_set(path, new)
    last = start_server(config(row(path, ["ES256"])))
    assert welcomed(last, new.token())["type"] == "welcome"
    refused(last, old.token(), "token_unknown_key")


def test_a_key_speaks_for_its_own_issuer_only(tmp_path, start_server):
    two = {name: Signer("EdDSA", kid="same") for name in ("https://a.example", "https://b.example")}
    rows = [row(write_set(tmp_path / ("%d.json" % i), signer), ["EdDSA"], issuer=name)
            for i, (name, signer) in enumerate(two.items())]
    server = start_server(config(*rows))
    for signer_name, signer in two.items():
        for name in two:
            token = signer.token(iss=name)
            if name == signer_name:
                assert welcomed(server, token)["type"] == "welcome"
            else:
                refused(server, token, "token_issuer")


# --- the commands

class Commands:
    def __init__(self, path):
        self.path = path
        with open(os.open(path / "jwt.secret", os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(secrets.token_hex(32))

    def run(self, *arguments):
        return run_gateward(*arguments, cwd=self.path)

    def write(self, *rows):
        text = {"listen": [{"address": "127.0.0.1:0"}], "auth": {"jwt": list(rows)}, "channels": [{"pattern": "public:chat"}]}
        (self.path / "c.yaml").write_text(json.dumps(text))

    def check(self, *rows):
        self.write(*rows)
        return self.run("check", "c.yaml")


@pytest.fixture
def commands(tmp_path):
    return Commands(tmp_path)


def test_check_shows_the_keys_and_what_it_leaves_out(commands):
    rsa = Signer("RS256", kid="a", bits=3072)
    write_set(commands.path / "keys.json", rsa, Signer("ES512", kid="b\x1b[31m"), Signer("EdDSA"), Signer("ES256").jwk(use="enc"))
    result = commands.check(row("keys.json", ["RS256", "ES256", "ES512", "EdDSA"], issuer="https://id.example.com"))
    assert result.returncode == 0, result.stderr
    for line in ("  issuer    https://id.example.com", "  key       RS256  3072 bits  kid a", "  key       ES512  521 bits  kid b",
                 "  key       EdDSA  256 bits  no kid",
                 "  warning: auth.jwt[0] leaves out 1 of the keys of its jwks_file: key 4 is not for signatures (`use`)"):
        assert line in result.stdout, result.stdout
    assert "\x1b" not in result.stdout


def test_token_says_that_public_keys_cannot_sign(commands):
    write_set(commands.path / "keys.json", Signer("ES256"))
    commands.write(row("keys.json", ["ES256"]),
                   {"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None})
    words = ("token", "--config", "c.yaml", "--sub", "alice", "--roles", "user", "--issuer-index")
    result = commands.run(*words, "0")
    assert result.returncode == 2 and not result.stdout and "cannot sign" in result.stderr
    assert commands.run(*words, "1").returncode == 0


@pytest.mark.parametrize("change, says", [
    ({"d": "AAAA"}, "key 1 holds a private key (member `d`)"),
    ({"kty": "oct", "k": "aHVudGVyMg"}, "key 1 is a symmetric key"),
    ({"alg": "ES384"}, "`alg` does not go with its `kty` and `crv`"),
    ({"y": "A" * 43}, "is not on the curve"),
    ({"x": "AAAA"}, "have not the length of the curve"),
    ({"kid": None}, "`kid` is no string"),
    ({"use": "enc"}, "holds no key for these `algorithms`: key 1 is not for signatures"),
])
def test_a_bad_key_keeps_the_server_from_starting(commands, change, says):
    write_set(commands.path / "keys.json", Signer("ES256").jwk(**change))
    result = commands.check(row("keys.json", ["ES256"]))
    assert result.returncode == 1 and says in result.stderr and not result.stdout
    assert "c.yaml:1:" in result.stderr and "aHVudGVyMg" not in result.stderr
    served = commands.run("serve", "-c", "c.yaml")
    assert served.returncode == 1 and served.stderr == result.stderr


@pytest.mark.parametrize("bits, says", [(1024, "shorter than 2048 bits"), (2048, None), (4096, None)])
def test_short_rsa_keys_are_refused(commands, bits, says):
    write_set(commands.path / "keys.json", Signer("RS256", bits=bits))
    result = commands.check(row("keys.json", ["RS256"]))
    assert result.returncode == (1 if says else 0) and (says or "") in result.stderr


def test_a_file_that_everyone_may_write_is_refused(commands):
    write_set(commands.path / "keys.json", Signer("ES256"))
    os.chmod(commands.path / "keys.json", 0o666)
    result = commands.check(row("keys.json", ["ES256"]))
    assert result.returncode == 1 and "chmod o-w" in result.stderr


def test_symmetric_and_asymmetric_do_not_share_a_row(commands):
    write_set(commands.path / "keys.json", Signer("ES256"))
    both = row("keys.json", ["ES256", "HS256"])
    assert "make two rows" in commands.check(both).stderr
    both = {**row("keys.json", ["ES256"]), "secret": {"file": "jwt.secret"}}
    assert "make two rows" in commands.check(both).stderr
