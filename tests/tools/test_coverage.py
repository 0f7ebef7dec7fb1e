# SPDX-License-Identifier: Apache-2.0
"""What tests/attack/COVERAGE.md says is true: each test named there exists. And two faults that a search finds best."""
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NAMED = re.compile(r"`((?:[a-z0-9_]+/)+[a-z0-9_]+\.(?:py|c|mjs))(?:::([a-z0-9_]+))?`")
ROW = re.compile(r"^\| (S?C-[A-Z]?[0-9]+|T[1-5]) \| (.+) \| (.+) \|$")
# C-A to C-H: how many rows each part has.
COUNTS = {"A": 26, "B": 13, "C": 8, "D": 25, "E": 11, "F": 9, "G": 9, "H": 10}
PROMISES = [4, 7, 8, 9, 11, 12, 13, 15, 18, 21, 22, 25, 26, 27, 28, 29, 30, 32, 34, *range(36, 47), *range(49, 53), *range(54, 65)]
THREATS = ["mitm", "cswsh", "dos", "injection", "auth_bypass"]
# How a test of that name begins in a file that ends so.
FORMS = {"py": r"^(async )?def %s\(", "c": r"^static void %s\(void \*\*\w+\)", "mjs": r"^ *\[\"%s\","}


def source(*path):
    with open(os.path.join(ROOT, *path)) as f:
        return f.read()


def rows(text):
    return [m.groups() for m in map(ROW.match, text.splitlines()) if m]


def faults(text):
    """What is wrong with a page of this form."""
    found = []
    for row, threat, tests in rows(text):
        named = NAMED.findall(tests)
        if not named and not tests.startswith("does not apply: "):
            found.append("%s: no test" % row)
        if NAMED.sub("", tests).strip(", ") and not tests.startswith("does not apply: "):
            found.append("%s: not the name of a test: %s" % (row, NAMED.sub("", tests)))
        if len(threat) < 20:
            found.append("%s: does not say what it is about" % row)
        for path, name in named:
            full = os.path.join(ROOT, "tests", path)
            if not os.path.exists(full):
                found.append("%s: no file %s" % (row, path))
                continue
            form = FORMS[path.rpartition(".")[2]]
            if name and not re.search(form % name, source("tests", path), re.M):
                found.append("%s: no test %s in %s" % (row, name, path))
            if not name and not path.startswith("fuzz/"):
                found.append("%s: a file is no test: %s" % (row, path))
    return found


def test_each_threat_has_tests_that_exist():
    text = source("tests", "attack", "COVERAGE.md")
    assert faults(text) == []
    wanted = ["T%d" % (i + 1) for i in range(len(THREATS))] + ["C-%s%d" % (part, i + 1) for part, count in COUNTS.items() for i in range(count)] + ["SC-%d" % i for i in PROMISES]
    assert [row for row, _, _ in rows(text)] == wanted
    assert text.count("\n| ") == len(wanted) + 10       # no row is too odd to be looked at; 10 heads
    for i, threat in enumerate(THREATS):        # the guide's threats have a file each, named first
        assert "| `attack/test_threat_%s.py::" % threat in text.split("\n| T%d | " % (i + 1))[1].split("\n")[0]


@pytest.mark.parametrize("cell, words", [
    ("`attack/test_origin.py::test_gone`", "no test test_gone"), ("`attack/test_gone.py::test_x`", "no file"), ("nothing", "no test"),
    ("`attack/test_origin.py`", "a file is no test"), ("`attack/test_origin.py::test_two_origins_are_400` and more", "not the name"),
    ("`unit/auth/origin_test.c::gone`", "no test gone"),
    ("`browser/sanitize.mjs::gone`", "no test gone")])
def test_a_false_row_is_found(cell, words):
    text = "| C-C1 | a threat that is long enough | %s |" % cell
    assert any(words in f for f in faults(text)), faults(text)
    assert faults("| C-C1 | a threat that is long enough | `unit/auth/origin_test.c::matrix`, `fuzz/origin_fuzz.c` |") == []


def test_the_page_about_json_says_what_the_suite_s_table_says():
    decided = dict(re.findall(r'\{"(i_[^"]*)\.json", (true|false)\}', source("tests", "unit", "message", "json_suite_test.c")))
    told = {}
    for line in source("docs", "protocol.md").partition("## JSON in detail")[2].splitlines():
        for name in re.findall(r"`(i_[^`]*)`", line):
            assert name not in told and ("| accepted |" in line) != ("| refused |" in line), line
            told[name] = "true" if "| accepted |" in line else "false"
    assert len(decided) == 35 and told == decided


# --- comparing secrets

EARLY = re.compile(r"\b(?:memcmp|strcmp|strncmp|bcmp|strcasecmp|view_eq|view_eq_nocase)\(")
SECRET = re.compile(r"\b\w*(mac|secret|password|signature|csrf|ticket|cookie_value|token|api_key|private)\w*\b(?!\s*\()", re.I)
# What has such a name and is known to everyone.
PUBLIC = {"GATE_TICKET_PATH", "token_id"}
# At the start, from our own files, with nobody there who could take the time.
AT_START = {"view_eq_nocase(buf_view(secret), sample", "strcmp(draft->secrets[0].kid, draft->secrets[1].kid"}


def arguments(text, start):
    """What stands between the parenthesis before `start` and its end."""
    depth, at = 1, start
    while depth > 0 and at < len(text):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def early_compares(text):
    found = []
    for call in EARLY.finditer(text):
        compared = arguments(text, call.end())
        words = [m[0] for m in SECRET.finditer(re.sub(r'"[^"]*"', "", compared))]
        if any(w not in PUBLIC for w in words) and call[0] + compared not in AT_START:
            found.append(call[0] + compared)
    return found


def test_no_secret_is_compared_in_a_time_that_tells():
    """Comparisons that end at the first difference are for what everyone may know; the others are ct_equal's."""
    found = []
    for room in ("auth", "crypto", "api", "server", "net"):
        folder = os.path.join(ROOT, "src", room)
        for name in sorted(os.listdir(folder)):
            if name.endswith((".c", ".h")):
                found += [(name, call) for call in early_compares(source("src", room, name))]
    assert found == []
    for place in ("auth/ticket.c", "auth/session_foreign.c", "api/api_key.c"):
        assert "ct_equal(" in source("src", place), place
    assert "CRYPTO_memcmp(" in source("src", "crypto", "hmac.c") and "CRYPTO_memcmp(" in source("src", "crypto", "secret.c")


@pytest.mark.parametrize("line, is_found", [
    ("if (memcmp(mac, expected, 32) == 0)", True), ("return strcmp(password, given) == 0;", True),
    ("x = view_eq(request->csrf_token, good);", True), ("if (memcmp(a->ip, b->ip, 16) == 0)", False),
    ('if (strcmp(name, "secret") == 0)', False), ("return view_eq(path, GATE_TICKET_PATH);", False)])
def test_a_telling_comparison_is_found(line, is_found):
    assert bool(early_compares(line + " x();")) == is_found
