# SPDX-License-Identifier: Apache-2.0
"""Who may do what, on the wire: the guide's roles and channels as one matrix, and `gateward explain` says the same of each cell."""
import itertools

import pytest

from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, closed_with, error, is_quiet, run_gateward

CHANNELS = [
    {"pattern": "public:chat"},
    {"pattern": "private:room-{room_id}"},
    {"pattern": "user:{user_id}:messages"},
    {"pattern": "admin:logs", "allow": ["admin"], "needs": {"subscribe": "admin", "publish": "admin"}},
    {"pattern": "chat:general", "allow": ["user", "moderator", "admin"]},
    {"pattern": "chat:mod-only", "allow": ["moderator", "admin"], "deny": ["guest"]},
    {"pattern": "admin:stats", "allow": ["admin"]},
    {"pattern": "announcements", "allow": [], "needs": {"publish": "moderate"}},
    {"pattern": "team:{user_id}:{room_id}", "deny": ["guest"]},
]

# What each set of roles may do: s subscribe, p publish. The user is alice.
ROLES = ["", "guest", "user", "moderator", "admin", "guest+admin", "user+moderator", "stranger", "stranger+user"]
MATRIX = {
    #                            none guest user  mod   admin g+a   u+m   str   str+u
    "public:chat":              ["", "s", "sp", "sp", "sp", "sp", "sp", "", "sp"],
    "private:room-7":           ["", "s", "sp", "sp", "sp", "sp", "sp", "", "sp"],
    "private:room-":            [""] * 9,
    "private:room-a:b":         [""] * 9,
    "private:room":             [""] * 9,
    "user:alice:messages":      ["", "s", "sp", "sp", "sp", "sp", "sp", "", "sp"],
    "user:alicia:messages":     [""] * 9,
    "user:Alice:messages":      [""] * 9,
    "user:alice:messages:x":    [""] * 9,
    "user::messages":           None,           # no channel name at all
    "admin:logs":               ["", "", "", "", "sp", "sp", "", "", ""],
    "chat:general":             ["", "", "sp", "sp", "sp", "sp", "sp", "", "sp"],
    "chat:mod-only":            ["", "", "", "sp", "sp", "", "sp", "", ""],
    "admin:stats":              ["", "", "", "", "sp", "sp", "", "", ""],
    "announcements":            ["", "s", "s", "sp", "sp", "sp", "sp", "", "s"],
    "team:alice:red":           ["", "", "sp", "sp", "sp", "", "sp", "", "sp"],
    "team:bob:red":             [""] * 9,
    "nowhere":                  [""] * 9,
    "Public:chat":              [""] * 9,
    "public:chat:":             None,
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    config = {"limits": ROOMY, "listen": PLAIN, "channels": CHANNELS}
    with GatewardServer(tmp_path_factory.mktemp("house"), config) as running:
        yield running


def expected(channel, column):
    return "" if MATRIX[channel] is None else MATRIX[channel][column]


@pytest.mark.parametrize("column", range(len(ROLES)), ids=[r or "none" for r in ROLES])
def test_each_cell_of_the_matrix_on_the_wire(house, column):
    roles = [r for r in ROLES[column].split("+") if r]
    with RawWebSocket.login(house, "alice", roles) as ws:
        assert ws.welcome["roles"] == [r for r in ("guest", "user", "moderator", "admin") if r in roles]
        for channel in MATRIX:
            refusal = error("not_allowed", "Not allowed")
            if MATRIX[channel] is None:
                refusal = error("schema", "Field 'channel' has invalid format")
            can = expected(channel, column)
            answer = ask(ws, {"type": "publish", "channel": channel, "data": 1})
            assert answer == ({"type": "ack", "message": "Message received", "channel": channel} if "p" in can else refusal), channel
            answer = ask(ws, {"type": "subscribe", "channel": channel})
            assert answer == ({"type": "subscribed", "channel": channel} if "s" in can else refusal), channel
            ask(ws, {"type": "unsubscribe", "channel": channel})


@pytest.mark.parametrize("action", ["subscribe", "publish"])
@pytest.mark.parametrize("column", [c for c, r in enumerate(ROLES) if r and "stranger" not in r],
                         ids=[r for r in ROLES if r and "stranger" not in r])
def test_explain_agrees_with_each_cell(house, column, action):
    for channel in MATRIX:
        result = run_gateward("explain", "--config", house.config_path, "--user", "alice", "--roles",
                              ROLES[column].replace("+", ","), "--channel", channel, "--action", action)
        assert result.returncode == (0 if action[0] in expected(channel, column) else 1), (channel, result.stdout)
        assert result.stdout.count("\n") == 1 and not result.stderr


def test_the_matrix_says_something_about_every_rule_and_every_role():
    for rule in CHANNELS:
        assert any(channel.split(":")[0] == rule["pattern"].split(":")[0] for channel in MATRIX)
    cells = {expected(c, r) for c, r in itertools.product(MATRIX, range(len(ROLES)))}
    assert cells == {"", "s", "sp"} and all(row is None or len(row) == len(ROLES) for row in MATRIX.values())


def test_a_user_called_like_a_variable_or_a_role_has_no_more_than_others(house):
    for user in ("user_id", "room_id", "admin", "guest", "root", "a", "A" * 64):
        with RawWebSocket.login(house, user, ["user"]) as ws:
            own = {"type": "subscribe", "channel": "user:%s:messages" % user}
            assert ask(ws, own)["type"] == "subscribed"
            for other in ("alice", "{user_id}", "admin:logs"):
                assert ask(ws, {"type": "subscribe", "channel": "user:%s:messages" % other})["type"] == "error"


def test_permissions_of_several_roles_add_up_but_a_denial_stays(start_server):
    server = start_server({"listen": PLAIN, "roles": {"reader": ["read"], "writer": ["write"], "outcast": ["read", "write"]},
                           "channels": [{"pattern": "a"}, {"pattern": "b", "deny": ["outcast"], "allow": ["reader", "outcast"]}]})
    for roles, can in ((["reader"], {"a": "s", "b": "s"}), (["writer"], {"a": "p", "b": ""}),
                       (["reader", "writer"], {"a": "sp", "b": "sp"}), (["reader", "writer", "outcast"], {"a": "sp", "b": ""})):
        with RawWebSocket.login(server, "u", roles) as ws:
            for channel, allowed in can.items():
                # Publish first, so that no push of our own stands between the answers.
                got = {kind[0] for kind in ("publish", "subscribe") if
                       ask(ws, {"type": kind, "channel": channel, "data": 1})["type"] != "error"}
                assert got == set(allowed), (roles, channel)


def test_without_channels_nothing_is_allowed(tmp_path):
    server = GatewardServer(tmp_path, {"listen": PLAIN, "channels": []})
    with server, RawWebSocket.login(server, "ada", ["admin"]) as ws:
        for channel in ("public:chat", "a", "admin:logs"):
            assert ask(ws, {"type": "subscribe", "channel": channel}) == error("not_allowed", "Not allowed")


def test_a_tenant_s_channels_are_its_own(tmp_path):
    row = {"algorithms": ["HS256"], "secret": {"file": "jwt.secret"}, "issuer": None, "audience": None, "tenant_claim": "org"}
    config = {"listen": PLAIN, "auth": {"jwt": [row]}, "channels": [{"pattern": "{tenant}:room-{room_id}"}]}
    with GatewardServer(tmp_path, config) as server:
        with RawWebSocket.login(server, token=server.token("alice", org="acme")) as alice, \
                RawWebSocket.login(server, token=server.token("bob", org="umbrella")) as bob:
            assert ask(alice, {"type": "subscribe", "channel": "acme:room-1"})["type"] == "subscribed"
            for verb in ({"type": "subscribe"}, {"type": "publish", "data": 1}, {"type": "presence"}, {"type": "history"}):
                assert ask(bob, {**verb, "channel": "acme:room-1"})["code"] == "not_allowed", verb
            assert ask(bob, {"type": "publish", "channel": "umbrella:room-1", "data": 1})["type"] == "ack"
            assert is_quiet(alice)
            # The same user of another tenant is somebody else: the connection does not change hands.
            alice.send_json({"type": "auth", "token": server.token("alice", org="umbrella")})
            closed_with(alice, 1008, "Authentication failed")
