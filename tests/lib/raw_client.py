# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client that can misbehave: blocking sockets, every bit of a frame in the caller's hand.

    with RawWebSocket.open(server) as ws:           # TCP, TLS, HTTP upgrade
        ws.send_json({"type": "auth", "token": server.token()})
        assert ws.recv_json()["type"] == "welcome"
        ws.send_frame(OP_TEXT, b"x", mask=False)    # a crime
        assert ws.recv_close() == (1002, ...)
"""
import base64
import json
import os
import socket
import ssl
import struct
import time
import zlib

OP_CONTINUATION, OP_TEXT, OP_BINARY, OP_CLOSE, OP_PING, OP_PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Ended(Exception):
    """The other side closed or reset the connection where more bytes were expected."""


class RawConnection:
    """A TCP or TLS connection with exact reads and a deadline for each."""

    def __init__(self, sock, timeout=10.0):
        self.sock = sock
        self.timeout = timeout
        self.received = b""

    @classmethod
    def open(cls, server, tls=True, timeout=10.0, context=None, server_hostname="localhost", port=None,
             source=None, rcvbuf=None, address=None):
        address = address or server.host
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            if rcvbuf:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            sock.settimeout(timeout)
            if source:
                sock.bind((source, 0))
            sock.connect((address, port or server.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls and server.uses_tls:
                sock = (context or server.ssl_context()).wrap_socket(sock, server_hostname=server_hostname)
        except BaseException:
            sock.close()
            raise
        return cls(sock, timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def local_port(self):
        """Our own port: the field `port` of the server's events about this connection."""
        return self.sock.getsockname()[1]

    def close(self):
        self.sock.close()

    def reset(self):
        """Ends with a TCP RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def send_slowly(self, data, chunk=1, pause=0.0):
        for i in range(0, len(data), chunk):
            self.send(data[i:i + chunk])
            if pause:
                time.sleep(pause)

    def _more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("nothing came in time; so far: %r" % self.received[:200])
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as e:
            raise Ended(str(e)) from e
        except socket.timeout as e:
            raise TimeoutError("nothing came in time; so far: %r" % self.received[:200]) from e
        if not data:
            raise Ended("end of stream")
        self.received += data

    def recv_exact(self, count, timeout=None):
        deadline = time.monotonic() + (timeout or self.timeout)
        while len(self.received) < count:
            self._more(deadline)
        data, self.received = self.received[:count], self.received[count:]
        return data

    def recv_until(self, mark, timeout=None, limit=65536):
        deadline = time.monotonic() + (timeout or self.timeout)
        while mark not in self.received:
            if len(self.received) > limit:
                raise AssertionError("no %r in %d bytes" % (mark, limit))
            self._more(deadline)
        end = self.received.index(mark) + len(mark)
        data, self.received = self.received[:end], self.received[end:]
        return data

    def recv_rest(self, timeout=None):
        """Everything until the other side closes."""
        deadline = time.monotonic() + (timeout or self.timeout)
        try:
            while True:
                self._more(deadline)
        except Ended:
            data, self.received = self.received, b""
            return data

    def is_closed(self, timeout=2.0):
        """True when the other side has closed or does so in time (bytes before that are read over)."""
        try:
            self.recv_rest(timeout)
            return True
        except TimeoutError:
            return False


class Response:
    """An HTTP answer: status, reason, headers (lower-case names; the last of a name wins), body."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, *rest = lines[0].split(" ", 2)
        self.status = int(status)
        self.reason = rest[0] if rest else ""
        self.header_lines = [l for l in lines[1:] if l]
        self.headers = {}
        for line in self.header_lines:
            name, _, value = line.partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.body = b""


def http_request(path="/ws", host="localhost", headers=(), drop=(), key=SAMPLE_KEY, method="GET"):
    """The bytes of an upgrade request. `drop`: names left out; `headers`: (name, value) pairs added."""
    base = [("Host", host), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key), ("Sec-WebSocket-Version", "13")]
    dropped = {d.lower() for d in drop}
    lines = ["%s %s HTTP/1.1" % (method, path)]
    lines += ["%s: %s" % pair for pair in base if pair[0].lower() not in dropped]
    lines += ["%s: %s" % pair for pair in (headers.items() if isinstance(headers, dict) else headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def read_response(connection, timeout=None):
    response = Response(connection.recv_until(b"\r\n\r\n", timeout))
    length = response.headers.get("content-length")
    if length is not None and response.status != 101:
        response.body = connection.recv_exact(int(length), timeout) if int(length) else b""
    return response


def encode_frame(opcode, payload=b"", fin=True, mask=True, rsv=0, mask_key=None, length=None, length_form=None):
    """One frame. length: a lie to write instead of len(payload); length_form: 7, 16 or 64 to force an encoding."""
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload) if length is None else length
    form = length_form or (7 if size < 126 else 16 if size < 65536 else 64)
    first = (0x80 if fin else 0) | (rsv << 4) | opcode
    bit = 0x80 if mask else 0
    if form == 7:
        head = struct.pack("!BB", first, bit | size)
    elif form == 16:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not mask:
        return head + payload
    key = os.urandom(4) if mask_key is None else mask_key
    stream = (key * (len(payload) // 4 + 1))[:len(payload)]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(payload), "big")
    return head + key + masked


class Frame:
    def __init__(self, first, payload, masked):
        self.fin = bool(first & 0x80)
        self.rsv = (first >> 4) & 7
        self.opcode = first & 0xF
        self.payload = payload
        self.masked = masked

    def __repr__(self):
        return "Frame(opcode=%x fin=%s rsv=%d %r)" % (self.opcode, self.fin, self.rsv, self.payload[:80])


class RawWebSocket(RawConnection):
    """RawConnection plus frames. `response` is the answer to the upgrade."""

    response = None

    @classmethod
    def open(cls, server, path="/ws", host=None, headers=(), drop=(), key=None, origin=None, expect=101, **kwargs):
        """Upgrades; `expect`: the status that must come (None: any)."""
        ws = super().open(server, **kwargs)
        try:
            extra = list(headers.items() if isinstance(headers, dict) else headers)
            if origin is not None:
                extra.append(("Origin", origin))
            ws.send(http_request(path, host or "localhost:%d" % server.port, extra, drop,
                                 key or base64.b64encode(os.urandom(16)).decode()))
            ws.response = read_response(ws)
            if expect is not None:
                assert ws.response.status == expect, (ws.response.status, ws.response.body)
        except BaseException:
            ws.close()
            raise
        return ws

    @classmethod
    def login(cls, server, sub="alice", roles=("user",), token=None, **kwargs):
        """Upgrades and authenticates by the first message; `welcome` holds the answer."""
        ws = cls.open(server, **kwargs)
        try:
            ws.send_json({"type": "auth", "token": token or server.token(sub, roles)})
            ws.welcome = ws.recv_json()
            assert ws.welcome["type"] == "welcome", ws.welcome
        except BaseException:
            ws.close()
            raise
        return ws

    def send_frame(self, opcode, payload=b"", **kwargs):
        self.send(encode_frame(opcode, payload, **kwargs))

    def send_text(self, text):
        self.send_frame(OP_TEXT, text)

    def send_json(self, value):
        self.send_text(json.dumps(value))

    def send_close(self, code=1000, reason=""):
        self.send_frame(OP_CLOSE, struct.pack("!H", code) + reason.encode())

    def recv_frame(self, timeout=None):
        first, second = self.recv_exact(2, timeout)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self.recv_exact(2, timeout))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.recv_exact(8, timeout))[0]
        masked = bool(second & 0x80)
        if masked:
            self.recv_exact(4, timeout)
        return Frame(first, self.recv_exact(size, timeout) if size else b"", masked)

    def recv_message(self, timeout=None):
        """The next text or binary message, put together; pings are answered on the way. A Close raises Ended."""
        parts, is_packed = [], False
        while True:
            frame = self.recv_frame(timeout)
            if frame.opcode == OP_PING:
                self.send_frame(OP_PONG, frame.payload)
            elif frame.opcode == OP_CLOSE:
                raise Ended("close %r" % (parse_close(frame.payload),))
            elif frame.opcode != OP_PONG:
                parts.append(frame.payload)
                is_packed = is_packed or bool(frame.rsv & 4)
                if frame.fin and not is_packed:
                    return b"".join(parts)
                if frame.fin:       # permessage-deflate, each message by itself
                    return zlib.decompressobj(-15).decompress(b"".join(parts) + b"\x00\x00\xff\xff")

    def recv_json(self, timeout=None):
        return json.loads(self.recv_message(timeout))

    def recv_until_type(self, wanted, timeout=None):
        """Reads over other messages to the next of this type."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            message = self.recv_json(max(0.01, deadline - time.monotonic()))
            if message.get("type") == wanted:
                return message

    def recv_close(self, timeout=None):
        """Reads over everything to the Close frame: (code, reason). (None, "") for an empty one."""
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            frame = self.recv_frame(max(0.01, deadline - time.monotonic()))
            if frame.opcode == OP_CLOSE:
                return parse_close(frame.payload)


def parse_close(payload):
    if len(payload) < 2:
        return None, ""
    return struct.unpack("!H", payload[:2])[0], payload[2:].decode()
