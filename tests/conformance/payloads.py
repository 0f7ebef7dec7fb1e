# SPDX-License-Identifier: Apache-2.0
"""Five kinds of data to compress, made from a seed, of the sizes that the reference suite's files have."""
import functools
import json
import random
import zlib

WORDS = ("the of and a to in is you that it he was for on are as with his they at be this have from or one had by word "
         "but not what all were we when your can said there use an each which she do how their if will up other about "
         "out many then them these so some her would make like him into time has look two more write go see number no "
         "way could people my than first water been call who oil its now find long down day did get come made may part "
         "weather channel message socket window takeover dictionary fragment masking handshake server client").split()


def sentence(rng):
    words = rng.choices(WORDS, k=rng.randint(4, 16))
    return " ".join(words).capitalize() + rng.choice(".. . ! ?;").strip() + " "


def filled(size, piece):
    """piece() again and again, cut at size."""
    parts, count = [], 0
    while count < size:
        parts.append(piece())
        count += len(parts[-1])
    return b"".join(parts)[:size]


def json_like(rng):
    def row():
        return (json.dumps({"id": rng.getrandbits(40), "name": " ".join(rng.choices(WORDS, k=2)), "ok": rng.random() < 0.5,
                            "place": [round(rng.uniform(-90, 90), 6), round(rng.uniform(-180, 180), 6)],
                            "tags": rng.sample(WORDS, 3), "text": sentence(rng)}, indent=1) + ",\n").encode()
    return filled(194056, row)


def bitmap_like(rng):
    """Grey levels that wander, with noise in the last bits: little to gain, as in a photograph."""
    state = [128]

    def line():
        bits = rng.getrandbits(512 * 4).to_bytes(256, "big")
        out = bytearray()
        for b in bits:
            state[0] = (state[0] + (b & 7) - 3) & 255
            out += bytes((state[0], state[0] ^ b >> 6))
        return bytes(out)
    return (b"BM" + bytes(1076) + filled(262144, line))[:263222]


def text_like(rng):
    return filled(222218, lambda: ("".join(sentence(rng) for _ in range(5)) + "\u00e4\u00f6\u00fc\u00df\r\n").encode())


def html_like(rng):
    return filled(263647, lambda: ('<div class="%s" id="n%d"><a href="/%s/%d">%s</a>&nbsp;<p>%s</p></div>\n' % (
        rng.choice(WORDS), rng.getrandbits(20), rng.choice(WORDS), rng.getrandbits(12), rng.choice(WORDS),
        sentence(rng))).encode())


def pdf_like(rng):
    """Objects in text around streams that are packed already."""
    def piece():
        packed = zlib.compress(rng.randbytes(rng.randint(200, 4000)) + b" " * rng.randint(0, 400))
        return b"%d 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n" % (
            rng.randint(1, 9999), len(packed), packed)
    return filled(1042328, piece)


# name, is it sent as text?, maker. JSON and HTML are ASCII, so every cut of them is UTF-8.
KINDS = (("JSON", True, json_like), ("bitmap", False, bitmap_like), ("prose", False, text_like),
         ("HTML", True, html_like), ("PDF", False, pdf_like))


@functools.lru_cache(maxsize=None)
def data_of(index):
    return KINDS[index][2](random.Random(7 + index))
