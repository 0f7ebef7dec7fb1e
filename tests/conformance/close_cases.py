# SPDX-License-Identifier: Apache-2.0
"""Group 7: the closing handshake, what may stand in a Close, and which codes."""
from case_list import Case
from ws_peer import CLOSE, CONTINUATION, PING, TEXT, Peer, close_payload, frame

HELLO = b"Hello World!"


def script(number, title, frames, events, code):
    """Sent in one go; then the events, a Close with the code (None: empty), and the end."""
    def run(target):
        with Peer(target) as peer:
            peer.send(b"".join(frame(*f) for f in frames))
            peer.expect(*events)
            peer.expect_end(code)
    return Case(number, title, run)


def behaviour():
    close = (CLOSE, close_payload(1000))
    large = b"BAsd7&jh23" * 26214 + b"BAsd"       # 256 KiB
    yield script("7.1.1", "text, Close", [(TEXT, HELLO), close], [("text", HELLO)], 1000)
    yield script("7.1.2", "two Closes", [close, close], [], 1000)
    yield script("7.1.3", "ping after Close", [close, (PING,)], [], 1000)
    yield script("7.1.4", "text after Close", [close, (TEXT, HELLO)], [], 1000)
    yield script("7.1.5", "Close inside a fragmented text",
                 [(TEXT, b"fragment1", False), close, (CONTINUATION, b"fragment2")], [], 1000)
    yield script("7.1.6", "256 KiB of text, text, Close, ping", [(TEXT, large), (TEXT, HELLO), close, (PING,)],
                 [("text", large), ("text", HELLO)], 1000)


def payloads():
    reason = b"*" * 123
    yield script("7.3.1", "Close without payload", [(CLOSE,)], [], None)
    yield script("7.3.2", "Close with 1 byte", [(CLOSE, b"a")], [], 1002)
    yield script("7.3.3", "Close with a code", [(CLOSE, close_payload(1000))], [], 1000)
    yield script("7.3.4", "Close with a code and a reason", [(CLOSE, close_payload(1000, HELLO))], [], 1000)
    yield script("7.3.5", "Close with the longest reason", [(CLOSE, close_payload(1000, reason))], [], 1000)
    yield script("7.3.6", "Close with a reason too long", [(CLOSE, close_payload(1000, reason + b"*"))], [], 1002)
    broken = bytes.fromhex("cebae1bdb9cf83cebcceb5eda080656469746564")
    yield script("7.5.1", "Close with a reason that is not UTF-8", [(CLOSE, close_payload(1000, broken))], [], 1007)


def codes():
    good = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    bad = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
    for i, code in enumerate(good, 1):
        yield script("7.7.%d" % i, "Close %d comes back" % code, [(CLOSE, close_payload(code))], [], code)
    for i, code in enumerate(bad, 1):
        yield script("7.9.%d" % i, "Close %d is refused" % code, [(CLOSE, close_payload(code))], [], 1002)
    for i, code in enumerate((5000, 65535), 1):
        yield script("7.13.%d" % i, "Close %d is refused" % code, [(CLOSE, close_payload(code))], [], 1002)
    for i, code in enumerate((1012, 1013, 1014), 1):
        yield script("21.1.%d" % i, "Close %d comes back" % code, [(CLOSE, close_payload(code))], [], code)
    yield script("21.1.4", "Close 1015 is refused", [(CLOSE, close_payload(1015))], [], 1002)
    yield script("21.1.5", "broken frame after Close is not looked at",
                 [(CLOSE, close_payload(1000)), (TEXT, b"\xff", True, 7)], [], 1000)


def cases():
    return [c for part in (behaviour, payloads, codes) for c in part()]
