# SPDX-License-Identifier: Apache-2.0
"""Groups 9 and 10: large messages in one frame, in fragments, in small writes; a thousand round trips. Ours (25): many
large messages without waiting, so that the server must stop reading for a while and go on."""
from case_list import Case
from ws_peer import BINARY, PING, TEXT, Peer, fragments, frame

KIB, MIB = 1024, 1024 * 1024
KINDS = ((TEXT, "text", b"BAsd7&jh23"), (BINARY, "binary", b"\x00\xfe\x23\xfa\xf0\x17\x80\xff\x01\xc3"))


def payload_of(unit, size):
    return (unit * (size // len(unit) + 1))[:size]


def echo(number, kind, size, fragment=0, chop=0, is_long=False):
    opcode, name, unit = kind
    title = "%s of %d bytes" % (name, size)
    if fragment:
        title += " in fragments of %d" % fragment
    if chop:
        title += " in writes of %d" % chop

    def run(target):
        payload = payload_of(unit, size)
        with Peer(target) as peer:
            peer.send(fragments(opcode, payload, fragment), chop=chop)
            peer.expect((name, payload), seconds=100)
            peer.finish()
    return Case(number, title, run, is_long)


def round_trips(number, kind, size):
    opcode, name, unit = kind

    def run(target):
        payload = payload_of(unit, size)
        with Peer(target) as peer:
            for _ in range(1000):
                peer.send(fragments(opcode, payload, 0))
                peer.expect((name, payload), seconds=60)
            peer.finish()
    return Case(number, "1,000 round trips of %s, %d bytes" % (name, size), run)


def pong_behind_large_echo(target):
    """The echo fills the server's queue; nothing but the ping's own answer can bring the pong."""
    payload = payload_of(KINDS[0][2], 256 * KIB)
    with Peer(target) as peer:
        peer.send(frame(TEXT, payload) + frame(PING, b"behind"))
        peer.expect(("text", payload), ("pong", b"behind"))
        peer.finish()


def reads_on(target, size, count):
    payload = payload_of(KINDS[1][2], size)
    with Peer(target) as peer:
        peer.send_and_listen(frame(BINARY, payload) * count)
        peer.expect(*[("binary", payload)] * count, seconds=60)
        peer.finish()


def many_small(target):
    with Peer(target) as peer:
        peer.send_and_listen(b"".join(frame(TEXT, b"message %d" % i) for i in range(20000)))
        peer.expect(*[("text", b"message %d" % i) for i in range(20000)])
        peer.finish()


def cases():
    found = []
    for k, kind in enumerate(KINDS):
        for i, size in enumerate((64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB), 1):
            found.append(echo("9.%d.%d" % (1 + k, i), kind, size, is_long=size > 4 * MIB))
        for i in range(9):
            size = 64 * 4 ** i
            found.append(echo("9.%d.%d" % (3 + k, i + 1), kind, 4 * MIB, fragment=size, is_long=size not in (64, 4096, MIB)))
        for i in range(6):
            found.append(echo("9.%d.%d" % (5 + k, i + 1), kind, MIB, chop=64 << i, is_long=i in (0, 1, 3, 4)))
        for i, size in enumerate((0, 16, 64, 256, 1024, 4096), 1):
            found.append(round_trips("9.%d.%d" % (7 + k, i), kind, size))
    found.append(echo("10.1.1", KINDS[0], 65536, fragment=1300))
    found.append(Case("25.1.1", "a pong behind an echo of 256 KiB", pong_behind_large_echo))
    for i, (size, count) in enumerate(((256 * KIB, 1), (256 * KIB, 16), (MIB, 8), (20000, 200)), 1):
        found.append(Case("25.2.%d" % i, "goes on reading: %d messages of %d bytes at once" % (count, size),
                          lambda target, size=size, count=count: reads_on(target, size, count)))
    found.append(Case("25.3.1", "20,000 small messages at once", many_small))
    return found
