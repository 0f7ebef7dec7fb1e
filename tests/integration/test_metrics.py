# SPDX-License-Identifier: Apache-2.0
"""GET /metrics: the text is what Prometheus takes, every number is counted where it happens and over all workers, and the page and
the dashboard speak of the same families."""
import json
import os
import re
import shutil
import subprocess
import time

import pytest

import exposition
from gateward_server import ROOT, GatewardServer
from internal_api import InternalApi, code, internal_config
from raw_client import RawWebSocket
from talk import ask, closed_with

WORKERS = 4


@pytest.fixture()
def house(start_server, tmp_path):
    server = start_server(internal_config(tmp_path, WORKERS))
    server.api = InternalApi(server)
    return server


def scrape(server):
    status, text = server.api.get("/metrics")
    assert status == 200
    return exposition.parse(text)


def value(families, name, **labels):
    return sum(number for found, number in families[name].samples if all(found.get(k) == v for k, v in labels.items()))


def test_the_text_is_strictly_what_prometheus_takes(house):
    with RawWebSocket.login(house):
        status, text = house.api.get("/metrics")
    assert status == 200 and len(exposition.parse(text)) > 40
    if shutil.which("promtool"):
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0 and not checked.stderr.strip(), checked.stderr


def test_it_needs_no_key_and_says_what_it_is(house):
    raw = house.api.raw(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert raw.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in raw and b"\r\nCache-Control: no-store\r\n" in raw
    assert code(house.api.request("POST", "/metrics", b"")) == (405, "method_not_allowed")
    assert code(house.api.get("/metrics?x=1")) == (400, "bad_request")
    with RawWebSocket.open(house, path="/metrics", expect=404):
        pass                                                                # never on the public port


def test_what_happens_is_counted_on_all_workers(house):
    before = scrape(house)
    members = [RawWebSocket.login(house, token=house.token("m%d" % i)) for i in range(12)]
    for ws in members:
        assert ask(ws, {"type": "subscribe", "channel": "public:chat"})["type"] == "subscribed"
    assert ask(members[0], {"type": "publish", "channel": "public:chat", "data": "x" * 1000}) is not None
    for ws in members:
        while ws.recv_json()["type"] != "message" if ws is not members[0] else False:
            pass
    assert ask(members[1], b"{oops")["code"] == "invalid_json"
    assert ask(members[1], {"type": "subscribe", "channel": "admin:logs"})["code"] == "not_allowed"
    with RawWebSocket.open(house) as ws:
        ws.send_json({"type": "auth", "token": "nonsense"})
        closed_with(ws, 1008)
    with RawWebSocket.open(house, path="/nowhere", expect=404):
        pass
    after = scrape(house)

    def grew(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    assert value(after, "gateward_connections_logged_in") == 12 and value(after, "gateward_subscriptions") == 12
    assert value(after, "gateward_channels") == 1 and value(after, "gateward_workers") == WORKERS
    assert grew("gateward_connections_accepted_total") == 14 and grew("gateward_upgrades_total") == 13
    assert grew("gateward_logins_total", method="jwt") == 12 and grew("gateward_logins_total") == 12
    assert grew("gateward_login_failures_total") == 1 and grew("gateward_handshakes_refused_total", code="not_found") == 1
    assert grew("gateward_publishes_total") == 1 and grew("gateward_deliveries_total") == 12
    assert grew("gateward_messages_received_total") == 12 + 12 + 1 + 2 + 1
    assert grew("gateward_messages_sent_total") == 12 + 12 + 1 + 12 + 2
    assert grew("gateward_received_bytes_total") > 1000 and grew("gateward_sent_bytes_total") > 12000
    assert grew("gateward_messages_invalid_total", code="invalid_json") == 1 and grew("gateward_access_denied_total") == 1
    assert grew("gateward_events_total", event="auth_ok") == 12
    assert grew("gateward_api_calls_total", path="/metrics", code="ok") == 1
    assert len(after["gateward_loop_lag_seconds"].samples) == WORKERS
    assert all(0 <= number < 5 for _, number in after["gateward_loop_lag_seconds"].samples)
    assert abs(value(after, "process_start_time_seconds") - time.time()) < 60
    assert value(after, "process_open_fds") == pytest.approx(house.fd_count(), abs=3)
    assert value(after, "process_resident_memory_bytes") == pytest.approx(house.rss_kib() * 1024, rel=0.5)
    for ws in members:
        ws.close()


def test_tls_handshakes_rates_and_refusals_are_counted(start_server, tmp_path):
    config = internal_config(tmp_path, 2, listen=[{"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key"}}],
                             limits={"messages": {"per_minute": 5, "per_hour": 100}, "connections": {"total": 100, "per_ip": 3},
                                     "handshakes": {"per_second": 100, "burst": 100}})
    server = start_server(config)
    server.api = InternalApi(server)
    open_ones = [RawWebSocket.login(server) for _ in range(3)]
    answers = [ask(open_ones[0], {"type": "ping"}) for _ in range(8)]
    refused = sum(a.get("code") == "rate_limited" for a in answers)
    with RawWebSocket.open(server, expect=429):
        pass
    families = scrape(server)
    assert refused >= 3 and value(families, "gateward_messages_rate_limited_total") == refused
    assert value(families, "gateward_tls_handshakes_total", result="ok") == 4
    assert value(families, "gateward_connections_refused_total", reason="too_many_connections") == 1
    for ws in open_ones:
        ws.close()


def test_no_label_says_what_a_stranger_chose(house):
    secret = "s3cretMarker"
    with RawWebSocket.open(house, path="/" + secret, expect=404):
        pass
    with RawWebSocket.open(house, origin="https://%s.example" % secret, expect=403):
        pass
    with RawWebSocket.login(house, token=house.token(secret)) as ws:
        ask(ws, {"type": secret})
        ask(ws, {"type": "subscribe", "channel": "private:room-" + secret})
        house.api.post("/api/" + secret, {})
        house.api.post("/api/publish", {"channel": "public:" + secret, "data": secret})
        status, text = house.api.get("/metrics")
    assert status == 200 and secret not in text


def test_counters_only_grow_and_names_say_their_kind(house):
    first = scrape(house)
    with RawWebSocket.login(house) as ws:
        ask(ws, {"type": "ping"})
    second = scrape(house)
    for name, family in first.items():
        assert (family.kind == "counter") == name.endswith("_total"), name
        if family.kind == "counter":
            for labels, number in family.samples:
                assert value(second, name, **labels) >= number, name


def test_the_page_describes_every_family_and_no_other(house):
    with open(os.path.join(ROOT, "docs", "metrics.md")) as f:
        rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge) \| ([^|]*) \| (.+) \|$", f.read(), re.M)
    families = scrape(house)
    assert {name: kind for name, kind, _, _ in rows} == {name: family.kind for name, family in families.items()}
    for name, _, labels, text in rows:
        assert text == families[name].help, name
        for found, _ in families[name].samples:
            assert set(found) == set(re.findall(r"`(\w+)`", labels)), name


def test_the_dashboard_asks_for_families_that_exist_and_for_all(house):
    with open(os.path.join(ROOT, "packaging", "grafana", "gateward.json")) as f:
        dashboard = json.load(f)
    asked = {name for panel in dashboard["panels"] for target in panel["targets"]
             for name in re.findall(r"\b(?:gateward|process)_[a-z_]+", target["expr"])}
    assert asked == set(scrape(house))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_it_can_be_asked_while_the_server_drains(start_server, tmp_path):
    server = start_server(internal_config(tmp_path, 2))
    server.api = InternalApi(server)
    with RawWebSocket.login(server):
        server.signal(15)
        server.wait_for_event("server_drain")
        assert value(scrape(server), "gateward_draining") == 1
    server.wait()
