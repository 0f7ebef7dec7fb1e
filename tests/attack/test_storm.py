# SPDX-License-Identifier: Apache-2.0
"""A storm of mutated handshakes, frames, tokens, messages and abrupt ends, while two people chat undisturbed.

The seed is printed with a failure; GATEWARD_SEED=<n> makes the same choices again (the timing is the machine's).
"""
import base64
import itertools
import json
import os
import random
import secrets
import signal
import socket
import ssl
import struct
import threading
import time
import zlib

import pytest

from attack_tools import PLAIN, still_serves, tcp
from jwt_maker import token as make_token
from raw_client import (OP_BINARY, OP_CLOSE, OP_CONTINUATION, OP_PING, OP_PONG, OP_TEXT, SAMPLE_KEY, Ended, RawWebSocket,
                        encode_frame, http_request)

SECONDS = 150 if os.environ.get("GATEWARD_LONG") == "1" else 20
ATTACKERS = 8
PER_IP = 200
STORM_IP = "127.0.0.2"          # the canaries have 127.0.0.1 for themselves
MARK = "for-moderators-only-" + secrets.token_hex(8)
CONFIG = {
    "server": {"workers": 2},
    "listen": PLAIN + [{"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key"}}],
    "auth": {"timeout": "2s"},
    "compression": {"enabled": True, "context_takeover": True},
    "limits": {"connections": {"total": 1000, "per_ip": PER_IP}, "handshakes": {"per_second": 100000, "burst": 100000},
               "messages": {"per_minute": 100000, "per_hour": 1000000}},
    "timeouts": {"header": "2s", "tls": "2s", "close": "500ms"},
}
NASTY = [b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b":", b" ", b"\t", b"\xff", b"\xc0\x80", b"%00", b"/../", b",", b";", b'"',
         b"Host: localhost\r\n", b"Host: evil\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n folded: x",
         b"Upgrade: h2c\r\n", b"Connection: close\r\n", b"Origin: null\r\n", b"Cookie: a=b\r\n", b"Expect: 100-continue\r\n",
         b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n", b"A" * 5000, b"X: y\r\n" * 70,
         b"GET /ws HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\x88\x80abcd", b"{", b"[" * 200]


def mutate(rng, data, times=None):
    data = bytearray(data)
    for _ in range(times or rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at:at + rng.choice((1, 2, 10, 100))]
        elif kind == 2:
            data[at:at] = rng.choice(NASTY)
        elif kind == 3:
            end = at + rng.randrange(1, 40)
            data[at:at] = data[at:end] * rng.choice((1, 1, 2, 20))
        elif kind == 4:
            data[at:at + 4] = rng.randbytes(rng.randrange(9))
        else:
            del data[at:]
    return bytes(data)


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def bad_token(rng, good):
    """Something that is not one of ours, however near."""
    header, claims, signature = good.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = rng.randrange(len(good))
    forged = {"sub": "admin", "roles": ["admin"], "exp": int(time.time()) + 3600}
    result = rng.choice((
        lambda: good[:at] + rng.choice(alphabet + "=.+/ \t\0é") + good[at + 1:],
        lambda: good[:at] + good[at + 1:],
        lambda: good[:at] + rng.choice(alphabet + "=. ") + good[at:],
        lambda: good + rng.choice(("=", "==", ".", ".x", "A", " ", "\n")),
        lambda: ".".join((header, part(forged), signature)),
        lambda: ".".join((part({"alg": rng.choice(("none", "None", "", "HS384", "RS256", "hs256"))}), part(forged), "")),
        lambda: ".".join((part({"alg": "HS256", rng.choice(("crit", "b64", "jwk", "kid", "jku")): ["exp"]}), claims, signature)),
        lambda: ".".join((claims, header, signature)),
        lambda: make_token(rng.randbytes(32), "admin", ["admin"]),
        lambda: make_token(b"", "admin", ["admin"]),
        lambda: header + "." + claims,
    ))()
    return result if result != good else good + "A"


def message(rng, name):
    channel = rng.choice(("public:chat", "private:room-%d" % rng.randrange(300), "user:%s:messages" % name, "user:canary:messages",
                          "chat:mod-only", "admin:logs", "nope", "", "a" * 300, "public:chat\0", "user:é:messages"))
    data = rng.choice((1, "x", "<" * rng.choice((10, 3000)), {"a": [1, {"b": None}]}, [[]] * 50, "\u2028", "d" * 60000))
    value = {"type": rng.choice(("subscribe", "publish", "unsubscribe", "ping", "message", "auth", "presence", "x", "")),
             "channel": channel, "data": data, "id": rng.choice((1, "a", "x" * 64, "x" * 65, -1, 2 ** 70, None, 1.5)),
             "content": rng.choice(("hi", 7)), "token": "a.b.c"}
    for key in list(value):
        if key != "type" and rng.random() < 0.3:
            del value[key]
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return mutate(rng, text) if rng.random() < 0.5 else text


def frames(rng, payload, packed):
    """One message as frames, right or wrong."""
    rsv = 0
    if packed and rng.random() < 0.5:
        squeeze = zlib.compressobj(rng.randrange(1, 10), zlib.DEFLATED, -15)
        payload = squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        payload = payload[:-4] if rng.random() < 0.9 else mutate(rng, payload)
        rsv = 4
    pieces = [payload]
    if rng.random() < 0.3:
        cuts = sorted(rng.randrange(len(payload) + 1) for _ in range(rng.choice((1, 2, 50))))
        pieces = [payload[a:b] for a, b in zip([0] + cuts, cuts + [len(payload)])]
    out = b""
    for i, piece in enumerate(pieces):
        out += encode_frame(OP_TEXT if i == 0 else OP_CONTINUATION, piece, fin=i == len(pieces) - 1, rsv=rsv if i == 0 else 0)
        if rng.random() < 0.1:
            out += encode_frame(rng.choice((OP_PING, OP_PONG)), rng.randbytes(rng.randrange(126)))
    if rng.random() < 0.15:
        out += encode_frame(rng.choice((OP_TEXT, OP_BINARY, OP_CLOSE, OP_PING, 3, 7, 11, 15, OP_CONTINUATION)),
                            rng.randbytes(rng.choice((0, 1, 2, 5, 125, 126, 70000))), fin=rng.random() < 0.8,
                            mask=rng.random() < 0.8, rsv=rng.choice((0, 0, 0, 1, 2, 4, 7)))
    if rng.random() < 0.05:
        out += encode_frame(OP_TEXT, b"", length=rng.choice((1, 65536, 2 ** 31, 2 ** 63 - 1, 2 ** 64 - 1)), length_form=64)
    return mutate(rng, out) if rng.random() < 0.15 else out


class Attacker(threading.Thread):
    def __init__(self, server, seed, number, until):
        super().__init__(daemon=True)
        self.server, self.rng, self.until = server, random.Random(seed * 1000 + number), until
        self.name_ = "storm-%d" % number
        self.context = server.ssl_context()
        self.fault, self.runs, self.upgraded, self.inside = None, 0, 0, 0

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.attack()
                self.runs += 1
        except BaseException as e:      # told by the test, with the seed
            self.fault = e

    def connect(self):
        listener = self.rng.choice((0, 0, 0, 1))
        sock = socket.socket()
        sock.settimeout(5)
        sock.bind((STORM_IP, 0))
        sock.connect((self.server.host, self.server.listeners[listener][1]))
        if listener == 1 and self.rng.random() < 0.8:
            try:
                return self.context.wrap_socket(sock, server_hostname="localhost")
            except (OSError, ssl.SSLError):     # over the limit: closed before any handshake
                sock.close()
                return None
        return sock

    def read(self, sock, seconds):
        """What comes within this time, or until nothing more seems to come. Whatever it is, nothing secret is in it."""
        data, deadline = b"", time.monotonic() + seconds
        try:
            while time.monotonic() < deadline and len(data) < 400000:
                sock.settimeout(seconds if not data else 0.005)
                more = sock.recv(65536)
                if not more:
                    break
                data += more
        except (OSError, ssl.SSLError):
            pass
        assert MARK.encode() not in data, "a push to one who may not have it"
        return data

    def write(self, sock, data):
        """All of it, in pieces of any size."""
        sock.settimeout(1)
        try:
            while data:
                n = self.rng.choice((1, 3, 100, 100000, 100000, 100000)) if len(data) < 2000 else 100000
                sock.sendall(data[:n])
                data = data[n:]
            return True
        except (OSError, ssl.SSLError):
            return False

    def end(self, sock):
        kind = self.rng.randrange(5)
        try:
            if kind == 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif kind == 1:
                sock.shutdown(socket.SHUT_WR)
                self.read(sock, 0.05)
            elif kind == 2:
                self.write(sock, encode_frame(OP_CLOSE, struct.pack("!H", 1000)))
                self.read(sock, 0.05)
            elif kind == 3:
                self.read(sock, 0.05)
        except OSError:
            pass
        sock.close()

    def attack(self):
        sock = self.connect()
        if sock is None:
            return
        kind = self.rng.randrange(8)
        try:
            if kind == 0:
                self.write(sock, self.rng.randbytes(self.rng.randrange(300)))
            elif kind == 1:
                self.write(sock, mutate(self.rng, http_request()) + self.rng.choice((b"", encode_frame(OP_TEXT, "auth:x"))))
                self.read(sock, 0.05)
            elif kind == 2:
                self.with_bad_bearer(sock)
            elif kind == 3:
                self.with_bad_token(sock)
            else:
                self.inside_out(sock, logs_in=kind != 4)
        finally:
            self.end(sock)

    def good_token(self):
        return self.server.token(self.name_, [self.rng.choice(("user", "guest"))])

    def with_bad_bearer(self, sock):
        good = self.good_token()
        bad = bad_token(self.rng, good).encode().decode("latin-1")
        if bad.strip(" \t") == good:        # space around a header's value is no part of it
            bad = "x" + bad
        self.write(sock, http_request(headers=[("Authorization", "Bearer " + bad)]))
        data = self.read(sock, 0.3)
        assert b" 101 " not in data[:20] and b"welcome" not in data, data[:300]

    def upgrade(self, sock, extensions=None):
        headers = [("Sec-WebSocket-Extensions", extensions)] if extensions else []
        if not self.write(sock, http_request(headers=headers, key=SAMPLE_KEY)):
            return None
        data = self.read(sock, 0.5)
        if not data.startswith(b"HTTP/1.1 101 "):
            return None
        self.upgraded += 1
        return data

    def with_bad_token(self, sock):
        if self.upgrade(sock) is None:
            return
        bad = bad_token(self.rng, self.good_token())
        text = self.rng.choice(("auth:" + bad, json.dumps({"type": "auth", "token": bad})))
        self.write(sock, encode_frame(OP_TEXT, text) + encode_frame(OP_TEXT, '{"type":"subscribe","channel":"public:chat"}'))
        data = self.read(sock, 0.3)
        assert b"welcome" not in data and b"subscribed" not in data, (text, data[:300])

    def inside_out(self, sock, logs_in):
        """Frames of any kind, before or after the login."""
        packed = self.rng.random() < 0.5
        offer = self.rng.choice(("permessage-deflate", "permessage-deflate; client_no_context_takeover",
                                 "permessage-deflate; server_max_window_bits=9; client_max_window_bits"))
        if self.upgrade(sock, offer if packed else None) is None:
            return
        if logs_in:
            self.write(sock, encode_frame(OP_TEXT, "auth:" + self.good_token()))
            data = self.read(sock, 0.5)
            self.inside += bool(data)
        for _ in range(self.rng.choice((1, 3, 30))):
            if not self.write(sock, frames(self.rng, message(self.rng, self.name_), packed)):
                break
            if self.rng.random() < 0.5:
                data = self.read(sock, 0.02)
                assert logs_in or packed or b"subscribed" not in data, data[:300]


def chat(server, until):
    """Two moderators talk in two channels; nothing is lost and nothing is late. How often, and the longest wait."""
    count, longest = 0, 0.0
    with RawWebSocket.login(server, sub="canary", roles=["moderator"]) as one, \
            RawWebSocket.login(server, sub="canary-2", roles=["moderator"]) as two:
        for ws, channel in itertools.product((one, two), ("public:chat", "chat:mod-only")):
            ws.send_json({"type": "subscribe", "channel": channel})
            ws.recv_until_type("subscribed", 2)
        while time.monotonic() < until:
            writer, reader = (one, two) if count % 2 else (two, one)
            start = time.monotonic()
            text = "%s-%d" % (MARK, count)
            writer.send_json({"type": "publish", "channel": "chat:mod-only", "data": text})
            for ws in (writer, reader):
                while True:     # the storm's own pushes to public:chat come in between
                    got = ws.recv_until_type("message", 2)
                    if got["channel"] == "chat:mod-only":
                        break
                assert got["data"] == text and got["from"]["user"].startswith("canary"), got
            longest = max(longest, time.monotonic() - start)
            count += 1
            time.sleep(0.02)
    return count, longest


def fill_exactly(server):
    """The limit of the storm's address can be filled again, and not by one more."""
    deadline = time.monotonic() + 10
    while True:
        held = [tcp_from(server, STORM_IP) for _ in range(PER_IP)]
        answers = [answer_to(s) for s in held]
        if all(a == b"HTTP/1.1 101" for a in answers):
            extra = tcp_from(server, STORM_IP)
            assert answer_to(extra) == b"HTTP/1.1 429"
            extra.close()
            for s in held:
                s.close()
            return
        for s in held:
            s.close()
        assert time.monotonic() < deadline, "%d of %d" % (sum(a == b"HTTP/1.1 101" for a in answers), PER_IP)
        time.sleep(0.5)


def tcp_from(server, source):
    sock = socket.socket()
    sock.settimeout(5)
    sock.bind((source, 0))
    sock.connect((server.host, server.listeners[0][1]))
    sock.sendall(http_request())
    return sock


def answer_to(sock):
    try:
        return sock.recv(12)
    except OSError:
        return b""


def test_a_storm_lets_nobody_in_and_leaves_nothing_behind(start_server):
    seed = int(os.environ.get("GATEWARD_SEED") or secrets.randbelow(2 ** 32))
    print("GATEWARD_SEED=%d" % seed)
    server = start_server(CONFIG)
    until = time.monotonic() + SECONDS
    attackers = [Attacker(server, seed, n, until) for n in range(ATTACKERS)]
    for a in attackers:
        a.start()
    try:
        count, longest = chat(server, until)
    except (AssertionError, Ended, OSError) as e:
        raise AssertionError("the canary, seed %d: %r" % (seed, e)) from e
    for a in attackers:
        a.join(30)
        assert not a.is_alive() and a.fault is None, "seed %d: %r" % (seed, a.fault)
    assert server.is_running(), server.stderr_text()[-4000:]
    print("%d attacks, %d upgrades, %d logins; %d messages, the slowest in %.3f s" % (
        sum(a.runs for a in attackers), sum(a.upgraded for a in attackers), sum(a.inside for a in attackers), count, longest))
    assert sum(a.inside for a in attackers) > 50 and count > SECONDS
    assert longest < 2
    fill_exactly(server)
    still_serves(server)


@pytest.mark.parametrize("signals", [1, 2])
def test_the_end_may_come_in_the_middle_of_a_storm(start_server, signals):
    """Connections are in every stage when SIGTERM comes: the drain keeps its time, a second SIGTERM ends at once."""
    seed = int(os.environ.get("GATEWARD_SEED") or secrets.randbelow(2 ** 32))
    print("GATEWARD_SEED=%d" % seed)
    for turn in range(3):
        server = start_server({**CONFIG, "server": {"workers": 2, "drain": "1s"}})
        attackers = [Attacker(server, seed + turn, n, time.monotonic() + 2) for n in range(6)]
        for a in attackers:
            a.start()
        silent = [tcp(server, listener=n % 2) for n in range(20)]
        time.sleep(0.4 + attackers[0].rng.random() / 2)
        start = time.monotonic()
        for _ in range(signals):
            server.signal(signal.SIGTERM)
            time.sleep(0.1)
        server.wait(10)
        assert time.monotonic() - start < (3 if signals == 1 else 2), "seed %d" % seed
        for a in attackers:
            a.join(30)
            assert a.fault is None or isinstance(a.fault, OSError), "seed %d: %r" % (seed, a.fault)
        for sock in silent:
            sock.close()
