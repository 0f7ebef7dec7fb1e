# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: asking a server in its own protocol, and limits that no test meets by accident.

    assert ask(ws, {"type": "ping"}) == {"type": "pong"}
"""
import json
import os
import subprocess

from gateward_server import SANITIZER, SANITIZER_ENV, binary_path
from raw_client import OP_CLOSE, parse_close

PLAIN = [{"address": "127.0.0.1:0"}]
# For servers that many tests share: nobody is refused for what another test did.
ROOMY = {"connections": {"total": 4000, "per_ip": 4000}, "handshakes": {"per_second": 100000, "burst": 100000},
         "messages": {"per_minute": 1000000, "per_hour": 10000000}}


def put(ws, message):
    """Sends a message: bytes and text as they are, anything else as JSON."""
    ws.send_text(message if isinstance(message, (bytes, str)) else json.dumps(message))


def ask(ws, message, timeout=None):
    put(ws, message)
    return ws.recv_json(timeout)


def error(code, message, **more):
    return {"type": "error", "code": code, "message": message, **more}


def is_quiet(ws):
    """Whether nothing waits in front of the answer to a ping."""
    return ask(ws, {"type": "ping", "id": "quiet?"}) == {"type": "pong", "id": "quiet?"}


def run_gateward(*arguments, cwd=None, timeout=60, typed=None, **environment):
    """A command to its end; `typed`: its stdin. A sanitizer report fails the test."""
    stdin = {"stdin": subprocess.DEVNULL} if typed is None else {"input": typed}
    result = subprocess.run([binary_path(), *arguments], cwd=cwd, capture_output=True, text=True, timeout=timeout,
                            **stdin, env={**os.environ, **SANITIZER_ENV, **environment})
    assert not SANITIZER.search(result.stderr), result.stderr
    return result


def closed_with(ws, code, reason=None, timeout=10.0):
    """The next frame is this Close; it is answered, and then the stream ends."""
    frame = ws.recv_frame(timeout)
    assert frame.opcode == OP_CLOSE, frame
    got = parse_close(frame.payload)
    assert got == (code, got[1] if reason is None else reason), got
    try:
        ws.send_close(code)
    except OSError:
        pass        # it did not wait for our answer
    assert ws.recv_rest(timeout) == b""
