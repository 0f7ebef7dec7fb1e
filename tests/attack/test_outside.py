# SPDX-License-Identifier: Apache-2.0
"""What the machine around the server does to it: stray signals, a log that nobody reads."""
import os
import signal
import subprocess
import time

import pytest

from attack_tools import PLAIN, ROOMY, still_serves, tcp
from gateward_server import GatewardServer
from raw_client import http_request


def test_a_stray_signal_does_not_make_the_server_deaf_to_the_next(start_server):
    server = start_server({"listen": PLAIN})
    server.signal(signal.SIGUSR2)
    time.sleep(0.2)
    still_serves(server)
    server.stop(timeout=5)


@pytest.mark.parametrize("target", ["stdout", "stderr"])
def test_a_log_that_nobody_reads_stops_neither_the_service_nor_its_end(tmp_path, target):
    server = GatewardServer(tmp_path, {"listen": PLAIN, "limits": ROOMY, "log": {"events": target}})
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with open(server.path("stderr.txt"), "wb") as errors:
        server.process = subprocess.Popen([server.binary, "serve", "-c", server.config_path], cwd=server.directory,
                                          stdin=subprocess.DEVNULL, stdout=write_end,
                                          stderr=errors if target == "stdout" else write_end)
    try:
        if target == "stdout":
            while not server.listeners:
                server.listeners = server.read_listeners()
        else:
            said = b""
            while b"listening on " not in said or not said.endswith(b"\n"):
                said += os.read(read_end, 65536)
            server._write("stderr.txt", said)
            server.listeners = server.read_listeners()
        os.set_blocking(write_end, True)    # shared with the server: a write to the full pipe waits
        for n in range(600):                # more than the pipe holds
            with tcp(server) as sock:
                sock.sendall(http_request(path="/nope" + "x" * 250))
                sock.recv(12)
            if n % 250 == 249:
                time.sleep(1.1)             # the log writes 300 lines a second of one type
        still_serves(server)
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        assert time.monotonic() - start < 8
    finally:
        server.kill()
        os.close(read_end)
        os.close(write_end)
