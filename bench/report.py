# SPDX-License-Identifier: Apache-2.0
"""What bench/compare says: ratios of rounds, the Markdown table in docs/performance.md and the chart made from that table."""
import html
import re
import statistics
from dataclasses import dataclass, field

BEGIN, END = "<!-- bench/compare: begin -->", "<!-- bench/compare: end -->"
HEAD = ("| row | what | gateward | compared with | its value | ratio (lowest to highest round) | goal |\n"
        "|---|---|---|---|---|---|---|")
# The row's name, what it is and whom it is compared with, the ratio and its range, the goal.
LINE = re.compile(r"^\| `([\w.-]+)` \| (.*?) \| (.*?) \| (.*?) \| (.*?) \| (?:\*\*)?x([\d.]+)(?:\*\*)? \((.*?)\) \| (.*?) \|$")


@dataclass
class Result:
    """One line of the table: what gateward and another took, round by round; less is better."""
    row: str
    what: str
    unit: str
    other: str
    ours: list
    theirs: list
    goal: float = None      # theirs / ours is to be at least this
    digits: int = 2

    @property
    def ratios(self):
        return [b / a for a, b in zip(self.ours, self.theirs) if a > 0]

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    @property
    def is_reached(self):
        return self.goal is None or round(self.ratio, 2) >= self.goal

    def value(self, values):
        return "%.*f %s" % (self.digits, statistics.median(values), self.unit)

    def line(self):
        goal = "" if self.goal is None else "x%g%s" % (self.goal, "" if self.is_reached else ", missed")
        return "| `%s` | %s | %s | %s | %s | **x%.2f** (%.2f to %.2f) | %s |" % (
            self.row, self.what, self.value(self.ours), self.other, self.value(self.theirs), self.ratio, min(self.ratios),
            max(self.ratios), goal)

    def text(self):
        goal = "" if self.goal is None else ", goal x%g%s" % (self.goal, "" if self.is_reached else " MISSED")
        return "%-20s %11s  %-28s %11s  x%.2f (%.2f to %.2f)%s" % (
            self.row, self.value(self.ours), self.other, self.value(self.theirs), self.ratio, min(self.ratios),
            max(self.ratios), goal)


@dataclass
class Table:
    """The lines of a table that stands somewhere already, and those that take their place."""
    notes: list = field(default_factory=list)
    lines: list = field(default_factory=list)

    @classmethod
    def read(cls, page):
        """The table between the marks of a page; empty where there is none."""
        inside = page.partition(BEGIN)[2].partition(END)[0]
        return cls([], [line for line in inside.splitlines() if LINE.match(line)])

    def take(self, results, order):
        """Lines of rows that were measured again are replaced, others stay; in the order of the rows."""
        fresh = {r.row for r in results}
        kept = [line for line in self.lines if LINE.match(line).group(1) not in fresh]
        place = {name: i for i, name in enumerate(order)}
        self.lines = sorted(kept + [r.line() for r in results], key=lambda l: place.get(LINE.match(l).group(1), len(place)))

    def markdown(self):
        return "\n".join([*self.notes, "", HEAD, *self.lines]).strip()


def put_table(page, table):
    """The page with its marked part replaced; the marks must be there."""
    before, begin, rest = page.partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("no place for the table: %s ... %s" % (BEGIN, END))
    return before + BEGIN + "\n" + table.markdown() + "\n" + END + after


BAR, GAP, LEFT, WIDTH, TOP = 13, 5, 430, 420, 46
COLOURS = {"reached": "#2e7d32", "missed": "#c62828", "": "#5c6bc0"}


def bars(lines):
    """(label, ratio, colour, goal or None) of each line of the table."""
    for line in lines:
        row, _, _, other, _, ratio, _, goal = LINE.match(line).groups()
        wanted = re.match(r"x([\d.]+)", goal)
        state = "" if not wanted else "missed" if "missed" in goal else "reached"
        yield "%s against %s" % (row, other), float(ratio), COLOURS[state], float(wanted.group(1)) if wanted else None


def chart(lines):
    """An SVG: a bar a line from x1 on a scale of powers of two; a tick where the goal is."""
    import math
    drawn = list(bars(lines))
    top = max([2.0] + [r for _, r, _, _ in drawn] + [g for _, _, _, g in drawn if g])
    low, high = -1, math.ceil(math.log2(top))
    at = lambda ratio: LEFT + WIDTH * (max(math.log2(max(ratio, 0.01)), low) - low) / (high - low)
    height = TOP + len(drawn) * (BAR + GAP) + 12
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">' %
           (LEFT + WIDTH + 70, height),
           '<rect width="100%" height="100%" fill="#fff"/>',
           '<text x="10" y="18" font-size="14">The other\'s cost divided by gateward\'s: to the right is better. Tick: the goal.</text>']
    for power in range(low, high + 1):
        x = at(2.0 ** power)
        out.append('<path d="M%.1f %dV%d" stroke="%s"/><text x="%.1f" y="%d" text-anchor="middle">x%g</text>' %
                   (x, TOP - 4, height - 8, "#444" if power == 0 else "#ddd", x, TOP - 8, 2.0 ** power))
    for i, (label, ratio, colour, goal) in enumerate(drawn):
        y = TOP + i * (BAR + GAP)
        left, right = sorted((at(1), at(ratio)))
        out.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 8, y + BAR - 3, html.escape(label)))
        out.append('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>' % (left, y, max(right - left, 1), BAR, colour))
        if goal:
            out.append('<path d="M%.1f %dv%d" stroke="#000" stroke-width="2"/>' % (at(goal), y - 1, BAR + 2))
        out.append('<text x="%.1f" y="%d">x%.2f</text>' % (max(right, at(goal) if goal else 0) + 5, y + BAR - 3, ratio))
    return "\n".join(out + ["</svg>", ""])
