# SPDX-License-Identifier: Apache-2.0
"""`gateward connect` against servers that mean harm."""
import base64
import contextlib
import hashlib
import json
import os
import select
import socket
import struct
import threading
import time

import pytest

from connect_program import GUID, Terminal, connect, finish, start
from raw_client import OP_BINARY, OP_CLOSE, OP_CONTINUATION, OP_PING, OP_PONG, OP_TEXT, encode_frame


class Peer:
    """What one connection of a hostile server can do."""

    def __init__(self, sock):
        self.sock = sock
        self.head = b""

    def read_head(self):
        while b"\r\n\r\n" not in self.head:
            data = self.sock.recv(65536)
            assert data, self.head
            self.head += data
        return self.head.decode()

    @property
    def key(self):
        return [l.split(":", 1)[1].strip() for l in self.head.decode().split("\r\n") if l.startswith("Sec-WebSocket-Key:")][0]

    def accept(self, extra="", value=None, then=b""):
        self.read_head()
        value = value or base64.b64encode(hashlib.sha1(self.key.encode() + GUID).digest()).decode()
        self.send(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: %s\r\n%s\r\n" % (value, extra)).encode() + then)

    def send(self, data):
        self.sock.sendall(data)

    def frame(self, opcode, payload=b"", mask=False, **kwargs):
        self.send(encode_frame(opcode, payload, mask=mask, **kwargs))

    def close(self, code, reason=""):
        self.frame(OP_CLOSE, struct.pack("!H", code) + reason.encode())

    def exact(self, count):
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            if not more:
                raise EOFError(data)
            data += more
        return data

    def read_frame(self):
        """(opcode, payload, mask key); a frame without a mask is a failure."""
        first, second = self.exact(2)
        assert second & 0x80 and first & 0x80 and not first & 0x30, "%x %x" % (first, second)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self.exact(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.exact(8))[0]
        key, payload = self.exact(4), self.exact(size)
        return first & 0xF, bytes(b ^ key[i % 4] for i, b in enumerate(payload)), key

    def expect_close(self, code):
        opcode, payload, _ = self.read_frame()
        assert (opcode, payload[:2]) == (OP_CLOSE, struct.pack("!H", code)), (opcode, payload)


class Hostile:
    """Serves one connection in a thread with the given function; what goes wrong there fails the test."""

    def __init__(self, serve, path="/"):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(30)
        self.url = "ws://127.0.0.1:%d%s" % (self.listener.getsockname()[1], path)
        self.fault = None
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            sock = self.listener.accept()[0]
            with sock:
                sock.settimeout(30)
                self.serve(Peer(sock))
        except BaseException as e:      # handed to the test
            self.fault = e

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.thread.join(40)
        self.listener.close()
        if kind is None and self.fault is not None:
            raise self.fault


def against(serve, *arguments, stdin=b"", path="/"):
    with Hostile(serve, path) as hostile:
        return connect(hostile.url, *arguments, stdin=stdin)


def drain(peer):
    """Reads until the client ends the connection."""
    with contextlib.suppress(ConnectionError):
        while peer.sock.recv(65536):
            pass


@pytest.mark.parametrize("value", ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "x", base64.b64encode(bytes(20)).decode()])
def test_wrong_accept_is_refused(value):
    def serve(peer):
        peer.accept(value=value)
        drain(peer)

    done = against(serve, stdin=b"secret\n")
    assert done.code == 1 and "Sec-WebSocket-Accept does not fit" in done.err


@pytest.mark.parametrize("extra", ["Sec-WebSocket-Protocol: chat\r\n", "Sec-WebSocket-Extensions: permessage-deflate\r\n"])
def test_gifts_in_the_handshake_are_refused(extra):
    def serve(peer):
        peer.accept(extra)
        drain(peer)

    done = against(serve)
    assert done.code == 1 and "did not" in done.err


@pytest.mark.parametrize("wrong, code", [
    (encode_frame(OP_TEXT, "x", mask=True, mask_key=b"mask"), 1002),
    (encode_frame(OP_TEXT, b"\xff\xfe", mask=False), 1007),
    (encode_frame(OP_TEXT, b"\xed\xa0\x80", mask=False), 1007),
    (encode_frame(OP_TEXT, "x", mask=False, rsv=4), 1002),
    (encode_frame(OP_TEXT, "x", mask=False, rsv=1), 1002),
    (encode_frame(OP_CONTINUATION, "x", mask=False), 1002),
    (encode_frame(3, "x", mask=False), 1002),
    (encode_frame(OP_PING, b"x" * 126, mask=False, length_form=16), 1002),
    (encode_frame(OP_PING, b"x", mask=False, fin=False), 1002),
    (encode_frame(OP_TEXT, b"x", mask=False, length_form=64), 1002),
    (encode_frame(OP_TEXT, b"", mask=False, length=2 ** 62, length_form=64), 1009),
    (encode_frame(OP_TEXT, b"", mask=False, length=2 ** 63, length_form=64), 1002),
    (encode_frame(OP_BINARY, b"", mask=False, length=16 * 1024 * 1024 + 1, length_form=64), 1009),
    (encode_frame(OP_CLOSE, b"x", mask=False), 1002),
    (encode_frame(OP_CLOSE, struct.pack("!H", 1005), mask=False), 1002),
    (encode_frame(OP_CLOSE, struct.pack("!H", 1000) + b"\xff", mask=False), 1007),
])
def test_broken_frames_are_answered_and_refused(wrong, code):
    def serve(peer):
        peer.accept(then=wrong)         # with the answer in one segment
        peer.expect_close(code)
        drain(peer)

    done = against(serve)
    assert (done.code, done.out) == (1, "")
    assert "the server broke the protocol: " in done.err


def test_early_end_is_not_a_clean_one():
    def serve(peer):
        peer.accept()
        peer.frame(OP_TEXT, "one")
        peer.send(encode_frame(OP_TEXT, "half of it", mask=False)[:6])

    done = against(serve)
    assert (done.code, done.lines) == (1, ["one"])
    assert "without a Close" in done.err


def test_end_before_the_answer():
    done = against(lambda peer: peer.read_head())
    assert done.code == 1 and "without an answer" in done.err
    done = against(lambda peer: None)
    assert done.code == 1


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"\r\n\r\n",
                                     b"HTTP/2 101 x\r\n\r\n", b"HTTP/1.1 101 x\nA: b\n\n"])
def test_garbage_instead_of_http(garbage):
    def serve(peer):
        peer.read_head()
        peer.send(garbage)
        drain(peer)

    done = against(serve)
    assert done.code == 1 and "not HTTP/1.1" in done.err


def test_endless_header_has_an_end():
    sent = 0

    def serve(peer):
        nonlocal sent
        peer.read_head()
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nX: ")
        with contextlib.suppress(ConnectionError):
            while sent < 64 * 1024 * 1024:
                peer.send(b"x" * 4096)
                sent += 4096

    done = against(serve)
    assert done.code == 1 and "has no end" in done.err
    assert sent < 64 * 1024 * 1024


def test_slow_header_meets_the_deadline():
    def serve(peer):
        peer.read_head()
        with contextlib.suppress(ConnectionError):
            for byte in b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 100:
                peer.send(bytes([byte]))
                time.sleep(0.25)

    before = time.monotonic()
    done = against(serve)
    assert done.code == 1 and "in time" in done.err
    assert 9 < time.monotonic() - before < 40


def test_endless_refusal_body_has_an_end():
    def serve(peer):
        peer.read_head()
        peer.send(b"HTTP/1.1 503 Service \x1b Unavailable\r\n\r\n".replace(b"\x1b ", b""))
        with contextlib.suppress(ConnectionError):
            for _ in range(16 * 1024):
                peer.send(b"x" * 4096)

    done = against(serve)
    assert done.code == 1 and "refused: 503 Service Unavailable" in done.err


def test_refusal_body_is_escaped():
    body = json.dumps({"error": {"code": "c\x1b[2J", "message": "m\nm"}}).encode()

    def serve(peer):
        peer.read_head()
        peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        drain(peer)

    done = against(serve)
    assert done.code == 1 and "refused: 403 c\\x1b[2J: m\\x0am\n" in done.err


def test_redirects_are_not_followed():
    def serve(peer):
        peer.read_head()
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        drain(peer)

    done = against(serve)
    assert done.code == 1 and "refused: 302 Found (redirects are not followed)" in done.err


def test_pings_are_answered_and_fragments_joined():
    def serve(peer):
        peer.accept()
        peer.frame(OP_TEXT, "a", fin=False)
        peer.frame(OP_PING, "p1")
        peer.frame(OP_CONTINUATION, "b\nc")
        opcode, payload, _ = peer.read_frame()
        assert (opcode, payload) == (OP_PONG, b"p1")
        peer.frame(OP_PONG, "unasked")
        peer.frame(OP_BINARY, b"\x00\x01\x02")
        peer.close(1000)
        peer.expect_close(1000)

    with Hostile(serve) as hostile:
        process = start(hostile.url)        # stdin stays open
        assert process.wait(20) == 0
        assert process.stdout.read() == b"ab c\n"       # a message is one line
        assert b"binary message of 3 bytes" in process.stderr.read()
        process.stdin.close()


def test_every_frame_and_handshake_has_fresh_randomness():
    keys, masks = set(), set()

    def serve(peer):
        peer.accept()
        keys.add(peer.key)
        for i in range(50):
            opcode, payload, mask = peer.read_frame()
            assert (opcode, payload) == (OP_TEXT, b"same")
            masks.add(mask)
        peer.expect_close(1000)
        peer.close(1000)

    for _ in range(3):
        assert against(serve, "--wait", "0.1", stdin=b"same\n" * 50).code == 0
    assert len(keys) == 3 and len(masks) >= 149 and bytes(4) not in masks
    assert all(len(base64.b64decode(k)) == 16 for k in keys)


def test_request_is_what_was_asked_for():
    def serve(peer):
        head = peer.read_head()
        assert head.startswith("GET /a/b?c=%20d HTTP/1.1\r\n")
        assert "\r\nOrigin: https://x.example\r\n" in head
        assert "\r\nX-One: 1\r\nX-Two:" in head
        assert "\r\nSec-WebSocket-Protocol: chat.v1\r\n" in head
        assert "\r\nSec-WebSocket-Extensions: permessage-deflate" in head
        assert "\r\nSec-WebSocket-Version: 13\r\n" in head
        assert head.count("Host: 127.0.0.1:") == 1
        peer.accept("Sec-WebSocket-Protocol: chat.v1\r\n")
        peer.close(1001, "bye")
        peer.expect_close(1001)

    done = against(serve, "--origin", "https://x.example", "-H", "X-One: 1", "-H", "X-Two:", "--protocol", "chat.v1",
                   "--compress", path="/a/b?c=%20d")
    assert done.code == 0, done.err


def test_plain_request_offers_nothing():
    def serve(peer):
        head = peer.read_head()
        assert "Sec-WebSocket-Extensions" not in head and "Origin" not in head and "Authorization" not in head
        peer.accept()
        peer.close(1000)
        peer.expect_close(1000)

    assert against(serve).code == 0


def test_compression_both_ways():
    import zlib
    text = b"abcdefgh" * 1000

    def serve(peer):
        peer.accept("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                    "client_no_context_takeover\r\n")
        first, second = peer.exact(2)
        assert first == 0xC1 and second & 0x80
        size = second & 0x7F
        size = struct.unpack("!H", peer.exact(2))[0] if size == 126 else size
        key, payload = peer.exact(4), peer.exact(size)
        packed = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
        assert len(packed) < 500
        assert zlib.decompressobj(-15).decompress(packed + b"\x00\x00\xff\xff") == text
        peer.frame(OP_TEXT, packed, rsv=4)
        peer.expect_close(1000)
        peer.close(1000)

    done = against(serve, "--compress", "--wait", "0.3", stdin=text + b"\n")
    assert (done.code, done.lines) == (0, [text.decode()])


def test_compressed_bomb_is_refused():
    import zlib
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = (packer.compress(bytes([0x20]) * (64 * 1024 * 1024)) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def serve(peer):
        peer.accept("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n")
        peer.frame(OP_TEXT, bomb, rsv=4)
        peer.expect_close(1009)
        drain(peer)

    done = against(serve, "--compress")
    assert done.code == 1 and "too large" in done.err


def test_no_line_leaves_before_the_welcome():
    def serve(peer):
        peer.accept()
        opcode, payload, _ = peer.read_frame()
        assert json.loads(payload) == {"type": "auth", "token": "abc"}
        peer.frame(OP_TEXT, '{"type":"notice"}')        # not the welcome
        peer.sock.settimeout(1)
        with pytest.raises(TimeoutError):
            peer.sock.recv(1)
        peer.sock.settimeout(30)
        peer.frame(OP_TEXT, '{"type":"welcome"}')
        assert json.loads(peer.read_frame()[1]) == {"type": "subscribe", "channel": 'a"b'}
        assert peer.read_frame()[1] == b"first"
        assert peer.read_frame()[1] == b""
        assert peer.read_frame()[1] == b"last"
        peer.expect_close(1000)
        peer.close(1000)

    done = against(serve, "--token", "abc", "--subscribe", 'a"b', "--wait", "0.2", stdin=b"first\n\nlast")
    assert done.code == 0, done.err


def test_missing_welcome_meets_its_deadline():
    def serve(peer):
        peer.accept()
        peer.read_frame()
        assert peer.read_frame()[0] == OP_CLOSE
        peer.close(1000)

    done = against(serve, "--token", "abc", stdin=b"never sent\n")
    assert done.code == 1 and "no welcome" in done.err


def test_unanswered_close_meets_its_deadline():
    def serve(peer):
        peer.accept()
        peer.expect_close(1000)
        drain(peer)

    before = time.monotonic()
    done = against(serve, "--wait", "0")
    assert done.code == 1 and "in time" in done.err
    assert time.monotonic() - before < 20


@pytest.mark.parametrize("code, expected", [(1000, 0), (1001, 0), (1008, 1), (1011, 1), (1012, 1), (4001, 1), (None, 1)])
def test_exit_code_follows_the_close(code, expected):
    def serve(peer):
        peer.accept()
        peer.frame(OP_CLOSE, b"" if code is None else struct.pack("!H", code) + b"why")
        assert peer.read_frame()[:2] == (OP_CLOSE, b"" if code is None else struct.pack("!H", code))

    with Hostile(serve) as hostile:
        process = start(hostile.url)
        assert process.wait(20) == expected
        said = process.stderr.read().decode()
        assert said == "" if expected == 0 else ("closed %s" % (code or "without")) in said
        process.stdin.close()
        process.stdout.close()


def test_line_that_is_not_utf8_is_not_sent():
    def serve(peer):
        peer.accept()
        assert peer.read_frame()[1] == b"good"
        peer.expect_close(1000)
        peer.close(1000)

    done = against(serve, stdin=b"good\n\xff\xfe\nafter\n")
    assert done.code == 1 and "line 2 was not sent: it is not UTF-8" in done.err


def test_reader_that_went_away_ends_the_client():
    def serve(peer):
        peer.accept()
        with contextlib.suppress(ConnectionError):
            while True:
                peer.frame(OP_TEXT, "x" * 1000)

    with Hostile(serve) as hostile:
        process = start(hostile.url)
        assert process.stdout.readline() == b"x" * 1000 + b"\n"
        process.stdout.close()
        assert process.wait(30) == 1
        assert b"output cannot be written" in process.stderr.read()
        process.stdin.close()


def test_server_that_does_not_read_slows_the_input_down():
    line, count = b"y" * 1000, 40000
    whole, total, may_read = (line + b"\n") * count, 0, threading.Event()

    def serve(peer):
        nonlocal total
        peer.accept()
        assert may_read.wait(60)
        while True:
            opcode, payload, _ = peer.read_frame()
            if opcode == OP_CLOSE:
                break
            assert payload == line
            total += 1
        peer.close(1000)

    def write_while_taken(pipe):
        """How much goes in until nothing has for a second."""
        os.set_blocking(pipe.fileno(), False)
        at = 0
        while at < len(whole) and select.select([], [pipe], [], 1)[1]:
            at += os.write(pipe.fileno(), whole[at:at + 65536])
        os.set_blocking(pipe.fileno(), True)
        return at

    with Hostile(serve) as hostile:
        process = start(hostile.url, "--wait", "0.3")
        taken = write_while_taken(process.stdin)
        may_read.set()
        done = finish(process, whole[taken:], 120)
    assert taken < len(whole) // 2      # what the kernel holds, and little more
    assert (done.code, total) == (0, count), done.err


def test_name_and_port_that_lead_nowhere():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))       # bound and not listening: refused
        done = connect("ws://127.0.0.1:%d/" % unused.getsockname()[1])
        assert done.code == 1 and "cannot connect: Connection refused" in done.err
        done = connect("ws://localhost:%d/" % unused.getsockname()[1])      # every address of the name
        assert done.code == 1 and "cannot connect: Connection refused" in done.err
    done = connect("ws://does-not-exist.invalid/")
    assert done.code == 1 and "does-not-exist.invalid: " in done.err


def test_silent_tls_server_meets_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        before = time.monotonic()
        done = connect("wss://127.0.0.1:%d/" % silent.getsockname()[1])
    assert done.code == 1 and "cannot connect: " in done.err
    assert 9 < time.monotonic() - before < 20


def test_hostile_text_does_not_drive_the_terminal():
    def serve(peer):
        peer.accept()
        peer.frame(OP_TEXT, "\x1b]0;owned\x07\x1b[2J \u009b31m \u202e\n> fake")
        peer.close(1008, "bad\x1b[31m")

    with Hostile(serve) as hostile:
        terminal = Terminal(hostile.url)
        shown = terminal.read_until(b"closed 1008 bad\\x1b[31m")
        assert terminal.wait() == 1
    assert b"\\x1b]0;owned\\x07\\x1b[2J \\u009b31m \\u202e\\x0a> fake" in shown
    assert b"\x1b]" not in shown and b"\x1b[2J" not in shown and "\u202e".encode() not in shown
