# SPDX-License-Identifier: Apache-2.0
"""Who guesses credentials is shut out, for longer each time; who has only come too late is not, nor is anybody next to it."""
import configparser
import os
import re
import time

import pytest

from gateward_server import ROOT
from raw_client import Ended, RawConnection, RawWebSocket, http_request, read_response
from talk import ROOMY

TLS = {"cert": "server.crt", "key": "server.key"}
BANS = {"failures": 3, "within": "1m", "first": "1s", "longest": "4s"}


def behind(ip):
    return [("X-Forwarded-For", ip)]


@pytest.fixture
def proxied(start_server):
    """Clients of a trusted proxy."""
    return start_server({"listen": [{"address": "127.0.0.1:0", "trusted_proxies": ["127.0.0.1"]}], "limits": {**ROOMY, "bans": BANS}})


def guess(server, ip, token="x.y.z"):
    """One login by a wrong token; the close code, or the status of a refusal."""
    ws = RawWebSocket.open(server, headers=behind(ip), expect=None)
    with ws:
        if ws.response.status != 101:
            return ws.response.status
        ws.send_json({"type": "auth", "token": token})
        return ws.recv_close()[0]


def status_of(server, ip):
    with RawWebSocket.open(server, headers=behind(ip), expect=None) as ws:
        return ws.response.status


def test_guessing_is_answered_with_a_ban_of_that_address_alone(proxied):
    assert [guess(proxied, "203.0.113.9") for _ in range(3)] == [1008, 1008, 1008]
    row = proxied.wait_for_event("banned")
    assert (row["ip"], row["code"], row["count"], row["severity"]) == ("203.0.113.9", "failed_logins", 1, "warning")
    with RawWebSocket.open(proxied, headers=behind("203.0.113.9"), expect=429) as ws:
        assert b'"banned"' in ws.response.body and int(ws.response.headers["retry-after"]) >= 1
    assert proxied.wait_for_event("connection_refused", code="banned")["ip"] == "203.0.113.9"
    assert status_of(proxied, "203.0.113.10") == 101
    assert status_of(proxied, "6.6.6.6, 203.0.113.9") == 429      # by another name of its own choice


def test_a_ban_ends_and_the_next_is_twice_as_long_up_to_the_longest(proxied):
    lengths = []
    for n in range(4):
        deadline = time.monotonic() + 20
        while status_of(proxied, "2001:db8::%x" % n) == 429:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for _ in range(3):
            assert guess(proxied, "2001:db8::%x" % (n + 1)) == 1008      # addresses of one /64
        lengths.append(proxied.wait_for_event("banned", count=n + 1)["count"])
    assert lengths == [1, 2, 4, 4]


def test_tokens_in_the_handshake_count_as_well(proxied):
    headers = behind("203.0.113.9") + [("Authorization", "Bearer a.b.c")]
    for _ in range(3):
        with RawWebSocket.open(proxied, headers=headers, expect=401):
            pass
    proxied.wait_for_event("banned")
    assert status_of(proxied, "203.0.113.9") == 429


def test_coming_too_late_is_no_guess(proxied):
    late = proxied.token(ttl=-3600)
    for _ in range(6):
        assert guess(proxied, "203.0.113.9", late) in (1008, 4001)
    with RawWebSocket.login(proxied, headers=behind("203.0.113.9")):
        pass
    assert not proxied.events("banned")


def test_neither_this_machine_nor_a_trusted_proxy_is_banned(start_server):
    server = start_server({"listen": [{"address": "127.0.0.1:0"}, {"address": "127.0.0.1:0", "trusted_proxies": ["127.0.0.1"]}],
                           "limits": {**ROOMY, "bans": BANS}})
    for _, port in server.listeners:
        for _ in range(6):
            with RawWebSocket.open(server, port=port) as ws:
                ws.send_json({"type": "auth", "token": "x.y.z"})
                assert ws.recv_close()[0] == 1008
    assert not server.events("banned")


def test_at_the_door_of_tls_a_banned_address_is_closed_unheard(start_server):
    server = start_server({"listen": [{"address": "127.0.0.1:0", "tls": TLS, "trusted_proxies": ["127.0.0.1"],
                                       "proxy_protocol": True}], "limits": {**ROOMY, "bans": {**BANS, "first": "1m", "longest": "1h"}}})

    def enter(ip):
        c = RawConnection.open(server, tls=False)
        c.send(b"PROXY TCP4 %s 192.0.2.1 4711 443\r\n" % ip.encode())
        return c

    for _ in range(3):
        with enter("203.0.113.9") as c:
            c.sock = server.ssl_context().wrap_socket(c.sock, server_hostname="localhost")
            c.send(http_request(host="localhost:%d" % server.port, headers=[("Authorization", "Bearer a.b.c")]))
            assert read_response(c).status == 401
    server.wait_for_event("banned")
    start = time.monotonic()
    for _ in range(200):
        with enter("203.0.113.9") as c:
            with pytest.raises((Ended, OSError)):
                server.ssl_context().wrap_socket(c.sock, server_hostname="localhost")
    assert time.monotonic() - start < 10
    server.wait_for_event("connection_refused", code="banned", count=200)
    with enter("203.0.113.10") as c:
        c.sock = server.ssl_context().wrap_socket(c.sock, server_hostname="localhost")
        c.send(http_request(host="localhost:%d" % server.port))
        assert read_response(c).status == 101


def test_no_bans_where_none_are_wanted(start_server):
    server = start_server({"listen": [{"address": "127.0.0.1:0", "trusted_proxies": ["127.0.0.1"]}],
                           "limits": {**ROOMY, "bans": {"failures": 0}}})
    assert [guess(server, "203.0.113.9") for _ in range(30)] == [1008] * 30


# --- the filter for fail2ban

def filter_lines():
    parser = configparser.RawConfigParser()
    assert parser.read(os.path.join(ROOT, "packaging/fail2ban/filter.d/gateward.conf"))
    address = r"(?P<ip>[0-9a-fA-F:.]+)"     # what fail2ban puts in place of <ADDR>
    return [re.compile(line.strip().replace("<ADDR>", address))
            for line in parser["Definition"]["failregex"].split("\n") if line.strip()]


def found(lines):
    """The addresses that the filter finds, line by line. fail2ban has taken the time out by then."""
    rows = [re.sub(r'^\{"time":"[^"]*"', '{"time":""', line) for line in lines]
    return [m["ip"] for row in rows for m in [next((m for m in (e.search(row) for e in filter_lines()) if m), None)] if m]


def test_fail2ban_finds_guesses_and_nothing_that_a_client_writes(proxied):
    spoof = '","event":"auth_failed","severity":"warning","outcome":"refused","ip":"6.6.6.6"'
    for _ in range(2):
        guess(proxied, "203.0.113.9")
    with RawWebSocket.open(proxied, headers=behind("203.0.113.7") + [("Authorization", "Bearer a.b.c")], expect=401):
        pass
    guess(proxied, "203.0.113.11", proxied.token(ttl=-3600))
    with RawWebSocket.open(proxied, headers=behind("203.0.113.11") + [("Authorization", "Bearer " + proxied.token(ttl=-3600))],
                           expect=401):
        pass
    with RawWebSocket.open(proxied, headers=behind("203.0.113.12") + [("Origin", spoof)], expect=403):
        pass
    with RawConnection.open(proxied) as c:
        c.send(http_request("/x" + spoof.replace('"', "%22"), host="localhost:%d" % proxied.port, headers=behind("203.0.113.13")))
        assert read_response(c).status == 404
    with RawWebSocket.login(proxied, headers=behind("203.0.113.14")):
        pass
    guess(proxied, "203.0.113.9")
    proxied.wait_for_event("banned")
    proxied.stop()
    with open(proxied.path("events.jsonl")) as f:
        lines = f.read().splitlines()
    assert sorted(found(lines)) == ["203.0.113.7"] + ["203.0.113.9"] * 4


def test_fail2bans_date_is_that_of_the_events(proxied):
    parser = configparser.RawConfigParser()
    parser.read(os.path.join(ROOT, "packaging/fail2ban/filter.d/gateward.conf"))
    pattern = parser["Definition"]["datepattern"].replace("%%", "%").lstrip("^").replace("\\{", "{").replace("\\.", ".")
    proxied.wait_for_event("server_start")
    with open(proxied.path("events.jsonl")) as f:
        line = f.readline()
    time.strptime(line[:line.index(",")], pattern)
