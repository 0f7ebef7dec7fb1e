# SPDX-License-Identifier: Apache-2.0
"""The servers that bench/compare measures: how each is built (into one folder, -O2 or its language's release build), why it
is skipped where that cannot be, and how one is started on a core of its own."""
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(ROOT, "bench", "peers")
READY_SECONDS = 15
SECRET_BYTES = 32
CHANNEL = "bench"
# What is said to peers without a protocol of their own; the message is as long as what gateward makes of it.
JOIN = {"join": "subscribe", "joined": "subscribed"}
SEND = {"send": '{"type":"message","channel":"%s","data":"{data}","from":{"user":"alice"}}' % CHANNEL, "ack": True}

GATEWARD_CONFIG = """\
server: {workers: %(workers)s, drain: 1s}
listen:
  - {address: "127.0.0.1:0"%(tls)s}
hosts: [localhost, 127.0.0.1]
auth:
  timeout: 60s
  jwt:
    - {algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: null}
channels:
  - {pattern: "bench"}
  - {pattern: "private:room-{room_id}", allow: [user, moderator, admin]}
  - {pattern: "many:{id}"}
messages:
  chat_message:
    rate: {per_minute: 1000000, per_hour: 1000000, connection_per_minute: 1000000}
    schema:
      type: object
      required: [type, content, room_id]
      properties:
        type: {type: string, enum: [chat_message]}
        content: {type: string, maxLength: 5000}
        room_id: {type: string, pattern: "^[a-zA-Z0-9_-]{1,50}$"}
    publish: "private:room-{/room_id}"
limits:
  connections: {total: 40000, per_ip: 40000}
  handshakes: {per_second: 40000, burst: 40000}
  messages: {per_minute: 10000000, per_hour: 600000000}
  subscribes: {per_minute: 1000000}
  subscriptions: 2000
  channels: 300000
timeouts: {ping: 10m}
compression: {enabled: %(deflate)s}
log: {events: "off"}
routes:
  - {path: /ws, serve: channels}
  - {path: /echo, serve: echo}
"""


class CannotBuild(Exception):
    """Why a peer is skipped, in words for the report."""


class Failed(Exception):
    """Something that was built does not do its work."""


def run(*command, why, **options):
    """The command's output; CannotBuild(why and its last line) where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines() or ["no output"]
        raise CannotBuild("%s: %s" % (why, lines[-1][:160]))
    return done.stdout


class Workshop:
    """The folder that everything is built in, and what may be done to get there."""

    def __init__(self, folder, may_install):
        self.folder, self.may_install = os.path.abspath(folder), may_install
        os.makedirs(self.folder, exist_ok=True)
        self.make_keys()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def make_keys(self):
        if not os.path.exists(self.path("server.key")):
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                self.path("server.key"), "-out", self.path("server.crt"), why="no certificate")
            os.chmod(self.path("server.key"), 0o600)
        if not os.path.exists(self.path("jwt.secret")):
            with open(self.path("jwt.secret"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
                f.write(os.urandom(SECRET_BYTES).hex())

    def token_file(self):
        """A new token of alice, a user, that is good for an hour."""
        as_text = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        now = int(time.time())
        claims = {"sub": "alice", "roles": ["user"], "iat": now, "exp": now + 3600}
        signed = ".".join(as_text(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        with open(self.path("jwt.secret"), "rb") as f:
            signed += "." + as_text(hmac.new(f.read(), signed.encode(), hashlib.sha256).digest())
        with open(self.path("alice.jwt"), "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(signed)
        return self.path("alice.jwt")

    def packages(self, *names):
        """Installs Debian packages that are missing, where that is allowed."""
        missing = [n for n in names if subprocess.run(["dpkg", "-s", n], capture_output=True).returncode != 0]
        if missing and not self.may_install:
            raise CannotBuild("needs the Debian packages %s (--install gets them)" % " ".join(missing))
        if missing:
            env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
            run("apt-get", "update", "-qq", why="apt-get update", env=env)
            run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing, why="apt-get install", env=env)

    def tool(self, name, *packages):
        if shutil.which(name) is None:
            self.packages(*packages)
        found = shutil.which(name)
        if found is None:
            raise CannotBuild("there is no %s" % name)
        return found

    def compile_c(self, name, sources, libraries):
        target = self.path(name)
        sources = [os.path.join(ROOT, "bench", s) for s in sources]
        if not os.path.exists(target) or any(os.path.getmtime(s) > os.path.getmtime(target) for s in sources):
            run("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra", "-Wshadow",
                *[s for s in sources if s.endswith(".c")], "-o", target, *["-l" + l for l in libraries], why="gcc " + name)
        return target

    def gateward(self):
        folder = self.path("gateward")
        if not os.path.exists(os.path.join(folder, "build.ninja")):
            run("meson", "setup", folder, ROOT, "--buildtype=debugoptimized", why="meson setup")
        run("ninja", "-C", folder, "gateward", why="ninja")
        return os.path.join(folder, "gateward")


class Server:
    """One server, pinned to cores of its own; stop() ends it and nothing else."""

    def __init__(self, workshop, command, cores, ready=r"ready", env=None):
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(["taskset", "-c", cores, *command], stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=self.output, cwd=workshop.folder, env=dict(os.environ, **(env or {})))
        self.pid = self.process.pid
        try:
            self.match = self.wait_for(ready)
        except Failed:
            self.stop()
            raise

    def said(self):
        self.output.seek(0)
        return self.output.read()

    def wait_for(self, ready):
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            found = ready(self.process) if callable(ready) else re.search(ready, self.said())
            if found:
                return found
            time.sleep(0.01)
        raise Failed("the server did not start: " + self.said()[-300:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM if self.pid != self.process.pid else signal.SIGKILL)
        self.process.wait()
        self.output.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def children_of(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [int(child) for child in f.read().split()]


class Peer:
    """A kind of server. build() is called once; start() gives a Server with the port it listens at."""
    name = title = ""
    login = {}          # options of the load for who logs in,
    join, send = JOIN, SEND     # for a subscriber, and for fan-out besides
    has_tls = True
    slowness = 1        # how many times fewer messages are enough
    warm_ups = 0        # rounds that do not count, for what is compiled while it runs

    def build(self, workshop):
        raise NotImplementedError

    def start(self, workshop, cores, tls, **settings):
        raise NotImplementedError


def keys(tls):
    return ["server.crt", "server.key"] if tls else ["-", "-"]


def started_at(port, workshop, command, cores, **options):
    server = Server(workshop, command, cores, **options)
    server.port = port
    return server


class Gateward(Peer):
    name = title = "gateward"
    login, join, send = {"native": True}, {"channel": CHANNEL}, {}

    def __init__(self, program=None):
        self.program = program and os.path.abspath(program)

    def build(self, workshop):
        self.program = self.program or workshop.gateward()

    def start(self, workshop, cores, tls, workers=1, deflate=False, records="auto", **_):
        words = ["tls-" + records if tls else "plain", str(workers), "deflate" if deflate else "raw"]
        config = workshop.path("bench-%s.yaml" % "-".join(words))
        with open(config, "w") as f:
            f.write(GATEWARD_CONFIG % {"workers": workers, "deflate": "true" if deflate else "false",
                                       "tls": ", tls: {cert: server.crt, key: server.key, records: %s}" % records if tls else ""})
        server = Server(workshop, [self.program, "serve", "-c", config], cores,
                        r"listening on wss?://127\.0\.0\.1:(\d+)/ws")
        server.port = int(server.match.group(1))
        return server


class Epoll(Peer):
    name, title, has_tls = "epoll", "bare epoll loop (the ceiling)", False

    def build(self, workshop):
        self.program = workshop.compile_c("epoll_echo", ["peers/epoll_echo.c"], ["crypto"])

    def start(self, workshop, cores, tls, **_):
        port = free_port()
        return started_at(port, workshop, [self.program, str(port)], cores)


class Libwebsockets(Peer):
    name = title = "libwebsockets"

    def build(self, workshop):
        workshop.packages("libwebsockets-dev")
        self.program = workshop.compile_c("lws_server", ["peers/lws_server.c"], ["websockets"])

    def start(self, workshop, cores, tls, room=4096, deflate=False, **_):
        port = free_port()
        return started_at(port, workshop, [self.program, str(port), *keys(tls), str(room), *(["deflate"] if deflate else [])],
                          cores)


class NodeWs(Peer):
    name, title, slowness, warm_ups = "ws", "ws (Node.js)", 3, 2

    def build(self, workshop):
        self.program = workshop.tool("node", "nodejs", "npm")
        npm = workshop.tool("npm", "nodejs", "npm")
        folder = workshop.path("node")
        os.makedirs(folder, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(PEERS, "node", name), folder)
        if not os.path.exists(os.path.join(folder, "node_modules", "ws")):
            run(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder, why="npm ci")

    def start(self, workshop, cores, tls, **_):
        port = free_port()
        at = [workshop.path(k) if tls else k for k in keys(tls)]
        command = ["env", "-C", workshop.path("node"), self.program, os.path.join(PEERS, "node", "server.mjs"), str(port), *at]
        return started_at(port, workshop, command, cores)


class PythonGuide(Peer):
    name, title, slowness, warm_ups = "websockets", "websockets and PyJWT (Python)", 20, 1
    login = {"native": True}

    def build(self, workshop):
        for program in ("/usr/bin/python3", "python3"):
            if subprocess.run([program, "-c", "import websockets, jwt"], capture_output=True).returncode == 0:
                self.program = program
                return
        workshop.packages("python3-websockets", "python3-jwt")
        self.program = "/usr/bin/python3"

    def start(self, workshop, cores, tls, **_):
        port = free_port()
        command = [self.program, os.path.join(PEERS, "guide_server.py"), str(port), *keys(tls), "jwt.secret"]
        return started_at(port, workshop, command, cores)


class Centrifuge(Peer):
    name, title = "centrifuge", "centrifuge (Go)"
    join = {"hello": '{"id":1,"connect":{}}', "join": '{"id":2,"subscribe":{"channel":"%s"}}' % CHANNEL,
            "joined": '"subscribe"'}
    send = {"send": '{"id":3,"publish":{"channel":"%s","data":"{data}"}}' % CHANNEL, "ack": True, "count_word": '"push":'}

    def build(self, workshop):
        go = workshop.tool("go", "golang")
        self.program = workshop.path("centrifuge_server")
        run(go, "build", "-o", self.program, ".", cwd=os.path.join(PEERS, "go"), env=dict(os.environ, GOTOOLCHAIN="local",
            GOFLAGS="-mod=readonly", CGO_ENABLED="0"), why="go build")

    def start(self, workshop, cores, tls, **_):
        port = free_port()
        return started_at(port, workshop, [self.program, str(port), *keys(tls)], cores, env={"GOMAXPROCS": "1"})


class Tungstenite(Peer):
    name, title = "tungstenite", "tokio-tungstenite (Rust)"

    def build(self, workshop):
        cargo = workshop.tool("cargo", "cargo", "libssl-dev")
        folder = workshop.path("rust")
        run(cargo, "build", "--release", "--locked", "--quiet", "--target-dir", folder, cwd=os.path.join(PEERS, "rust"),
            why="cargo build")
        self.program = os.path.join(folder, "release", "bench-echo")

    def start(self, workshop, cores, tls, **_):
        port = free_port()
        return started_at(port, workshop, [self.program, str(port), *keys(tls)], cores)


class Nchan(Peer):
    """nginx is unpacked and not installed, so that no service starts. Nchan insists on one folder of the system."""
    name, title = "nchan", "Nchan (nginx)"
    join, send = {"path": "/sub"}, {**SEND, "publish_path": "/pub"}
    NEEDED = "/var/lib/nginx"

    def build(self, workshop):
        folder = workshop.path("nchan")
        self.program = os.path.join(folder, "usr/sbin/nginx")
        self.modules = os.path.join(folder, "usr/lib/nginx/modules")
        if not os.path.exists(self.program) or not os.path.isdir(self.NEEDED):
            if not workshop.may_install:
                raise CannotBuild("needs the Debian packages nginx libnginx-mod-nchan (--install unpacks them)")
            os.makedirs(folder, exist_ok=True)
            os.makedirs(self.NEEDED, exist_ok=True)
            run("apt-get", "update", "-qq", why="apt-get update")
            run("apt-get", "download", "nginx", "libnginx-mod-nchan", cwd=folder, why="apt-get download")
            for name in sorted(os.listdir(folder)):
                if name.endswith(".deb"):
                    run("dpkg-deb", "-x", name, folder, cwd=folder, why="dpkg-deb")

    def start(self, workshop, cores, tls, **_):
        port = free_port()
        with open(os.path.join(PEERS, "nchan.conf")) as f:
            text = f.read()
        tls_words = "ssl; ssl_certificate server.crt; ssl_certificate_key server.key; ssl_protocols TLSv1.3"
        for name, value in (("port", str(port)), ("tls", tls_words if tls else ""), ("modules", self.modules)):
            text = text.replace("$" + name, value)
        config = workshop.path("nchan.conf")
        with open(config, "w") as f:
            f.write(text)
        server = started_at(port, workshop, [self.program, "-p", workshop.folder, "-c", config], cores,
                            ready=lambda process: answers(port) and children_of(process.pid))
        server.pid = server.match[0]     # the worker does the work
        return server


def all_peers(gateward_program=None):
    kinds = (Gateward(gateward_program), Epoll(), Libwebsockets(), Nchan(), Centrifuge(), Tungstenite(), NodeWs(), PythonGuide())
    return {peer.name: peer for peer in kinds}
