# SPDX-License-Identifier: Apache-2.0
"""What the scripts of bench/ share: building with -O2, starting a server on one core, running the load on the other."""
import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "build-bench")
SERVER_CORE, LOAD_CORE = "0", "1"

CONFIG = """\
server: {{workers: 1, drain: 1s}}
listen:
  - {{address: "127.0.0.1:0"{tls}}}
hosts: [localhost, 127.0.0.1]
auth:
  timeout: 60s
  jwt:
    - {{algorithms: [HS256], secret: {{file: jwt.secret}}, issuer: null, audience: null}}
channels:
  - {{pattern: "bench"}}
limits:
  connections: {{total: 20000, per_ip: 20000}}
  handshakes: {{per_second: 20000, burst: 20000}}
  messages: {{per_minute: 10000000, per_hour: 600000000}}
timeouts: {{ping: 10m}}
log: {{events: "off"}}
routes:
  - {{path: /ws, serve: channels}}
  - {{path: /echo, serve: echo}}
"""


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def newer(target, sources):
    return not os.path.exists(target) or any(os.path.getmtime(s) > os.path.getmtime(target) for s in sources)


def compile_c(name, sources, libraries):
    target = os.path.join(OUT, name)
    sources = [os.path.join(ROOT, "bench", s) for s in sources]
    if newer(target, sources):
        run("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-g", "-Wall", "-Wextra", "-Wshadow", *sources, "-o", target,
            *["-l" + l for l in libraries])
    return target


def build(args):
    """The programs, and keys for one machine in build-bench/."""
    os.makedirs(OUT, exist_ok=True)
    args.load = compile_c("load", sorted("load/" + f for f in os.listdir(os.path.join(ROOT, "bench/load"))
                                         if f.endswith(".c")), ["ssl", "crypto"])
    if args.gateward is None:
        folder = os.path.join(OUT, "gateward")
        if not os.path.exists(os.path.join(folder, "build.ninja")):
            run("meson", "setup", folder, ROOT, "--buildtype=debugoptimized", stdout=subprocess.DEVNULL)
        run("ninja", "-C", folder, "gateward", stdout=subprocess.DEVNULL)
        args.gateward = os.path.join(folder, "gateward")
    at = lambda name: os.path.join(OUT, name)
    if not os.path.exists(at("server.key")):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", at("server.key"),
            "-out", at("server.crt"), stderr=subprocess.DEVNULL)
        os.chmod(at("server.key"), 0o600)
    if not os.path.exists(at("jwt.secret")):
        with open(at("jwt.secret"), "w") as f:
            f.write(os.urandom(32).hex())
        os.chmod(at("jwt.secret"), 0o600)


class Server:
    """One server pinned to its core; stop() ends it and nothing else."""

    def __init__(self, command, ready):
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CORE, *command], stdout=self.output, stderr=self.output,
                                        cwd=OUT)
        self.match = self.wait_for(ready)
        self.extra = []

    def wait_for(self, pattern):
        until = time.time() + 10
        while time.time() < until:
            self.output.seek(0)
            found = re.search(pattern, self.output.read())
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.output.seek(0)
        sys.exit("server did not start: " + self.output.read())

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def gateward(args, tls):
    path = os.path.join(OUT, "bench-%s.yaml" % ("tls" if tls else "plain"))
    with open(path, "w") as f:
        f.write(CONFIG.format(tls=", tls: {cert: server.crt, key: server.key}" if tls else ""))
    server = Server([args.gateward, "serve", "-c", path], r"listening on wss?://127\.0\.0\.1:(\d+)/ws")
    server.port = server.match.group(1)
    server.token = subprocess.run([args.gateward, "token", "--config", path, "--sub", "alice", "--roles", "user", "--ttl",
                                   "2h"], check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    server.extra = ["--native", "--token", server.token]
    return server


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def peer(binary, arguments):
    port = free_port()
    server = Server([binary, port, *arguments], "ready")
    server.port = port
    return server


def lws(tls, loop="poll"):
    binary = compile_c("lws_server", ["peers/lws_server.c"], ["websockets"])
    return peer(binary, (["server.crt", "server.key"] if tls else ["-", "-"]) + [loop])


def epoll_echo():
    return peer(compile_c("epoll_echo", ["peers/epoll_echo.c"], ["crypto"]), [])


def load(args, server, tls, mode, *arguments):
    """Runs the load once; its line of name=value pairs as a dict of floats."""
    command = ["taskset", "-c", LOAD_CORE, args.load, "--mode", mode, "--port", server.port, "--pid",
               str(server.process.pid), *(["--tls"] if tls else []), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("load failed: " + done.stderr)
    return {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", done.stdout)}


def arguments(description, rounds):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help="A B A B ..., default %d" % rounds)
    parser.add_argument("--gateward", help="a program that is built already (default: built into build-bench/)")
    return parser


def median(values):
    return statistics.median(values)


def spread(values):
    return "%.2f (%.2f-%.2f)" % (median(values), min(values), max(values))
