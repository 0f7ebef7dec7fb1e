# SPDX-License-Identifier: Apache-2.0
"""Every conformance case over ws and over wss, what the case list itself promises, and echoes to a slow reader."""
import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from case_list import all_cases  # noqa: E402
from deflate_cases import violation  # noqa: E402
from echo_server import EchoServer  # noqa: E402
from ws_peer import BINARY, PONG, Peer, frame  # noqa: E402

# cases of each group in the reference suite, 517 in all
REFERENCE = {1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1, 12: 90, 13: 126}


@pytest.fixture(scope="module")
def echo_server(tmp_path_factory):
    server = EchoServer(tmp_path_factory.mktemp("echo"))
    server.start()
    try:
        yield server
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="module")
def openssl_server(tmp_path_factory):
    """TLS records carried by OpenSSL, as for clients of TLS 1.2."""
    with EchoServer(tmp_path_factory.mktemp("openssl"), records="openssl") as server:
        yield server


def rows():
    for scheme in ("ws", "wss"):
        for case in all_cases():
            yield pytest.param(scheme, case, id="%s-%s" % (scheme, case.number),
                               marks=[pytest.mark.long, pytest.mark.timeout(600)] if case.is_long else [])


@pytest.mark.parametrize("scheme,case", rows())
def test_conforms(echo_server, scheme, case):
    fault, seconds = case.verdict(echo_server.target(scheme, patience=4.0))
    assert fault is None, "%s %s (%s) after %.2f s: %s" % (scheme, case.number, case.title, seconds, fault)


@pytest.mark.parametrize("case", [pytest.param(c, id=c.number) for c in all_cases() if c.key[0] in (1, 2, 5, 7, 12) and not c.is_long])
def test_conforms_over_records_of_openssl(openssl_server, case):
    fault, seconds = case.verdict(openssl_server.target("wss", patience=4.0))
    assert fault is None, "%s (%s) after %.2f s: %s" % (case.number, case.title, seconds, fault)


def test_every_case_of_the_reference_is_here():
    counts = {}
    for case in all_cases():
        counts[case.key[0]] = counts.get(case.key[0], 0) + 1
    assert {group: counts.get(group) for group in REFERENCE} == REFERENCE
    assert sum(REFERENCE.values()) == 517


@pytest.mark.parametrize("offer,answer,is_fine", [
    ("permessage-deflate", {}, True),
    ("permessage-deflate; server_no_context_takeover", {}, False),
    ("permessage-deflate", {"server_no_context_takeover": "", "client_no_context_takeover": ""}, True),
    ("permessage-deflate; server_max_window_bits=9", {}, False),
    ("permessage-deflate; server_max_window_bits=9", {"server_max_window_bits": "10"}, False),
    ("permessage-deflate; server_max_window_bits=9", {"server_max_window_bits": "9"}, True),
    ("permessage-deflate; server_max_window_bits=9", {"server_max_window_bits": "09"}, False),
    ("permessage-deflate", {"client_max_window_bits": "10"}, False),
    ("permessage-deflate; client_max_window_bits", {"client_max_window_bits": "10"}, True),
    ("permessage-deflate", {"other": ""}, False),
])
def test_judge_of_answers_knows_right_from_wrong(offer, answer, is_fine):
    assert (violation(offer, answer) is None) == is_fine


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_slow_reader_of_a_large_echo_is_not_taken_for_dead(tmp_path, scheme):
    """While it reads, its pongs may lie behind what it is sent: progress counts as a sign of life."""
    payload = bytes(range(256)) * 65536
    sent = frame(BINARY, payload)
    with EchoServer(tmp_path, {"timeouts": {"ping": "400ms", "pong": "400ms"}}) as server:
        with Peer(server.target(scheme)) as peer:
            peer.send(sent)
            heard = []
            for _ in range(25):     # 2.5 s for the first part: many times what a pong may take
                heard.append(peer.sock.recv(65536))
                time.sleep(0.1)
            peer.spare = b"".join(heard)
            peer.expect(("binary", payload), seconds=60)
            for _ in range(3):      # now it is asked, and so it goes on living
                kind, asked = peer.event()
                assert kind == "ping"
                peer.send(frame(PONG, asked))
            peer.finish()
        assert not server.events("peer_dead"), server.events()[-5:]
