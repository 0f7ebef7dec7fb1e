# SPDX-License-Identifier: Apache-2.0
"""Authentication and authorisation bypass. A server whose configuration says nothing about limits, timeouts or TLS: what is
shipped is what defends. The attack is refused, and beside it whoever does the same thing rightly is served."""
import json
import time

import jwt_maker
from attack_tools import refused
from raw_client import RawWebSocket, http_request


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


def test_authbypass_no_door_but_the_one_with_the_right_token(shipped):
    """Authentication and authorisation: forged tokens both ways in, nothing before the login, nothing beyond the role."""
    for kind, tokens in forged(shipped).items():
        for token in tokens:
            with RawWebSocket.open(shipped) as ws:
                port = ws.local_port
                ws.send_json({"type": "auth", "token": token})
                code, reason = ws.recv_close()
                assert code == 1008 and reason in ("Authentication failed", "Token expired"), (kind, token[:80], code, reason)
            shipped.wait_for_event("auth_failed", port=port, close_code=1008)
            if token.isascii() and " " not in token and token:
                refused(shipped, http_request(headers=[("Authorization", "Bearer " + token)]), 401, "auth_failed", "invalid_token")

    for first in ({"type": "subscribe", "channel": "public:chat"}, {"type": "ping"}, {"type": "publish", "channel": "public:chat", "data": 1},
                  {"type": "welcome", "user": "admin"}, {"type": ["auth"]}, {}):
        with RawWebSocket.open(shipped) as ws:
            ws.send_json(first)
            assert ws.recv_close() == (1008, "First message must be auth")

    lies = [("X-User", "admin"), ("X-Forwarded-User", "admin"), ("X-SSL-Client-Verify", "SUCCESS"), ("Cookie_", "role=admin")]
    with RawWebSocket.login(shipped, sub="mallory", roles=["guest"], headers=lies) as ws:
        assert ws.welcome["user"] == "mallory" and ws.welcome["roles"] == ["guest"]
        port = ws.local_port
        for kind, channel in (("subscribe", "admin:logs"), ("publish", "admin:logs"), ("subscribe", "chat:mod-only"), ("publish", "public:chat"),
                              ("subscribe", "user:alice:messages"), ("subscribe", "private:room-1"), ("subscribe", "no:such"),
                              ("subscribe", "public:chat2"), ("subscribe", "public:chat:x"), ("subscribe", "PUBLIC:chat")):
            ws.send_json({"type": kind, "channel": channel, "data": 1, "roles": ["admin"], "user": "admin"})
            answer = ws.recv_json()
            assert (answer["type"], answer["code"], answer["message"]) == ("error", "not_allowed", "Not allowed"), channel
            shipped.wait_for_event("access_denied", port=port, channel=channel, action=kind)
        ws.send_json({"type": "auth", "token": shipped.token("admin", ["admin"])})      # nor another user on the same connection
        assert ws.recv_close() == (1008, "Authentication failed")
    # done rightly: each gets what is theirs
    for sub, roles, channel in (("alice", ["user"], "user:alice:messages"), ("root", ["admin"], "admin:logs"), ("m", ["moderator"], "chat:mod-only")):
        with RawWebSocket.login(shipped, sub=sub, roles=roles) as ws:
            ws.send_json({"type": "subscribe", "channel": channel})
            assert ws.recv_json() == {"type": "subscribed", "channel": channel}
