# SPDX-License-Identifier: Apache-2.0
"""Groups 12 and 13: permessage-deflate with a thousand messages of one size, by payload and by offer. Ours: more offers
(23), and the examples of RFC 7692 section 7.2.3 with what must not pass for compressed data (24)."""
import zlib

import payloads
from case_list import Case
from ws_peer import BINARY, CONTINUATION, PING, TEXT, Failure, Peer, frame

# length of a message, frame size (0: one frame)
SIZES = ((16, 0), (64, 0), (256, 0), (1024, 0), (4096, 0), (8192, 0), (16384, 0), (32768, 0), (65536, 0), (131072, 0),
         (8192, 256), (16384, 256), (32768, 256), (65536, 256), (131072, 256), (131072, 1024), (131072, 4096),
         (131072, 32768))
MESSAGES = 1000
DEFLATE = "permessage-deflate"
DEFAULT = DEFLATE + "; client_no_context_takeover; client_max_window_bits"
ANEW = "; server_no_context_takeover"
OFFERS = (
    DEFAULT,
    DEFAULT + ANEW,
    DEFAULT + "; server_max_window_bits=9",
    DEFAULT + "; server_max_window_bits=15",
    DEFAULT + ANEW + "; server_max_window_bits=9",
    DEFAULT + ANEW + "; server_max_window_bits=15",
    ", ".join((DEFAULT + ANEW + "; server_max_window_bits=9", DEFAULT + ANEW, DEFAULT)),
)


def parameters(offer):
    rows = [r.strip().partition("=") for r in offer.split(";")[1:]]
    return {key: value.strip('"') for key, _, value in rows}


def violation(offer, answer):
    """What RFC 7692 section 7.1 has against this answer to this offer; None if nothing."""
    asked = parameters(offer)
    if not set(answer) <= {"server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits",
                           "client_max_window_bits"}:
        return "unknown parameter"
    if "server_no_context_takeover" in asked and "server_no_context_takeover" not in answer:
        return "server_no_context_takeover is ignored"
    for key in ("server_no_context_takeover", "client_no_context_takeover"):
        if answer.get(key):
            return key + " with a value"
    for key in ("server_max_window_bits", "client_max_window_bits"):
        if key in answer and answer[key] not in ("8", "9", "10", "11", "12", "13", "14", "15"):
            return key + " is no number from 8 to 15"
    wanted = asked.get("server_max_window_bits")
    if wanted and ("server_max_window_bits" not in answer or int(answer["server_max_window_bits"]) > int(wanted)):
        return "server_max_window_bits=%s is ignored" % wanted
    if "client_max_window_bits" in answer and "client_max_window_bits" not in asked:
        return "client_max_window_bits was not offered"
    return None


def check_answer(offers, peer):
    if peer.deflate is None:
        raise Failure("permessage-deflate was not agreed on")
    answer = peer.deflate.parameters
    found = [violation(o.strip(), answer) for o in offers.split(",")]
    if None not in found:
        raise Failure("the answer %r fits no offer: %s" % (answer, found[0]))


def converse(target, offers, kind, size, fragment, count=MESSAGES):
    """count messages, each sent when the echo of the one before has come."""
    _, is_text, _ = payloads.KINDS[kind]
    opcode, name = (TEXT, "text") if is_text else (BINARY, "binary")
    data = payloads.data_of(kind)
    twice = data + data
    at = 0
    # The small ones show every kind of block; the large ones need not wait for the client's own zlib.
    with Peer(target, offers, level=6 if size <= 8192 else 1) as peer:
        check_answer(offers, peer)
        for _ in range(count):
            message = twice[at:at + size]
            at = (at + size) % len(data)
            peer.send_message(opcode, message, fragment)
            peer.expect((name, message), seconds=60)
        peer.finish()


def many(number, offers, kind, row, is_long):
    size, fragment = row
    title = "%d messages of %d bytes of %s%s" % (MESSAGES, size, payloads.KINDS[kind][0],
                                                 ", frames of %d" % fragment if fragment else "")
    if offers != DEFAULT:
        title += "; offer " + offers.replace(DEFAULT, "default")
    return Case(number, title, lambda target: converse(target, offers, kind, size, fragment), is_long)


def reference():
    """Of each kind one size without and one with fragments is in the quick set, another one for each kind."""
    for kind in range(5):
        for i, row in enumerate(SIZES):
            yield many("12.%d.%d" % (kind + 1, i + 1), DEFAULT, kind, row, i not in (kind + 1, 10 + kind % 3))
    for k, offers in enumerate(OFFERS):
        for i, row in enumerate(SIZES):
            yield many("13.%d.%d" % (k + 1, i + 1), offers, 0, row, i not in (k % 6, 10 + k % 3))


# --- more offers

def refused(target, offers):
    """The handshake succeeds, without the extension."""
    with Peer(target, offers) as peer:
        if peer.deflate is not None:
            raise Failure("agreed on %r" % peer.deflate.parameters)
        peer.send(frame(TEXT, b"plain"))
        peer.expect(("text", b"plain"))
        peer.finish()


def answered(target, offers):
    converse(target, offers, 0, 1000, 0, count=20)
    converse(target, offers, 2, 40000, 0, count=5)


def offers():
    plain = [DEFLATE, DEFLATE + "; client_no_context_takeover", DEFLATE + ANEW, DEFLATE + "; client_max_window_bits"]
    plain += [DEFLATE + "; client_max_window_bits=%d" % bits for bits in range(9, 16)]
    plain += [DEFLATE + "; server_max_window_bits=%d" % bits for bits in range(9, 16)]
    plain += [DEFLATE + ANEW + "; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11",
              DEFLATE + '; server_max_window_bits="12"',
              DEFLATE + "; server_max_window_bits=8, " + DEFLATE + "; server_max_window_bits=9",
              DEFLATE + "; no_such_parameter, " + DEFLATE, "x-other, " + DEFLATE]
    for i, text in enumerate(plain, 1):
        yield Case("23.1.%d" % i, "offer " + text, lambda target, text=text: answered(target, text))
    unfit = ["x-other", DEFLATE + "; no_such_parameter", DEFLATE + "; server_max_window_bits",
             DEFLATE + "; server_max_window_bits=7", DEFLATE + "; server_max_window_bits=16",
             DEFLATE + "; server_max_window_bits=09", DEFLATE + "; client_max_window_bits=0",
             DEFLATE + "; server_no_context_takeover=1", DEFLATE + ANEW + ANEW,
             DEFLATE + "; client_max_window_bits; client_max_window_bits=9"]
    for i, text in enumerate(unfit, 1):
        yield Case("23.2.%d" % i, "passed over: " + text, lambda target, text=text: refused(target, text))


# --- RFC 7692 section 7.2.3 and its opposites

def packed_echo(number, title, wire, plain, opcode=TEXT, offer=DEFLATE):
    """`wire` is the compressed frames of one message; a ping shows that the connection goes on."""
    def run(target):
        with Peer(target, offer) as peer:
            check_answer(offer, peer)
            for _ in range(2):
                peer.send(wire + frame(PING, b"on"))
                peer.expect(("text" if opcode == TEXT else "binary", plain), ("pong", b"on"))
            peer.finish()
    return Case(number, title, run)


def packed_refusal(number, title, wire, code, offer=DEFLATE):
    def run(target):
        with Peer(target, offer) as peer:
            peer.send(wire)
            peer.expect_end(code)
    return Case(number, title, run)


def raw(data, wbits=-15, level=6, final=False):
    packer = zlib.compressobj(level, zlib.DEFLATED, wbits)
    return packer.compress(data) + (packer.flush() if final else packer.flush(zlib.Z_SYNC_FLUSH)[:-4])


def takeover(target):
    """The second "Hello" refers back to the first, if the server keeps the client's context; else it is not sent so."""
    with Peer(target, DEFLATE) as peer:
        check_answer(DEFLATE, peer)
        peer.send(frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=4))
        peer.expect(("text", b"Hello"))
        peer.send(frame(TEXT, bytes.fromhex("f200110000"), rsv=4))
        if "client_no_context_takeover" in peer.deflate.parameters:
            peer.expect_end(1007)
        else:
            peer.expect(("text", b"Hello"))
            peer.finish()


def ping_between(target):
    hello = bytes.fromhex("f248cdc9c90700")
    with Peer(target, DEFLATE) as peer:
        check_answer(DEFLATE, peer)
        peer.send(frame(TEXT, hello[:3], False, 4) + frame(PING, b"between") + frame(CONTINUATION, b"", False) +
                  frame(CONTINUATION, hello[3:]))
        peer.expect(("pong", b"between"), ("text", b"Hello"))
        peer.finish()


def examples():
    hello = bytes.fromhex("f248cdc9c90700")
    yield packed_echo("24.1.1", "Hello in one block", frame(TEXT, hello, rsv=4), b"Hello")
    yield packed_echo("24.1.2", "Hello in two frames",
                      frame(TEXT, hello[:3], False, 4) + frame(CONTINUATION, hello[3:]), b"Hello")
    yield packed_echo("24.1.3", "Hello in frames of one byte", frame(TEXT, hello[:1], False, 4) +
                      b"".join(frame(CONTINUATION, hello[i:i + 1], i == 6) for i in range(1, 7)), b"Hello")
    yield packed_echo("24.1.4", "Hello stored", frame(TEXT, bytes.fromhex("000500faff48656c6c6f00"), rsv=4), b"Hello")
    yield packed_echo("24.1.5", "Hello in a final block", frame(TEXT, bytes.fromhex("f348cdc9c9070000"), rsv=4), b"Hello")
    yield packed_echo("24.1.6", "Hello in two blocks", frame(TEXT, bytes.fromhex("f24805000000ffffcac9c90700"), rsv=4),
                      b"Hello")
    yield packed_echo("24.1.7", "empty message", frame(TEXT, b"\x00", rsv=4), b"")
    yield packed_echo("24.1.8", "plain message although deflate is on", frame(TEXT, b"Hello"), b"Hello")
    yield Case("24.1.9", "ping between compressed fragments", ping_between)
    yield Case("24.1.10", "second Hello refers to the first", takeover)
    large = bytes(range(256)) * 8000
    yield packed_echo("24.1.11", "2 MB of every byte, packed 100 times smaller", frame(BINARY, raw(large), rsv=4), large,
                      BINARY)


def refusals():
    on = frame(TEXT, bytes.fromhex("f248cd"), False, 4)
    yield packed_refusal("24.2.1", "RSV1 on a continuation", on + frame(CONTINUATION, bytes.fromhex("c9c90700"), rsv=4), 1002)
    yield packed_refusal("24.2.2", "RSV1 on a ping", frame(PING, b"", rsv=4), 1002)
    yield packed_refusal("24.2.3", "RSV2 although deflate is on", frame(TEXT, b"x", rsv=2), 1002)
    yield packed_refusal("24.2.4", "a block of type 3", frame(TEXT, b"\x07", rsv=4), 1007)
    yield packed_refusal("24.2.5", "a block cut short", frame(TEXT, bytes.fromhex("f248cd"), rsv=4), 1007)
    yield packed_refusal("24.2.6", "back beyond the beginning", frame(TEXT, bytes.fromhex("f200110000"), rsv=4), 1007)
    yield packed_refusal("24.2.7", "text that is not UTF-8 inside", frame(TEXT, raw(b"\xc3\x28"), rsv=4), 1007)
    yield packed_refusal("24.2.8", "more than 16 MiB inside", frame(BINARY, raw(bytes((1 << 24) + 1), level=9), rsv=4), 1009)


def cases():
    return [c for part in (reference, offers, examples, refusals) for c in part()]
