# SPDX-License-Identifier: Apache-2.0
"""The guide's "complete secure WebSocket server" is examples/guide.yaml: its dialogue word for word, spoken by the client
library that the guide uses. Where we differ on purpose (docs/guide.md) the test says so too."""
import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import time

import pytest
import websockets
import websockets.exceptions

import jwt_maker
from gateward_server import ROOT, GatewardServer
from raw_client import OP_PING, OP_TEXT, Ended, RawWebSocket
from talk import ask, run_gateward

GUIDE = os.path.join(ROOT, "examples", "guide.yaml")
ORIGIN = "https://app.example.com"


def guide_text(**changes):
    """The example as shipped, but on a port that the kernel chose and with the events in a file."""
    with open(GUIDE) as f:
        text = f.read()
    for old, new in {"0.0.0.0:8765": "127.0.0.1:0", "events: stderr": "events: events.jsonl", **changes}.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def guide(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("guide"), text=guide_text()) as running:
        yield running


async def say(ws, message):
    await ws.send(message if isinstance(message, str) else json.dumps(message))
    return json.loads(await asyncio.wait_for(ws.recv(), 10))


def same(answer, wanted):
    """What the guide says is there; more may be."""
    return {k: answer.get(k) for k in wanted} == wanted


async def closed(ws):
    with pytest.raises(websockets.exceptions.ConnectionClosed) as end:
        await asyncio.wait_for(ws.recv(), 15)
    return end.value.rcvd.code, end.value.rcvd.reason


# --- the schemas

@pytest.mark.parametrize("message, text", [
    ({"type": "chat_message", "room_id": "42"}, "Missing required field: content"),
    ({"type": "chat_message", "room_id": "42", "content": 5}, "Field 'content' must be string"),
    ({"type": "chat_message", "room_id": "42", "content": "x" * 5001}, "Field 'content' exceeds max length 5000"),
    ({"type": "chat_message", "room_id": "4 2", "content": "x"}, "Field 'room_id' has invalid format"),
    ({"type": "action", "action": "dance"}, "Field 'action' has invalid value"),
    ({"type": "action", "action": "join", "target": "x" * 101}, "Field 'target' exceeds max length 100"),
])
def test_the_schemas_speak_the_guides_words(guide, message, text):
    with RawWebSocket.login(guide, "schema%d" % len(text), origin=ORIGIN) as ws:
        assert same(ask(ws, message), {"type": "error", "code": "schema", "message": text})


def test_a_chat_message_arrives_without_markup(guide):
    with RawWebSocket.login(guide, "writer", origin=ORIGIN) as ws, RawWebSocket.login(guide, "reader", origin=ORIGIN) as reader:
        assert ask(reader, {"type": "subscribe", "channel": "private:room-42"})["type"] == "subscribed"
        message = {"type": "chat_message", "room_id": "42", "content": "<b>hi</b><script>alert(1)</script>", "id": 7}
        assert ask(ws, message) == {"type": "ack", "message": "Message received", "channel": "private:room-42", "id": 7}
        assert reader.recv_json() == {"type": "message", "channel": "private:room-42", "from": {"user": "writer"},
                                      "data": {"type": "chat_message", "room_id": "42", "content": "hi"}}
        assert ask(ws, {"type": "action", "action": "join"}) == {"type": "ack", "message": "Message received"}


# --- the dialogue

@pytest.mark.parametrize("path", ["/", "/socket", "/ws"])
async def test_the_dialogue_word_for_word(guide, path):
    user = "user" + path.strip("/")
    async with guide.connect(path, origin=ORIGIN) as ws:
        assert same(await say(ws, {"type": "auth", "token": guide.token(user)}), {"type": "welcome", "user": user})
        assert await say(ws, {"type": "ping"}) == {"type": "pong"}
        assert await say(ws, {"type": "message", "content": "Hello"}) == {"type": "ack", "message": "Message received"}
        assert await say(ws, {"type": "message"}) == {"type": "ack", "message": "Message received"}
        assert await say(ws, {"type": "message", "content": "x" * 6000}) == {"type": "ack", "message": "Message received"}
        assert same(await say(ws, {"type": "dance"}), {"type": "error", "message": "Unknown message type: dance"})
        assert same(await say(ws, "not json"), {"type": "error", "message": "Invalid JSON"})
        assert same(await say(ws, "{}"), {"type": "error", "message": "Missing 'type' field"})
        assert await say(ws, {"type": "ping"}) == {"type": "pong"}


async def test_the_bare_form_of_the_first_sample(guide):
    async with guide.connect("/socket") as ws:
        assert (await say(ws, "auth:" + guide.token("bare")))["type"] == "welcome"


async def test_a_token_in_the_header_as_the_guides_client_sends_it(guide):
    async with guide.connect("/socket", extra_headers={"Authorization": "Bearer " + guide.token("header")}) as ws:
        assert json.loads(await ws.recv())["user"] == "header"
        assert await say(ws, {"type": "ping"}) == {"type": "pong"}
    with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
        async with guide.connect("/socket", extra_headers={"Authorization": "Bearer nonsense"}):
            pass
    assert refused.value.status_code == 401


@pytest.mark.parametrize("first, reason", [
    ({"type": "ping"}, "First message must be auth"), ({"type": "message", "content": "x"}, "First message must be auth"),
    ("hello", "Invalid message format"), ("[1]", "Invalid message format"),
    ({"type": "auth", "token": "nonsense"}, "Authentication failed"), ({"type": "auth"}, "Authentication failed"),
    ({"type": "auth", "token": None}, "Authentication failed"), ("EXPIRED", "Token expired"), ("NO SUB", "Authentication failed"),
    ("NO EXP", "Authentication failed"), ("OTHER KEY", "Authentication failed")])
async def test_each_close_of_the_guide(guide, first, reason):
    tokens = {"EXPIRED": guide.token(ttl=-60), "NO SUB": guide.token(sub=None), "NO EXP": guide.token(exp=None),
              "OTHER KEY": jwt_maker.token(b"k" * 64)}
    if first in tokens if isinstance(first, str) else False:
        first = {"type": "auth", "token": tokens[first]}
    async with guide.connect() as ws:
        await ws.send(first if isinstance(first, str) else json.dumps(first))
        assert await closed(ws) == (1008, reason)


async def test_sixty_messages_a_minute_and_they_survive_the_connection(guide):
    async with guide.connect() as ws:
        await say(ws, {"type": "auth", "token": guide.token("busy")})
        for _ in range(60):
            await ws.send('{"type":"ping"}')
        assert [json.loads(await ws.recv()) for _ in range(60)] == [{"type": "pong"}] * 60
        assert same(await say(ws, {"type": "ping"}), {"type": "error", "message": "Rate limit exceeded"})
        await asyncio.sleep(1.1)        # refused, not closed: one a second comes back
        assert await say(ws, {"type": "ping"}) == {"type": "pong"}
    async with guide.connect() as ws:   # the guide's server forgets here; this one does not
        await say(ws, {"type": "auth", "token": guide.token("busy")})
        answers = [await say(ws, {"type": "ping"}) for _ in range(3)]
        assert sum(a["type"] == "error" for a in answers) >= 2


@pytest.mark.parametrize("origin, enters", [
    ("https://example.com", True), ("https://app.example.com", True), (None, True), ("https://evil.com", False),
    ("http://example.com", False), ("https://sub.example.com", False), ("https://example.com.evil.com", False), ("null", False)])
async def test_origins_of_the_guide(guide, origin, enters):
    if enters:
        async with guide.connect(origin=origin) as ws:
            assert (await say(ws, {"type": "auth", "token": guide.token("o")}))["type"] == "welcome"
        return
    with pytest.raises(websockets.exceptions.InvalidStatusCode) as refused:
        async with guide.connect(origin=origin):
            pass
    assert refused.value.status_code == 403     # before the upgrade, where the guide closes behind it
    assert guide.wait_for_event("origin_refused", origin=origin)["severity"] == "warning"


def test_the_server_at_capacity(tmp_path):
    """The guide's 10,000, made small enough to fill."""
    text = guide_text(**{"total: 10000": "total: 3"})
    with GatewardServer(tmp_path, text=text) as server:
        inside = [RawWebSocket.login(server) for _ in range(3)]
        with RawWebSocket.open(server, expect=503) as ws:
            assert json.loads(ws.response.body)["error"]["code"] == "server_full" and int(ws.response.headers["retry-after"]) > 0
            assert server.wait_for_event("connection_refused", port=ws.local_port)["code"] == "server_full"
        inside.pop().close()
        deadline = time.monotonic() + 5
        while True:
            with RawWebSocket.open(server, expect=None) as ws:
                if ws.response.status == 101:
                    break
            assert time.monotonic() < deadline
        for ws in inside:
            ws.close()


def test_the_numbers_of_the_guide_are_in_the_example():
    text = guide_text()
    for words in ("total: 10000", "per_ip: 100", "per_minute: 60", "per_hour: 1000", "message_size: 100KiB", "timeout: 10s",
                  "https://example.com\n", "https://app.example.com\n", "algorithms: [HS256]"):
        assert words in text


def test_a_message_of_100_kib_passes_and_one_byte_more_does_not(guide):
    head, size = '{"type":"message","content":"', 100 * 1024
    for extra in (0, 1):
        with RawWebSocket.login(guide, "big") as ws:
            text = head + "x" * (size + extra - len(head) - 2) + '"}'
            assert len(text) == size + extra
            if extra:
                ws.send_frame(OP_TEXT, text)
                assert ws.recv_close() == (1009, "Message too large")
            else:
                assert ask(ws, text) == {"type": "ack", "message": "Message received"}


def test_tls_1_3_and_nothing_older(guide):
    context = guide.ssl_context()
    with socket.create_connection((guide.host, guide.port), 5) as raw, \
            context.wrap_socket(raw, server_hostname="localhost") as tls:
        assert tls.version() == "TLSv1.3"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection((guide.host, guide.port), 5) as raw, pytest.raises(ssl.SSLError):
        context.wrap_socket(raw, server_hostname="localhost")


# --- channels and roles of the guide, asked as its samples ask

SAMPLES = [     # user, roles, channel, action, allowed
    ("user123", "user", "public:chat", "subscribe", True),
    ("user123", "user", "admin:logs", "subscribe", False),
    ("admin456", "admin", "admin:logs", "subscribe", True),
    ("user123", "user", "chat:general", "publish", True),
    ("user123", "user", "admin:stats", "subscribe", False),
    ("admin789", "admin", "admin:stats", "publish", True),
    ("mod456", "moderator", "chat:mod-only", "publish", True),
    ("user123", "user", "chat:mod-only", "subscribe", False),
    ("user123", "user", "user:user123:messages", "subscribe", True),
    ("user123", "user", "user:user124:messages", "subscribe", False),   # the guide's sample lets everyone in
    ("user123", "user", "private:room-42", "publish", True),
    ("user123", "user", "not:defined", "subscribe", False),             # the guide's sample lets everyone in
]


@pytest.mark.parametrize("user, role, channel, action, allowed", SAMPLES)
def test_the_access_samples_of_the_guide(guide, user, role, channel, action, allowed):
    with RawWebSocket.login(guide, user, [role]) as ws:
        answer = ask(ws, {"type": action, "channel": channel, "data": 1})
        assert (answer["type"] != "error") == allowed
        if not allowed:
            assert answer["message"] == "Not allowed"


# --- times, as shipped

def test_shipped_times(guide):
    """10 s for the first message; a ping after 25 s of silence (5 % to either side) and 10 s for its pong."""
    deaf, mute = RawWebSocket.login(guide, "deaf"), RawWebSocket.open(guide)
    start = time.monotonic()
    assert mute.recv_close(15) == (1008, "Authentication timeout")
    assert 9.9 < time.monotonic() - start < 10.6
    assert guide.wait_for_event("auth_timeout", port=mute.local_port)
    mute.close()
    port = deaf.local_port
    assert deaf.recv_frame(20).opcode == OP_PING
    asked = time.monotonic()
    assert 23.6 < asked - start < 26.9
    with pytest.raises(Ended):
        deaf.recv_frame(15)
    assert 9.9 < time.monotonic() - asked < 10.7
    assert guide.wait_for_event("peer_dead", port=port)["code"] == "no_pong"
    deaf.close()


# --- the page

def test_the_page_about_the_guide_shows_configuration_that_passes(tmp_path, guide):
    """Every yaml block of docs/guide.md is a configuration once it has what it leaves out."""
    with open(os.path.join(ROOT, "docs", "guide.md")) as f:
        blocks = re.findall(r"```yaml\n(.*?)```", f.read(), re.S)
    assert blocks
    for name in ("server.crt", "server.key", "jwt.secret"):
        shutil.copy(guide.path(name), tmp_path)
    shutil.copy(guide.path("jwt.secret"), tmp_path / "old.secret")
    (tmp_path / "old.secret").write_text("".join(reversed((tmp_path / "jwt.secret").read_text())))
    for block in blocks:
        whole = {"listen": "listen: [{address: 127.0.0.1:0, tls: {cert: server.crt, key: server.key}}]\n",
                 "auth": "auth: {jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: null}]}\n"}
        text = block + "".join(line for key, line in whole.items() if not re.search("^%s:" % key, block, re.M))
        with open(tmp_path / "c.yaml", "w") as f:
            f.write(text)
        result = run_gateward("check", "c.yaml", cwd=str(tmp_path))
        assert result.returncode == 0, text + result.stderr
