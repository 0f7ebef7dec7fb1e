# SPDX-License-Identifier: Apache-2.0
"""The checks of tools/ find what they are for: each test plants one fault in a small tree of its own."""
import os
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOOD = "/* SPDX-License-Identifier: Apache-2.0 */\n#include \"base/a.h\"\n\nint f(int x)\n{\n    return x;\n}\n"


class Tree:
    def __init__(self, folder):
        self.folder = str(folder)
        shutil.copytree(os.path.join(ROOT, "tools"), os.path.join(self.folder, "tools"))
        self.write("tools/size-allow.txt", "")
        self.write("include/gateward.h", "/* SPDX-License-Identifier: Apache-2.0 */\n")
        for room in ("base", "wire", "hub"):
            self.write("src/%s/README.md" % room, "# %s\n" % room)
        self.write("src/base/a.h", "/* SPDX-License-Identifier: Apache-2.0 */\nint f(int x);\n")
        self.write("src/wire/b.c", GOOD)
        for name in ("tests/t.h", "examples/e.h", "modules/m/m.h"):
            self.write(name, "/* SPDX-License-Identifier: Apache-2.0 */\n")
        shutil.copy(os.path.join(ROOT, ".clang-format"), self.folder)

    def write(self, path, text):
        full = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as f:
            f.write(text)

    def check(self, name):
        done = subprocess.run([os.path.join(self.folder, "tools", "check-" + name)], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def small_tree(tmp_path):
    return Tree(tmp_path)


@pytest.mark.parametrize("name", ["layers", "sizes", "docs", "format"])
def test_a_clean_tree_passes(small_tree, name):
    assert small_tree.check(name)[0] == 0, small_tree.check(name)


@pytest.mark.parametrize("line, words", [
    ('#include "hub/c.h"', "wire may not include hub/c.h"),
    ('#include "base/missing.h"', "there is no src/base/missing.h"),
    ('#include "a.h"', "has no room"),
    ("#include <openssl/evp.h>", "is for"),
    ("#include <sys/socket.h>", "is for"),
    ("#  include <zlib.h>", "is for"),
])
def test_layers_finds_a_wrong_include(small_tree, line, words):
    small_tree.write("src/hub/c.h", "/* SPDX-License-Identifier: Apache-2.0 */\n")
    small_tree.write("src/wire/bad.c", line + "\n")
    code, said = small_tree.check("layers")
    assert code == 1 and "src/wire/bad.c:1" in said and words in said


def test_layers_finds_a_room_that_nobody_listed(small_tree):
    small_tree.write("src/attic/a.c", GOOD)
    assert "room attic is not in" in small_tree.check("layers")[1]


@pytest.mark.parametrize("kind, text", [
    ("lines", GOOD + "\n" * 600),
    ("length", "int f(int x)\n{\n" + "    x++;\n" * 81 + "    return x;\n}\n"),
    ("parameters", "int f(int a, int b, int c,\n      int d, int e, int g)\n{\n    return a;\n}\n"),
    ("parameters", "static int\nf(int a, int b, int c, int d, int (*e)(int, int), int g)\n{\n    return a;\n}\n"),
    ("nesting", "int f(int x)\n{\n    if (x) {\n        for (;;) {\n            while (x) {\n"
                "                if (x == ';') {\n                    x = 1;\n                }\n            }\n        }\n"
                "    }\n    return x;\n}\n"),
])
def test_sizes_finds_what_is_too_big(small_tree, kind, text):
    small_tree.write("src/wire/bad.c", text)
    code, said = small_tree.check("sizes")
    assert code == 1 and "src/wire/bad.c" in said and kind in said


def test_sizes_accepts_what_is_just_at_the_stop(small_tree):
    small_tree.write("src/wire/full.c", "int f(int a, int b, int c, int (*d)(int, int), int e)\n{\n"
                     + "    if (a) {\n        if (b) {\n            if (c) {\n                a = 1; /* { { { */\n"
                       "            }\n        }\n    }\n" + "    a++;\n" * 72 + "    return a;\n}\n")
    assert small_tree.check("sizes")[0] == 0, small_tree.check("sizes")


def test_an_exception_that_is_not_needed_is_a_fault(small_tree):
    small_tree.write("tools/size-allow.txt", "src/wire/b.c:f length a reason\n")
    code, said = small_tree.check("sizes")
    assert code == 1 and "not needed" in said


@pytest.mark.parametrize("path, text, words", [
    ("README.md", "[x](docs/none.md)\n", "leads nowhere"),
    ("README.md", "see `src/base/none.c`\n", "does not exist"),
    ("src/hub/README.md", "line\n" * 21, "more than 20 lines"),
    ("tests/x.py", "print(1)\n", "no SPDX line"),
])
def test_docs_finds_a_page_that_is_wrong(small_tree, path, text, words):
    small_tree.write(path, text)
    code, said = small_tree.check("docs")
    assert code == 1 and words in said


def test_format_finds_a_file_that_is_laid_out_otherwise_and_fixes_it(small_tree):
    small_tree.write("tests/bad.c", "int  f( int x );\n")
    code, said = small_tree.check("format")
    assert code == 1 and said.endswith("\ntests/bad.c\n")
    subprocess.run([small_tree.folder + "/tools/check-format", "--fix"], check=True)
    assert small_tree.check("format")[0] == 0


def test_results_count_crashes_and_leaks(tmp_path):
    (tmp_path / "unit.xml").write_text('<testsuites><testsuite name="g.a" failures="0" errors="0"><testcase name="1"/>'
                                       '</testsuite></testsuites>')
    (tmp_path / "unit.json").write_text('{"name": "a", "result": "ERROR", "returncode": 23}\n')
    (tmp_path / "more.tsv").write_text("pass\tx/y\nskip\tx/z\twhy\n")
    done = subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "tools", "test_results.py"), str(tmp_path)],
                          capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout.endswith("\n2 passed, 1 failed, 1 skipped\n")
