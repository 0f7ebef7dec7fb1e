# SPDX-License-Identifier: Apache-2.0
"""gateward and a real OpenID provider (npm oidc-provider): every form of token, its end, and the provider's absence."""
import base64
import json
import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from gateward_server import GatewardServer  # noqa: E402
from internal_api import InternalApi, internal_config  # noqa: E402
from oidc_provider import OidcProvider  # noqa: E402
from raw_client import RawWebSocket  # noqa: E402
from talk import ask, is_quiet  # noqa: E402

SIGNED = ["RS256", "PS256", "ES256", "EdDSA"]


def config(folder, provider):
    metadata = provider.ask("/.well-known/openid-configuration")
    shared = {"issuer": metadata["issuer"], "audience": "gateward", "skew": "0s"}
    jwt = {**shared, "algorithms": SIGNED, "profile": "rfc9068", "jwks_url": metadata["jwks_uri"], "jwks_ca": provider.ca}
    # A token that a program got for itself has no sub in the answer: there is no user, only the client.
    oauth2 = {**shared, "introspection_url": metadata["introspection_endpoint"], "ca": provider.ca, "client_id": "gateward",
              "client_secret": {"file": provider.secret_file}, "user_claim": "client_id", "cache": "1s", "recheck": "1s",
              "scopes": ["chat"]}
    return internal_config(folder, 2, auth={"jwt": [jwt], "oauth2": oauth2})


class House:
    """A provider and a gateward that trusts it."""

    def __init__(self, folder):
        self.provider = OidcProvider(folder / "provider").start()
        try:
            (folder / "gateward").mkdir()
            self.server = GatewardServer(folder / "gateward", config(folder / "gateward", self.provider)).start()
            self.server.wait_for_event("key_source", code="fetched", timeout=15)
        except BaseException:
            self.provider.kill()
            raise

    def stop(self):
        try:
            self.server.stop()
        finally:
            self.server.kill()
            self.provider.kill()

    def login(self, token):
        return RawWebSocket.login(self.server, token=token)

    def by_header(self, token, expect=None):
        return RawWebSocket.open(self.server, headers=[("Authorization", "Bearer " + token)], expect=expect)

    def status(self, token):
        with self.by_header(token) as ws:
            return ws.response.status

    def until_in(self, token, seconds):
        """Seconds that it took until a handshake with this token was answered with 101."""
        start = time.monotonic()
        while True:
            status = self.status(token() if callable(token) else token)
            took = time.monotonic() - start
            assert took < seconds, "still %d after %.1f s" % (status, took)
            if status == 101:
                return took
            time.sleep(0.1)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("oidc"))
    yield house
    house.stop()


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    yield made
    made.stop()


def part(token, index):
    text = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


# --- every form of token

@pytest.mark.parametrize("form", SIGNED)
def test_a_signed_token_connects(shared, form):
    token = shared.provider.token(form)
    assert part(token, 0)["alg"] == form and part(token, 0)["typ"] == "at+jwt"
    with shared.login(token) as ws:
        assert (ws.welcome["user"], ws.welcome["roles"]) == ("app-1", ["user"])
        assert ask(ws, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"
    with shared.by_header(token, 101) as ws:
        assert ws.recv_json()["user"] == "app-1"
    signature = token.rindex(".") + 1
    broken = token[:signature] + ("A" if token[signature] != "A" else "B") + token[signature + 1:]
    assert shared.status(broken) == 401


def test_an_opaque_token_connects(shared):
    token = shared.provider.token("opaque", client="app-2")
    assert "." not in token
    with shared.login(token) as ws:
        assert (ws.welcome["user"], ws.welcome["roles"]) == ("app-2", ["user"])
    with shared.by_header(token, 101) as ws:
        assert ws.recv_json()["user"] == "app-2"
    assert shared.status(token[:-1] + ("A" if token[-1] != "A" else "B")) == 401


# --- the end of a token is the end of its connection

@pytest.mark.parametrize("form", SIGNED + ["opaque"])
def test_the_expiry_of_a_token_ends_its_live_connection(shared, form):
    token = shared.provider.token(form, seconds=4)
    with shared.login(token) as ws:
        assert is_quiet(ws)
        assert ws.recv_close(7) == (4001, "Token expired")
    assert shared.status(token) == 401


def test_revocation_at_the_provider_ends_the_live_connection(shared):
    token, other = shared.provider.token("opaque"), shared.provider.token("opaque")
    with shared.login(token) as ws, shared.login(other) as stays:
        assert is_quiet(ws)
        start = time.monotonic()
        shared.provider.revoke(token)
        assert ws.recv_close(6) == (4001, "Access revoked")
        assert time.monotonic() - start < 3.5       # recheck, the answer, and a turn
        assert is_quiet(stays)
    time.sleep(1.1)                                 # cache: 1s
    assert shared.status(token) == 401


@pytest.mark.parametrize("form", SIGNED)
def test_a_signed_token_that_was_revoked_here_ends_its_live_connection(shared, form):
    token, other = shared.provider.token(form), shared.provider.token(form)
    with shared.login(token) as ws, shared.login(other) as stays:
        assert InternalApi(shared.server).post("/api/revoke", {"token_id": part(token, 1)["jti"]}) == (200, {"closed": 1})
        assert ws.recv_close(2) == (1008, "Revoked")
        assert is_quiet(stays)
    assert shared.status(token) == 401 and shared.status(other) == 101


# --- the provider is away

def live_and_known(house):
    """Connections of each form, and tokens that have not been shown yet."""
    tokens = {form: house.provider.token(form) for form in SIGNED + ["opaque"]}
    unseen = {form: house.provider.token(form, client="app-2") for form in SIGNED + ["opaque"]}
    return {form: house.login(token) for form, token in tokens.items()}, unseen


def all_quiet(live):
    return all(is_quiet(ws) for ws in live.values())


def refused_within(house, token, seconds):
    start = time.monotonic()
    with house.by_header(token, 503) as ws:
        took = time.monotonic() - start
        assert json.loads(ws.response.body)["error"]["code"] == "auth_unavailable"
        assert took < seconds, took


def test_while_the_provider_is_frozen_known_keys_go_on_and_it_recovers(house):
    live, unseen = live_and_known(house)
    house.provider.freeze()
    try:
        for form in SIGNED:
            assert house.status(unseen[form]) == 101
        for _ in range(8):      # those that wait for the deadline, and those that are refused at once
            refused_within(house, unseen["opaque"], 2)
        time.sleep(2.5)         # rechecks fail meanwhile
        assert all_quiet(live)
    finally:
        house.provider.thaw()
    assert house.until_in(unseen["opaque"], 5) < 5
    time.sleep(2)
    assert all_quiet(live)      # the provider still knows them
    for ws in live.values():
        ws.close()


def test_while_the_provider_is_gone_known_keys_go_on_and_it_recovers(house):
    live, unseen = live_and_known(house)
    house.provider.kill()
    for form in SIGNED:
        assert house.status(unseen[form]) == 101
    for _ in range(8):
        refused_within(house, unseen["opaque"], 2)
    time.sleep(2.5)
    assert all_quiet(live)
    house.provider.start()
    fresh = house.provider.token("opaque")
    assert house.until_in(fresh, 5) < 5
    # It kept its tokens in memory only, so it says no to the one that it has forgotten; the signed ones need nobody.
    assert live.pop("opaque").recv_close(8) == (4001, "Access revoked")
    assert all_quiet(live)
    for ws in live.values():
        ws.close()


def test_new_keys_of_the_provider_are_picked_up_and_old_ones_count_no_more(house):
    old = house.provider.token("ES256")
    with house.login(old) as ws:
        house.provider.kill()
        house.provider.start(new_keys=True)
        new = house.provider.token("ES256")
        assert part(new, 0)["kid"] != part(old, 0)["kid"]
        assert house.status(old) == 101             # nobody has told us yet
        house.until_in(new, 40)                     # at most one download in 30 s because of what a token says
        assert house.status(old) == 401
        assert is_quiet(ws)
    assert len(house.server.events("key_source", code="fetched")) == 2
