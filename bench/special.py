# SPDX-License-Identifier: Apache-2.0
"""Measurements that take more than one run of the load, and what stands beside a server while it is measured."""
import base64
import os
import socket
import ssl
import struct

from servers import Failed

CONNECTIONS, CHANNELS_EACH = 100, 1000
SATURATION_SHARE = 0.7
LATENCY_SECONDS = 2


def throughput(bench, row, server, options):
    """Time on the clock for a message; the load may use all cores, as the server does."""
    got = bench.load_on_all_cores.run(server, "echo", row.tls, **options)
    return {**got, "wall_us": got["wall_s"] * 1e6 / got["units"]}


def at_70_percent(bench, row, server, options):
    """How long an echo takes while the server is asked for 70 % of what it gives when asked as fast as it can answer."""
    most = bench.load.run(server, "echo", row.tls, **options, messages=bench.scaled(30000))
    rate = int(SATURATION_SHARE * most["units"] / most["wall_s"])
    seconds = max(1, round(LATENCY_SECONDS * bench.scale))
    return bench.load.run(server, "latency", row.tls, **options, per_second=rate, seconds=seconds)


def masked(text):
    """A client's text frame; the mask is all zeros, so that the bytes stay as they are."""
    payload = text.encode()
    head = struct.pack("!BB", 0x81, 0x80 | len(payload)) if len(payload) < 126 else \
        struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
    return head + b"\0\0\0\0" + payload


class Talk:
    """A client of few words: no fragments, no compression, messages below 64 KiB."""

    def __init__(self, server, path, tls=False, token=None):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % (path, key)).encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.more()
        self.rest = self.rest.partition(b"\r\n\r\n")[2]
        if token:
            self.ask("auth:" + token)

    def more(self):
        got = self.socket.recv(1 << 16)
        if not got:
            raise Failed("the server closed a connection: %r" % self.rest[-100:])
        self.rest += got

    def take(self, count):
        while len(self.rest) < count:
            self.more()
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def answer(self):
        size = self.take(2)[1] & 127
        return self.take(struct.unpack("!H", self.take(2))[0] if size == 126 else size).decode()

    def say(self, *texts):
        self.socket.sendall(b"".join(masked(t) for t in texts))

    def ask(self, text):
        self.say(text)
        return self.answer()

    def close(self):
        self.socket.close()


def check_answer(server, tls, options, expected):
    """Failed unless the message that is to be measured is answered as it should be: a refusal is quickly made, too."""
    talk = Talk(server, options.get("path", "/ws"), tls, options.get("token"))
    got = talk.ask(options["text"])
    talk.close()
    if expected not in got:
        raise Failed("expected %s, got %s" % (expected, got[:200]))


def subscribed_to_many(server, first):
    """A connection that is logged in and subscribed to CHANNELS_EACH channels of its own."""
    talk = Talk(server, "/ws", token=server.token)
    for begin in range(0, CHANNELS_EACH, 100):
        talk.say(*['{"type":"subscribe","channel":"many:%d"}' % (first + i) for i in range(begin, begin + 100)])
        for _ in range(100):
            if '"subscribed"' not in talk.answer():
                raise Failed("a channel could not be subscribed to")
    return talk


class Held:
    def __init__(self, connections):
        self.connections = connections

    def close(self):
        for connection in self.connections:
            connection.close()


def hold_channels(server):
    return Held([subscribed_to_many(server, i * CHANNELS_EACH) for i in range(CONNECTIONS)])
