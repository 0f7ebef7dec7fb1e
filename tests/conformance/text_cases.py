# SPDX-License-Identifier: Apache-2.0
"""Group 6: UTF-8 in text messages, refused at the first bad byte; and the same for every way to cut the bytes (22)."""
import random
import time

from case_list import Case
from ws_peer import CONTINUATION, PING, TEXT, Failure, Peer, frame, header, masked

GREEK = bytes.fromhex("cebae1bdb9cf83cebcceb5")
MIXED = "Hello-µ@ßöäüàá-UTF-8!!".encode()
BEYOND = bytes.fromhex("f4908080")      # U+110000: bad from its second byte on
SURROGATE = bytes.fromhex("eda080")
EDITED = b"edited"

# A vector is its verdict (+ comes back, - is refused with 1007) and the bytes in hex.
VECTORS = (
    ("5", "valid sequences",
     "+68656c6c6f24776f726c64 +68656c6c6fc2a2776f726c64 +68656c6c6fe282ac776f726c64 +68656c6c6ff0a4ada2776f726c64 "
     "+cebae1bdb9cf83cebcceb5"),
    ("6", "prefixes of a valid string",
     "-ce +ceba -cebae1 -cebae1bd +cebae1bdb9 -cebae1bdb9cf +cebae1bdb9cf83 -cebae1bdb9cf83ce +cebae1bdb9cf83cebc "
     "-cebae1bdb9cf83cebcce +cebae1bdb9cf83cebcceb5"),
    ("7", "first of each length", "+00 +c280 +e0a080 +f0908080"),
    ("8", "first of length 5 and 6", "-f888808080 -fc8480808080"),
    ("9", "last of each length", "+7f +dfbf +efbfbf +f48fbfbf"),
    ("10", "last of length 4, 5 and 6", "-f7bfbfbf -fbbfbfbfbf -fdbfbfbfbfbf"),
    ("11", "other boundaries", "+ed9fbf +ee8080 +efbfbd +f48fbfbf -f4908080"),
    ("12", "continuation bytes alone",
     "-80 -bf -80bf -80bf80 -80bf80bf -80bf80bf80 -80bf80bf80bf -%s" % bytes(range(0x80, 0xBF)).hex()),
    ("13", "start bytes alone",
     " ".join("-" + "".join("%02x20" % b for b in range(first, last))
              for first, last in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD)))),
    ("14", "last byte missing",
     "-c0 -e080 -f08080 -f8808080 -fc80808080 -df -efbf -f7bfbf -fbbfbfbf -fdbfbfbfbf"),
    ("15", "incomplete sequences in a row", "-c0e080f08080f8808080fc80808080dfefbff7bfbffbbfbfbffdbfbfbfbf"),
    ("16", "impossible bytes", "-fe -ff -fefeffff"),
    ("17", "overlong slash", "-c0af -e080af -f08080af -f8808080af -fc80808080af"),
    ("18", "longest overlong", "-c1bf -e09fbf -f08fbfbf -f887bfbfbf -fc83bfbfbfbf"),
    ("19", "overlong NUL", "-c080 -e08080 -f0808080 -f880808080 -fc8080808080"),
    ("20", "surrogates", "-eda080 -edadbf -edae80 -edafbf -edb080 -edbe80 -edbfbf"),
    ("21", "surrogate pairs",
     "-eda080edb080 -eda080edbfbf -edadbfedb080 -edadbfedbfbf -edae80edb080 -edae80edbfbf -edafbfedb080 -edafbfedbfbf"),
    ("22", "non-characters",
     " ".join("+" + chr(plane << 16 | low).encode().hex() for plane in range(17) for low in (0xFFFE, 0xFFFF))),
    ("23", "specials", " ".join("+" + chr(c).encode().hex() for c in range(0xFFF9, 0x10000))),
)


def vectors(text):
    for word in text.split():
        yield word[0] == "+", bytes.fromhex(word[1:])


def judge(target, is_valid, payload, send):
    with Peer(target) as peer:
        send(peer)
        if is_valid:
            peer.expect(("text", payload))
            peer.finish()
        else:
            peer.expect_end(1007)


def in_frames(payload, cuts):
    """The payload in fragments that end at the cuts."""
    edges = [0, *cuts, len(payload)]
    parts = [payload[a:b] for a, b in zip(edges, edges[1:])]
    return b"".join(frame(TEXT if i == 0 else CONTINUATION, part, fin=i == len(parts) - 1)
                    for i, part in enumerate(parts))


def shape(number, title, is_valid, payload, cuts):
    return Case(number, title,
                lambda target: judge(target, is_valid, payload, lambda peer: peer.send(in_frames(payload, cuts))))


def every(step, payload):
    return range(step, len(payload), step)


def shapes():
    broken = GREEK + SURROGATE + EDITED
    middle = b"middle frame payload"
    yield shape("6.1.1", "empty text", True, b"", ())
    yield shape("6.1.2", "three empty fragments", True, b"", (0, 0))
    yield shape("6.1.3", "empty, filled and empty fragment", True, middle, (0, len(middle)))
    yield shape("6.2.1", "valid text in one frame", True, MIXED, ())
    yield shape("6.2.2", "valid text, cut between code points", True, MIXED, (MIXED.index("ß".encode()),))
    yield shape("6.2.3", "valid text in frames of one byte", True, MIXED, every(1, MIXED))
    yield shape("6.2.4", "Greek in frames of one byte", True, GREEK, every(1, GREEK))
    yield shape("6.3.1", "a surrogate in one frame", False, broken, ())
    yield shape("6.3.2", "a surrogate in frames of one byte", False, broken, every(1, broken))


def fail_fast(target, is_framed, parts):
    """The second part makes it invalid: the server must be gone before the third, a second later, is due."""
    total = b"".join(parts)
    key = b"\xa5\x5a\x3c\xc3"
    body = masked(key, total)
    at = len(parts[0]) + len(parts[1])
    if is_framed:
        pieces = [frame(TEXT, parts[0], False), frame(CONTINUATION, parts[1], False)]
    else:
        pieces = [header(TEXT, len(total), key=key) + body[:len(parts[0])], body[len(parts[0]):at]]
    with Peer(target) as peer:
        peer.send(pieces[0])
        time.sleep(0.5)
        if is_framed:       # the first part is still in order: a ping between the fragments is answered
            peer.send(frame(PING, b"still here"))
            peer.expect(("pong", b"still here"))
        peer.send(pieces[1])
        started = time.monotonic()
        peer.expect_end(1007, seconds=1.0)
        if time.monotonic() - started > 0.9 * target.patience:
            raise Failure("closed, but not at once")


def quick_refusals():
    tails = ((GREEK, BEYOND, EDITED), (GREEK + BEYOND[:1], BEYOND[1:2], BEYOND[2:] + EDITED))
    for i, (is_framed, parts) in enumerate(((True, tails[0]), (True, tails[1]), (False, tails[0]), (False, tails[1])), 1):
        yield Case("6.4.%d" % i, "refused at once: U+110000 as %s, %s"
                   % ("a fragment" if is_framed else "a write", "whole" if parts[1] == BEYOND else "its bad byte alone"),
                   lambda target, is_framed=is_framed, parts=parts: fail_fast(target, is_framed, parts))


def decoder():
    for group, title, text in VECTORS:
        for i, (is_valid, payload) in enumerate(vectors(text), 1):
            yield shape("6.%s.%d" % (group, i), "%s: %s" % (title, payload[:12].hex()), is_valid, payload, ())


# --- any way to cut a message gives the same verdict

def cuts_of(split, payload):
    if split != "random":
        return every(split, payload)
    return sorted(random.Random(payload).choices(range(len(payload) + 1), k=4))     # empty fragments too


def cut_group(target, split, text):
    for is_valid, payload in vectors(text):
        data = in_frames(payload, cuts_of(split, payload))
        whole = frame(TEXT, payload)
        try:
            judge(target, is_valid, payload, lambda peer: peer.send(data))
            judge(target, is_valid, payload, lambda peer: peer.send(whole, chop=3 if split == "random" else split))
        except Failure as e:
            raise Failure("%s: %s" % (payload.hex(), e)) from None


def cuts():
    for i, split in enumerate((1, 2, 3, 7, "random"), 1):
        for group, title, text in VECTORS:
            yield Case("22.%d.%s" % (i, group), "%s, in pieces: %s" % (title, split),
                       lambda target, split=split, text=text: cut_group(target, split, text), is_long=split in (2, 7))


def cases():
    return [c for part in (shapes, quick_refusals, decoder, cuts) for c in part()]
