# SPDX-License-Identifier: Apache-2.0
"""Records that no client of TLS 1.3 would send, sealed under the right key, on a real connection: each ends it with exactly its alert,
whoever does the records behind the handshake (`listen[].tls.records`: ours, or OpenSSL's), and nobody else notices."""
import pytest

from attack_tools import LEAN, ROOMY, end_of, still_serves
from gateward_server import GatewardServer
from raw_client import OP_TEXT, RawWebSocket, encode_frame
from record_client import SUITES, RecordContext

UNEXPECTED, BAD_MAC, OVERFLOW, ILLEGAL, DECODE = 10, 20, 22, 47, 50
NONE = -1
LIMITS = dict(ROOMY, messages={"per_minute": 100000, "per_hour": 1000000})

# Script (words: tests/lib/tls_script.h, record_client.py), our alert; OpenSSL's where it says another one.
ROWS = [
    ("D16385", OVERFLOW), ("D16600", OVERFLOW), ("Z1", UNEXPECTED), ("Z16385", UNEXPECTED), ("T20:01", UNEXPECTED), ("T24:0100", UNEXPECTED),
    ("T255:00", UNEXPECTED),
    # records outside of any key, and headers
    ("R140303000101", UNEXPECTED), ("D6 R140303000101", UNEXPECTED), ("R15030300020100", UNEXPECTED), ("R15030300020228", UNEXPECTED),
    ("R160303000401000000", UNEXPECTED), ("R1703034101", OVERFLOW), ("R170303ffff", OVERFLOW),
    ("R1703030010" + 16 * "11", BAD_MAC), ("R1703030020" + 32 * "22", BAD_MAC), ("X0304", DECODE), ("X0301", DECODE),
    # bits, replays, keys
    ("S5", BAD_MAC), ("S11", BAD_MAC), ("S27", BAD_MAC), ("S0", UNEXPECTED), ("D6 Y", BAD_MAC), ("U0 Y", BAD_MAC), ("N D6", BAD_MAC),
    ("H1800000100 D6", BAD_MAC),
    # key updates
    ("H1800000102", ILLEGAL), ("H18000001ff", ILLEGAL), ("H18000000", DECODE), ("H180000020000", DECODE, ILLEGAL),
    ("H180000010000", UNEXPECTED), ("H18000001001800000100", UNEXPECTED), ("H1800 D6", UNEXPECTED), ("33*U0", UNEXPECTED, NONE),
    # other handshake messages
    ("H", UNEXPECTED), ("H01000000", UNEXPECTED), ("H0b00000400000000", UNEXPECTED), ("H0400000100", UNEXPECTED), ("H14000020", UNEXPECTED),
    ("H0d00000400000000", UNEXPECTED), ("H05000000", UNEXPECTED),
    # floods
    ("33*D0", UNEXPECTED), ("33*A015a", UNEXPECTED), ("11*U0 11*D0 11*A015a", UNEXPECTED),
    # alerts
    ("A", UNEXPECTED), ("A01", DECODE, UNEXPECTED), ("A01000100", DECODE, UNEXPECTED),
]


@pytest.fixture(scope="module", params=["auto", "openssl"])
def house(request, tmp_path_factory):
    server = GatewardServer(tmp_path_factory.mktemp(request.param), {"limits": LIMITS}, environment=LEAN)
    server.config["listen"][0]["tls"]["records"] = request.param
    server.write_config()
    server.is_ours = request.param == "auto"
    with server:
        yield server


@pytest.fixture
def neighbour(house):
    with RawWebSocket.login(house, sub="neighbour") as ws:
        yield ws
        ws.send_json({"type": "ping"})
        assert ws.recv_json()["type"] == "pong"


def speaks(ws):
    ws.send_json({"type": "ping"})
    assert ws.recv_json()["type"] == "pong"


def wanted(house, row):
    return row[1] if house.is_ours or len(row) == 2 else row[2]


def tried(house, suite, row, chunk=None):
    with RawWebSocket.login(house, sub="mallory", context=RecordContext(house, suite)) as ws:
        speaks(ws)
        ws.sock.run(row[0], chunk)
        rest, _ = end_of(ws)
        alert = wanted(house, row)
        assert ws.sock.alerts == ([] if alert == NONE else [(2, alert)]), row[0]
        assert rest == b"", row[0]                          # no frame of WebSocket between the crime and the alert
        port = ws.local_port
    return port


@pytest.mark.parametrize("suite", SUITES)
def test_each_hostile_record_ends_with_its_alert(house, neighbour, suite):
    for row in ROWS:
        tried(house, suite, row)
    speaks(neighbour)
    still_serves(house)


def test_the_same_byte_by_byte(house, neighbour):
    for i, row in enumerate(ROWS):
        if len(row[0]) < 60 and "16" not in row[0][:3]:
            tried(house, SUITES[i % 3], row, chunk=1)
    still_serves(house)


def test_the_log_has_such_an_end(house):
    port = tried(house, SUITES[0], ("S11", BAD_MAC))
    assert house.wait_for_event("connection_close", port=port)["close_code"] == 1006
    assert house.wait_for_event("connection_open", port=port)["tls_records"] == ("own" if house.is_ours else "openssl")


@pytest.mark.parametrize("suite", SUITES)
def test_what_is_odd_but_right_is_served(house, suite):
    """Padding, empty records, key updates in all positions and pieces, user_canceled: none of it is a crime."""
    with RawWebSocket.login(house, context=RecordContext(house, suite)) as ws:
        for script, answers in (("D6", 0), ("P0 P255 P16000", 0), ("32*D0 D6", 0), ("U0 D6", 0), ("U1 D6", 1), ("D6 U1 U0 U1 U1", 1),
                                ("H18 H0000 H0100 N D6", 0), ("H180000 H0101 N", 1), ("4*A015a D6", 0), ("31*U0 D6", 0)):
            for chunk in (None, 1, 7):
                ws.sock.updates.clear()
                assert ws.sock.run(script, chunk if len(script) < 12 else None)
                speaks(ws)
                if house.is_ours:               # several requests, one answer
                    assert ws.sock.updates == answers * [0], script
                else:
                    assert set(ws.sock.updates) == ({0} if answers else set()), script
        assert ws.sock.alerts == []


@pytest.mark.parametrize("suite", SUITES)
def test_keys_change_hundreds_of_times_under_way(house, suite):
    with RawWebSocket.login(house, context=RecordContext(house, suite)) as ws:
        for i in range(300):
            ws.sock.run("U%d" % (i % 2))
            speaks(ws) if i % 10 == 0 else ws.sock.run("D6")
        assert 29 <= len(ws.sock.updates) <= 150 and set(ws.sock.updates) == {0}


@pytest.mark.parametrize("script", ["A0100", "A0200", "U1 D6 A0100", "A0100 R00ff"])
def test_a_close_is_answered_by_a_close(house, script):
    with RawWebSocket.login(house, context=RecordContext(house)) as ws:
        ws.sock.run(script)
        rest, seconds = end_of(ws)
        assert ws.sock.alerts == [(1, 0)] and rest == b"" and seconds < 5


def test_an_end_that_drops_an_answer_does_not_look_complete(house):
    """A question and a close_notify in one segment: the answer comes, or there is no close_notify of ours."""
    with RawWebSocket.login(house, context=RecordContext(house)) as ws:
        question = ws.sock.write.seal(encode_frame(OP_TEXT, b'{"type":"ping"}') + b"\x17")
        ws.sock.send_raw(question + ws.sock.made("A", "0100"))
        rest, _ = end_of(ws)
        assert bool(ws.sock.alerts) == (b"pong" in rest)


@pytest.mark.parametrize("suite", SUITES)
def test_our_close_says_so_before_the_end_of_the_stream(house, suite):
    """Without close_notify nobody could tell the end from a cut."""
    with RawWebSocket.login(house, context=RecordContext(house, suite)) as ws:
        ws.send_close()
        assert ws.recv_close()[0] == 1000
        rest, _ = end_of(ws)
        assert rest == b"" and ws.sock.alerts == [(1, 0)]


@pytest.mark.parametrize("script", ["A0228", "A0128", "A0214", "A02c8"])
def test_a_fatal_alert_is_not_answered(house, script):
    with RawWebSocket.login(house, context=RecordContext(house)) as ws:
        ws.sock.run(script)
        rest, seconds = end_of(ws)
        assert ws.sock.alerts == [] and rest == b"" and seconds < 5


def test_records_that_never_end_cost_no_more_than_one_record(house):
    """A header that promises 16 KiB, and a body that comes in drops or never: 40 such connections."""
    before, held = house.rss_kib(), []
    for i in range(40):
        ws = RawWebSocket.login(house, sub="slow-%d" % i, context=RecordContext(house, SUITES[i % 3]))
        record = ws.sock.write.seal(b"x" * 16384 + b"\x17")
        ws.sock.send_raw(record[:-1])
        held.append(ws)
    still_serves(house)
    grown = house.rss_kib() - before
    print("%d KiB for 40 records that lack their last byte" % grown)
    for ws in held:
        ws.close()
    assert grown < 40 * 100
    still_serves(house)
