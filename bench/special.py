# SPDX-License-Identifier: Apache-2.0
"""Measurements that take more than one run of the load, and what stands beside a server while it is measured."""
import base64
import os
import socket
import struct

from servers import Failed

CONNECTIONS, CHANNELS_EACH = 100, 1000


def throughput(bench, row, server, options):
    """Time on the clock for a message; where there are fewer than four cores, the load shares those of the server."""
    got = bench.load_beside_two.run(server, "echo", row.tls, **options)
    return {**got, "wall_us": got["seconds"] * 1e6 / got["messages"]}


def masked(text):
    """A client's text frame; the mask is all zeros, so that the bytes stay as they are."""
    payload = text.encode()
    head = struct.pack("!BB", 0x81, 0x80 | len(payload)) if len(payload) < 126 else \
        struct.pack("!BBH", 0x81, 0x80 | 126, len(payload))
    return head + b"\0\0\0\0" + payload


class Talk:
    """A client of few words: no fragments, no compression, messages below 64 KiB."""

    def __init__(self, server, path):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(("GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % (path, key)).encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.more()
        self.rest = self.rest.partition(b"\r\n\r\n")[2]

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


def subscribed_to_many(server, token, first):
    """A connection that is logged in and subscribed to CHANNELS_EACH channels of its own."""
    talk = Talk(server, "/ws")
    if '"welcome"' not in talk.ask("auth:" + token):
        raise Failed("the token is refused")
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


def hold_channels(server, workshop):
    with open(workshop.token_file()) as f:
        token = f.read()
    return Held([subscribed_to_many(server, token, i * CHANNELS_EACH) for i in range(CONNECTIONS)])
