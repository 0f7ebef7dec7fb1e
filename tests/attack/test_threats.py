# SPDX-License-Identifier: Apache-2.0
"""The threat model in five tests, one a threat, each against a configuration that says nothing about limits, timeouts or TLS:
what is shipped is what defends. The other files of this folder go into the details."""
import base64
import json
import ssl
import time

import pytest

import jwt_maker
from attack_tools import LEAN, closed_with, refused, send_all, still_serves, tcp
from gateward_server import DELETE
from raw_client import OP_PING, OP_TEXT, RawConnection, RawWebSocket, encode_frame, http_request, read_response


@pytest.fixture
def server(start_server):
    """One listener, one secret, one page, the channels: the least that can be said."""
    running = start_server({"roles": DELETE, "server": {"drain": DELETE, "workers": DELETE}, "auth": {"timeout": DELETE}},
                           environment=LEAN)
    assert "limits" not in running.config and "timeouts" not in running.config
    return running


def test_mitm_who_sits_on_the_way_reads_nothing_and_downgrades_nothing(server):
    """Man in the middle: no plaintext, no old TLS, no foreign certificate, and browsers are told to stay with TLS."""
    with RawConnection.open(server, tls=False) as c:        # stripped to plain HTTP
        c.send(http_request())
        assert b"HTTP" not in c.recv_rest()
    server.wait_for_event("tls_failed", code="plaintext_on_tls_port")

    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)           # talked down to TLS 1.2
    old.load_verify_locations(server.path("ca.crt"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with tcp(server) as sock, pytest.raises(ssl.SSLError):
        old.wrap_socket(sock, server_hostname="localhost")
    server.wait_for_event("tls_failed", code="tls_handshake_failed")

    with tcp(server) as sock, pytest.raises(ssl.SSLCertVerificationError):      # a client notices another's certificate
        ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")
    with tcp(server) as sock, pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):   # nor does it pose as another
        server.ssl_context().wrap_socket(sock, server_hostname="other.example")

    answer = refused(server, http_request(path="/nope"), 404)
    assert "max-age" in answer.response.headers["strict-transport-security"]
    with RawWebSocket.login(server, sub="mitm") as ws:      # done rightly
        assert ws.sock.version() == "TLSv1.3"


def test_cswsh_a_foreign_page_cannot_ride_on_a_visitor(server):
    """Cross-site WebSocket hijacking: the visitor's browser says truthfully where the page comes from."""
    cookie = [("Cookie", "session=of-the-victim"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "websocket")]
    for origin in ("https://evil.example", "https://app.example.com.evil.example", "http://app.example.com", "null"):
        answer = refused(server, http_request(headers=cookie + [("Origin", origin)]), 403, "origin_refused", "origin_not_allowed")
        assert server.events("origin_refused", port=answer.port)[0]["origin"] == origin
        # a stolen or borrowed token does not change where the page comes from
        refused(server, http_request(headers=[("Origin", origin), ("Authorization", "Bearer " + server.token())]), 403, "origin_refused")
    refused(server, http_request(headers=cookie), 403, "origin_missing", "origin_missing")
    refused(server, http_request(host="evil.example", headers=[("Origin", "https://evil.example")]), 421)     # rebinding
    with RawWebSocket.open(server, origin="https://app.example.com", headers=cookie) as ws:
        ws.send_text("auth:" + server.token("visitor"))
        assert ws.recv_json()["user"] == "visitor"
    # and a page with only the cookie, but without a token, is a stranger even when it is listed
    with RawWebSocket.open(server, origin="https://app.example.com", headers=cookie) as ws:
        ws.send_json({"type": "subscribe", "channel": "public:chat"})
        closed_with(ws, 1008, "First message must be auth")


def test_dos_one_attacker_is_stopped_and_others_are_served(server):
    """Denial of service: connections, messages, sizes and pings of one address and one user, while another is served."""
    before = server.rss_kib()
    crowd = []
    for _ in range(120):            # more than one address may hold
        sock = tcp(server)
        crowd.append(sock)
    server.wait_for_event("connection_refused", code="too_many_connections", ip="127.0.0.1", count=15)
    assert still_serves(server, source="127.0.0.5") < 5
    for sock in crowd:
        sock.close()
    time.sleep(0.5)

    with RawWebSocket.login(server, sub="flooder", source="127.0.0.6") as ws:       # messages: 60 a minute
        port = ws.local_port
        answers = []
        for _ in range(70):
            ws.send_json({"type": "message", "content": "x"})
            answers.append(ws.recv_json())
        assert [a["type"] for a in answers[:60]] == ["ack"] * 60
        assert {a.get("code") for a in answers[61:]} == {"rate_limited"}
        server.wait_for_event("rate_limited", port=port, code="refused", user="flooder")
        for _ in range(120):        # who does not listen is closed
            if not send_all(ws, encode_frame(OP_TEXT, '{"type":"ping"}')):
                break
        assert ws.recv_close() == (1008, "Rate limit exceeded")
        server.wait_for_event("rate_limited", port=port, code="closed")
    with RawWebSocket.login(server, sub="flooder", source="127.0.0.6") as ws:       # coming back does not help
        ws.send_json({"type": "ping"})
        assert ws.recv_json()["code"] == "rate_limited"

    for data, code, event in ((encode_frame(OP_TEXT, b"", length=65537), 1009, "message_too_large"),
                              (encode_frame(OP_TEXT, b"", fin=False) + encode_frame(0, b"", fin=False) * 1100, 1008, "too_many_fragments"),
                              (encode_frame(OP_PING, b"p" * 125) * 700, 1008, "too_many_control_frames")):
        with RawWebSocket.login(server, sub="heavy", source="127.0.0.6") as ws:
            port = ws.local_port
            send_all(ws, data)
            assert ws.recv_close()[0] == code
        server.wait_for_event("limit_exceeded", port=port, code=event)
    assert server.rss_kib() - before < 40 * 1024
    still_serves(server, source="127.0.0.5")


HOSTILE = ["<script>alert(1)</script>", "'; DROP TABLE users; --", "{{7*7}}${7*7}", "\r\nSet-Cookie: a=b", "\x00\x1b[2J\x7f",
           "../../etc/passwd", "%s%n%x", "\u202e\u2028\ufeff", '","type":"welcome","x":"', "a" * 5000]


def test_injection_what_a_peer_writes_stays_text(server):
    """Injection: into the answer, the next request, the JSON that others get, channel names and the log."""
    for text in HOSTILE[:3]:
        raw = text.encode().replace(b" ", b"+").decode()
        answer = refused(server, http_request(path="/" + raw), 404)
        assert text.encode() not in answer.data and b"script" not in answer.body
    refused(server, http_request(headers=[("X-A", "b\r\nContent-Length: 5")]) + b"GET /", 400)
    with RawWebSocket.login(server, sub="writer", roles=["user"]) as writer, RawWebSocket.login(server, sub="reader") as reader:
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
        token = server.token(text)
        with RawWebSocket.open(server, origin="https://app.example.com") as ws:     # as a user's name
            ws.send_json({"type": "auth", "token": token})
            try:
                assert ws.recv_json()["user"] == text
            except Exception as e:      # or it is refused; nothing else
                assert "1008" in str(e), e
    for row in server.events():         # every line is one object of the known fields, whatever strangers wrote
        assert row["event"] and row["outcome"] and "\n" not in json.dumps(row)
        assert not set(row) - {"time", "event", "severity", "outcome", "code", "connection", "ip", "port", "user", "origin", "host",
                               "path", "channel", "action", "status", "close_code", "duration_ms", "messages_in", "messages_out",
                               "detail", "count"}
    with open(server.path("events.jsonl"), "rb") as f:
        log = f.read()
    assert not [b for b in log if b < 0x20 and b != 0x0a or b == 0x7f]


def forged(server):
    """Tokens that somewhere, once, were believed."""
    good = server.token("alice")
    head, body, mark = good.split(".")
    now = int(time.time())
    claims = {"sub": "alice", "roles": ["admin"], "iat": now, "exp": now + 600}
    admin = jwt_maker.b64url(json.dumps(claims).encode())
    public = open(server.path("server.crt"), "rb").read()
    none = [jwt_maker.b64url(json.dumps({"alg": a}).encode()) for a in ("none", "None", "NONE", "nOnE", "")]
    return {
        "none": [n + "." + admin + "." + s for n in none for s in ("", mark)],
        "signature": [head + "." + body + "." + jwt_maker.b64url(b"\0" * 32), head + "." + body + ".", head + "." + admin + "." + mark,
                      good[:-2], good + "A", good + ".", good + "=", "." + good, good.upper(), head + "." + body],
        "key": [jwt_maker.token(k, "alice", ["admin"]) for k in (b"", b"secret", b"changeme" * 4, public, server.secret[:32], server.secret + b"\n")],
        "header": [jwt_maker.compact(dict({"alg": "HS256"}, **h), claims, server.secret) for h in
                   ({"crit": ["x"], "x": 1}, {"alg": "HS512"}, {"alg": "RS256"}, {"alg": ["HS256"]}, {"b64": False, "crit": ["b64"]})],
        "time": [server.token("alice", ttl=-60), server.token("alice", exp=None), server.token("alice", exp="9999999999"),
                 server.token("alice", nbf=now + 3600), server.token("alice", exp=True), server.token("alice", exp=-1), server.token("alice", exp=[now + 60]),
                 jwt_maker.compact({"alg": "HS256"}, b'{"sub":"alice","roles":["admin"],"exp":1e400}', server.secret),
                 jwt_maker.compact({"alg": "HS256"}, b'{"sub":"alice","exp":1,"exp":9999999999}', server.secret)],
        "subject": [server.token(None), server.token(""), server.token(7)],
        "form": ["", "a", "a.b.c", "..", "." * 8000, "null", "Bearer " + good, good.replace(".", "..")],
    }


def test_authbypass_no_door_but_the_one_with_the_right_token(server):
    """Authentication and authorisation: forged tokens both ways in, nothing before the login, nothing beyond the role."""
    for kind, tokens in forged(server).items():
        for token in tokens:
            with RawWebSocket.open(server) as ws:
                port = ws.local_port
                ws.send_json({"type": "auth", "token": token})
                code, reason = ws.recv_close()
                assert code == 1008 and reason in ("Authentication failed", "Token expired"), (kind, token[:80], code, reason)
            server.wait_for_event("auth_failed", port=port, close_code=1008)
            if token.isascii() and " " not in token and token:
                refused(server, http_request(headers=[("Authorization", "Bearer " + token)]), 401, "auth_failed", "invalid_token")

    for first in ({"type": "subscribe", "channel": "public:chat"}, {"type": "ping"}, {"type": "publish", "channel": "public:chat", "data": 1},
                  {"type": "welcome", "user": "admin"}, {"type": ["auth"]}, {}):
        with RawWebSocket.open(server) as ws:
            ws.send_json(first)
            assert ws.recv_close() == (1008, "First message must be auth")

    lies = [("X-User", "admin"), ("X-Forwarded-User", "admin"), ("X-SSL-Client-Verify", "SUCCESS"), ("Cookie_", "role=admin")]
    with RawWebSocket.login(server, sub="mallory", roles=["guest"], headers=lies) as ws:
        assert ws.welcome["user"] == "mallory" and ws.welcome["roles"] == ["guest"]
        port = ws.local_port
        for kind, channel in (("subscribe", "admin:logs"), ("publish", "admin:logs"), ("subscribe", "chat:mod-only"), ("publish", "public:chat"),
                              ("subscribe", "user:alice:messages"), ("subscribe", "private:room-1"), ("subscribe", "no:such"),
                              ("subscribe", "public:chat2"), ("subscribe", "public:chat:x"), ("subscribe", "PUBLIC:chat")):
            ws.send_json({"type": kind, "channel": channel, "data": 1, "roles": ["admin"], "user": "admin"})
            answer = ws.recv_json()
            assert (answer["type"], answer["code"], answer["message"]) == ("error", "not_allowed", "Not allowed"), channel
            server.wait_for_event("access_denied", port=port, channel=channel, action=kind)
        ws.send_json({"type": "auth", "token": server.token("admin", ["admin"])})      # nor another user on the same connection
        assert ws.recv_close() == (1008, "Authentication failed")
    # done rightly: each gets what is theirs
    for sub, roles, channel in (("alice", ["user"], "user:alice:messages"), ("root", ["admin"], "admin:logs"), ("m", ["moderator"], "chat:mod-only")):
        with RawWebSocket.login(server, sub=sub, roles=roles) as ws:
            ws.send_json({"type": "subscribe", "channel": channel})
            assert ws.recv_json() == {"type": "subscribed", "channel": channel}
