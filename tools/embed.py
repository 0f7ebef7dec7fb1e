#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the files of web/ into a C file with one `struct page` row each.

usage: embed.py OUT.c FILE...     index.html answers at /, every other file at /NAME
"""
import os
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Everything comes from the own origin; nothing inline, nothing framed, no form that goes anywhere. A browser takes 'self'
# in connect-src for wss:// on the same host and port.
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")


def byte_rows(data):
    for i in range(0, len(data), 20):
        yield "    " + ",".join("%d" % b for b in data[i:i + 20]) + ","


def main(out, paths):
    lines = ["/* Made by tools/embed.py from web/. */", '#include "server/web_pages.h"', ""]
    rows = []
    for number, path in enumerate(paths):
        name = os.path.basename(path)
        with open(path, "rb") as f:
            data = f.read()
        lines += ["static const unsigned char page_%d[] = { /* %s */" % (number, name), *byte_rows(data), "};", ""]
        rows.append('    {"%s", "%s", policy, page_%d, sizeof(page_%d)},' % (
            "/" if name == "index.html" else "/" + name, TYPES[os.path.splitext(name)[1]], number, number))
    lines += ['#define policy "%s"' % POLICY, "const struct page web_pages[] = {", *rows, "};",
              "const uint32_t web_pages_count = %d;" % len(rows)]
    with open(out, "w") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
