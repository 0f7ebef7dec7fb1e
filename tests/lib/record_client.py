# SPDX-License-Identifier: Apache-2.0
"""A TLS 1.3 client that seals its own records: Python's ssl shakes hands, from then on every byte is ours (RFC 8446 section 5).

    ws = RawWebSocket.login(server, context=RecordContext(server, SUITES[0]))
    ws.sock.run("U1 H0102 Y")           # a key update, a handshake record, that record again
    ws.sock.alerts, ws.sock.updates     # what the server said beside data

Nothing of the product's own record layer is in here: the AEADs and HKDF are those of the package `cryptography`.
"""
import ctypes
import ctypes.util
import os
import ssl
import tempfile

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from raw_client import OP_PONG, encode_frame

SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
KEYS = {SUITES[0]: (AESGCM, 16, hashes.SHA256), SUITES[1]: (AESGCM, 32, hashes.SHA384), SUITES[2]: (ChaCha20Poly1305, 32, hashes.SHA256)}
ALERT, HANDSHAKE, DATA = 21, 22, 23
KEY_UPDATE, TICKET = 24, 4


class Keys:
    """One direction: secret, key, IV, number."""

    def __init__(self, suite, secret):
        self.aead, self.key_bytes, self.hash = KEYS[suite]
        self.begin(secret)

    def expand(self, secret, label, length):
        label = b"tls13 " + label
        info = length.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
        return HKDFExpand(self.hash(), length, info).derive(secret)

    def begin(self, secret):
        self.secret, self.sequence = secret, 0
        self.engine = self.aead(self.expand(secret, b"key", self.key_bytes))
        self.iv = self.expand(secret, b"iv", 12)

    def update(self):
        self.begin(self.expand(self.secret, b"traffic upd", self.hash.digest_size))

    def nonce(self):
        self.sequence += 1
        return (int.from_bytes(self.iv, "big") ^ (self.sequence - 1)).to_bytes(12, "big")

    def seal(self, inner, version=b"\x03\x03"):
        header = b"\x17" + version + (len(inner) + 16).to_bytes(2, "big")
        return header + self.engine.encrypt(self.nonce(), inner, header)

    def open(self, header, body):
        inner = self.engine.decrypt(self.nonce(), body, header).rstrip(b"\0")
        return inner[-1], inner[:-1]


class RecordSocket:
    """What RawConnection takes for a socket. `run` says what a script says; the words are those of tests/lib/tls_script.h."""

    def __init__(self, sock, write, read):
        self.sock, self.write, self.read = sock, write, read
        self.raw = b""
        self.alerts, self.updates, self.tickets = [], [], 0
        self.last = b""

    def __getattr__(self, name):
        return getattr(self.sock, name)

    def sendall(self, data):
        for i in range(0, len(data), 16384):
            self.send_inner(data[i:i + 16384] + b"\x17")

    def send_raw(self, data):
        self.last = data
        self.sock.sendall(data)

    def send_inner(self, inner, **kwargs):
        self.send_raw(self.write.seal(inner, **kwargs))

    def _more(self, count):
        while len(self.raw) < count:
            data = self.sock.recv(65536)
            if not data:
                return False
            self.raw += data
        return True

    def recv(self, _):
        """The data of the next record that has some; b"" at the end: close_notify, a fatal alert, or none of these."""
        while self._more(5) and self._more(5 + int.from_bytes(self.raw[3:5], "big")):
            size = 5 + int.from_bytes(self.raw[3:5], "big")
            header, body, self.raw = self.raw[:5], self.raw[5:size], self.raw[size:]
            assert header[:3] == b"\x17\x03\x03", header
            try:
                kind, content = self.read.open(header, body)
            except InvalidTag:
                raise AssertionError("a record of the server does not open under its key and number") from None
            if kind == DATA:
                if content:
                    return content
            elif kind == ALERT:
                assert len(content) == 2
                self.alerts.append(tuple(content))
                return b""
            else:
                self._handshake(kind, content)
        return b""

    def _handshake(self, kind, content):
        assert kind == HANDSHAKE, kind
        if content[0] == TICKET:
            self.tickets += 1
            return
        assert content[:4] == bytes([KEY_UPDATE, 0, 0, 1]) and len(content) == 5, content
        self.updates.append(content[4])
        self.read.update()

    # ---- scripts ----

    def run(self, script, chunk=None):
        """All words in one send, or in pieces of `chunk` bytes. Returns False when the server did not take them all."""
        out = b"".join(self.word(word) for word in script.split())
        try:
            for i in range(0, len(out), chunk or len(out) or 1):
                self.sock.sendall(out[i:i + (chunk or len(out))])
        except OSError:
            return False
        return True

    def word(self, word):
        times, star, rest = word.rpartition("*")
        if star:
            return b"".join(self.word(rest) for _ in range(int(times)))
        self.last = self.made(word[0], word[1:])
        return self.last

    def made(self, kind, rest):
        if kind == "D":                         # that much data: pongs, as far as they go whole
            return self.write.seal(pongs(int(rest)) + b"\x17")
        if kind == "P":
            return self.write.seal(pongs(6) + b"\x17" + bytes(int(rest)))
        if kind == "Z":
            return self.write.seal(bytes(int(rest)))
        if kind in "HA":
            return self.write.seal(bytes.fromhex(rest) + (b"\x16" if kind == "H" else b"\x15"))
        if kind == "T":
            number, _, content = rest.partition(":")
            return self.write.seal(bytes.fromhex(content) + bytes([int(number)]))
        if kind == "X":
            return self.write.seal(pongs(6) + b"\x17", version=bytes.fromhex(rest))
        if kind == "R":
            return bytes.fromhex(rest)
        if kind == "U":
            record = self.write.seal(bytes([KEY_UPDATE, 0, 0, 1, int(rest), HANDSHAKE]))
            self.write.update()
            return record
        if kind == "N":
            self.write.update()
            return b""
        if kind == "Y":
            return self.last
        assert kind == "S", kind                # spoiled: a record of 6 bytes of data with a bit of one byte flipped
        record = bytearray(self.write.seal(pongs(6) + b"\x17"))
        record[int(rest)] ^= 1
        return bytes(record)


def pongs(size):
    """Empty pongs, six bytes each; what does not come out even goes into the last one. 0 to 5 bytes: zeros, no frame."""
    if size < 6:
        return bytes(size)
    return encode_frame(OP_PONG) * (size // 6 - 1) + encode_frame(OP_PONG, bytes(size % 6))


class RecordContext:
    """Takes the place of an SSLContext in RawConnection.open."""

    def __init__(self, server, suite=SUITES[0]):
        self.server, self.suite = server, suite

    def _context(self, keylog):
        context = self.server.ssl_context(ssl.TLSVersion.TLSv1_3)
        context.keylog_filename = keylog
        # Python has no call for the suites of TLS 1.3; the pointer to OpenSSL's context stands behind the object's head.
        pointer = ctypes.cast(id(context) + object.__basicsize__, ctypes.POINTER(ctypes.c_void_p)).contents
        openssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
        assert openssl.SSL_CTX_set_ciphersuites(pointer, self.suite.encode()) == 1
        return context

    def wrap_socket(self, sock, server_hostname):
        fd, keylog = tempfile.mkstemp()
        os.close(fd)
        try:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = self._context(keylog).wrap_bio(incoming, outgoing, server_hostname=server_hostname)
            shake(tls, incoming, outgoing, sock)
            assert tls.cipher()[0] == self.suite
            with open(keylog) as f:
                secrets = {line.split()[0]: bytes.fromhex(line.split()[2]) for line in f if not line.startswith("#")}
        finally:
            os.unlink(keylog)
        return RecordSocket(sock, Keys(self.suite, secrets["CLIENT_TRAFFIC_SECRET_0"]), Keys(self.suite, secrets["SERVER_TRAFFIC_SECRET_0"]))


def shake(tls, incoming, outgoing, sock):
    """The handshake. Nothing of what comes behind it may have been read by OpenSSL."""
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            pass
        sock.sendall(outgoing.read())
        data = sock.recv(65536)
        if not data:
            raise ConnectionError("the server ended the handshake")
        incoming.write(data)
    assert incoming.pending == 0
    sock.sendall(outgoing.read())
