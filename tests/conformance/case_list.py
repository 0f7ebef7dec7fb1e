# SPDX-License-Identifier: Apache-2.0
"""What a case is, and the list of them all. Numbers up to 13 follow the reference suite (Autobahn); from 20 on: ours."""
import time

from ws_peer import Failure


class Case:
    """number such as "5.19"; run(target) returns when the server did well and raises Failure when not."""

    def __init__(self, number, title, run, is_long=False):
        self.number, self.title, self.run, self.is_long = number, title, run, is_long

    @property
    def key(self):
        return tuple(int(n) for n in self.number.split("."))

    def verdict(self, target):
        """(None or what went wrong, seconds)."""
        started = time.monotonic()
        try:
            self.run(target)
            fault = None
        except Failure as e:
            fault = str(e)
        except OSError as e:
            fault = "%s: %s" % (type(e).__name__, e)
        return fault, time.monotonic() - started


def all_cases():
    import frame_cases
    import text_cases
    import close_cases
    import size_cases
    import deflate_cases

    found = []
    for module in (frame_cases, text_cases, close_cases, size_cases, deflate_cases):
        found += module.cases()
    assert len({c.number for c in found}) == len(found)
    return sorted(found, key=lambda c: c.key)
