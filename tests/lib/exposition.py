# SPDX-License-Identifier: Apache-2.0
"""A strict reader of the Prometheus text format 0.0.4, for what the server writes: each family once, HELP and TYPE before its samples,
no sample twice, a line feed at the end. What `promtool check metrics` asks of names is asked here too."""
import collections
import re

Family = collections.namedtuple("Family", "kind help samples")
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(r"(%s)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|NaN|[+-]Inf)\Z" % NAME)
LABEL = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=\"((?:[^\"\\\n]|\\[\\\"n])*)\"(,|\Z)")


def labels_of(text):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, text
        assert found[1] not in labels and not found[1].startswith("__"), text
        labels[found[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), found[2])
        at = found.end()
        assert found[3] == "" or at < len(text), text
    return labels


def parse(text):
    """name -> Family(kind, help, [(labels, number)]); AssertionError where the text is not exactly right."""
    assert text.endswith("\n") and "\r" not in text and "\n\n" not in text
    families, current, seen = {}, None, set()
    lines = text[:-1].split("\n")
    for i, line in enumerate(lines):
        if line.startswith("# HELP "):
            _, _, name, told = line.split(" ", 3)
            assert re.fullmatch(NAME, name) and name not in families and told.strip() == told and told, line
            assert lines[i + 1].startswith("# TYPE %s " % name), line
            families[name] = Family(lines[i + 1].split(" ")[3], told, [])
            current = name
        elif line.startswith("# TYPE "):
            assert i > 0 and lines[i - 1].startswith("# HELP %s " % line.split(" ")[2]) and line.split(" ")[3] in ("counter", "gauge"), line
        else:
            found = SAMPLE.match(line)
            assert found and found[1] == current, line
            labels = labels_of(found[2] or "")
            key = (found[1], tuple(sorted(labels.items())))
            assert key not in seen and (found[2] is None or labels), line
            seen.add(key)
            families[current].samples.append((labels, float(found[3])))
            assert families[current].kind != "counter" or float(found[3]) >= 0, line
    return families
