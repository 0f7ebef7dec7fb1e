# SPDX-License-Identifier: Apache-2.0
"""A minute at ten times the allowed rate, over connections that come back each time they are closed: what passes is what the
limit says, within two percent."""
import json
import socket
import time

import pytest

from attack_tools import PLAIN, ROOMY
from raw_client import OP_CLOSE, OP_TEXT, Ended, RawWebSocket, encode_frame

PER_MINUTE, SECONDS, TICK = 600, 60, 0.1
PING = encode_frame(OP_TEXT, '{"type":"ping"}')


class Greedy:
    """One connection of a user that sends whatever it is answered."""

    def __init__(self, server):
        self.server, self.ws, self.comings, self.pongs, self.waiting, self.sent = server, None, 0, 0, 0, 0

    def send(self, count):
        try:
            if self.ws is None:
                self.ws = RawWebSocket.login(self.server, "greedy")
                self.comings, self.waiting, self.sent = self.comings + 1, 0, 0
            self.ws.send(PING * count)
            self.waiting += count
            self.sent += count
        except (OSError, Ended):
            self.ws = None

    def read(self):
        """All answers that are there by now; who has had all of many goes, and comes back."""
        while self.ws is not None:
            if self.waiting == 0 and self.sent > 60:
                self.ws.close()
                self.ws = None
                return
            try:
                frame = self.ws.recv_frame(0.005)
            except (TimeoutError, socket.timeout):
                return
            except (OSError, Ended):
                self.ws = None
                return
            if frame.opcode == OP_CLOSE:
                self.ws.close()
                self.ws = None
                return
            answer = json.loads(frame.payload)
            self.pongs += answer["type"] == "pong"
            assert answer["type"] == "pong" or answer["code"] == "rate_limited", answer
            self.waiting -= 1


@pytest.mark.long
def test_a_minute_at_ten_times_the_rate_is_within_two_percent(start_server):
    """SC-26. A minute's worth may come at once, so in the first minute twice as many pass: the burst, and what comes back."""
    limits = {**ROOMY, "messages": {"per_minute": PER_MINUTE, "per_hour": 1000000}}
    server = start_server({"listen": PLAIN, "limits": limits})
    crowd = [Greedy(server) for _ in range(4)]
    offered, start = 0, time.monotonic()
    while time.monotonic() - start < SECONDS:
        due = int((time.monotonic() - start) / 60 * 10 * PER_MINUTE) + 4
        for one in crowd:
            count = (due - offered) // len(crowd)
            one.send(count)
        offered += (due - offered) // len(crowd) * len(crowd)
        for one in crowd:
            one.read()
        time.sleep(TICK)
    lasted = time.monotonic() - start
    end = time.monotonic() + 1
    while time.monotonic() < end:
        for one in crowd:
            one.read()
    passed, comings = sum(one.pongs for one in crowd), sum(one.comings for one in crowd)
    expected = PER_MINUTE + PER_MINUTE * lasted / 60
    print("offered %d in %.1f s over %d connections, passed %d of %.0f" % (offered, lasted, comings, passed, expected))
    assert offered > 9.5 * PER_MINUTE and comings > 40
    assert abs(passed - expected) <= 0.02 * expected, (passed, expected)
    with RawWebSocket.login(server, "modest") as ws:       # and the neighbour has all of his
        ws.send(PING * 100)
        assert [ws.recv_json()["type"] for _ in range(100)] == ["pong"] * 100
