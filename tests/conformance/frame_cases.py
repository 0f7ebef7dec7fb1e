# SPDX-License-Identifier: Apache-2.0
"""Groups 1 to 5: echo of all length forms, pings, reserved bits, reserved opcodes, fragmentation."""
import time

from case_list import Case
from ws_peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, frame

HELLO = b"Hello, world!"
BYTES = bytes((0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF))
TOGETHER, APART, OCTETS = "together", "frame by frame", "byte by byte"


def send(peer, frames, how):
    if how == APART:
        for one in frames:
            peer.send(one)
    else:
        peer.send(b"".join(frames), chop=1 if how == OCTETS else 0)


def good(number, title, frames, events, how=TOGETHER):
    """The events come in this order and nothing else does; then we close."""
    def run(target):
        with Peer(target) as peer:
            send(peer, [frame(*f) for f in frames], how)
            peer.expect(*events)
            peer.finish()
    return Case(number, "%s, %s" % (title, how), run)


def bad(number, title, frames, events=(), how=TOGETHER, code=1002):
    """The events come, then the server fails the connection with the code: all of what was sent before the fault counts."""
    def run(target):
        with Peer(target) as peer:
            send(peer, [frame(*f) for f in frames], how)
            peer.expect(*events)
            peer.expect_end(code)
    return Case(number, "%s, %s" % (title, how), run)


def echoes():
    for group, opcode, kind, unit in ((1, TEXT, "text", b"*"), (2, BINARY, "binary", b"\xfe")):
        for i, (size, chop) in enumerate(((0, 0), (125, 0), (126, 0), (127, 0), (128, 0), (65535, 0), (65536, 0),
                                          (65536, 997)), 1):
            def run(target, opcode=opcode, kind=kind, payload=unit * size, chop=chop):
                with Peer(target) as peer:
                    peer.send(frame(opcode, payload), chop=chop)
                    peer.expect((kind, payload))
                    peer.finish()
            yield Case("1.%d.%d" % (group, i), "%s of %d bytes%s" % (kind, size, " in writes of 997" if chop else ""), run)


def pings():
    long_ping = b"\xfe" * 125
    yield good("2.1", "ping without payload", [(PING,)], [("pong", b"")])
    yield good("2.2", "ping with text", [(PING, HELLO)], [("pong", HELLO)])
    yield good("2.3", "ping with bytes", [(PING, BYTES)], [("pong", BYTES)])
    yield good("2.4", "ping of 125 bytes", [(PING, long_ping)], [("pong", long_ping)])
    yield bad("2.5", "ping of 126 bytes", [(PING, b"\xfe" * 126)])
    yield good("2.6", "ping of 125 bytes", [(PING, long_ping)], [("pong", long_ping)], OCTETS)
    yield good("2.7", "unasked pong without payload", [(PONG,)], [])
    yield good("2.8", "unasked pong", [(PONG, b"unsolicited pong payload")], [])
    yield good("2.9", "unasked pong, then ping", [(PONG, b"unsolicited pong payload"), (PING, b"ping payload")],
               [("pong", b"ping payload")])
    ten = [b"payload-%d" % i for i in range(10)]
    for number, how in (("2.10", TOGETHER), ("2.11", OCTETS)):
        yield good(number, "ten pings", [(PING, p) for p in ten], [("pong", p) for p in ten], how)


def reserved_bits():
    echo = [("text", HELLO)]
    yield bad("3.1", "text with RSV 1", [(TEXT, HELLO, True, 1)])
    for number, rsv, how in (("3.2", 2, TOGETHER), ("3.3", 3, APART), ("3.4", 4, OCTETS)):
        yield bad(number, "text, text with RSV %d, ping" % rsv, [(TEXT, HELLO), (TEXT, HELLO, True, rsv), (PING,)], echo, how)
    yield bad("3.5", "binary with RSV 5", [(BINARY, BYTES, True, 5)])
    yield bad("3.6", "ping with RSV 6", [(PING, HELLO, True, 6)])
    yield bad("3.7", "Close with RSV 7", [(CLOSE, b"", True, 7)])


def reserved_opcodes():
    echo = [("text", HELLO)]
    for group, first in ((1, 3), (2, 11)):
        for i in range(5):
            opcode = first + i
            title = "opcode %d" % opcode
            payload = HELLO if i in (1, 3, 4) else b""
            if i < 2:
                yield bad("4.%d.%d" % (group, i + 1), title, [(opcode, payload)])
            else:
                how = OCTETS if i == 4 else TOGETHER
                yield bad("4.%d.%d" % (group, i + 1), "text, %s, ping" % title,
                          [(TEXT, HELLO), (opcode, payload), (PING,)], echo, how)


def fragmentation():
    two = [(TEXT, b"fragment1", False), (CONTINUATION, b"fragment2")]
    with_ping = [two[0], (PING, b"ping payload"), two[1]]
    whole = ("text", b"fragment1fragment2")
    stray = (CONTINUATION, b"non-continuation payload")
    text = (TEXT, HELLO)
    yield bad("5.1", "ping in two fragments", [(PING, b"fragment1", False), (CONTINUATION, b"fragment2")])
    yield bad("5.2", "pong in two fragments", [(PONG, b"fragment1", False), (CONTINUATION, b"fragment2")])
    for i, how in enumerate((TOGETHER, APART, OCTETS)):
        yield good("5.%d" % (3 + i), "text in two fragments", two, [whole], how)
        yield good("5.%d" % (6 + i), "text in two fragments with a ping between", with_ping,
                   [("pong", b"ping payload"), whole], how)
        yield bad("5.%d" % (9 + i), "final continuation of nothing, then text", [stray, text], how=how)
        yield bad("5.%d" % (12 + i), "continuation of nothing, then text", [(*stray, False), text], how=how)
    yield bad("5.15", "text in two fragments, continuation of nothing, text",
              two + [(CONTINUATION, b"fragment3", False), (TEXT, b"fragment4")], [whole])
    for number, fin in (("5.16", False), ("5.17", True)):
        yield bad(number, "twice: continuation of nothing, text in two fragments",
                  [(CONTINUATION, b"fragment1", fin), (TEXT, b"fragment2", False), (CONTINUATION, b"fragment3")] * 2)
    yield bad("5.18", "text begun inside a text", [two[0], (TEXT, b"fragment2")])
    for number, how in (("5.19", TOGETHER), ("5.20", APART)):
        yield Case(number, "text in five fragments with two pings, a second apart, " + how,
                   lambda target, how=how: spread(target, how))


def spread(target, how):
    """A pong may not wait for the end of the message that the ping came into."""
    with Peer(target) as peer:
        send(peer, [frame(TEXT, b"fragment1", False), frame(CONTINUATION, b"fragment2", False),
                    frame(PING, b"pongme 1!")], how)
        time.sleep(1.0)
        peer.expect(("pong", b"pongme 1!"), seconds=0.2)
        send(peer, [frame(CONTINUATION, b"fragment3", False), frame(CONTINUATION, b"fragment4", False),
                    frame(PING, b"pongme 2!"), frame(CONTINUATION, b"fragment5")], how)
        peer.expect(("pong", b"pongme 2!"), ("text", b"fragment1fragment2fragment3fragment4fragment5"))
        peer.finish()


def strictness():
    """Beyond the reference: what section 5.2 forbids in headers, one byte at a time too."""
    key = b"\x01\x02\x03\x04"
    heads = (("not masked", b"\x81\x05Hello"), ("16 bit length for 5", b"\x81\xfe\x00\x05" + key),
             ("64 bit length for 5", b"\x81\xff" + bytes(7) + b"\x05" + key),
             ("64 bit length for 65535", b"\x81\xff" + bytes(5) + b"\x00\xff\xff" + key),
             ("top bit of the length", b"\x81\xff\x80" + bytes(7) + key),
             ("64 bit length on a ping", b"\x89\xff" + bytes(7) + b"\x05" + key))
    for i, (title, head) in enumerate(heads, 1):
        for part, chop in ((1, 0), (2, 1)):
            def run(target, head=head, chop=chop):
                with Peer(target) as peer:
                    peer.send(head, chop=chop)
                    peer.expect_end(1002)
            yield Case("20.%d.%d" % (i, part), "header: %s, %s" % (title, OCTETS if chop else TOGETHER), run)


def cases():
    return [c for part in (echoes, pings, reserved_bits, reserved_opcodes, fragmentation, strictness) for c in part()]
