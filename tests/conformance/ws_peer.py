# SPDX-License-Identifier: Apache-2.0
"""The client of the conformance cases: it sends whatever a case wants and holds the server to every rule of RFC 6455.

A Target says where the server is; a Peer is one connection to it. What the server sends comes out of Peer.event() as
("text", bytes), ("binary", bytes), ("ping", bytes), ("pong", bytes), ("close", code or None), and at last ("end", how)
with how = "clean" (FIN, and close_notify before it under TLS), "reset" or "torn". A rule broken by the server, or time
running out, raises Failure.
"""
import base64
import hashlib
import os
import re
import select
import socket
import ssl
import struct
import time
import zlib

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NAMES = {TEXT: "text", BINARY: "binary", PING: "ping", PONG: "pong"}
SENDABLE_CODES = set(range(1000, 1004)) | set(range(1007, 1015)) | set(range(3000, 5000))


class Failure(Exception):
    """The server did not do what the case asks for."""


class Target:
    """host:port as the socket sees it; `authority` is what Host says; tls is None or an ssl.SSLContext."""

    def __init__(self, host, port, path="/echo", tls=None, authority=None, patience=1.0):
        self.host, self.port, self.path, self.tls = host, port, path, tls
        self.authority = authority or "localhost:%d" % port
        self.patience = patience            # a factor on every time limit, for slow builds


def masked(key, data):
    """data XOR the repeated key, as one big number: quick for any size."""
    count = len(data)
    pad = (key * (count // 4 + 1))[:count]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")).to_bytes(count, "little")


def header(opcode, length, fin=True, rsv=0, key=b""):
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    mask = 0x80 if key else 0
    if length < 126:
        return bytes((first, mask | length)) + key
    if length < 65536:
        return struct.pack("!BBH", first, mask | 126, length) + key
    return struct.pack("!BBQ", first, mask | 127, length) + key


def frame(opcode, payload=b"", fin=True, rsv=0):
    key = os.urandom(4)
    return header(opcode, len(payload), fin, rsv, key) + masked(key, payload)


def fragments(opcode, payload, size, rsv=0):
    """One message in frames of `size` bytes, as one string of bytes. size is a multiple of 4, so that one XOR will do."""
    if size == 0 or len(payload) <= size:
        return frame(opcode, payload, rsv=rsv)
    assert size % 4 == 0
    key = os.urandom(4)
    body = masked(key, payload)
    count = len(payload)
    middle = header(CONTINUATION, size, False, 0, key)
    parts = [header(opcode, size, False, rsv, key), body[:size]]
    for at in range(size, count - size, size):
        parts += (middle, body[at:at + size])
    last = (count - 1) // size * size
    parts += (header(CONTINUATION, count - last, True, 0, key), body[last:])
    return b"".join(parts)


def close_payload(code=None, reason=b""):
    return b"" if code is None else struct.pack("!H", code) + reason


class Deflate:
    """permessage-deflate as agreed on, seen from the client."""

    def __init__(self, offer, answer, level):
        self.parameters, self.level = answer, level
        # A value in our own offer is a promise that holds whatever the answer says (section 7.1.2.2).
        promised = re.fullmatch(r"[^,]*client_max_window_bits=(\d+)[^,]*", offer)
        self.out_bits = -min(int(answer.get("client_max_window_bits") or 15), int(promised[1]) if promised else 15)
        self.in_bits = -int(answer.get("server_max_window_bits") or 15)
        self.packer = self.unpacker = None

    def pack(self, data):
        if self.packer is None or "client_no_context_takeover" in self.parameters:
            self.packer = zlib.compressobj(self.level, zlib.DEFLATED, self.out_bits)
        packed = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        return packed[:-4]

    def unpack(self, data):
        if self.unpacker is None or "server_no_context_takeover" in self.parameters:
            self.unpacker = zlib.decompressobj(self.in_bits)
        try:
            plain = self.unpacker.decompress(data + b"\x00\x00\xff\xff")
        except zlib.error as e:
            raise Failure("a compressed reply does not inflate: %s" % e) from None
        if self.unpacker.eof:       # a final block; legal, but the next message needs a new stream
            self.unpacker = None
        return plain


def read_answer(text):
    """Sec-WebSocket-Extensions of an answer: None or the parameters of its one permessage-deflate."""
    if text is None:
        return None
    if "," in text:
        raise Failure("several extensions agreed on: %s" % text)
    name, *rows = [p.strip() for p in text.split(";")]
    if name != "permessage-deflate":
        raise Failure("an extension that was not offered: %s" % text)
    found = {}
    for row in rows:
        key, _, value = row.partition("=")
        if key in found:
            raise Failure("a parameter twice: %s" % text)
        found[key] = value
    return found


class Peer:
    def __init__(self, target, offer=None, level=zlib.Z_DEFAULT_COMPRESSION):
        self.target = target
        self.spare = b""
        self.message = None         # [opcode, is_compressed, parts] of a message that the server has begun
        self.is_over = self.has_close = False
        self.deflate = None
        self.sock = socket.create_connection((target.host, target.port), 10 * target.patience)
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.tls is not None:
                self.sock = target.tls.wrap_socket(self.sock, server_hostname=target.authority.rsplit(":", 1)[0],
                                                   suppress_ragged_eofs=False)
            self._open(offer, level)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _open(self, offer, level):
        key = base64.b64encode(os.urandom(16))
        lines = ["GET %s HTTP/1.1" % self.target.path, "User-Agent: conformance", "Host: " + self.target.authority,
                 "Upgrade: WebSocket", "Connection: Upgrade", "Pragma: no-cache", "Cache-Control: no-cache",
                 "Sec-WebSocket-Key: " + key.decode(), "Sec-WebSocket-Version: 13"]
        if offer:
            lines.append("Sec-WebSocket-Extensions: " + offer)
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._exact(1, self._deadline(10))
        status, *rows = head.decode("latin-1").split("\r\n")[:-2]
        fields = {n.strip().lower(): v.strip() for n, _, v in (r.partition(":") for r in rows)}
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        if not status.startswith("HTTP/1.1 101 "):
            raise Failure("the handshake was refused: " + status)
        if (fields.get("upgrade", "").lower() != "websocket" or fields.get("connection", "").lower() != "upgrade"
                or fields.get("sec-websocket-accept") != accept or "sec-websocket-protocol" in fields):
            raise Failure("a bad answer to the handshake: %r" % fields)
        answer = read_answer(fields.get("sec-websocket-extensions"))
        if answer is not None:
            if not offer:
                raise Failure("an extension that was not offered")
            self.deflate = Deflate(offer, answer, level)

    # --- out

    def send(self, data, chop=0):
        """chop: bytes a write, 0 = all at once."""
        self.sock.settimeout(60 * self.target.patience)
        try:
            if not chop:
                self.sock.sendall(data)
                return
            for at in range(0, len(data), chop):
                self.sock.sendall(data[at:at + chop])
        except (ConnectionError, ssl.SSLError):
            pass        # the server has ended it; event() tells how

    def send_and_listen(self, data):
        """Sends more than the server will take before it is rid of its answers: they are read meanwhile."""
        view, heard, deadline = memoryview(data), [self.spare], self._deadline(60)
        self.sock.setblocking(False)
        while view:
            if time.monotonic() > deadline:
                raise Failure("the server does not go on reading")
            try:
                view = view[self.sock.send(view[:65536]):]
                continue
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                select.select([self.sock], [self.sock], [], 1)
            try:
                heard.append(self.sock.recv(65536))
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        self.spare = b"".join(heard)

    def send_message(self, opcode, payload, fragment=0):
        """Compressed when that was agreed on."""
        if self.deflate is None:
            self.send(fragments(opcode, payload, fragment))
        else:
            self.send(fragments(opcode, self.deflate.pack(payload), fragment, rsv=4))

    # --- in

    def _deadline(self, seconds):
        return time.monotonic() + seconds * self.target.patience

    def _some(self, deadline, into=None):
        """What is there: bytes, or the count of them when read `into` a buffer. EOFError at the end."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure("nothing came in time")
        self.sock.settimeout(left)
        try:
            got = self.sock.recv(65536) if into is None else self.sock.recv_into(into)
        except socket.timeout:
            raise Failure("nothing came in time") from None
        except (ssl.SSLEOFError, ssl.SSLSyscallError):
            raise EOFError("torn") from None
        except ConnectionError:
            raise EOFError("reset") from None
        if not got:
            raise EOFError("clean")
        return got

    def _exact(self, count, deadline):
        if count <= 65536:
            while len(self.spare) < count:
                self.spare += self._some(deadline)
            data, self.spare = self.spare[:count], self.spare[count:]
            return data
        data = bytearray(count)
        view = memoryview(data)
        at = min(count, len(self.spare))
        view[:at], self.spare = self.spare[:at], self.spare[at:]
        while at < count:
            at += self._some(deadline, view[at:])
        return bytes(data)

    def _frame(self, first, second, deadline):
        """(opcode, fin, rsv, payload) of the frame that begins with these two bytes; its header obeys section 5.2."""
        length, least = second & 127, 0
        if second & 128:
            raise Failure("a masked frame from the server")
        if length == 126:
            length, least = struct.unpack("!H", self._exact(2, deadline))[0], 126
        elif length == 127:
            length, least = struct.unpack("!Q", self._exact(8, deadline))[0], 65536
        if length < least:
            raise Failure("a length that is longer than need be")
        if first & 8 and (length > 125 or not first & 128):
            raise Failure("a control frame too long or in pieces")
        return first & 15, first >> 7, first >> 4 & 7, self._exact(length, deadline)

    def event(self, seconds=10.0):
        """The next event; the end is told once and for ever."""
        deadline = self._deadline(seconds)
        while not self.is_over:
            try:
                first, second = self._exact(2, deadline)
            except EOFError as e:
                if self.spare or self.message:
                    raise Failure("the server ended in the middle of a header or message") from None
                self.is_over = str(e)
                break
            try:
                opcode, fin, rsv, payload = self._frame(first, second, deadline)
            except EOFError:
                raise Failure("the server ended in the middle of a frame") from None
            if self.has_close:
                raise Failure("a frame after the server's Close")
            found = self._take(opcode, fin, rsv, payload)
            if found is not None:
                return found
        return ("end", self.is_over)

    def _take(self, opcode, fin, rsv, payload):
        if rsv & 3 or (rsv and (self.deflate is None or opcode not in (TEXT, BINARY))):
            raise Failure("reserved bits %d on opcode %d" % (rsv, opcode))
        if opcode == CLOSE:
            self.has_close = True
            return ("close", self._close_code(payload))
        if opcode in (PING, PONG):
            return (NAMES[opcode], payload)
        if opcode not in (CONTINUATION, TEXT, BINARY) or (opcode == CONTINUATION) != (self.message is not None):
            raise Failure("opcode %d out of place" % opcode)
        if self.message is None:
            self.message = [opcode, rsv == 4, []]
        self.message[2].append(payload)
        if not fin:
            return None
        kind, is_compressed, parts = self.message
        self.message = None
        whole = b"".join(parts) if len(parts) > 1 else parts[0]
        if is_compressed:
            whole = self.deflate.unpack(whole)
        if kind == TEXT:
            self._check_text(whole)
        return (NAMES[kind], whole)

    @staticmethod
    def _check_text(data):
        try:
            data.decode()
        except UnicodeDecodeError:
            raise Failure("text from the server is not UTF-8") from None

    def _close_code(self, payload):
        if not payload:
            return None
        code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 0
        if code not in SENDABLE_CODES:
            raise Failure("a Close with the payload %s" % payload[:8].hex())
        self._check_text(payload[2:])
        return code

    # --- whole steps

    def expect(self, *events, seconds=10.0):
        for wanted in events:
            got = self.event(seconds)
            if got != wanted:
                raise Failure("wanted %s, got %s" % (brief(wanted), brief(got)))

    def expect_end(self, code, seconds=10.0):
        """The server closes with this code and then drops the connection itself: we do nothing."""
        self.expect(("close", code), seconds=seconds)
        self.expect(("end", "clean"), seconds=seconds)

    def finish(self, code=1000):
        """We close; the server echoes the code and drops the connection."""
        self.send(frame(CLOSE, close_payload(code)))
        self.expect_end(code)


def brief(event):
    kind, value = event
    if isinstance(value, bytes) and len(value) > 40:
        return "%s of %d bytes (%s...)" % (kind, len(value), value[:16].hex())
    return "%s %r" % (kind, value)
