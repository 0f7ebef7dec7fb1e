# SPDX-License-Identifier: Apache-2.0
"""log.events: syslog, with a Unix datagram socket of the test's own in the place of the daemon's."""
import json
import os
import re
import socket
import time

import pytest

from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, run_gateward

FORM = re.compile(rb"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d gateward\[(\d+)\]: (\{.*\})", re.S)
SEVERITIES = {"info": 6, "notice": 5, "warning": 4}


class Daemon:
    def __init__(self, path):
        self.path = str(path)
        self.lines = []
        self.socket = None

    def start(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        return self

    def stop(self):
        self.take()
        self.socket.close()
        os.unlink(self.path)

    def take(self):
        """Everything that has come, as (priority, process, event)."""
        while True:
            try:
                bytes_ = self.socket.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return self.lines
            priority, process, text = FORM.fullmatch(bytes_).groups()
            self.lines.append((int(priority), int(process), json.loads(text)))

    def wait_for(self, event, count=1, timeout=10.0):
        deadline = time.monotonic() + timeout
        while sum(row["event"] == event for _, _, row in self.take()) < count:
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.01)


@pytest.fixture
def daemon(tmp_path):
    return Daemon(tmp_path / "log.sock")


def with_syslog(start_server, daemon, **more):
    syslog = {"socket": daemon.path, **more.pop("syslog", {})}
    return start_server({"listen": PLAIN, "limits": ROOMY, "log": {"events": "syslog", "syslog": syslog}, **more})


def knock(server):
    with RawWebSocket.open(server, path="/nowhere", expect=404):
        pass


def test_lines_reach_syslog_with_their_priority(start_server, daemon):
    daemon.start()
    server = with_syslog(start_server, daemon, syslog={"facility": "local3"})
    with RawWebSocket.login(server):
        knock(server)
        with RawWebSocket.open(server, origin="https://evil.example", expect=403):
            pass
    pid = server.pid
    server.stop()
    daemon.wait_for("server_stop")
    assert daemon.lines[-1][2]["event"] == "server_stop"
    seen = set()
    for priority, process, row in daemon.lines:
        assert process == pid and priority == 19 * 8 + SEVERITIES[row["severity"]]
        seen.add(row["severity"])
    assert seen == set(SEVERITIES) and any(row["event"] == "auth_ok" for _, _, row in daemon.lines)


def test_the_usual_facility_is_authpriv(start_server, daemon):
    daemon.start()
    server = with_syslog(start_server, daemon)
    server.stop()
    assert {priority >> 3 for priority, _, _ in daemon.take()} == {10}


def test_a_syslog_that_comes_late_gets_what_happened_before(start_server, daemon):
    server = with_syslog(start_server, daemon)
    with RawWebSocket.login(server) as ws:
        assert ask(ws, {"type": "ping"}) == {"type": "pong"}
        assert "no syslog takes lines at " + daemon.path in server.stderr_text()
        daemon.start()
        daemon.wait_for("auth_ok")
    server.stop()
    assert daemon.take()[0][2]["event"] == "server_start" and "takes lines again" in server.stderr_text()


def test_a_syslog_that_goes_and_comes_again_loses_no_line(start_server, daemon):
    daemon.start()
    server = with_syslog(start_server, daemon)
    for i in range(3):
        knock(server)
        daemon.wait_for("handshake_refused", 2 * i + 1)
        daemon.stop()
        knock(server)
        time.sleep(0.15)
        daemon.start()
        daemon.wait_for("handshake_refused", 2 * i + 2)
    server.stop()
    assert sum(row["event"] == "handshake_refused" for _, _, row in daemon.take()) == 6


def test_a_syslog_that_does_not_read_stops_nobody(start_server, daemon):
    daemon.start()
    server = with_syslog(start_server, daemon)
    for _ in range(1500):       # many times what the socket's queue takes
        knock(server)
    with RawWebSocket.login(server) as ws:
        assert ask(ws, {"type": "ping"}) == {"type": "pong"}
    daemon.wait_for("auth_ok")
    server.stop()
    daemon.wait_for("server_stop")
    rows = [row for _, _, row in daemon.lines]
    left_out = sum(row["count"] for row in rows if row["event"] == "events_suppressed" and row["code"] == "handshake_refused")
    assert sum(row["event"] == "handshake_refused" for row in rows) + left_out == 1500


def test_the_end_of_a_server_does_not_wait_for_a_syslog_that_is_not_there(start_server, daemon):
    server = with_syslog(start_server, daemon)
    for _ in range(50):
        knock(server)
    before = time.monotonic()
    server.stop()
    assert time.monotonic() - before < 5
    told = re.findall(r"event log: (\d+) lines could not be written", server.stderr_text())
    assert sum(map(int, told)) >= 52


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_syslog_is_reached_by_the_user_that_the_server_becomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jailed")
    for path in (folder, *folder.parents):      # for a user who owns nothing here
        if path.stat().st_uid == os.geteuid() and str(path).count("/") > 1:
            path.chmod(path.stat().st_mode | 0o055)
    daemon = Daemon(folder / "log.sock").start()
    config = {"listen": PLAIN, "server": {"user": "nobody"}, "log": {"events": "syslog", "syslog": {"socket": daemon.path}}}
    with GatewardServer(folder / "server", config) as server:
        with open("/proc/%d/status" % server.pid) as f:
            assert re.search(r"^Uid:\s+65534\s", f.read(), re.M)
        daemon.stop()
        daemon.start()
        knock(server)
        daemon.wait_for("handshake_refused")


def test_what_cannot_be_a_socket_or_a_facility_is_a_fault(tmp_path):
    config = tmp_path / "g.yaml"
    for line, wanted in (("{facility: mail}", "facility"), ("{socket: %s}" % ("x" * 200), "at most 107 bytes")):
        config.write_text("listen: [{address: '127.0.0.1:0'}]\nlog: {events: syslog, syslog: %s}\n" % line)
        result = run_gateward("check", str(config))
        assert result.returncode == 1 and wanted in result.stderr + result.stdout
