# SPDX-License-Identifier: Apache-2.0
"""An event log under a key: every way to alter it is told, also when the whole file is written anew or cut at its end."""
import json
import os
import re
import secrets
import signal
import time

import pytest

from gateward_server import Changing
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, run_gateward


def make_key(path):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(secrets.token_hex(32) + "\n")
    return str(path)


@pytest.fixture
def key(tmp_path):
    return make_key(tmp_path / "log.key")


def under_key(start_server, key, **more):
    return start_server({"listen": PLAIN, "limits": ROOMY, "log": {"chain_key": {"file": key}}, **more})


def lines(path):
    with open(path, "rb") as f:
        return f.read().splitlines(keepends=True)


def rows(path):
    return [json.loads(line) for line in lines(path)]


def verify(*arguments):
    result = run_gateward("audit", "verify-log", *map(str, arguments))
    return result.returncode, result.stdout.splitlines() + result.stderr.splitlines()


def log_in(server, times=1):
    for _ in range(times):
        with RawWebSocket.login(server):
            pass


def end_of(server):
    return server.path(os.path.join("state", "event_log.end"))


def rotate(server):
    live, old = server.path("events.jsonl"), server.path("events.jsonl.1")
    os.rename(live, old)
    server.signal(signal.SIGUSR1)
    deadline = time.monotonic() + 10
    while not os.path.exists(live):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return old, live


def test_a_log_under_a_key_goes_on_over_restarts_and_rotations(start_server, key):
    server = under_key(start_server, key)
    log_in(server, 3)
    server.stop()
    server.start()
    log_in(server)
    server.wait_for_event("connection_close", count=4)
    old, live = rotate(server)
    log_in(server)
    server.stop()
    told = rows(old) + rows(live)
    assert [row["seq"] for row in told] == list(range(1, len(told) + 1))
    assert [row["prev"] for row in told[1:]] == [row["mac"] for row in told[:-1]]
    marks = [(row["code"], row["outcome"]) for row in told if row["event"] == "log_mark"]
    assert marks == [("start", "ok"), ("stop", "ok"), ("start", "ok"), ("rotated", "ok"), ("stop", "ok")]
    for files in ([old, live], [live]):
        status, said = verify("--key", key, "--end", end_of(server), *files)
        assert status == 0 and len(said) == 1 and "0 faults; ended in order by line %d" % len(told) in said[0], said
    assert verify("--key", key, live, old)[0] == 1
    with open(key) as f:
        assert f.read().strip() not in server.stderr_text() + str(told)


def test_each_way_to_alter_a_log_under_a_key_is_named(start_server, key, tmp_path):
    server = under_key(start_server, key)
    log_in(server, 4)
    server.stop()
    good = lines(server.path("events.jsonl"))
    assert b'"log_mark"' in good[0] and len(good) > 10
    foreign = good[5].replace(b"alice", b"mallo").replace(b"127.0.0.1", b"127.0.0.9").replace(b"info", b"warn")
    altered = {
        "changed": (good[:5] + [foreign] + good[6:], 6, "was changed or put in", 1),
        "removed": (good[:5] + good[7:], 6, "2 line(s) before this one are missing", 1),
        "inserted": (good[:5] + [good[2]] + good[5:], 6, "moved here, or is a copy", 1),
        "forged": (good[:5] + [b'{"event":"auth_ok"}\n'] + good[5:], 6, "no hashes", 1),
        "swapped": (good[:5] + [good[6], good[5]] + good[7:], 6, "1 line(s) before", 2),
        "no mark": (good[1:], 1, "cannot be verified", len(good) - 2),     # the stop is a mark of its own
        "torn": (good[:-1] + [good[-1][:-5]], len(good), "torn off", 1),
    }
    assert foreign != good[5]
    for name, (kept, number, word, faults) in altered.items():
        path = tmp_path / name
        path.write_bytes(b"".join(kept))
        status, said = verify("--key", key, path)
        assert status == 1 and said[0].startswith("%s:%d: " % (path, number)) and word in said[0], (name, said)
        assert ", %d faults; " % faults in said[-1], (name, said)
    status, said = verify("--key", make_key(tmp_path / "other.key"), server.path("events.jsonl"))
    assert status == 1 and "another key" in said[0]
    status, said = verify(server.path("events.jsonl"))
    assert status == 1 and "--key" in said[0] and len(said) == 2


def test_lines_cut_off_the_end_are_told(start_server, key, tmp_path):
    server = under_key(start_server, key)
    log_in(server, 3)
    server.stop()
    good, cut = lines(server.path("events.jsonl")), tmp_path / "cut"
    cut.write_bytes(b"".join(good[:-4]))
    status, said = verify("--key", key, cut)
    assert status == 0 and "the end is open" in said[0]     # nobody can know, from the file alone
    status, said = verify("--key", key, "--end", end_of(server), cut)
    assert status == 1 and "4 line(s) are missing at the end: the log had come to line %d" % len(good) in said[0]
    with open(end_of(server), "rb") as f:
        sealed = f.read()
    number, mac = len(good) - 4, json.loads(good[-5])["mac"]
    lie = re.sub(rb"^(\S+) \d+ \w+", rb"\1 %d %s" % (number, mac.encode()), sealed)
    (tmp_path / "lie").write_bytes(lie)
    status, said = verify("--key", key, "--end", tmp_path / "lie", cut)
    assert status == 1 and "not sealed under this key" in said[0]


def test_a_cut_before_a_restart_leaves_a_gap(start_server, key):
    server = under_key(start_server, key)
    log_in(server, 3)
    server.stop()
    live = server.path("events.jsonl")
    good = lines(live)
    with open(live, "wb") as f:
        f.writelines(good[:-3])
    server.start()
    log_in(server)
    server.stop()
    assert "ends 3 lines before what was written" in server.stderr_text()
    status, said = verify("--key", key, live)
    assert status == 1 and said[0].startswith("%s:%d: 3 line(s) before" % (live, len(good) - 2)) and ", 1 faults" in said[1]


def test_a_file_moved_away_while_the_server_stands_is_no_fault(start_server, key):
    server = under_key(start_server, key)
    server.stop()
    live, old = server.path("events.jsonl"), server.path("events.jsonl.1")
    os.rename(live, old)
    server.start()
    server.stop()
    assert "before what was written" not in server.stderr_text()
    assert verify("--key", key, old, live)[0] == 0 and rows(live)[0]["prev"] == rows(old)[-1]["mac"]


def test_a_crash_leaves_an_open_end_and_the_next_run_goes_on(start_server, key):
    server = under_key(start_server, key)
    log_in(server, 2)
    server.wait_for_event("connection_close", count=2)
    server.kill()
    live = server.path("events.jsonl")
    status, said = verify("--key", key, "--end", end_of(server), live)
    assert status == 0 and said[0].startswith("note: the end is open")
    with open(live, "ab") as f:
        f.write(b'{"time":"torn')
    server.start()
    server.stop()
    status, said = verify("--key", key, "--end", end_of(server), live)
    assert status == 1 and len(said) == 2 and "killed here" in said[0] and "ended in order" in said[1]


def test_a_log_may_begin_without_a_key_and_go_on_under_one(start_server, key):
    server = start_server({"listen": PLAIN, "limits": ROOMY, "log": {"chain": True}})
    log_in(server)
    server.stop()
    server.config["log"]["chain_key"] = {"file": key}
    server.write_config()
    server.start()
    log_in(server)
    server.stop()
    assert verify("--key", key, server.path("events.jsonl"))[0] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_the_key_may_be_closed_to_the_user_that_the_server_becomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jailed")
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid() and str(path).count("/") > 1:
            path.chmod(path.stat().st_mode | 0o055)
    key = make_key(folder / "log.key")      # of root, 0600
    server = Changing(folder / "server", {"listen": PLAIN, "limits": ROOMY, "server": {"user": "nobody"},
                                          "log": {"chain_key": {"file": key}}})
    for place, _, names in os.walk(server.directory):
        for name in (place, *(os.path.join(place, n) for n in names)):
            os.chown(name, 65534, 65534)
    with server:
        log_in(server)
        server.reload({"timeouts": {"ping": "20s"}})
        assert os.stat(end_of(server)).st_uid == 65534
    status, said = verify("--key", key, "--end", end_of(server), server.path("events.jsonl"))
    assert status == 0 and "ended in order" in said[0]


def test_a_key_that_is_none_is_refused_and_never_shown(tmp_path):
    (tmp_path / "weak").write_text("hunter2hunter2")
    (tmp_path / "weak").chmod(0o600)
    config = tmp_path / "g.yaml"
    for value in ("{file: weak}", "{file: none}", "hunter2hunter2", "{env: HUNTER}", "{}"):
        config.write_text("listen: [{address: '127.0.0.1:0'}]\nlog: {chain_key: %s}\n" % value)
        result = run_gateward("check", str(config))
        said = result.stdout + result.stderr
        assert result.returncode == 1 and ":2:" in said and "hunter2" not in said, said


def test_verify_log_understands_its_options(tmp_path, key):
    log = tmp_path / "log"
    log.write_text("")
    assert verify("--key", key, log)[0] == 0
    for arguments in (["--key", key], ["--end", log, log], ["--key", log, log], ["--key", key, "--end", tmp_path / "none", log],
                      ["--key", tmp_path / "none", log], ["--what", log]):
        assert verify(*arguments)[0] == 2, arguments
