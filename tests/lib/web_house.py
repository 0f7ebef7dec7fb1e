# SPDX-License-Identifier: Apache-2.0
"""A Redis, the application in tests/webapp/app.mjs and a gateward that reads its sessions; and a browser that keeps its cookie.

    with WebHouse(folder) as house:
        browser = Browser(house); browser.login("alice")
        ws = browser.enter()
"""
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from urllib.parse import urlencode

from gateward_server import ROOT, GatewardServer
from internal_api import InternalApi, internal_config
from raw_client import RawWebSocket
from redis_server import RedisServer

APP = os.path.join(ROOT, "tests", "webapp", "app.mjs")
SCOPES = {"ops": ["sessions", "revoke", "publish:public:*"], "webapp": ["sessions"]}
COOKIE = "connect.sid"
# What docs/redis-sessions.md says is enough.
GRANTS = "~sess:* +ping +select +multi +exec +getrange +pttl +del"


def private(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)
    return path


class App:
    """app.mjs as a process of its own."""

    def __init__(self, folder, settings):
        self.file = os.path.join(folder, "app.json")
        self.settings = settings
        self.write()
        self.process = subprocess.Popen(["node", APP, self.file], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.strip().isdigit(), "the application did not start: " + line
        self.port = int(line)
        self.origin = "http://localhost:%d" % self.port

    def write(self):
        private(self.file, json.dumps(self.settings))

    def sign_with(self, *texts):
        self.settings["secrets"] = list(texts)
        self.write()
        self.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class WebHouse:
    def __init__(self, folder, app=None, redis=None, **config):
        """app: changes to the application's settings. redis: rows of auth.sessions.redis. config: of gateward."""
        self.folder = str(folder)
        self.short = tempfile.mkdtemp(prefix="gw-web-")     # names of sockets are short
        self.secrets = [secrets.token_urlsafe(36), secrets.token_urlsafe(36)]
        self.app_settings = {"secrets": self.secrets[:1], **(app or {})}
        self.redis_rows = redis or {}
        self.more = config
        self.redis = self.app = self.server = None

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop(is_fault=True)
            raise

    def start(self):
        password = secrets.token_urlsafe(24)
        self.redis = RedisServer(self.short, ["gateward on >%s %s" % (password, GRANTS)]).start()
        key = private(os.path.join(self.folder, "webapp.key"), secrets.token_urlsafe(32) + "\n")
        api = os.path.join(self.short, "api.sock")
        self.app = App(self.short, {"redis": self.redis.socket, "api": {"socket": api, "key_file": key}, **self.app_settings})
        files = [private(os.path.join(self.folder, "express.%d" % i), text) for i, text in enumerate(self.secrets)]
        rows = {"url": "unix:" + self.redis.socket, "decoder": "express", "secret": {"file": files[0]}, "username": "gateward",
                "password": {"file": private(os.path.join(self.folder, "redis.password"), password)}, **self.redis_rows}
        sessions = {"store": "redis", "cookie": COOKIE, "insecure_cookie_name": True, "redis": rows}
        config = internal_config(self.folder, 2, "unix:" + api, SCOPES, origins=[self.app.origin, "https://shop.example.com"],
                                 auth={"sessions": sessions}, **self.more)
        self.server = GatewardServer(self.folder, config).start()
        self.api = InternalApi(self.server)
        return self

    def stop(self, is_fault=False):
        try:
            if self.server is not None:
                self.server.__exit__(AssertionError if is_fault else None, None, None)
        finally:
            if self.server is not None:
                self.server.kill()
            if self.app is not None:
                self.app.stop()
            if self.redis is not None:
                self.redis.kill()
            shutil.rmtree(self.short, ignore_errors=True)

    def __exit__(self, kind, value, trace):
        self.stop(kind is not None)


class Browser:
    """One cookie jar: what the application sets is kept and sent as it came, to the application and to gateward."""

    def __init__(self, house):
        self.house = house
        self.cookie = None

    def request(self, method, path, **form):
        connection = http.client.HTTPConnection("127.0.0.1", self.house.app.port, timeout=10)
        headers = {"Host": "localhost:%d" % self.house.app.port}
        if self.cookie:
            headers["Cookie"] = "%s=%s" % (COOKIE, self.cookie)
        body = urlencode(form) if method == "POST" else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            if name == COOKIE:
                self.cookie = value or None
        return answer.status, text

    def login(self, user="alice", **more):
        assert self.request("POST", "/login", user=user, **more)[0] == 303
        assert self.cookie.startswith("s%3A"), self.cookie
        return self

    def logout(self):
        assert self.request("POST", "/logout") == (200, "bye")

    @property
    def session(self):
        """The id in the cookie, which the application knows as req.sessionID."""
        return self.cookie[len("s%3A"):].split(".")[0]

    def csrf(self):
        """The token in the application's page."""
        status, text = self.request("GET", "/page")
        assert status == 200, text
        return re.search(r'name="csrf-token" content="([^"]+)"', text)[1]

    def open(self, path="/ws", cookie=None, **kwargs):
        kwargs.setdefault("origin", self.house.app.origin)
        headers = [("Cookie", "lang=en; %s=%s" % (COOKIE, self.cookie if cookie is None else cookie))]
        return RawWebSocket.open(self.house.server, path=path, headers=headers, **kwargs)

    def enter(self, channel=None):
        """Connected as the page does it: cookie, origin, and the CSRF token in the first message."""
        ws = self.open()
        ws.send_json({"type": "auth", "csrf": self.csrf()})
        ws.welcome = ws.recv_json()
        assert ws.welcome["type"] == "welcome", ws.welcome
        if channel:
            ws.send_json({"type": "subscribe", "channel": channel})
            assert ws.recv_json()["type"] == "subscribed"
        return ws

    def refusal(self, path="/ws", expect=401, **kwargs):
        with self.open(path, expect=expect, **kwargs) as ws:
            return json.loads(ws.response.body)["error"]["code"]
