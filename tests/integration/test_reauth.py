# SPDX-License-Identifier: Apache-2.0
"""Channels that ask for a recent login: refused by name once the login is too old, open again after another login."""
import time

import pytest

from gateward_server import GatewardServer
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, error, is_quiet, put, run_gateward

AGE_S = 2
CHANNELS = [{"pattern": "free"},
            {"pattern": "bank:{account}", "max_auth_age": "%ds" % AGE_S},
            {"pattern": "bank:vault", "allow": ["admin"]},
            {"pattern": "bank:blind", "needs": {"subscribe": "moderate"}},
            {"pattern": "scoped", "scopes": {"publish": ["bank:write"]}}]
AGAIN = error("reauth_required", "Authenticate again")
NO = error("not_allowed", "Not allowed")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("reauth"), {"listen": PLAIN, "limits": ROOMY, "channels": CHANNELS}) as server:
        yield server


def grow_old():
    """Until every login made before the call is too old."""
    time.sleep(AGE_S + 1.2)


def subscribe(ws, channel):
    return ask(ws, {"type": "subscribe", "channel": channel})


def publish(ws, channel):
    return ask(ws, {"type": "publish", "channel": channel, "data": 1})


def log_in_again(house, ws, user="alice"):
    answer = ask(ws, {"type": "auth", "token": house.token(user)})
    assert answer["type"] == "welcome", answer


def test_old_login_is_refused_by_name_and_a_fresh_one_opens_the_channel(house):
    with RawWebSocket.login(house) as ws:
        assert subscribe(ws, "bank:one")["type"] == "subscribed"
        grow_old()
        assert subscribe(ws, "bank:two") == AGAIN
        assert publish(ws, "bank:one") == AGAIN
        assert subscribe(ws, "free")["type"] == "subscribed"
        event = house.wait_for_event("access_denied")
        assert (event["code"], event["channel"], event["action"]) == ("reauth_required", "bank:two", "subscribe")
        log_in_again(house, ws)
        assert subscribe(ws, "bank:two")["type"] == "subscribed"
        assert {publish(ws, "bank:one")["type"], ws.recv_json()["type"]} == {"ack", "message"}


def test_a_new_login_is_asked_for_only_where_it_would_help(house):
    with RawWebSocket.login(house) as ws:
        grow_old()
        assert subscribe(ws, "bank:one") == AGAIN
        assert subscribe(ws, "bank:vault") == NO        # another rule's allow list
        assert subscribe(ws, "bank:blind") == NO        # another rule's permission
        assert subscribe(ws, "nowhere") == NO


def test_time_alone_ends_no_subscription(house):
    with RawWebSocket.login(house) as old, RawWebSocket.login(house, "bob") as fresh:
        assert subscribe(old, "bank:open")["type"] == "subscribed"
        grow_old()
        log_in_again(house, fresh, "bob")
        assert publish(fresh, "bank:open")["type"] == "ack"
        assert old.recv_json()["channel"] == "bank:open"
        assert is_quiet(old)


def test_logins_without_delegation_have_every_scope(house):
    with RawWebSocket.login(house) as ws:
        assert publish(ws, "scoped")["type"] == "ack"


@pytest.mark.parametrize("scope, may", [("bank:write", True), ("a bank:write b", True), ("bank:read", False), ("", False),
                                        ("bank:write-all", False)])
def test_a_delegated_token_may_do_what_its_scopes_say(house, scope, may):
    with RawWebSocket.login(house, token=house.token("alice", ["user"], scope=scope)) as ws:
        before = len(house.events("access_denied"))
        assert subscribe(ws, "scoped")["type"] == "subscribed"      # asks for none
        if may:
            assert {publish(ws, "scoped")["type"], ws.recv_json()["type"]} == {"ack", "message"}
        else:
            assert publish(ws, "scoped") == NO
            event = house.wait_for_event("access_denied", count=before + 1)
            assert (event["code"], event["channel"], event["action"]) == ("no_scope", "scoped", "publish")


def test_a_token_that_was_renewed_without_the_user_is_as_old_as_the_users_login(house):
    login = int(time.time()) - 600
    with RawWebSocket.login(house, token=house.token("alice", ["user"], auth_time=login)) as ws:
        assert subscribe(ws, "bank:one") == AGAIN
        log_in_again(house, ws)
        assert subscribe(ws, "bank:one")["type"] == "subscribed"
        # An `auth` reviews what is subscribed: by this token the login is old again.
        assert ask(ws, {"type": "auth", "token": house.token("alice", ["user"], auth_time=login)})["type"] == "welcome"
        assert subscribe(ws, "bank:one") == AGAIN
        with RawWebSocket.login(house, "bob") as fresh:
            assert publish(fresh, "bank:one")["type"] == "ack"
        assert is_quiet(ws)


def test_answer_carries_the_id(house):
    with RawWebSocket.login(house) as ws:
        grow_old()
        put(ws, {"type": "publish", "channel": "bank:one", "data": 1, "id": 7})
        assert ws.recv_json() == {**AGAIN, "id": 7}


@pytest.mark.parametrize("more, code, word", [
    ([], 0, "allowed by"), (["--auth-age", "1s"], 0, "allowed by"), (["--auth-age", "3s"], 1, "max_auth_age is 2s"),
    (["--auth-age", "soon"], 2, "usage:"), (["--auth-age", "0s"], 2, "usage:")])
def test_explain_knows_the_age_of_a_login(house, more, code, word):
    result = explain(house, "bank:one", *more)
    assert result.returncode == code and word in result.stdout + result.stderr


@pytest.mark.parametrize("scopes, code, word", [
    ("bank:write", 0, "allowed by"), ("other,bank:write", 0, "allowed by"), ("bank:read other", 1, "was not given: bank:write")])
def test_explain_knows_scopes(house, scopes, code, word):
    result = explain(house, "scoped", "--scopes", scopes)
    assert result.returncode == code and word in result.stdout


def explain(house, channel, *more):
    return run_gateward("explain", "--config", house.config_path, "--user", "alice", "--roles", "user", "--channel", channel,
                        "--action", "publish", *more)
