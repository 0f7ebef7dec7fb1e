# SPDX-License-Identifier: Apache-2.0
"""What is written by hand where there is no gateward: Python's websockets with PyJWT. The first message must be auth:<token>
within ten seconds and is answered with a welcome; then each message is JSON, judged by its type and acknowledged. Nothing is
printed, and there is no rate limit: both would make it slower.

    guide_server.py PORT CERT KEY SECRET_FILE      CERT "-" means plain
"""
import asyncio
import json
import ssl
import sys

import jwt
import websockets


def answer_to(text):
    """The server's word about one message."""
    try:
        message = json.loads(text)
    except ValueError:
        return {"type": "error", "message": "Invalid JSON"}
    kind = message.get("type") if isinstance(message, dict) else None
    if kind == "ping":
        return {"type": "pong"}
    if kind == "message" and isinstance(message.get("content", ""), str):
        return {"type": "ack", "message": "Message received"}
    return {"type": "error", "message": "Unknown message type: %s" % kind}


class Talk:
    """All connections, and who is behind each."""

    def __init__(self, secret):
        self.secret = secret
        self.users = {}

    def user_of(self, first):
        if not isinstance(first, str) or not first.startswith("auth:"):
            return None
        try:
            claims = jwt.decode(first[5:], self.secret, algorithms=["HS256"], options={"require": ["exp", "sub"]})
        except jwt.InvalidTokenError:
            return None
        return claims["sub"]

    async def hold(self, connection, *_):
        try:
            user = self.user_of(await asyncio.wait_for(connection.recv(), timeout=10))
            if user is None:
                await connection.close(1008, "Authentication failed")
                return
            self.users[connection] = user
            await connection.send(json.dumps({"type": "welcome", "user": user}))
            async for text in connection:
                await connection.send(json.dumps(answer_to(text)))
        except asyncio.TimeoutError:
            await connection.close(1008, "Authentication timeout")
        except websockets.exceptions.ConnectionClosed:
            pass
        finally:
            self.users.pop(connection, None)


async def main(port, cert, key, secret_file):
    with open(secret_file) as f:
        talk = Talk(f.read().strip())
    tls = None
    if cert != "-":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        tls.load_cert_chain(cert, key)
    async with websockets.serve(talk.hold, "127.0.0.1", int(port), ssl=tls, compression=None, ping_interval=None):
        print("ready", flush=True)
        await asyncio.Future()


asyncio.run(main(*sys.argv[1:5]))
