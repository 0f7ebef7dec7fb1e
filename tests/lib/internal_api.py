# SPDX-License-Identifier: Apache-2.0
"""The internal API of a test's server: a configuration with keys, and requests over real sockets.

    server = start_server(internal_config(tmp_path)); api = InternalApi(server)
    api.post("/api/revoke", {"user": "alice"}) -> (200, {"closed": 1})
"""
import json
import os
import re
import secrets
import socket
import time

from raw_client import Response
from talk import PLAIN, ROOMY

AT = re.compile(r"internal API at (?:http://(?:\[[^\]]+\]|[^:/\s]+):(\d+)|unix:(\S+))")
ORIGIN = "https://app.example.com"
SCOPES = {"ops": ["tickets", "revoke", "sessions", "broadcast", "subscriptions", "disconnect", "inspect", "moderate", "reload", "bans", "publish:public:*",
                  "presence:public:*", "history:public:*"], "tickets": ["tickets"], "revoke": ["revoke"],
          "sessions": ["sessions"], "news": ["publish:public:chat"], "rooms": ["publish:private:*"]}


def internal_config(directory, workers=1, address="127.0.0.1:0", scopes=None, **more):
    """A configuration with one key a name of `scopes`; the secrets lie in directory/NAME.key."""
    keys = []
    for name, allowed in (SCOPES if scopes is None else scopes).items():
        path = os.path.join(str(directory), name + ".key")
        if not os.path.exists(path):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write(secrets.token_urlsafe(32) + "\n")
        keys.append({"name": name, "secret": {"file": path}, "scopes": allowed})
    return {"listen": PLAIN, "limits": ROOMY, "server": {"workers": workers}, "internal": {"address": address, "keys": keys}, **more}


class InternalApi:
    def __init__(self, server):
        self.server = server
        deadline = time.monotonic() + 10        # the line comes right behind those that the start of the server waits for
        found = AT.search(server.stderr_text())
        while not found and time.monotonic() < deadline:
            time.sleep(0.02)
            found = AT.search(server.stderr_text())
        assert found, server.stderr_text()
        self.port, self.path = (int(found[1]), None) if found[1] else (None, found[2])

    def key(self, name="ops"):
        for row in self.server.config["internal"]["keys"]:
            if row["name"] == name:
                with open(row["secret"]["file"]) as f:
                    return f.read().strip()
        raise KeyError(name)

    def socket(self, timeout=10.0):
        if self.path:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(timeout)
            sock.connect(self.path)
            return sock
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def raw(self, data, timeout=10.0):
        """Sends bytes as they are; everything that comes back until the end."""
        with self.socket(timeout) as sock:
            try:
                sock.sendall(data)
            except OSError:
                pass        # it may have answered and closed before all was sent
            return receive(sock)

    def request(self, method, path, body=None, key="ops", headers=()):
        """(status, parsed body); key: a name, ("raw", text) for a secret as it is, None for none."""
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: localhost"]
        if key is not None:
            lines.append("Authorization: Bearer " + (key[1] if isinstance(key, tuple) else self.key(key)))
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            lines += ["Content-Type: application/json", "Content-Length: %d" % len(data)]
        lines += ["%s: %s" % pair for pair in headers]
        return parse(self.raw(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + data))

    def get(self, path, **kwargs):
        return self.request("GET", path, key=None, **kwargs)

    def post(self, path, body, **kwargs):
        return self.request("POST", path, body, **kwargs)

    def ticket(self, user="alice", roles=("user",), origin=None, **more):
        status, answer = self.post("/api/tickets", {"user": user, "roles": list(roles), "origin": origin, **more})
        assert status == 200, (status, answer)
        return answer["ticket"]


def receive(sock):
    data = b""
    while True:
        try:
            more = sock.recv(65536)
        except ConnectionError:
            return data
        if not more:
            return data
        data += more


def parse(data):
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), data
    response = Response(head)
    assert response.headers["connection"] == "close" and response.headers["cache-control"] == "no-store"
    assert int(response.headers["content-length"]) == len(body)
    if response.headers["content-type"].startswith("text/plain"):
        return response.status, body.decode()
    return response.status, json.loads(body)


def code(answer):
    """(status, code) of a refusal."""
    status, body = answer
    return status, body["error"]["code"]
