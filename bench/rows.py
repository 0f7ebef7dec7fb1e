# SPDX-License-Identifier: Apache-2.0
"""The rows of bench/compare: what is measured, of whom, and the goal. A row has subjects, the first of which is ours; each is
one server and what the load does to it. All are measured in turn, round after round."""
from dataclasses import dataclass, field

import special

US = ("cpu_us_per_message", "us")
QUOTE_128 = ('{"type":"quote","symbol":"ACME","bid":101.25,"ask":101.31,"volume":18250,"at":"2024-05-17T09:30:00Z",'
            '"venue":"XNYS","seq":1}')
QUOTE_128 += " " * (128 - len(QUOTE_128))
CHAT_200 = '{"type":"chat_message","room_id":"room-42","content":"%s"}'
CHAT_200 %= ("The quick brown fox jumps over the lazy dog. " * 5)[:200 - len(CHAT_200) + 2]
SAY_64 = '{"type":"message","content":"how much is it, and until when?"}'
MESSAGES_PER_ROUND = 100000     # CPU time is told in steps of a few milliseconds: a round takes much longer


@dataclass
class Subject:
    """A server under one load. settings: how it is started; options: of the load."""
    peer: str
    title: str = None                 # None: the peer's
    goal: float = None                # its value divided by ours is to be at least this
    settings: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    before: object = None             # before(server, workshop): what is there besides
    core_count: int = 1


@dataclass
class Row:
    name: str
    what: str
    job: str                          # of the load generator, or a function of special.py
    subjects: list
    tls: bool = False
    options: dict = field(default_factory=dict)
    values: list = field(default_factory=lambda: [US])       # (name in the answer, unit); each becomes a line
    is_fresh: bool = False            # a server of its own for each measurement
    rounds: int = None                # at most
    logs_in: bool = False             # with a token, where the peer knows any
    digits: int = 2


def echo(name, size, tls, goals, **more):
    wanted = [("gateward", None), *goals.items()]
    room = {"room": max(4096, size + 512)}
    what = "echo %s, %s" % ("%d B" % size if size < 1024 else "%d KiB" % (size // 1024), "TLS" if tls else "plain")
    if more.get("depth"):
        what += ", %d under way" % more["depth"]
    count = int(MESSAGES_PER_ROUND * (3 if more.get("depth") else 1 if size <= 1024 else 0.4))
    return Row(name, what, "echo", [Subject(p, goal=g, settings=room) for p, g in wanted], tls,
               {"path": "/echo", "connections": 50, "bytes": size, "messages": count, **more})


def fanout(name, count, tls, goals, pace="awaited", what="next when all have the last"):
    deliveries = 100000 if count <= 1000 else 150000
    return Row(name, "to %s subscribers, 128 B, %s; %s" % (format(count, ","), "TLS" if tls else "plain", what), "fanout",
               [Subject("gateward"), *[Subject(p, goal=g) for p, g in goals.items()]], tls,
               {"subscribers": count, "bytes": 128, "messages": deliveries // count, "sources": 20, "pace": pace}, logs_in=True,
               rounds=None if count <= 1000 else 5)


def handshake(name, resumes, goal):
    options = {"connections": 300, "batch": 20, "resumed": resumes, "keep": True}
    token = {"bearer": True}
    return Row(name, "TLS handshake%s, upgrade; ours with a JWT to its welcome" % (", resumed" if resumes else " in full"),
               "connect", [Subject("gateward", options=token), Subject("libwebsockets", goal=goal)], True, options,
               logs_in=True, digits=0)


def idle(name, tls):
    return Row(name, "an idle connection of 10,000, subscribed, %s: memory" % ("TLS" if tls else "plain"), "idle",
               [Subject("gateward"), Subject("libwebsockets")], tls,
               {"connections": 10000, "batch": 200, "sources": 50, "seconds": 3}, values=[("anonymous_bytes_each_later", "B")],
               is_fresh=True, rounds=2, logs_in=True, digits=0)


def guide(name, tls, goal):
    return Row(name, "logged in, JSON judged and acknowledged, %s" % ("TLS" if tls else "plain"), "echo",
               [Subject("gateward"), Subject("websockets", goal=goal)], tls,
               {"connections": 50, "send": SAY_64, "answer": '"ack"', "messages": MESSAGES_PER_ROUND}, logs_in=True)


def policy():
    whole = Subject("gateward", options={"path": "/ws", "send": CHAT_200, "answer": '"ack"'})
    bare = Subject("gateward", "gateward, bare echo of the same bytes", goal=round(1 / 1.15, 2),
                   options={"path": "/echo", "send": CHAT_200, "native": None, "token_file": None})
    return Row("policy", "login, JSON, schema, rule, rates, counters: 200 B, TLS", "echo", [whole, bare], True,
               {"connections": 50, "messages": MESSAGES_PER_ROUND}, logs_in=True,
               is_fresh=True)        # so that the rates of the type, which have a ceiling, are never used up


def records():
    ours, theirs = Subject("gateward"), Subject("gateward", "gateward with OpenSSL's records", settings={"records": "openssl"})
    return Row("records", "echo 1 KiB, TLS, records carried by code of ours", "echo", [ours, theirs], True,
               {"path": "/echo", "connections": 50, "bytes": 1024, "messages": MESSAGES_PER_ROUND})


def growth():
    conns = {"path": "/echo", "bytes": 20, "messages": 2 * MESSAGES_PER_ROUND, "sources": 50, "batch": 200}
    wide, narrow = (Subject("gateward", t, options={"connections": n}, goal=g)
                    for t, n, g in ((None, 15000, None), ("gateward with 500 connections", 500, 0.8)))
    subscribers = {"bytes": 128, "sources": 20}
    many, few = (Subject("gateward", t, options={"subscribers": n, "messages": 150000 // n}, goal=g)
                 for t, n, g in ((None, 10000, None), ("gateward with 1,000 subscribers", 1000, 0.8)))
    crowd = Subject("gateward", before=special.hold_channels)
    alone = Subject("gateward", "gateward with one channel", goal=0.95)
    return [
        Row("growth-connections", "echo 20 B, plain, 15,000 connections", "echo", [wide, narrow], False, conns, rounds=5),
        Row("growth-subscribers", "to 10,000 subscribers, plain: one delivery", "fanout", [many, few], False, subscribers,
            rounds=5, logs_in=True),
        Row("growth-channels", "to 200 subscribers beside 100,000 channels", "fanout", [crowd, alone], False,
            {"subscribers": 200, "bytes": 128, "messages": 200}, logs_in=True),
    ]


def two_workers():
    two = Subject("gateward", settings={"workers": 2}, core_count=2)
    one = Subject("gateward", "gateward with one worker", settings={"workers": 1}, core_count=2)
    return Row("two-workers", "echo 1 KiB, TLS, two workers on two cores: time", special.throughput, [two, one], True,
               {"path": "/echo", "connections": 200, "bytes": 1024, "messages": MESSAGES_PER_ROUND}, values=[("wall_us", "us")])


def latency():
    goals = {"libwebsockets": None, "tungstenite": None, "ws": None}
    return Row("latency", "echo 1 KiB, TLS, at 70 % of each one's own saturation", "echo",
               [Subject("gateward"), *[Subject(p, goal=g, settings={"room": 4096}) for p, g in goals.items()]], True,
               {"path": "/echo", "connections": 50, "bytes": 1024, "rate": "70%", "seconds": 2}, rounds=5,
               values=[("p50_us", "us, p50"), ("p99_us", "us, p99"), ("p999_us", "us, p99.9")], digits=0)


def deflate():
    compressed = {"deflate": True}
    return Row("deflate", "echo 128 B of JSON, permessage-deflate, 512 connections, plain", "echo",
               [Subject("gateward", settings=compressed), Subject("libwebsockets", goal=1.15, settings=compressed)], False,
               {"path": "/echo", "connections": 512, "send": QUOTE_128, "compress": True, "messages": MESSAGES_PER_ROUND // 2})


def all_rows():
    plain = {"epoll": 0.95, "libwebsockets": None, "tungstenite": None, "ws": None}
    tls = {"tungstenite": None, "ws": None}
    others = {"centrifuge": 5, "nchan": 3, "ws": None}
    flow = "next at the server's ack"
    return [
        echo("echo-20", 20, False, plain),
        echo("echo-20x16", 20, False, plain, depth=16),
        echo("echo-1k", 1024, False, plain),
        echo("echo-16k", 16384, False, plain),
        echo("echo-tls-20", 20, True, {"libwebsockets": 1.25, **tls}),
        echo("echo-tls-1k", 1024, True, {"libwebsockets": 1.5, **tls}),
        echo("echo-tls-16k", 16384, True, {"libwebsockets": 1.4, **tls}),
        fanout("fanout-1k", 1000, False, {"libwebsockets": 2.2, **others}),
        fanout("fanout-tls-1k", 1000, True, {"libwebsockets": 2.7, **others}),
        fanout("fanout-5k", 5000, False, {"libwebsockets": 2.2, **others}),
        fanout("fanout-tls-5k", 5000, True, {"libwebsockets": 2.7, **others}),
        fanout("flow-1k", 1000, False, {"libwebsockets": 2.2}, "acked", flow),
        fanout("flow-tls-1k", 1000, True, {"libwebsockets": 2.7}, "acked", flow),
        records(),
        policy(),
        handshake("handshake", False, 1.3),
        handshake("handshake-resumed", True, 1.25),
        idle("idle", False),
        idle("idle-tls", True),
        deflate(),
        guide("guide", False, 6),
        guide("guide-tls", True, 5),
        *growth(),
        two_workers(),
        latency(),
    ]
