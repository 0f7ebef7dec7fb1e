# SPDX-License-Identifier: Apache-2.0
"""`gateward connect` as a process: started, fed, and what it said."""
import json
import os
import pty
import select
import subprocess
import time

from gateward_server import SANITIZER, SANITIZER_ENV, binary_path

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ROOM = "private:room-1"


def start(*arguments, environment=None, **kwargs):
    env = {**os.environ, **SANITIZER_ENV, **(environment or {})}
    if not (environment and "GATEWARD_TOKEN" in environment):
        env.pop("GATEWARD_TOKEN", None)
    return subprocess.Popen([binary_path(), "connect", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=env, **kwargs)


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out.decode(), err.decode()
        self.lines = self.out.split("\n")[:-1]

    @property
    def messages(self):
        return [json.loads(line) for line in self.lines]

    @property
    def types(self):
        return [m["type"] for m in self.messages]


def finish(process, stdin=b"", timeout=30):
    try:
        out, err = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError("does not end: %r" % (process.communicate(),)) from None
    done = Done(process.returncode, out, err)
    assert not SANITIZER.search(done.err), done.err
    return done


def connect(*arguments, stdin=b"", timeout=30, **kwargs):
    return finish(start(*arguments, **kwargs), stdin if isinstance(stdin, bytes) else stdin.encode(), timeout)


def to(server, *arguments):
    return (server.url(), "--cacert", server.path("ca.crt"), *arguments)


def lines(*values):
    return "".join((v if isinstance(v, str) else json.dumps(v)) + "\n" for v in values)


class Terminal:
    """A client whose stdin, stdout and stderr are one terminal."""

    def __init__(self, *arguments):
        self.fd, other = pty.openpty()
        self.process = subprocess.Popen([binary_path(), "connect", *arguments], stdin=other, stdout=other, stderr=other,
                                        start_new_session=True, env={**os.environ, **SANITIZER_ENV})
        os.close(other)
        self.seen = b""

    def read_until(self, mark, timeout=20):
        deadline = time.monotonic() + timeout
        while mark not in self.seen:
            assert select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0], self.seen
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            assert data, self.seen
            self.seen += data
        before, _, self.seen = self.seen.partition(mark)
        return before

    def type(self, text):
        os.write(self.fd, text)

    def wait(self):
        code = self.process.wait(20)
        os.close(self.fd)
        return code
