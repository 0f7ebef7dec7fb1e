# SPDX-License-Identifier: Apache-2.0
"""What is tried with tokens: forgeries by the hundred, key names that are paths, one issuer's key for another's tokens,
signatures that are slow to check."""
import ctypes
import json
import multiprocessing
import os
import time

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import jwt_maker
from attack_tools import PLAIN, ROOMY
from gateward_server import GatewardServer
from jwks_maker import Signer, number, write_set
from raw_client import RawWebSocket

UNLIMITED = {**ROOMY, "messages": {"per_minute": 1000000, "per_hour": 10000000}}
FAMILIES = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
CLAIMS = {"sub": "mallory", "roles": ["admin"], "exp": 4102444800}


@pytest.fixture(scope="module")
def signers():
    return {name: Signer(name, "key-" + name) for name in FAMILIES}


@pytest.fixture(scope="module")
def house(tmp_path_factory, signers):
    """Public keys in one row, a secret in the other: where forgers of both kinds would feel at home."""
    folder = tmp_path_factory.mktemp("keys")
    common = {"issuer": None, "audience": None}
    rows = [{"algorithms": FAMILIES, "jwks_file": write_set(folder / "keys.json", *signers.values()), **common},
            {"algorithms": ["HS256", "HS384", "HS512"], "secret": {"file": "jwt.secret"}, **common}]
    server = GatewardServer(folder, {"listen": PLAIN, "limits": UNLIMITED, "auth": {"jwt": rows}})
    server.secret = server.secret * 2
    server._write("jwt.secret", server.secret)
    with server:
        yield server


def verdict(ws, token):
    """Of a token shown on an open connection, where a refusal changes nothing."""
    ws.send_json({"type": "auth", "token": token})
    answer = ws.recv_json()
    return answer["type"] if answer["type"] == "welcome" else answer["code"]


# --- forgeries

def encodings(signer):
    """Every way in which the public key lies around as text or bytes."""
    public = signer.key.public_key()
    spki = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    made = [spki, spki.rstrip(), spki.replace(b"\n", b"\r\n"), public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            json.dumps(signer.jwk()).encode(), json.dumps(signer.jwk(), separators=(",", ":")).encode()]
    if signer.algorithm in ("RS256", "PS256"):
        made += [public.public_bytes(e, PublicFormat.PKCS1) for e in (Encoding.PEM, Encoding.DER)]
        made.append(number(public.public_numbers().n).encode())
    if signer.algorithm.startswith("ES"):
        made.append(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    if signer.algorithm == "EdDSA":
        made.append(public.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return made


def test_a_public_key_opens_no_door_as_a_secret(house, signers):
    """Key confusion: the public key, which everybody has, as the key of a MAC."""
    forged = []
    for signer in signers.values():
        for secret in encodings(signer):
            for algorithm, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
                for kid in ({}, {"kid": signer.kid}):
                    forged.append(jwt_maker.compact({"alg": algorithm, **kid}, CLAIMS, secret, digest))
            forged.append(jwt_maker.compact({"alg": signer.algorithm, "kid": signer.kid}, CLAIMS, secret))
    assert len(forged) >= 200
    with RawWebSocket.login(house) as ws:
        assert [t for t in forged if verdict(ws, t) != "authentication_failed"] == []
        assert verdict(ws, house.token("alice")) == "welcome"


def test_unsigned_tokens_open_no_door(house, signers):
    good = signers["ES256"].token().split(".")
    body = jwt_maker.b64url(json.dumps(CLAIMS).encode())
    algorithms = ["none", "None", "NONE", "nOnE", "none ", " none", "none\u0000", "", None, 0, [], ["none"], {}]
    with RawWebSocket.login(house) as ws:
        for algorithm in algorithms:
            for kid in ({}, {"kid": "key-ES256"}, {"kid": None}):
                header = jwt_maker.b64url(json.dumps({"alg": algorithm, **kid}).encode())
                for signature in ("", good[2], "AA"):
                    for claims in (body, good[1]):
                        assert verdict(ws, ".".join((header, claims, signature))) == "authentication_failed", (algorithm, kid)


def test_no_algorithm_stands_in_for_another(house, signers):
    """Each key under each other algorithm's name, signed as that algorithm would where the key can do it."""
    import jwt
    wrong = []
    with RawWebSocket.login(house) as ws:
        for signer in signers.values():
            for other in ("RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384", "ES512", "EdDSA", "ES256K", "HS256"):
                if other == signer.algorithm:
                    continue
                try:
                    token = jwt.encode(CLAIMS, signer.key, other, {"kid": signer.kid})
                except (TypeError, ValueError, NotImplementedError, AttributeError, jwt.PyJWTError):
                    head, claims, mark = signer.token().split(".")
                    head = jwt_maker.b64url(json.dumps({"alg": other, "kid": signer.kid}).encode())
                    token = ".".join((head, claims, mark))
                if verdict(ws, token) != "authentication_failed":
                    wrong.append((signer.algorithm, other))
    assert wrong == []


# --- names of keys

class OpenWatch:
    """Counts how often a file is opened (inotify)."""
    IN_OPEN = 0x20

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK)
        assert self.fd >= 0 and libc.inotify_add_watch(self.fd, path.encode(), self.IN_OPEN) >= 0

    def opened(self):
        try:
            return len(os.read(self.fd, 65536)) > 0
        except BlockingIOError:
            return False

    def close(self):
        os.close(self.fd)


def test_the_name_of_a_key_is_never_a_path(house):
    """A file that holds the forger's secret lies where the names point; it is never opened, and opens no door."""
    house._write("canary.secret", b"c" * 64)
    path = house.path("canary.secret")
    watch = OpenWatch(path)
    try:
        open(path).close()
        assert watch.opened()       # the watch works
        names = ["canary.secret", "./canary.secret", path, "file://" + path, "..//" + os.path.basename(house.directory) + "/canary.secret",
                 "../" * 12 + path[1:], path + "\0", path + "%00", "|cat " + path, "$(cat %s)" % path, "`cat %s`" % path, "@" + path,
                 "' UNION SELECT 'cccc' --", "x' or '1'='1", "%s%s%n%n", "${jndi:ldap://127.0.0.1/x}", "../../dev/null", "/dev/null",
                 "\u202e", "a" * 5000, ""]
        with RawWebSocket.login(house) as ws:
            for name in names:
                for secret in (b"c" * 64, b"", b"\0"):
                    token = jwt_maker.compact({"alg": "HS256", "kid": name}, CLAIMS, secret)
                    assert verdict(ws, token) == "authentication_failed", name
        assert not watch.opened()
    finally:
        watch.close()


def test_two_issuers_with_one_key_name_never_vouch_for_each_other(tmp_path):
    """1,000 tokens in turn, each right or crossed: what was just looked up for the one must not serve the other."""
    ours = [Signer("EdDSA", "same-name"), Signer("EdDSA", "same-name")]
    issuers = ["https://a.test", "https://b.test"]
    rows = [{"algorithms": ["EdDSA"], "jwks_file": write_set(tmp_path / ("keys-%d.json" % i), ours[i]), "issuer": issuers[i],
             "audience": None} for i in range(2)]
    with GatewardServer(tmp_path, {"listen": PLAIN, "limits": UNLIMITED, "auth": {"jwt": rows}}) as server:
        with RawWebSocket.login(server, token=ours[0].token(iss=issuers[0])) as ws:
            for i in range(1000):
                signer, issuer = i * 7 // 3 % 2, i * 5 // 2 % 2
                wanted = "welcome" if signer == issuer else "authentication_failed"
                assert verdict(ws, ours[signer].token(iss=issuers[issuer])) == wanted, i


# --- slow signatures

def ping_until(server, end, results):
    """A neighbour on the same worker, in a process of its own: how long each of its pings waits for the answer."""
    waits = []
    with RawWebSocket.login(server, "neighbour") as ws:
        results.put("ready")
        while not end.is_set():
            start = time.monotonic()
            ws.send_json({"type": "ping"})
            assert ws.recv_json(30)["type"] == "pong"
            waits.append((start, time.monotonic() - start))
            time.sleep(0.001)
    results.put(waits)


def test_slow_signatures_do_not_hold_up_the_neighbours(tmp_path):
    """500 logins by ES384 and ES512, 125 at a time, on the one worker that also serves somebody who only pings."""
    signers = [Signer("ES384", "a"), Signer("ES512", "b")]
    rows = [{"algorithms": ["ES384", "ES512"], "jwks_file": write_set(tmp_path / "keys.json", *signers), "issuer": None, "audience": None},
            {"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": "https://fast.test", "audience": None}]
    tokens = [signers[i % 2].token("user-%d" % i) for i in range(500)]
    with GatewardServer(tmp_path, {"listen": PLAIN, "limits": UNLIMITED, "auth": {"jwt": rows}}) as server:
        server.token = lambda sub="x", roles=("user",): jwt_maker.token(server.secret, sub, roles, iss="https://fast.test")
        apart = multiprocessing.get_context("fork")
        end, results, storms = apart.Event(), apart.Queue(), []
        neighbour = apart.Process(target=ping_until, args=(server, end, results), daemon=True)
        neighbour.start()
        try:
            assert results.get(timeout=30) == "ready"
            for turn in range(0, 500, 125):
                crowd = [RawWebSocket.open(server) for _ in range(125)]
                start = time.monotonic()
                for ws, token in zip(crowd, tokens[turn:]):
                    ws.send_json({"type": "auth", "token": token})
                for i, ws in enumerate(crowd):
                    assert ws.recv_json(60)["user"] == "user-%d" % (turn + i)
                storms.append((start, time.monotonic()))
                for ws in crowd:
                    ws.close()
            end.set()
            waits = sorted(wait for at, wait in results.get(timeout=30) if any(a - wait < at < b for a, b in storms))
        finally:
            end.set()
            neighbour.join(30)
        p99, seconds = waits[len(waits) * 99 // 100], sum(b - a for a, b in storms)
        print("500 logins in %.2f s; %d pings meanwhile: p50 %.1f ms, p99 %.1f ms, max %.1f ms" % (
            seconds, len(waits), 1e3 * waits[len(waits) // 2], 1e3 * p99, 1e3 * waits[-1]))
        # Judged in turn with the messages, up to 125 of them would stand in front of every ping.
        assert len(waits) > 20 and p99 < 0.05, (seconds, waits[-10:])
