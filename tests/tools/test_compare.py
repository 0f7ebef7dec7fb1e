# SPDX-License-Identifier: Apache-2.0
"""bench/compare: what it makes of its numbers, what it refuses, and one row from beginning to end."""
import os
import subprocess
import sys
import xml.etree.ElementTree

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMPARE = os.path.join(ROOT, "bench", "compare")
sys.path.insert(0, os.path.join(ROOT, "bench"))

import report  # noqa: E402
import rows as table  # noqa: E402
import servers  # noqa: E402
import special  # noqa: E402

PAGE = "# Page\n\nbefore\n\n%s\n%s\n\nafter\n" % (report.BEGIN, report.END)


def result(row="echo-20", ours=(2.0, 2.0, 4.0), theirs=(3.0, 2.0, 8.0), goal=None, other="libwebsockets"):
    return report.Result(row, "echo 20 B, plain", "us", other, list(ours), list(theirs), goal)


def compare(*words):
    return subprocess.run([sys.executable, COMPARE, *words], capture_output=True, text=True, timeout=150)


def test_the_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians():
    r = result(ours=(1.0, 10.0, 2.0), theirs=(2.0, 10.0, 8.0))
    assert r.ratios == [2.0, 1.0, 4.0]
    assert r.ratio == 2.0
    assert "**x2.00** (1.00 to 4.00)" in r.line()


def test_a_round_in_which_nothing_was_measured_does_not_count():
    assert result(ours=(0, 2.0), theirs=(3.0, 3.0)).ratios == [1.5]


@pytest.mark.parametrize("goal, words", [(None, "| |"), (1.5, "x1.5 |"), (1.51, "x1.51, missed |")])
def test_a_goal_is_reached_or_called_missed(goal, words):
    r = result(goal=goal)
    assert r.ratio == 1.5
    assert r.line().replace("|  |", "| |").endswith(words)
    assert ("MISSED" in r.text()) == ("missed" in words)


def test_the_table_goes_between_its_marks_and_leaves_the_page_alone():
    fresh = report.Table.read(PAGE)
    fresh.notes = ["Measured today."]
    fresh.take([result()], ["echo-20"])
    page = report.put_table(PAGE, fresh)
    assert page.startswith("# Page\n\nbefore\n\n") and page.endswith("\n\nafter\n")
    assert "Measured today." in page and report.HEAD in page
    again = report.Table.read(page)
    assert again.lines == [result().line()]
    assert report.put_table(page, fresh) == page


def test_rows_measured_again_take_the_place_of_the_old_ones_in_the_order_of_the_rows():
    table_there = report.Table([], [result("b", goal=2).line(), result("c").line()])
    table_there.take([result("a"), result("c", ours=(1.0,), theirs=(9.0,)), result("c", other="nchan")], ["a", "b", "c"])
    assert [report.LINE.match(l).group(1) for l in table_there.lines] == ["a", "b", "c", "c"]
    assert "x9.00" in table_there.lines[2]


def test_a_page_without_a_place_for_the_table_is_refused():
    with pytest.raises(ValueError):
        report.put_table("# Page\n", report.Table())


def test_the_chart_is_valid_and_has_a_bar_a_line_in_the_colour_of_its_verdict():
    lines = [result(goal=1.2).line(), result(goal=9).line(), result(other="a <b> & c").line()]
    root = xml.etree.ElementTree.fromstring(report.chart(lines))
    bars = [r.get("fill") for r in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars == [report.COLOURS["reached"], report.COLOURS["missed"], report.COLOURS[""]]
    texts = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "echo-20 against a <b> & c" in texts and texts.count("x1.50") == 3


def test_a_chart_of_a_ratio_below_one_grows_to_the_left():
    width = {}
    for ratio in (0.5, 0.75):
        root = xml.etree.ElementTree.fromstring(report.chart([result(ours=(1.0,), theirs=(ratio,)).line()]))
        bar = list(root.iter("{http://www.w3.org/2000/svg}rect"))[1]
        width[ratio] = float(bar.get("width"))
        assert float(bar.get("x")) + width[ratio] == pytest.approx(report.LEFT + report.WIDTH / 2, abs=1)
    assert width[0.5] > width[0.75]


def test_every_row_has_a_name_of_its_own_and_names_peers_that_exist():
    rows = table.all_rows()
    peers = servers.all_peers()
    assert len({r.name for r in rows}) == len(rows)
    for row in rows:
        assert row.subjects[0].peer == "gateward" and len(row.subjects) >= 2
        assert all(s.peer in peers for s in row.subjects)
        assert len({s.title or s.peer for s in row.subjects}) == len(row.subjects)
    assert len(table.CHAT_200) == 200 and len(table.QUOTE_128) == 128


def test_a_clients_frame_says_how_long_it_is():
    assert special.masked("hi") == b"\x81\x82\0\0\0\0hi"
    assert special.masked("x" * 300)[:4] == b"\x81\xfe\x01\x2c"


@pytest.mark.parametrize("words, fault", [(["--only", "no-such-row"], "no row no-such-row"),
                                          (["--peers", "nobody", "--only", "echo-20"], "no peer nobody")])
def test_what_does_not_exist_is_refused(words, fault):
    done = compare(*words)
    assert done.returncode == 1 and fault in done.stderr


def test_a_peer_that_cannot_be_built_is_named_as_skipped(tmp_path):
    workshop = servers.Workshop(str(tmp_path), may_install=False)
    with pytest.raises(servers.CannotBuild, match="--install"):
        workshop.packages("a-package-that-does-not-exist")


def test_one_row_runs_against_the_bare_loop(tmp_path):
    """A second of the real thing; the server under test is whatever build is tried, so the ratio means nothing here."""
    done = compare("--only", "echo-1k", "--peers", "epoll", "--rounds", "2", "--scale", "0.1", "--build", str(tmp_path),
                   "--gateward", os.environ.get("GATEWARD_BIN", os.path.join(ROOT, "build", "gateward")))
    assert done.returncode == 0, done.stdout + done.stderr
    line = next(l for l in done.stdout.splitlines() if l.startswith("echo-1k"))
    assert "bare epoll loop" in line and " x" in line
    assert "libwebsockets" not in done.stdout
