# SPDX-License-Identifier: Apache-2.0
"""Adds up the results of all stages of ./test: junit XML (meson, pytest), meson's log, and lines "pass|fail|skip<TAB>name<TAB>why".

Prints each failure and skip, a row a stage, then "N passed, N failed, N skipped" alone on the last line. Exit code 1 when
anything failed or nothing passed.
"""
import glob
import json
import os
import sys
import xml.etree.ElementTree as tree


def from_xml(path):
    stage = os.path.basename(path)[:-4]
    for case in tree.parse(path).iter("testcase"):
        name = "%s: %s %s" % (stage, case.get("classname", ""), case.get("name", ""))
        bad = [c for c in case if c.tag in ("failure", "error")]
        skipped = case.find("skipped")
        if bad:
            yield stage, "fail", name, bad[0].get("message", "")
        elif skipped is not None:
            yield stage, "skip", name, skipped.get("message", "")
        else:
            yield stage, "pass", name, ""


def from_meson_log(path):
    """Unit tests that ended badly though each of their cases passed: a crash between two cases, a leak at the end."""
    stage = os.path.basename(path)[:-5]
    suites = tree.parse(path[:-5] + ".xml").iter("testsuite")
    told = {s.get("name").split(".", 1)[-1] for s in suites if int(s.get("failures")) + int(s.get("errors"))}
    with open(path) as f:
        for line in f:
            row = json.loads(line)
            name = row["name"].split(" / ")[-1]
            if row["result"] not in ("OK", "SKIP") and name not in told:
                yield stage, "fail", "%s: %s" % (stage, name), "%s, exit %s" % (row["result"], row["returncode"])


def from_tsv(path):
    with open(path) as f:
        for line in f:
            verdict, name, *why = line.rstrip("\n").split("\t")
            yield name.split("/")[0], verdict, name, " ".join(why)


def main(folder):
    totals, stages = {"pass": 0, "fail": 0, "skip": 0}, {}
    readers = {".xml": from_xml, ".json": from_meson_log, ".tsv": from_tsv}
    for path in sorted(p for ending in readers for p in glob.glob(folder + "/*" + ending)):
        rows = readers[os.path.splitext(path)[1]](path)
        try:
            for stage, verdict, name, why in rows:
                totals[verdict] += 1
                counts = stages.setdefault(stage, {"pass": 0, "fail": 0, "skip": 0})
                counts[verdict] += 1
                if verdict != "pass":
                    print("%s  %s  %s" % (verdict.upper(), name, " ".join((why or "").split())[:200]))
        except (tree.ParseError, OSError, KeyError, ValueError) as e:
            totals["fail"] += 1
            print("FAIL  %s cannot be read: %s" % (path, e))
    for stage, counts in stages.items():
        print("%-18s %5d passed %4d failed %4d skipped" % (stage, counts["pass"], counts["fail"], counts["skip"]))
    print("%d passed, %d failed, %d skipped" % (totals["pass"], totals["fail"], totals["skip"]))
    return 1 if totals["fail"] or not totals["pass"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
