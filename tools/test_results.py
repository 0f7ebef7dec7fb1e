# SPDX-License-Identifier: Apache-2.0
"""Adds up the results of all stages of ./test: junit XML (meson, pytest) and lines "pass|fail|skip<TAB>name<TAB>why".

Prints each failure and skip, a row a stage, then "N passed, N failed, N skipped" alone on the last line. Exit code 1 when
anything failed or nothing passed.
"""
import glob
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


def from_tsv(path):
    with open(path) as f:
        for line in f:
            verdict, name, *why = line.rstrip("\n").split("\t")
            yield name.split("/")[0], verdict, name, " ".join(why)


def main(folder):
    totals, stages = {"pass": 0, "fail": 0, "skip": 0}, {}
    for path in sorted(glob.glob(folder + "/*.xml") + glob.glob(folder + "/*.tsv")):
        rows = from_xml(path) if path.endswith(".xml") else from_tsv(path)
        try:
            for stage, verdict, name, why in rows:
                totals[verdict] += 1
                counts = stages.setdefault(stage, {"pass": 0, "fail": 0, "skip": 0})
                counts[verdict] += 1
                if verdict != "pass":
                    print("%s  %s  %s" % (verdict.upper(), name, " ".join((why or "").split())[:200]))
        except (tree.ParseError, KeyError, ValueError) as e:
            totals["fail"] += 1
            print("FAIL  %s cannot be read: %s" % (path, e))
    for stage, counts in stages.items():
        print("%-18s %5d passed %4d failed %4d skipped" % (stage, counts["pass"], counts["fail"], counts["skip"]))
    print("%d passed, %d failed, %d skipped" % (totals["pass"], totals["fail"], totals["skip"]))
    return 1 if totals["fail"] or not totals["pass"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
