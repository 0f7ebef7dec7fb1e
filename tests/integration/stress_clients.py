# SPDX-License-Identifier: Apache-2.0
"""Two hundred clients at four workers, who come, talk, misbehave and vanish; made for the build with the thread sanitizer.

    GATEWARD_BIN=build-tsan/gateward python3 -m pytest tests/integration/stress_clients.py      (20 s; GATEWARD_LONG=1: 60 s)
    GATEWARD_STRESS_SECONDS=300 ...                                                             (as long as you like)

A client's fate is drawn at each connection; TALKS and VANISHES are the tables. Afterwards nothing may be left: each limit can be
filled to its last place again. Then once more, and SIGTERM in the middle of it.
"""
import asyncio
import collections
import json
import os
import random
import signal
import socket
import ssl
import struct
import time

import pytest

from gateward_server import GatewardServer
from raw_client import OP_CLOSE, OP_CONTINUATION, OP_PING, OP_PONG, OP_TEXT, RawWebSocket, encode_frame, http_request
from talk import ask, error

CLIENTS, PLACES, CHANNELS = 200, 260, 300
SECONDS = int(os.environ.get("GATEWARD_STRESS_SECONDS") or (60 if os.environ.get("GATEWARD_LONG") == "1" else 20))
CONFIG = {
    "server": {"workers": 4, "drain": "3s"},
    "listen": [{"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key"}}, {"address": "127.0.0.1:0"}],
    "auth": {"timeout": "2s", "jwt": [{"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None,
                                       "audience": None, "skew": "0s"}]},
    "limits": {"connections": {"total": PLACES, "per_ip": PLACES}, "handshakes": {"per_second": 100000, "burst": 100000},
               "messages": {"per_minute": 1200, "per_hour": 100000}, "channels": CHANNELS, "subscriptions": CHANNELS + 1,
               "queue": {"size": "128KiB", "stall": "700ms"}, "assembly": "1s"},
    "timeouts": {"tls": "1s", "header": "1s", "ping": "1s", "pong": "700ms", "close": "500ms"},
    "compression": {"enabled": True, "context_takeover": True},
}
# How an end looks from here, whoever made it.
GONE = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.TimeoutError, TimeoutError, OSError)
COMPRESS = "permessage-deflate; client_max_window_bits"


class Closed(Exception):
    """The server said Close."""


class Client:
    """One connection; everything may end it at any time."""

    def __init__(self, crowd, name):
        self.crowd, self.name, self.heard = crowd, name, {}
        self.chance, self.count = crowd.chance, crowd.count
        self.tls = self.chance.random() < 0.4
        self.reader = self.writer = None

    async def dial(self):
        server = self.crowd.server
        port = server.listeners[0 if self.tls else 1][1]
        kwargs = {"ssl": self.crowd.context, "server_hostname": "localhost"} if self.tls else {}
        self.reader, self.writer = await asyncio.open_connection(server.host, port, **kwargs)

    async def upgrade(self, **kwargs):
        port = self.crowd.server.listeners[0 if self.tls else 1][1]
        if self.chance.random() < 0.3 and "headers" not in kwargs:
            kwargs["headers"] = [("Sec-WebSocket-Extensions", COMPRESS)]
        self.writer.write(http_request(host="localhost:%d" % port, **kwargs))
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.count["status %s" % head[9:12].decode()] += 1
        return head.startswith(b"HTTP/1.1 101")

    async def frame(self, opcode, payload=b"", **kwargs):
        self.writer.write(encode_frame(opcode, payload, **kwargs))
        await self.writer.drain()

    async def say(self, message):
        await self.frame(OP_TEXT, json.dumps(message))

    async def hear(self):
        """The next frame; a ping is answered, a push must be newer than the last one of its publisher's connection."""
        first, second = await self.reader.readexactly(2)
        size = second & 0x7F
        if size > 125:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        payload = await self.reader.readexactly(size)
        if first & 0xF == OP_CLOSE:
            self.count["close %s" % (struct.unpack("!H", payload[:2])[0] if payload else "none")] += 1
            raise Closed
        if first & 0xF == OP_PING:
            await self.frame(OP_PONG, payload)
        elif first & 0xF == OP_TEXT and not first & 0x40:
            message = json.loads(payload)
            self.count[message["type"]] += 1
            if message["type"] == "message":
                life, number = message["data"][:2]
                # A subscriber that left and came back skips some, but nothing comes twice or in another order.
                key = (message["channel"], life)
                assert self.heard.get(key, -1) < number, "twice or out of order: %r" % payload[:100]
                self.heard[key] = number
            return message
        return None

    async def login(self, ttl=600, roles=("user",)):
        await self.dial()
        if not await self.upgrade():
            raise Closed
        await self.say({"type": "auth", "token": self.crowd.server.token(self.name, roles, ttl)})
        await self.frame(OP_PING, b"")

    async def listen(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await self.hear()       # a ping comes after a second at the latest

    def reset(self):
        """Ends with a TCP RST, also under TLS."""
        sock = self.writer.get_extra_info("socket")
        if sock is not None:        # the other side was not first
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abandon()

    def abandon(self):
        try:
            self.writer.transport.abort()
        except AttributeError:      # a TLS transport of Python 3.11 cannot be aborted twice
            pass

    # --- fates: what is done between a login and an end

    async def chat(self):
        life, channels = self.crowd.next_life(), ["private:room-%d" % self.chance.randrange(12) for _ in range(4)]
        for channel in channels:
            await self.say({"type": "subscribe", "channel": channel})
        for number in range(self.chance.randrange(1, 40)):
            filler = "x" * self.chance.choice((0, 0, 10, 200, 3000))
            await self.say({"type": "publish", "channel": self.chance.choice(channels), "data": [life, number, filler]})
            if number % 4 == 3:
                await self.hear()
        if self.chance.random() < 0.5:
            await self.say({"type": "unsubscribe", "channel": channels[0]})
        await self.listen(self.chance.random())

    async def renew(self):
        await self.say({"type": "subscribe", "channel": "private:room-1"})
        for roles in (["user"], [], ["admin"], ["user"]):
            await self.say({"type": "auth", "token": self.crowd.server.token(self.name, roles)})
        await self.say({"type": "auth", "token": "bad"})
        for _ in range(6):
            await self.hear()

    async def expire(self):
        await self.say({"type": "subscribe", "channel": "private:room-2"})
        await self.say({"type": "auth", "token": self.crowd.server.token(self.name, ["user"], 1)})
        await self.listen(3)        # too late by then, the fresh one changes nothing

    async def flood(self):
        self.writer.write(encode_frame(OP_TEXT, '{"type":"ping"}') * self.chance.randrange(1, 1500))
        await self.listen(0.3)

    async def ignore(self):
        for n in range(12):
            await self.say({"type": "subscribe", "channel": "private:room-%d" % n})
        await asyncio.sleep(self.chance.random() * 1.5)

    async def offend(self):
        await self.frame(self.chance.choice((OP_TEXT, 0x3, 0x2, OP_CONTINUATION)), b"\xff\xfe", mask=self.chance.random() < 0.5)
        while True:
            await self.hear()

    TALKS = (chat, chat, chat, chat, renew, expire, flood, ignore, offend)

    # --- ends

    async def polite(self):
        await self.frame(OP_CLOSE, struct.pack("!H", 1000))
        while True:
            await self.hear()

    async def half_frame(self):
        self.writer.write(encode_frame(OP_TEXT, b"x" * 5000)[:self.chance.randrange(1, 5000)])
        await asyncio.sleep(0)
        self.reset() if self.chance.random() < 0.5 else self.writer.close()

    async def half_message(self):
        await self.frame(OP_TEXT, b"{", fin=False)
        await asyncio.sleep(self.chance.random() * 1.5)

    async def at_once(self):
        self.reset()

    async def quietly(self):
        self.writer.close()

    ENDS = (polite, half_frame, half_message, at_once, quietly)

    # --- who never gets as far as a login

    async def half_hello(self):
        self.tls = False
        self.reader, self.writer = await asyncio.open_connection(self.crowd.server.host, self.crowd.server.port)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            self.crowd.context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = outgoing.read()
        self.writer.write(hello[:self.chance.randrange(len(hello) + 1)])
        await asyncio.sleep(self.chance.choice((0, 0.01, 0.3)))
        self.reset() if self.chance.random() < 0.5 else self.writer.close()

    async def half_head(self):
        await self.dial()
        request = http_request()
        self.writer.write(request[:self.chance.randrange(len(request))])
        await asyncio.sleep(self.chance.choice((0, 0.01, 1.2)))
        self.reset()

    async def wrong_door(self):
        await self.dial()
        wrong = self.chance.choice(({"path": "/no"}, {"headers": [("Origin", "https://evil.example")]},
                                    {"headers": [("Authorization", "Bearer bad")]}, {"method": "POST"}))
        await self.upgrade(**wrong)

    async def no_login(self):
        await self.dial()
        await self.upgrade()
        if self.chance.random() < 0.5:
            await self.frame(OP_TEXT, "auth:bad")
        await self.hear()

    STRANGERS = (half_hello, half_hello, half_head, wrong_door, no_login)

    async def act(self):
        if self.chance.random() < 0.25:
            fate = self.chance.choice(self.STRANGERS)
            self.count[fate.__name__] += 1
            await fate(self)
            return "end"
        await self.login()
        talk, end = self.chance.choice(self.TALKS), self.chance.choice(self.ENDS)
        self.count[talk.__name__] += 1
        await talk(self)
        self.count[end.__name__] += 1
        await end(self)
        return "end"

    async def live(self):
        """One connection from its begin to its end; says what became of it. No wait of a client may take this long."""
        try:
            return await asyncio.wait_for(self.act(), 40)
        except Closed:
            return "closed"
        except GONE as e:
            return "gone" if not isinstance(e, (asyncio.TimeoutError, TimeoutError)) else "timeout"
        finally:
            if self.writer is not None:
                self.abandon()


class Crowd:
    """All clients, for some time."""

    def __init__(self, server, seed):
        self.server, self.chance, self.count = server, random.Random(seed), collections.Counter()
        self.context = server.ssl_context()
        self.lives = 0

    def next_life(self):
        self.lives += 1
        return self.lives

    async def one(self, name, until):
        while time.monotonic() < until and self.server.is_running():
            fate = await Client(self, name).live()
            self.count[fate] += 1
            if fate == "gone":
                await asyncio.sleep(0.01)

    async def run(self, seconds, disturb=None):
        until = time.monotonic() + seconds
        tasks = [asyncio.create_task(self.one("user%d" % (i % 60), until)) for i in range(CLIENTS)]
        if disturb is not None:
            await asyncio.sleep(seconds / 2)
            disturb()
        await asyncio.wait_for(asyncio.gather(*tasks), seconds + 60)


def quiet(server, files, seconds=10):
    """Waits until nobody is connected any more."""
    deadline = time.monotonic() + seconds
    while server.fd_count() > files:
        assert time.monotonic() < deadline, "%d descriptors more than at first" % (server.fd_count() - files)
        time.sleep(0.05)


def fill(server):
    """Every counted place is free again, and not one more than there should be."""
    plain = server.listeners[1][1]
    held = [RawWebSocket.login(server, "filler%d" % i, tls=False, port=plain, timeout=30) for i in range(PLACES)]
    with RawWebSocket.open(server, tls=False, port=plain, timeout=30, expect=None) as late:
        assert late.response.status in (429, 503), late.response.status
    for ws in held[:8]:     # wherever the kernel put them: each worker has a table of its own
        for i in range(CHANNELS):
            assert ask(ws, {"type": "subscribe", "channel": "private:room-%d" % i}, 30)["type"] == "subscribed", i
        answer = ask(ws, {"type": "subscribe", "channel": "private:room-more"}, 30)
        assert answer == error("limit_exceeded", "Too many subscriptions"), answer
        for i in range(CHANNELS):
            ask(ws, {"type": "unsubscribe", "channel": "private:room-%d" % i}, 30)
    for ws in held:
        ws.reset()


@pytest.mark.timeout(SECONDS * 2 + 150)
def test_clients_come_talk_and_vanish_and_nothing_is_left(tmp_path):
    server = GatewardServer(tmp_path, CONFIG, start_timeout=60).start()
    try:
        time.sleep(0.5)
        files = server.fd_count()
        crowd = Crowd(server, random.randrange(1 << 30))
        asyncio.run(crowd.run(SECONDS * 0.7))
        print(dict(crowd.count))
        assert server.is_running(), server.stderr_text()[-4000:]
        for fate in Client.TALKS + Client.ENDS + Client.STRANGERS:      # it did happen, all of it
            assert crowd.count[fate.__name__] > 0, (fate.__name__, crowd.count)
        assert crowd.count["message"] > 100 and crowd.count["ack"] > 100 and crowd.count["timeout"] == 0, crowd.count
        assert crowd.count["close 4001"] and crowd.count["status 101"] > CLIENTS, crowd.count
        assert not crowd.count["close 1011"], crowd.count
        quiet(server, files)
        fill(server)
        quiet(server, files)

        crowd = Crowd(server, random.randrange(1 << 30))
        asyncio.run(crowd.run(SECONDS * 0.3, lambda: server.signal(signal.SIGTERM)))
        assert crowd.count["close 1001"] > 0, crowd.count       # it was told while it was busy
        server.wait(20)
        names = [row["event"] for row in server.events()]
        assert names[0] == "server_start" and names[-1] == "server_stop" and "server_drain" in names
    finally:
        server.kill()
        text = server.stderr_text()
        if "Sanitizer" in text:
            print(text[:20000])
