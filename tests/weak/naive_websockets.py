# SPDX-License-Identifier: Apache-2.0
"""Servers that are weak on purpose, written as samples on the web are, for tests of `gateward audit`. Never run one elsewhere.

    naive_websockets.py open                 no TLS, no login, no limits, and JSON errors break the handler
    naive_websockets.py token CERT KEY       any TLS, tokens whose signature nobody checks, also in the address, and said back
    naive_websockets.py deaf                 takes every frame, and answers none, no ping and no close
    naive_websockets.py careful CERT KEY SECRET    the control: what the audit asks for, on the same library

Prints its port, and ends when its stdin does.
"""
import asyncio
import base64
import hashlib
import json
import ssl
import sys
import time
import urllib.parse

import jwt
import websockets


def claims_of(token):
    """What is in the token, whoever wrote it: this is the hole."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


async def talk(ws):
    async for text in ws:
        message = json.loads(text)
        if message["type"] == "ping":
            await ws.send(json.dumps({"type": "pong"}))
        elif message["type"] == "subscribe":
            await ws.send(json.dumps({"type": "subscribed", "channel": message["channel"]}))
        else:
            await ws.send(json.dumps({"type": "ack", "received": message}))


async def handle_open(ws, path):
    await talk(ws)


async def handle_token(ws, path):
    asked = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
    try:
        if "token" in asked:
            claims_of(asked["token"][0])["sub"]
        else:
            token = json.loads(await ws.recv())["token"]
            await ws.send(json.dumps({"type": "welcome", "token": token, "user": claims_of(token)["sub"]}))
    except (ValueError, KeyError, IndexError, TypeError):
        await ws.close(1008, "Authentication required")
        return
    await talk(ws)


async def handle_deaf(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    writer.write(b"HTTP/1.1 101 Hm\r\nX-Powered-By: Deaf/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    while await reader.read(65536):
        pass
    writer.close()


def handle_careful(secret):
    async def handle(ws, path):
        try:
            first = json.loads(await asyncio.wait_for(ws.recv(), 2))
            assert first["type"] == "auth"
            jwt.decode(first["token"], secret, algorithms=["HS256"], options={"require": ["exp", "sub"]})
        except asyncio.TimeoutError:
            await ws.close(1008, "Authentication timeout")
            return
        except Exception:
            await ws.close(1008, "Authentication failed")
            return
        await ws.send(json.dumps({"type": "welcome"}))
        times = []
        async for text in ws:
            now = time.monotonic()
            times = [t for t in times if now - t < 60]
            times.append(now)
            try:
                kind = json.loads(text)["type"]
            except Exception:
                await ws.send(json.dumps({"type": "error", "message": "Invalid JSON"}))
                continue
            if len(times) > 60:
                await ws.send(json.dumps({"type": "error", "message": "Rate limit exceeded"}))
            elif kind == "ping":
                await ws.send(json.dumps({"type": "pong"}))
            elif kind == "subscribe":
                await ws.send(json.dumps({"type": "error", "message": "Not allowed"}))
            else:
                await ws.send(json.dumps({"type": "error", "message": "Unknown message type"}))
    return handle


async def main(kind, cert=None, key=None, secret=None):
    options = {"max_size": None, "ping_interval": None}
    if cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        options["ssl"] = context
    if kind == "deaf":
        listening = asyncio.start_server(handle_deaf, "127.0.0.1", 0)
    elif kind == "careful":
        with open(secret) as f:
            handler = handle_careful(f.read().strip())
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        options.update(max_size=65536, ping_interval=1, ping_timeout=5, compression=None,
                       server_header=None, origins=[None, "https://app.example.com"])
        listening = websockets.serve(handler, "127.0.0.1", 0, **options)
    elif kind == "token":
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
        listening = websockets.serve(handle_token, "127.0.0.1", 0, **options)
    else:
        listening = websockets.serve(handle_open, "127.0.0.1", 0, **options)
    async with await listening as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main(*sys.argv[1:]))
