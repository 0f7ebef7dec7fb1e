# SPDX-License-Identifier: Apache-2.0
"""Limits, each at its number and one past it: messages, sizes, fragments, users, channels, and readers who do not read."""
import json
import socket
import time

import pytest

from raw_client import OP_CLOSE, OP_CONTINUATION, OP_PING, OP_TEXT, Ended, RawWebSocket, encode_frame
from talk import PLAIN, ROOMY, ask, closed_with, error, is_quiet, put

RATE = error("rate_limited", "Rate limit exceeded")
ACK = {"type": "ack", "message": "Message received"}
PING = encode_frame(OP_TEXT, '{"type":"ping"}')
SLOW = 4        # what two shared cores and a sanitizer may cost


def burst(ws, count):
    """Sends that many messages at once and counts how many of them were answered with a pong, and how many refused."""
    ws.send(PING * count)
    answers = [ws.recv_json() for _ in range(count)]
    assert all(a in ({"type": "pong"}, RATE) for a in answers), answers
    return sum(a["type"] == "pong" for a in answers), answers.count(RATE)


# --- messages

def test_sixty_messages_a_minute_pass_and_the_next_is_refused_in_the_guides_words(server):
    with RawWebSocket.login(server) as ws:
        start = time.monotonic()
        assert burst(ws, 60) == (60, 0)
        refused = ask(ws, {"type": "message", "content": "one too many", "id": 1})
        assert time.monotonic() - start < 1
        assert refused == RATE and refused["message"] == "Rate limit exceeded"
        row = server.wait_for_event("rate_limited", port=ws.local_port)
        assert (row["code"], row["user"], row["outcome"]) == ("refused", "alice", "refused")
        time.sleep(1.1)             # one a second comes back
        assert ask(ws, {"type": "ping"}) == {"type": "pong"}
        assert ask(ws, {"type": "ping"}) == RATE


@pytest.mark.parametrize("workers", [1, 2])
def test_the_limit_is_the_users_over_all_connections_and_workers(start_server, workers):
    server = start_server({"server": {"workers": workers}, "listen": PLAIN})
    many = [RawWebSocket.login(server) for _ in range(6)]
    start = time.monotonic()
    passed = [burst(ws, 12)[0] for ws in many]
    for ws in many:     # two at a time, from different connections
        ws.send(PING * 3)
    passed += [sum(ws.recv_json()["type"] == "pong" for _ in range(3)) for ws in many]
    assert 60 <= sum(passed) <= 60 + (time.monotonic() - start) + 1, passed
    with RawWebSocket.login(server, "bob") as bob:
        assert burst(bob, 60) == (60, 0)
    for ws in many:
        ws.close()


def test_coming_back_does_not_help(server):
    with RawWebSocket.login(server) as ws:
        assert burst(ws, 60) == (60, 0)
    for _ in range(3):
        with RawWebSocket.login(server) as ws:
            passed, refused = burst(ws, 10)
            assert refused >= 8 and passed <= 2


def test_who_goes_on_as_if_nothing_had_been_said_is_closed(server):
    with RawWebSocket.login(server) as ws:
        ws.send(PING * 140)
        answers = []
        while True:
            frame = ws.recv_frame()
            if frame.opcode == OP_CLOSE:
                break
            answers.append(json.loads(frame.payload))
        assert 60 <= answers.count({"type": "pong"}) <= 62 and 60 <= answers.count(RATE) <= 62
        assert frame.payload == b"\x03\xf0Rate limit exceeded"
        port = ws.local_port
        ws.send_close(1008)
        assert ws.recv_rest() == b""
    rows = server.events("rate_limited", port=port)
    assert [r["code"] for r in rows][-1] == "closed" and rows[-1]["close_code"] == 1008
    assert len(rows) <= 4       # told to the log once a run, not once a message
    assert server.wait_for_event("connection_close", port=port)["close_code"] == 1008


def test_the_hour_has_a_limit_of_its_own(start_server):
    server = start_server({"listen": PLAIN, "limits": {"messages": {"per_minute": 1000, "per_hour": 30}}})
    with RawWebSocket.login(server) as ws:
        assert burst(ws, 35) == (30, 5)
        time.sleep(1.2)
        assert burst(ws, 2) == (0, 2)
    with RawWebSocket.login(server) as ws:
        assert burst(ws, 2) == (0, 2)


def test_every_kind_of_message_counts(start_server):
    server = start_server({"listen": PLAIN, "limits": {"messages": {"per_minute": 8, "per_hour": 8}}})
    with RawWebSocket.login(server) as ws:
        for message in ({"type": "ping"}, "not json", {"type": "subscribe", "channel": "nowhere"}, {"type": "nope"},
                        {"type": "auth", "token": "bad"}, "auth:bad", {"type": "publish", "channel": "public:chat", "data": 1}, "{}"):
            assert ask(ws, message) != RATE
        assert ask(ws, {"type": "ping"}) == RATE
        assert ask(ws, "auth:" + server.token()) == RATE


def test_pings_of_the_protocol_have_their_own_limit(start_server):
    server = start_server({"listen": PLAIN, "limits": {"control_frames": {"per_minute": 20}}})
    with RawWebSocket.login(server) as ws:
        ws.send(encode_frame(OP_PING, b"p") * 20)
        for _ in range(20):
            assert ws.recv_frame().payload == b"p"
        ws.send(encode_frame(OP_PING, b"p") * 5)
        assert ws.recv_close() == (1008, "Too many control frames")
        assert server.wait_for_event("limit_exceeded", port=ws.local_port)["code"] == "too_many_control_frames"


# --- sizes

def sized(size):
    head = '{"type":"message","content":"'
    return head + "x" * (size - len(head) - 2) + '"}'


@pytest.mark.parametrize("changes, size", [({}, 65536), ({"message_size": "1000"}, 1000), ({"message_size": "1MiB"}, 1 << 20)])
def test_a_message_of_the_greatest_size_passes_and_one_byte_more_closes(start_server, changes, size):
    server = start_server({"listen": PLAIN, "limits": changes})
    for pieces in (1, 7):
        with RawWebSocket.login(server) as ws:
            for extra in (0, 1):
                text = sized(size + extra)
                step = -(-len(text) // pieces)
                try:
                    for at in range(0, len(text), step):
                        ws.send_frame(OP_TEXT if at == 0 else OP_CONTINUATION, text[at:at + step], fin=at + step >= len(text))
                except OSError:
                    assert extra
                if not extra:
                    assert ws.recv_json() == ACK
            assert ws.recv_close() == (1009, "Message too large")
            row = server.wait_for_event("limit_exceeded", port=ws.local_port)
            assert row["close_code"] == 1009 and row["user"] == "alice"


def test_a_message_that_is_too_large_is_refused_at_its_header(server):
    with RawWebSocket.login(server) as ws:
        ws.send_frame(OP_TEXT, b"", length=65537, length_form=64)
        assert ws.recv_close() == (1009, "Message too large")


def test_a_message_of_many_fragments_passes_and_of_one_more_closes(server):
    for count in (1024, 1025):
        with RawWebSocket.login(server) as ws:
            text = '{"type":"ping"}' + " " * (count - 15)
            ws.send(b"".join(encode_frame(OP_TEXT if i == 0 else OP_CONTINUATION, c, fin=i == count - 1) for i, c in enumerate(text)))
            if count == 1024:
                assert ws.recv_json() == {"type": "pong"}
            else:
                assert ws.recv_close() == (1008, "Too many fragments")


def test_a_message_that_takes_too_long_closes_whatever_comes_between(start_server):
    server = start_server({"listen": PLAIN, "limits": {"assembly": "800ms"}})
    with RawWebSocket.login(server) as ws:
        start = time.monotonic()
        ws.send_frame(OP_TEXT, b"{", fin=False)
        for _ in range(7):
            time.sleep(0.1)
            ws.send_frame(OP_PING)
            ws.send_frame(OP_CONTINUATION, b" ", fin=False)
        assert ws.recv_close() == (1008, "Message took too long")
        assert 0.75 < time.monotonic() - start < 0.8 + 0.6
        assert server.wait_for_event("limit_exceeded", port=ws.local_port)["code"] == "message_too_slow"


# --- tables

def test_the_table_of_users_refuses_rather_than_forgets(start_server):
    server = start_server({"listen": PLAIN, "limits": {"users": 2}})
    with RawWebSocket.login(server, "a") as a, RawWebSocket.login(server, "b"), RawWebSocket.login(server, "a"):
        with RawWebSocket.open(server) as c:
            put(c, "auth:" + server.token("c"))
            closed_with(c, 1013, "Server overloaded, try again later")
            assert server.wait_for_event("limit_exceeded", port=c.local_port)["code"] == "too_many_users"
        assert is_quiet(a)


def test_the_table_of_channels_has_room_again_when_one_is_left(start_server):
    server = start_server({"listen": PLAIN, "limits": {**ROOMY, "channels": 3}})
    with RawWebSocket.login(server) as ws, RawWebSocket.login(server, "bob") as bob:
        for i in range(3):
            assert ask(ws, {"type": "subscribe", "channel": "private:room-%d" % i})["type"] == "subscribed"
        more = {"type": "subscribe", "channel": "private:room-3"}
        assert ask(bob, more) == error("limit_exceeded", "Too many subscriptions")
        assert server.wait_for_event("limit_exceeded", port=bob.local_port)["code"] == "too_many_channels"
        assert ask(bob, {"type": "subscribe", "channel": "private:room-1"})["type"] == "subscribed"
        ask(ws, {"type": "unsubscribe", "channel": "private:room-0"})
        assert ask(bob, more)["type"] == "subscribed"
        ws.close()
        for i in (4, 5):
            for _ in range(100):    # the end of ws is seen a moment later
                answer = ask(bob, {"type": "unsubscribe", "channel": "private:room-1"}) and \
                    ask(bob, {"type": "subscribe", "channel": "private:room-%d" % i})
                if answer["type"] == "subscribed":
                    break
                time.sleep(0.02)
            assert answer["type"] == "subscribed"


# --- those who do not read

def room(server, name, **kwargs):
    ws = RawWebSocket.login(server, name, **kwargs)
    assert ask(ws, {"type": "subscribe", "channel": "private:room-busy"})["type"] == "subscribed"
    return ws


def publish(publisher, size, n):
    assert ask(publisher, {"type": "publish", "channel": "private:room-busy", "data": {"n": n, "x": "x" * size}})["type"] == "ack"


@pytest.mark.parametrize("by", ["high water", "stall"])
def test_a_reader_who_does_not_read_is_cut_and_nobody_else_notices(start_server, by):
    queue = {} if by == "high water" else {"size": "32MiB", "stall": "500ms"}
    server = start_server({"listen": PLAIN, "limits": {**ROOMY, "queue": queue}})
    others = [room(server, "r%d" % i) for i in range(3)]
    publisher, slow = RawWebSocket.login(server, "p"), room(server, "slow", rcvbuf=4096)
    port = slow.local_port
    waits = []
    for n in range(150):        # 9 MB: more than the kernel keeps for a connection, more than the queue
        start = time.monotonic()
        publish(publisher, 60000, n)
        for r in others:
            got = r.recv_json()
            assert got["data"]["n"] == n
        waits.append(time.monotonic() - start)
        if by == "high water" and n % 10 == 9 and server.events("slow_reader"):
            break
    row = server.wait_for_event("slow_reader", port=port, timeout=3)
    assert row["user"] == "slow" and row["severity"] == "warning" and row["outcome"] == "refused"
    if by == "high water":
        assert 256 * 1024 < row["count"] < 256 * 1024 + 2 * 61000
    else:
        assert 0 < row["count"] < 32 << 20
    close = server.wait_for_event("connection_close", port=port)
    assert close["close_code"] == 1006 and close["detail"] == "Slow reader"
    assert sorted(waits)[len(waits) // 2] < 0.1 * SLOW and max(waits) < 0.5 * SLOW
    publish(publisher, 10, "last")
    for ws in others:
        assert ws.recv_json()["data"]["n"] == "last"
        ws.close()
    with pytest.raises((Ended, ConnectionError)):       # cut, without a Close behind what it did not read
        while slow.recv_frame().opcode != OP_CLOSE:
            pass
    slow.close()
    publisher.close()


def test_a_reader_who_reads_slowly_but_steadily_stays(start_server):
    server = start_server({"listen": PLAIN, "limits": {**ROOMY, "queue": {"size": "4MiB", "stall": "1s"}}})
    slow, publisher = room(server, "slow", rcvbuf=4096), RawWebSocket.login(server, "p")
    for n in range(60):
        publish(publisher, 60000, n)
    for n in range(60):         # over a megabyte a second; a sixteenth of the queue is asked for
        assert slow.recv_json()["data"]["n"] == n
        time.sleep(0.04)
    assert is_quiet(slow) and not server.events("slow_reader")
    slow.close()
    publisher.close()


def stuff(ws, seconds=0.7, most=200000):
    """Asks without reading until nothing more is taken for that long; returns how many questions were sent whole, or None."""
    batch = [encode_frame(OP_TEXT, '{"type":"ping","id":"%060d"}' % i) for i in range(most)]
    data, sent = b"".join(batch), 0
    ws.sock.settimeout(seconds)
    try:
        while sent < len(data):
            sent += ws.sock.send(data[sent:sent + 65536])
    except socket.timeout:
        pass
    except ConnectionError:
        return None
    return sent / len(batch[0])


def test_who_does_not_read_answers_is_not_read_either_and_may_go_on_later(start_server):
    server = start_server({"listen": PLAIN, "limits": {**ROOMY, "queue": {"stall": "60s"}}})
    ws = RawWebSocket.login(server, rcvbuf=4096)
    before = server.rss_kib()
    sent = stuff(ws)
    assert sent is not None and 1000 < sent < 200000, sent      # it stopped reading us
    assert server.rss_kib() - before < 16 * 1024      # what waits here has a ceiling
    with RawWebSocket.login(server, "bob") as bob:              # and has time for others
        assert is_quiet(bob)
    for i in range(int(sent)):
        assert ws.recv_json()["id"] == "%060d" % i
    ws.close()


def test_who_never_reads_answers_is_cut(start_server):
    server = start_server({"listen": PLAIN, "limits": {**ROOMY, "queue": {"stall": "500ms"}}})
    with RawWebSocket.login(server, rcvbuf=4096) as ws:
        stuff(ws, seconds=1.5)
        row = server.wait_for_event("slow_reader", port=ws.local_port, timeout=3)
        assert row["count"] > 0
        server.wait_for_event("connection_close", port=ws.local_port)
