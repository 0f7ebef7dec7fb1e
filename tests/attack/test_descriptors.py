# SPDX-License-Identifier: Apache-2.0
"""When open files run out: clients are turned away, nothing spins, and who operates the server still gets an answer."""
import resource
import time

import pytest

from attack_tools import cpu_seconds, tcp
from internal_api import InternalApi, internal_config
from raw_client import RawWebSocket

SLOW = 10       # what a sanitizer may cost


@pytest.mark.parametrize("workers", [1, 2])
def test_the_internal_api_answers_when_clients_have_taken_all_descriptors(start_server, tmp_path, workers):
    server = start_server(internal_config(tmp_path, workers))
    api = InternalApi(server)
    with RawWebSocket.login(server) as inside:
        limit = server.fd_count() + 40
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, limit))
        socks = [tcp(server) for _ in range(120)]
        time.sleep(0.5)
        assert server.fd_count() > limit - limit // 8 - 4      # clients have all that is theirs
        before = cpu_seconds(server)
        for _ in range(30):     # each needs a descriptor of its own
            start = time.monotonic()
            status, body = api.get("/health/live")
            assert status == 200 and body == {"ok": True}
            assert time.monotonic() - start < 1
            time.sleep(0.03)
        assert cpu_seconds(server) - before < 0.1 * SLOW
        assert api.post("/api/revoke", {"user": "nobody"})[0] == 200
        socks += [tcp(server) for _ in range(60)]               # and those who come now change nothing
        assert api.get("/health/live")[0] == 200
        inside.send_json({"type": "ping"})
        assert inside.recv_json()["type"] == "pong"
        for s in socks:
            s.close()
    deadline = time.monotonic() + 3
    while True:
        try:
            with RawWebSocket.login(server):
                break
        except Exception:
            assert time.monotonic() < deadline, "no room again"
            time.sleep(0.05)
