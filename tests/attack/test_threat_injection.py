# SPDX-License-Identifier: Apache-2.0
"""Injection. A server whose configuration says nothing about limits, timeouts or TLS: what is
shipped is what defends. The attack is refused, and beside it whoever does the same thing rightly is served."""
import json

from attack_tools import refused
from raw_client import RawWebSocket, http_request

HOSTILE = ["<script>alert(1)</script>", "'; DROP TABLE users; --", "{{7*7}}${7*7}", "\r\nSet-Cookie: a=b", "\x00\x1b[2J\x7f",
           "../../etc/passwd", "%s%n%x", "\u202e\u2028\ufeff", '","type":"welcome","x":"', "a" * 5000]


def test_injection_what_a_peer_writes_stays_text(shipped):
    """Injection: into the answer, the next request, the JSON that others get, channel names and the log."""
    for text in HOSTILE[:3]:
        raw = text.encode().replace(b" ", b"+").decode()
        answer = refused(shipped, http_request(path="/" + raw), 404)
        assert text.encode() not in answer.data and b"script" not in answer.body
    refused(shipped, http_request(headers=[("X-A", "b\r\nContent-Length: 5")]) + b"GET /", 400)
    with RawWebSocket.login(shipped, sub="writer", roles=["user"]) as writer, RawWebSocket.login(shipped, sub="reader") as reader:
        for ws in (writer, reader):
            ws.send_json({"type": "subscribe", "channel": "public:chat"})
            assert ws.recv_json()["type"] == "subscribed"
        for text in HOSTILE:
            writer.send_json({"type": "publish", "channel": "public:chat", "data": {"text": text, text: 1}, "from": {"user": "admin"}})
            got = reader.recv_json()
            assert got["data"] == {"text": text, text: 1}       # as it was, and nowhere else
            assert got["from"] == {"user": "writer"} and got["type"] == "message" and got["channel"] == "public:chat"
            assert set(got) == {"type", "channel", "data", "from"}
            writer.recv_until_type("ack")
        for text in HOSTILE:
            writer.send_json({"type": "subscribe", "channel": text})
            assert writer.recv_until_type("error")["code"] == "schema"
        for raw in ('{"type":"ping","type":"publish"}', '{"type":"ping"}{"type":"ping"}', '[{"type":"ping"}]', '{"type":"ping",}',
                    '{"type":"ping","n":NaN}', '{"type":"\\ud800"}', "[" * 5000):
            writer.send_text(raw)
            assert writer.recv_until_type("error")["code"] in ("invalid_json", "too_complex"), raw
    for text in HOSTILE:
        token = shipped.token(text)
        with RawWebSocket.open(shipped, origin="https://app.example.com") as ws:     # as a user's name
            ws.send_json({"type": "auth", "token": token})
            try:
                assert ws.recv_json()["user"] == text
            except Exception as e:      # or it is refused; nothing else
                assert "1008" in str(e), e
    for row in shipped.events():         # every line is one object of the known fields, whatever strangers wrote
        assert row["event"] and row["outcome"] and "\n" not in json.dumps(row)
        assert not set(row) - {"time", "event", "severity", "outcome", "code", "connection", "ip", "port", "user", "origin", "host",
                               "path", "channel", "action", "status", "close_code", "duration_ms", "messages_in", "messages_out",
                               "detail", "count", "tls_records"}
    with open(shipped.path("events.jsonl"), "rb") as f:
        log = f.read()
    assert not [b for b in log if b < 0x20 and b != 0x0a or b == 0x7f]
