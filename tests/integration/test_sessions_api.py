# SPDX-License-Identifier: Apache-2.0
"""Sessions and CSRF tokens through the internal API and the command line: made, read, extended, ended with their connections on all
workers, and never in a log."""
import pytest

from gateward_server import GatewardServer
from internal_api import ORIGIN, InternalApi, code, internal_config
from talk import run_gateward

UNKNOWN = "B" * 22


def config(directory, store="memory", workers=4, csrf="origin_only", sessions=None, **more):
    auth = {"sessions": {"store": store, **(sessions or {})}, "csrf": csrf}
    return internal_config(directory, workers, auth=auth, origins=[ORIGIN], **more)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """No auth.sessions at all."""
    folder = tmp_path_factory.mktemp("bare")
    with GatewardServer(folder, internal_config(folder, 2)) as running:
        running.api = InternalApi(running)
        yield running


def test_without_a_store_a_session_can_still_be_revoked(bare):
    assert bare.api.post("/api/revoke", {"session": UNKNOWN}, key="revoke") == (200, {"closed": 0})
    assert bare.wait_for_event("api_call", action="revoke")["detail"] == "session"


@pytest.mark.parametrize("path, body", [
    ("/api/sessions", {"user": "alice", "roles": []}),
    ("/api/sessions/get", {"session": UNKNOWN}),
    ("/api/sessions/extend", {"session": UNKNOWN}),
    ("/api/sessions/end", {"session": UNKNOWN}),
    ("/api/sessions/end", {"user": "alice"}),
])
def test_without_sessions_in_the_configuration_it_says_so(bare, path, body):
    assert code(bare.api.post(path, body, key="sessions")) == (409, "sessions_off")


def test_without_csrf_tokens_in_the_configuration_it_says_so(bare):
    assert code(bare.api.post("/api/csrf", {"session": UNKNOWN, "origin": ORIGIN}, key="sessions")) == (409, "csrf_off")


@pytest.fixture
def fixed(start_server, tmp_path):
    """A server whose configuration names the port of its API, as one that is in use does."""
    server = start_server(config(tmp_path, workers=2))
    server.config["internal"]["address"] = "127.0.0.1:%d" % InternalApi(server).port
    server.write_config()
    return server


def gateward(server, *arguments, typed=None):
    return run_gateward("session", *arguments, "--config", server.config_path, typed=typed)


def test_the_command_line_never_takes_an_id_as_an_argument(fixed, tmp_path):
    for arguments in (["get", UNKNOWN], ["get", "--session", UNKNOWN], ["end", UNKNOWN], ["extend", "--session-file"]):
        result = gateward(fixed, *arguments)
        assert result.returncode == 2 and "usage: gateward session" in result.stderr
    path = tmp_path / "open.txt"
    path.write_text(UNKNOWN)
    path.chmod(0o644)
    result = gateward(fixed, "get", "--session-file", str(path))
    assert result.returncode == 1 and UNKNOWN not in result.stderr and result.stdout == ""


@pytest.mark.parametrize("arguments", [
    [], ["make"], ["create"], ["create", "--user", "a"], ["create", "--roles", "user"], ["get", "--user", "a"], ["get", "--roles", "user"],
    ["end", "--user", "a", "--session-file", "-"], ["end", "--replaces"], ["extend", "--tenant", "t"], ["get", "end"],
    ["create", "--user", "a", "--roles", "user", "--session-file", "-"],
])
def test_what_makes_no_sense_is_not_understood(fixed, arguments):
    result = gateward(fixed, *arguments, typed=UNKNOWN)
    assert result.returncode == 2 and "usage: gateward session" in result.stderr


def test_the_command_line_says_what_is_wrong(fixed):
    assert "no role" in gateward(fixed, "create", "--user", "a", "--roles", "superuser").stderr
    assert "invalid_user" in gateward(fixed, "create", "--user", "a:b", "--roles", "user").stderr
    for typed in ("", "\n", " \t\n", "x" * 257, "x" * 100000):
        result = gateward(fixed, "get", typed=typed)
        assert result.returncode == 1 and "no id of a session" in result.stderr
    assert "invalid_session" in gateward(fixed, "get", typed="two words").stderr
    fixed.stop()
    assert "no server answers" in gateward(fixed, "get", typed=UNKNOWN).stderr
    assert run_gateward("session", "--help").returncode == 0
