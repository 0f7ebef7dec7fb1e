# SPDX-License-Identifier: Apache-2.0
"""tests/cost/check: more instructions than the slack allows are found, and so is what cannot be compared."""
import importlib.machinery
import importlib.util
import json
import os
import shutil

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def check(tmp_path, monkeypatch):
    """The script as a module, on a copy of its file of numbers."""
    loader = importlib.machinery.SourceFileLoader("cost_check", os.path.join(ROOT, "tests/cost/check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("cost_check", loader))
    loader.exec_module(module)
    shutil.copy(os.path.join(ROOT, "tests/cost/numbers.tsv"), tmp_path / "numbers.tsv")
    monkeypatch.setattr(module, "NUMBERS", str(tmp_path / "numbers.tsv"))
    return module


def verdicts(check, counted, numbers):
    return {name: (verdict, words) for verdict, name, words in check.judge(counted, numbers)}


@pytest.mark.parametrize("count, verdict", [(1000, "pass"), (1049, "pass"), (1050, "pass"), (1051, "fail"), (2000, "fail"),
                                            (100, "pass")])
def test_five_percent_is_the_slack(check, count, verdict):
    assert verdicts(check, {"json": count}, {"json": 1000.0})["json"][0] == verdict


def test_words_say_what_to_do(check):
    found = verdicts(check, {"slow": 200, "fast": 50, "new": 7}, {"slow": 100.0, "fast": 100.0, "gone": 5.0})
    assert "+100.0 %" in found["slow"][1] and "--update" in found["slow"][1]
    assert found["fast"][0] == "pass" and "--update" in found["fast"][1]
    assert found["new"][0] == "fail" and found["gone"][0] == "fail"


def test_numbers_are_written_and_read_back(check):
    check.write_numbers({"json": 1839.04, "schema": 2})
    numbers, where = check.read_numbers()
    assert numbers == {"json": 1839.0, "schema": 2.0} and where == check.house()


def test_the_numbers_in_the_repository_name_every_part(check):
    numbers, where = check.read_numbers()
    with open(os.path.join(ROOT, "tests/cost/parts.c")) as f:
        source = f.read()
    for name in numbers:
        assert name in check.SERVER_PARTS or '{"%s", ' % name in source
    assert source.count('{"', source.index("} parts[] = {")) == len(numbers) - len(check.SERVER_PARTS)
    assert where.startswith("gcc ")


@pytest.mark.parametrize("sanitize, optimization, good", [("none", "2", True), ("address,undefined", "2", False),
                                                         ("none", "0", False)])
def test_only_what_is_built_like_the_product_is_counted(check, tmp_path, sanitize, optimization, good):
    (tmp_path / "meson-info").mkdir()
    (tmp_path / "meson-info/intro-buildoptions.json").write_text(json.dumps(
        [{"name": "b_sanitize", "value": sanitize}, {"name": "optimization", "value": optimization}]))
    assert check.is_measurable(str(tmp_path)) is good


def test_numbers_of_another_machine_are_skipped_aloud(check, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(check, "house", lambda: "another one")
    monkeypatch.setattr("sys.argv", ["check", "--results", str(tmp_path / "out.tsv")])
    assert check.main() == check.SKIPPED
    assert "another one" in capsys.readouterr().out
    assert (tmp_path / "out.tsv").read_text().startswith("skip\tcost/instructions\t")
