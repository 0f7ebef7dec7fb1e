# SPDX-License-Identifier: Apache-2.0
"""A real OpenID provider as a process of its own: oidc.mjs, over https under an authority of its own.

    with OidcProvider(folder) as provider:
        provider.token("ES256", seconds=60), provider.token("opaque"), provider.revoke(token)
        provider.freeze(), provider.thaw(), provider.kill(), provider.start(new_keys=True)
"""
import base64
import json
import os
import re
import secrets
import signal
import ssl
import subprocess
import time
import urllib.parse
import urllib.request

from certificates import Authority

HERE = os.path.dirname(os.path.abspath(__file__))
START_SECONDS = 30


class OidcProvider:
    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        authority = Authority("provider")
        self.ca = self.write("provider-ca.crt", authority.pem())
        certificate, key = authority.issue(self.folder, "provider", names=("localhost",), addresses=("127.0.0.1",))
        self.clients = {name: secrets.token_urlsafe(32) for name in ("app-1", "app-2", "gateward")}
        self.secret_file = self.write("gateward.secret", self.clients["gateward"].encode())
        self.settings = {"certificate": certificate, "key": key, "port": 0, "clients": self.clients,
                         "keys": os.path.join(self.folder, "keys.json")}
        self.process, self.port = None, 0
        # Straight to the address, whatever the environment says about proxies.
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ca)))

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
            f.write(data)
        return path

    # --- process

    def start(self, new_keys=False):
        """At the port of before, with the keys of before unless new ones are asked for; what it had issued is forgotten."""
        if new_keys:
            os.remove(self.settings["keys"])
        path = self.write("settings.json", json.dumps({**self.settings, "port": self.port}).encode())
        said = os.path.join(self.folder, "provider.txt")
        with open(said, "wb") as output:
            self.process = subprocess.Popen(["node", os.path.join(HERE, "oidc.mjs"), path], stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=subprocess.STDOUT)
        end = time.monotonic() + START_SECONDS
        while True:
            with open(said, errors="replace") as f:
                text = f.read()
            ready = re.search(r"^ready (\d+)$", text, re.M)
            if ready:
                self.port = int(ready[1])
                return self
            assert self.process.poll() is None and time.monotonic() < end, \
                "the provider does not start (npm ci --prefix tests/providers?):\n" + text
            time.sleep(0.02)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    # --- what it is asked

    @property
    def issuer(self):
        return "https://127.0.0.1:%d" % self.port

    def ask(self, path, form=None, client="app-1"):
        """A form as this client, or a GET; the parsed answer, None for an empty one."""
        request = urllib.request.Request(self.issuer + path, urllib.parse.urlencode(form).encode() if form else None)
        if form:
            pair = "%s:%s" % (client, self.clients[client])
            request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
        with self.opener.open(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def token(self, form, seconds=600, client="app-1"):
        """form: opaque, or the algorithm of a JSON Web Token."""
        return self.ask("/token", {"grant_type": "client_credentials", "scope": "chat",
                                   "resource": "urn:chat:%s:%d" % (form, seconds)}, client)["access_token"]

    def revoke(self, token, client="app-1"):
        self.ask("/token/revocation", {"token": token}, client)
