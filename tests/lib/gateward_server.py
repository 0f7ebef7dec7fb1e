# SPDX-License-Identifier: Apache-2.0
"""A gateward of its own for a test: fresh certificates, secret, config, state; a port that the kernel chose.

    with GatewardServer(tmp_path, {"limits": {"messages": {"per_minute": 3}}}) as server:
        server.port, server.url(), server.token("alice", ["user"]), server.wait_for_event("auth_failed")

stop() (also at the end of `with`) sends SIGTERM to this one process and fails the test unless it ended by itself with
code 0 and without a sanitizer report. The config is a dict laid over default_config(); DELETE removes a key.
"""
import copy
import json
import os
import re
import secrets
import signal
import ssl
import subprocess
import time

import certificates
import jwt_maker

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DELETE = object()
LISTENING = re.compile(r"listening on (?:(\w+)://(?:\[[^\]]+\]|[^:/\s]+):(\d+)|unix:(\S+))")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer")
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "TSAN_OPTIONS": "exitcode=99:second_deadlock_stack=1",
}


def binary_path():
    return os.environ.get("GATEWARD_BIN") or os.path.join(ROOT, "build-asan", "gateward")


def default_config():
    """What every test starts from: one TLS listener, HS256 from a file, the four roles and five channels."""
    return {
        "server": {"workers": 1, "drain": "1s", "state_dir": "state"},
        "listen": [{"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key"}}],
        "origins": ["https://app.example.com"],
        "auth": {
            "timeout": "10s",
            "jwt": [{"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None}],
        },
        "roles": {"guest": ["read"], "user": ["read", "write"], "moderator": ["read", "write", "moderate"],
                  "admin": ["read", "write", "moderate", "admin"]},
        "channels": [
            {"pattern": "public:chat"},
            {"pattern": "private:room-{room_id}", "allow": ["user", "moderator", "admin"]},
            {"pattern": "user:{user_id}:messages"},
            {"pattern": "chat:mod-only", "allow": ["moderator", "admin"], "deny": ["guest"]},
            {"pattern": "admin:logs", "allow": ["admin"], "needs": {"subscribe": "admin", "publish": "admin"}},
        ],
        "log": {"events": "events.jsonl", "level": "info"},
    }


def merged(base, changes):
    """A copy of base with changes laid over it: maps are merged, all else is replaced, DELETE removes."""
    result = copy.deepcopy(base)
    for key, value in (changes or {}).items():
        if value is DELETE:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


class GatewardServer:
    host = "127.0.0.1"

    def __init__(self, directory, config=None, text=None, binary=None, environment=None, start_timeout=20.0):
        """directory: a fresh folder. config: changes to default_config(). text: a whole config file instead."""
        self.directory = str(directory)
        self.config = merged(default_config(), config)
        self.text = text
        self.binary = binary or binary_path()
        self.environment = environment or {}
        self.start_timeout = start_timeout
        self.process = None
        self.listeners = []     # (scheme, port) or ("unix", path), in the order of the file
        self.secret = secrets.token_hex(32).encode()
        self.authority = certificates.Authority()
        os.makedirs(os.path.join(self.directory, "state"), mode=0o700, exist_ok=True)
        self.authority.issue(self.directory)
        self._write("ca.crt", self.authority.pem())
        self._write("jwt.secret", self.secret)
        self.config_path = self.path("gateward.yaml")
        self.write_config()

    # --- files

    def path(self, name):
        return os.path.join(self.directory, name)

    def _write(self, name, data):
        with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
            f.write(data)

    def write_config(self):
        text = self.text if self.text is not None else json.dumps(self.config, indent=2) + "\n"
        self._write("gateward.yaml", text.encode())

    def stderr_text(self):
        with open(self.path("stderr.txt"), errors="replace") as f:
            return f.read()

    # --- process

    def start(self):
        with open(self.path("stderr.txt"), "wb") as errors, open(self.path("stdout.txt"), "wb") as output:
            self.process = subprocess.Popen([self.binary, "serve", "-c", self.config_path], cwd=self.directory,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                                            env={**os.environ, **SANITIZER_ENV, **self.environment})
        wanted = 1 if self.text is not None else len(self.config["listen"])
        deadline = time.monotonic() + self.start_timeout
        while True:
            self.listeners = self.read_listeners()
            if len(self.listeners) >= wanted:
                return self
            if self.process.poll() is not None:
                raise AssertionError("gateward ended with %s:\n%s" % (self.process.returncode, self.stderr_text()))
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError("gateward does not listen:\n" + self.stderr_text())
            time.sleep(0.02)

    def read_listeners(self):
        """One (scheme, port) or ("unix", path) a listener, from what the server says (a line for each of its routes)."""
        found = [("unix", m[3]) if m[3] else (m[1], int(m[2])) for m in LISTENING.finditer(self.stderr_text())]
        return list(dict.fromkeys(found))

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """The hard way, without any check; for tests about crashes."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()

    def wait(self, timeout=20.0):
        """Waits for the end of the process and checks how it ended."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.kill()
            raise AssertionError("gateward did not end within %s s:\n%s" % (timeout, self.stderr_text())) from None
        text = self.stderr_text()
        assert not SANITIZER.search(text), text
        assert code == 0, "exit code %s:\n%s" % (code, text)

    def stop(self, timeout=20.0):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.wait(timeout)
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
            return
        try:            # the test's own failure is the one to show; the server's words go with it
            self.stop()
        except AssertionError as e:
            print(e)
        print("gateward said:\n" + self.stderr_text()[-4000:])

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def rss_kib(self):
        with open("/proc/%d/status" % self.pid) as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])

    def fd_count(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    # --- addresses and credentials

    @property
    def port(self):
        return self.listeners[0][1]

    @property
    def uses_tls(self):
        return self.listeners[0][0] in ("wss", "https")

    def url(self, path="/ws", listener=0):
        scheme, port = self.listeners[listener]
        return "%s://localhost:%d%s" % (scheme, port, path)

    def ssl_context(self, minimum=ssl.TLSVersion.TLSv1_2):
        context = ssl.create_default_context(cafile=self.path("ca.crt"))
        context.minimum_version = minimum
        return context

    def token(self, sub="alice", roles=("user",), ttl=3600, **claims):
        return jwt_maker.token(self.secret, sub, roles, ttl, **claims)

    def connect(self, path="/ws", **kwargs):
        """websockets.connect to this server: `async with server.connect() as ws`."""
        import websockets
        if self.uses_tls:
            kwargs.setdefault("ssl", self.ssl_context())
        kwargs.setdefault("compression", None)
        # 127.0.0.1 by name only in the URL: Host and SNI say localhost, the socket goes to IPv4.
        kwargs.setdefault("host", self.host)
        kwargs.setdefault("port", self.port)
        return websockets.connect(self.url(path), **kwargs)

    async def login(self, sub="alice", roles=("user",), token=None, **kwargs):
        """A connected and authenticated websockets client; `ws.welcome` is the answer. Close it yourself."""
        ws = await self.connect(**kwargs)
        await ws.send(json.dumps({"type": "auth", "token": token or self.token(sub, roles)}))
        ws.welcome = json.loads(await ws.recv())
        assert ws.welcome["type"] == "welcome", ws.welcome
        return ws

    # --- the event log

    def events(self, wanted=None, **match):
        """Parsed lines of the event log, oldest first. A thread of its own writes them: here we wait until it has nothing to write."""
        before, still = None, 0
        while self.is_running() and still < 3:
            now = os.stat(self.path("events.jsonl")).st_size if os.path.exists(self.path("events.jsonl")) else 0
            still = still + 1 if now == before else 0
            before = now
            time.sleep(0.015)
        return self._events(wanted, **match)

    def _events(self, wanted=None, **match):
        """What is written by now; a last line without its newline is still being written."""
        try:
            with open(self.path("events.jsonl"), "rb") as f:
                lines = f.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        rows = [json.loads(line) for line in lines if line]
        return [r for r in rows if (wanted is None or r.get("event") == wanted)
                and all(r.get(k) == v for k, v in match.items())]

    def wait_for_event(self, wanted, timeout=5.0, count=1, **match):
        """The count-th event of this type whose fields equal `match`."""
        deadline = time.monotonic() + timeout
        while True:
            rows = self._events(wanted, **match)
            if len(rows) >= count:
                return rows[count - 1]
            if time.monotonic() > deadline:
                raise AssertionError("no event %s %r; there are: %r" % (wanted, match, self.events()[-20:]))
            time.sleep(0.02)


class Changing(GatewardServer):
    reloads = 0

    def reload(self, changes=None, outcome="ok"):
        """Lays `changes` over the configuration, and waits until the reload has been told."""
        if changes is not None:
            self.config = merged(self.config, changes)
            self.write_config()
        self.signal(signal.SIGHUP)
        self.reloads += 1
        event = self.wait_for_event("reload", count=self.reloads)
        assert event["outcome"] == outcome, event
        return event
