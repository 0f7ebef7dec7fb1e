# SPDX-License-Identifier: Apache-2.0
"""The event log as an operator meets it: rotation without a lost or torn line, and a catalogue that says what there is."""
import json
import os
import re
import signal
import threading
import time

from gateward_server import ROOT
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, run_gateward


def lines(path):
    with open(path, "rb") as f:
        data = f.read()
    assert data == b"" or data.endswith(b"\n"), path
    return [json.loads(line) for line in data.splitlines()]


def wait_until(what, timeout=10.0):
    deadline = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_renamed_log_is_opened_by_its_name_again(start_server):
    server = start_server({"listen": PLAIN, "limits": ROOMY})
    live, old = server.path("events.jsonl"), server.path("events.jsonl.1")
    with RawWebSocket.login(server):
        server.wait_for_event("auth_ok")
    server.wait_for_event("connection_close")
    os.rename(live, old)
    server.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(live))
    assert os.stat(live).st_mode & 0o777 == 0o600
    with RawWebSocket.login(server):
        server.wait_for_event("auth_ok")
    assert [row["event"] for row in lines(old)].count("auth_ok") == 1 and lines(old)[0]["event"] == "server_start"
    assert [row["event"] for row in lines(live)].count("auth_ok") == 1


def test_rotations_under_load_lose_and_tear_nothing(start_server):
    server = start_server({"listen": PLAIN, "limits": ROOMY, "server": {"workers": 2}})
    live, made, stop = server.path("events.jsonl"), [0], threading.Event()

    def knock():
        while not stop.is_set():
            with RawWebSocket.open(server, path="/nowhere", expect=404):
                made[0] += 1
            time.sleep(0.005)       # below the 300 lines a second of one type

    thread = threading.Thread(target=knock)
    thread.start()
    kept = []
    for i in range(20):
        time.sleep(0.05)
        kept.append(server.path("events.jsonl.%d" % i))
        os.rename(live, kept[-1])
        server.signal(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(live))
    stop.set()
    thread.join()
    server.stop()
    rows = [row for path in [*kept, live] for row in lines(path)]
    assert sum(row["event"] == "handshake_refused" for row in rows) == made[0] > 50
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


def test_a_log_that_cannot_be_opened_again_goes_on_in_the_old_file(start_server):
    server = start_server({"listen": PLAIN, "limits": ROOMY})
    live, old = server.path("events.jsonl"), server.path("old.jsonl")
    os.rename(live, old)
    os.mkdir(live)
    server.signal(signal.SIGUSR1)
    wait_until(lambda: "the old file stays in use" in server.stderr_text())
    with RawWebSocket.login(server) as ws:
        assert ask(ws, {"type": "ping"}) == {"type": "pong"}
        wait_until(lambda: any(row["event"] == "auth_ok" for row in lines(old)))


def test_no_signal_of_a_rotation_ends_a_server_that_logs_elsewhere(start_server):
    for target in ("stderr", "off"):
        server = start_server({"listen": PLAIN, "log": {"events": target}})
        server.signal(signal.SIGUSR1)
        with RawWebSocket.login(server) as ws:
            assert ask(ws, {"type": "ping"}) == {"type": "pong"}
        server.stop()


def catalogue():
    with open(os.path.join(ROOT, "src", "server", "event_encode.c")) as f:
        return dict(re.findall(r'\[EVENT_\w+\] = \{"(\w+)", SEVERITY_(\w+)\}', f.read()))


def page():
    with open(os.path.join(ROOT, "docs", "events.md")) as f:
        return f.read()


def test_the_page_has_every_event_and_no_other():
    told = dict(re.findall(r"^\| `(\w+)` \| (info|notice|warning) \| ", page(), re.M))
    assert told == {name: severity.lower() for name, severity in catalogue().items()} and len(told) > 30


def test_the_page_maps_every_field_to_ecs():
    with open(os.path.join(ROOT, "src", "server", "event_encode.c")) as f:
        written = set(re.findall(r'(?:put_text|put_number|json_out_member|json_out_member_u64)\((?:&)?w, "(\w+)"', f.read()))
    section = page().split("## Elastic Common Schema")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| `([@a-z_.]+)` \|", section, re.M)
    assert {ours for ours, _ in rows} == written and all("." in theirs or theirs == "@timestamp" for _, theirs in rows if theirs != "message")


def test_every_event_of_the_catalogue_is_looked_for_by_a_test():
    """Not that each test passes, which is its own business, but that no type is without one."""
    text = ""
    for folder in ("integration", "attack"):
        for name in os.listdir(os.path.join(ROOT, "tests", folder)):
            if name.endswith(".py") and name != os.path.basename(__file__):
                with open(os.path.join(ROOT, "tests", folder, name)) as f:
                    text += f.read()
    assert [name for name in catalogue() if '"%s"' % name not in text] == []


# --- the chain

def chained(start_server, **more):
    return start_server({"listen": PLAIN, "limits": ROOMY, "log": {"chain": True, **more}})


def verify(*paths):
    result = run_gateward("audit", "verify-log", *paths)
    return result.returncode, result.stdout.splitlines()


def test_a_chain_goes_on_over_restarts_and_rotations(start_server):
    server = chained(start_server)
    live, old = server.path("events.jsonl"), server.path("events.jsonl.1")
    for _ in range(3):
        with RawWebSocket.login(server):
            pass
    server.stop()
    server.start()
    with RawWebSocket.login(server):
        server.wait_for_event("auth_ok", count=4)
    os.rename(live, old)
    server.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(live))
    with RawWebSocket.login(server):
        server.wait_for_event("auth_ok")
    server.stop()
    status, told = verify(old, live)
    assert status == 0 and told[-1].startswith("%d lines, 0 faults" % (len(lines(old)) + len(lines(live))))
    assert told[-1].endswith(lines(live)[-1]["hash"]) and verify(live)[0] == 0
    assert verify(live, old)[0] == 1            # in the wrong order
    assert lines(old)[0]["prev"] == "0" * 64


def test_each_way_to_alter_a_chained_log_is_named_with_its_line(start_server):
    server = chained(start_server)
    for _ in range(4):
        with RawWebSocket.login(server):
            pass
    server.stop()
    with open(server.path("events.jsonl"), "rb") as f:
        good = f.read().splitlines(keepends=True)
    altered = {
        "changed": (good[:3] + [good[3].replace(b"192", b"193").replace(b"alice", b"mallo").replace(b"127.", b"128.")] + good[4:], 4, "changed"),
        "removed": (good[:3] + good[4:], 4, "does not follow"),
        "inserted": (good[:3] + [good[1]] + good[3:], 4, "does not follow"),
        "swapped": (good[:3] + [good[4], good[3]] + good[5:], 4, "does not follow"),
        "plain": (good[:3] + [b'{"event":"auth_ok"}\n'] + good[3:], 4, "no hashes"),
        "torn": (good[:-1] + [good[-1][:-5]], len(good), "torn off"),
    }
    for name, (rows, line, word) in altered.items():
        path = server.path(name)
        with open(path, "wb") as f:
            f.writelines(rows)
        status, told = verify(path)
        assert status == 1 and told[0].startswith("%s:%d: " % (path, line)) and word in told[0], (name, told)
    assert verify(server.path("events.jsonl"))[0] == 0


def test_a_torn_last_line_does_not_take_the_next_one_with_it(start_server):
    server = chained(start_server)
    server.stop()
    with open(server.path("events.jsonl"), "ab") as f:
        f.write(b'{"time":"torn')
    server.start()
    server.stop()
    status, told = verify(server.path("events.jsonl"))
    assert status == 1 and len(told) == 2 and "no hashes" in told[0]


def test_verify_log_says_what_it_cannot_do(tmp_path):
    assert run_gateward("audit", "verify-log").returncode == 2
    assert run_gateward("audit", "verify-log", str(tmp_path / "none")).returncode == 2
    assert run_gateward("audit", "verify-log", "--help").returncode == 0
