# SPDX-License-Identifier: Apache-2.0
"""`gateward audit` of a configuration: each weak choice is found, at its line, and a sound file has no failure."""
import json
import re
import secrets

import certificates
import pytest
from talk import run_gateward

# The line of each key is what the cases below count on.
SOUND = """\
listen:
  - address: 127.0.0.1:0
    tls: {cert: server.crt, key: server.key}
origins: [https://example.com]
auth:
  jwt:
    - algorithms: [HS256]
      secret: {file: jwt.secret}
      issuer: https://id.example.com
      audience: gateward
channels:
  - {pattern: "public:chat"}
  - {pattern: "private:room-{room_id}", allow: [user]}
log: {events: stderr}
"""
IDS = ["tls", "origin", "login", "tokens", "channels", "messages", "rates", "size", "timeouts", "log", "mtls", "ping", "close",
       "random"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("audit")
    authority = certificates.Authority()
    authority.issue(path)
    for name in ("jwt.secret", "group.secret"):
        (path / name).write_text(secrets.token_hex(32))
        (path / name).chmod(0o600 if name == "jwt.secret" else 0o640)
    (path / "ca.crt").write_bytes(authority.pem())
    (path / "open.log").write_text("")
    (path / "open.log").chmod(0o666)
    return path


def audit(folder, text, name="c.yaml"):
    (folder / name).write_text(text)
    (folder / name).chmod(0o644)
    result = run_gateward("audit", "--json", name, cwd=str(folder))
    assert result.returncode in (0, 1), result.stderr
    report = json.loads(result.stdout)
    assert result.returncode == (1 if report["fail"] else 0)
    return report


def failures(report):
    """(point, line, text) of every failure."""
    return [(p["id"], f.get("line"), f["text"]) for p in report["points"] for f in p["findings"] if f["verdict"] == "fail"]


def changed(old, new):
    assert SOUND.count(old) == 1
    return SOUND.replace(old, new)


def test_a_sound_file_has_no_failure_and_all_points(folder):
    report = audit(folder, SOUND)
    assert failures(report) == [] and report["fail"] == 0
    assert report["kind"] == "config" and report["subject"] == "c.yaml" and report["left_out"] == 0
    assert [p["id"] for p in report["points"]] == IDS
    assert [p["number"] for p in report["points"]] == list(range(1, 15))
    verdicts = {p["id"]: p["verdict"] for p in report["points"]}
    assert {i for i in IDS if verdicts[i] == "unknown"} == {"messages", "mtls"}
    assert all(p["findings"] for p in report["points"])


# text of the file, the point, the line, words of the finding
WEAK = [
    (changed("    tls: {cert: server.crt, key: server.key}\n", "    insecure_plaintext: true\n").replace("127.0.0.1:0", "0.0.0.0:0")
     + "hosts: [example.com]\n", "tls", 3, "plaintext to the network"),
    (changed("    tls: {cert: server.crt, key: server.key}\n", "").replace("127.0.0.1:0", "0.0.0.0:0")
     + "insecure_plaintext: true\nhosts: [example.com]\n", "tls", 14, "plaintext to the network"),
    (changed("key: server.key}", "key: server.key,\n          min_version: \"1.2\"}"), "tls", 4, "TLS 1.2"),
    (changed("https://example.com]", "https://example.com,\n  \"null\"]"), "origin", 5, "`null`"),
    (changed("https://example.com]", "https://example.com,\n  \"https://*.example.com\"]"), "origin", 5, "every host of that name"),
    (changed("https://example.com]", "http://example.com]"), "origin", 4, "anyone on the way"),
    (changed("auth:\n", "auth:\n  sessions: {store: memory}\n  csrf: origin_only\n"), "origin", 7, "origin_only"),
    (SOUND + "routes:\n  - {path: /ws}\n  - path: /echo\n    serve: echo\n", "login", 18, "/echo serves anyone"),
    (changed("issuer: https://id.example.com", "issuer: null"), "tokens", 9, "who made a token"),
    (changed("audience: gateward", "audience: null"), "tokens", 10, "for another service"),
    (changed("auth:\n", "auth:\n  sessions:\n    cookie: sid\n    insecure_cookie_name: true\n"), "tokens", 8, "cookie sid"),
    (changed("auth:\n", "auth:\n  sessions:\n    absolute: 60d\n"), "tokens", 7, "auth.sessions.absolute"),
    (changed("\"public:chat\"", "\"{any}\""), "channels", 12, "a client makes up"),
    (changed("{pattern: \"public:chat\"}", "{pattern: \"public:chat\", needs: {publish: read}}"), "channels", 12, "may publish"),
    (SOUND + "roles: {guest: [read, write], user: [read, write]}\n", "channels", 15, "guest"),
    (SOUND + "messages:\n  a: {schema: {type: object}}\n  b: {publish: \"public:chat\"}\n", "messages", 17, "messages.b has no schema"),
    (SOUND + "messages:\n  a: {schema: {type: object}, mode: observe}\n", "messages", 16, "observe"),
    (SOUND + "limits:\n  messages:\n    per_minute: 1000000\n", "rates", 17, "limits.messages.per_minute"),
    (changed("    tls:", "    trusted_proxies:\n      - 10.0.0.0/8\n      - 128.0.0.0/1\n    tls:"), "rates", 5, "128.0.0.0/1 lets strangers"),
    (SOUND + "limits: {messages: {per_hour: 900000}}\n", "rates", 15, "limits.messages.per_hour"),
    (SOUND + "limits:\n  connections: {total: 100,\n    per_ip: 100}\n", "rates", 17, "all 100 connections"),
    (SOUND + "limits:\n  observe:\n    - messages\n", "rates", 16, "limits.observe: messages"),
    (SOUND + "limits:\n  message_size: 64MiB\n", "size", 16, "limits.message_size: 65536KiB"),
    (SOUND + "limits: {fragments: 1000000}\n", "size", 15, "limits.fragments"),
    (SOUND + "compression: {enabled: true, context_takeover: true}\n", "size", 15, "context_takeover"),
    (changed("auth:\n", "auth:\n  timeout: 5m\n"), "timeouts", 6, "auth.timeout: 300s"),
    (SOUND + "timeouts:\n  header: 10m\n", "timeouts", 16, "timeouts.header"),
    (SOUND + "limits: {assembly: 10m}\n", "timeouts", 15, "limits.assembly"),
    (changed("events: stderr", "events: off"), "log", 14, "no trace"),
    (changed("events: stderr", "events: ./open.log"), "log", 14, "mode 666"),
    (changed("key: server.key}", "key: server.key,\n      client_ca: ca.crt,\n      client_certificates: optional}"), "mtls", 5,
     "no client_crl"),
    (SOUND + "timeouts: {ping: 1h}\n", "ping", 15, "timeouts.ping: 3600s"),
    (SOUND + "server:\n  drain: 0s\n", "close", 16, "server.drain"),
    (changed("file: jwt.secret", "file: group.secret"), "random", 8, "group.secret can be read by others"),
]


@pytest.mark.parametrize("text, point, line, words", WEAK, ids=["%s-%s" % (w[1], w[3][:24]) for w in WEAK])
def test_a_weak_choice_is_named_with_its_line(folder, text, point, line, words):
    found = failures(audit(folder, text))
    assert [f for f in found if f[0] == point and f[1] == line and words in f[2]], found
    assert {f[0] for f in found} == {point}      # and nothing else is blamed


def test_types_with_schemas_pass(folder):
    report = audit(folder, SOUND + "messages:\n  a: {schema: {type: object}}\n")
    assert report["points"][5]["verdict"] == "pass" and report["points"][5]["findings"][1]["line"] == 16


def test_lines_are_right_in_a_file_of_one_line(folder):
    text = ('{listen: [{address: "127.0.0.1:0", tls: {cert: server.crt, key: server.key}}], '
            'auth: {jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: x}]}}\n')
    assert [(f[0], f[1]) for f in failures(audit(folder, text))] == [("tokens", 1)]


def test_plaintext_on_this_machine_is_not_known_to_be_safe(folder):
    report = audit(folder, changed("    tls: {cert: server.crt, key: server.key}\n", ""))
    assert report["points"][0]["verdict"] == "unknown" and report["points"][0]["findings"][0]["line"] == 2


@pytest.mark.parametrize("days, verdict", [(1, "fail"), (7, "note"), (30, None)])
def test_a_certificate_that_ends_soon_is_named(folder, days, verdict):
    certificates.Authority().issue(folder, "d%d" % days, days=days)
    text = changed("cert: server.crt, key: server.key", "cert: d%d.crt, key: d%d.key" % (days, days))
    found = [(f["verdict"], f["line"]) for f in audit(folder, text)["points"][0]["findings"] if "expires in" in f["text"]]
    assert found == ([(verdict, 3)] if verdict else [])


def test_a_file_that_others_can_change_fails(folder):
    (folder / "w.yaml").write_text(SOUND)
    (folder / "w.yaml").chmod(0o666)
    result = run_gateward("audit", "w.yaml", cwd=str(folder))
    assert result.returncode == 1 and "configuration itself can be changed by others (mode 666)" in result.stdout


def test_people_get_lines_and_no_colour_in_a_pipe(folder):
    (folder / "p.yaml").write_text(changed("audience: gateward", "audience: null"))
    (folder / "p.yaml").chmod(0o600)
    result = run_gateward("audit", "p.yaml", cwd=str(folder))
    assert result.returncode == 1 and "\x1b" not in result.stdout and result.stderr == ""
    assert re.search(r"^fail +4  secure token validation$", result.stdout, re.M)
    assert re.search(r"^ +fail +p\.yaml:10: audience: null", result.stdout, re.M)
    assert result.stdout.endswith("11 pass, 1 fail, 2 unknown\n")


def test_a_file_with_faults_is_told_as_check_does(folder):
    (folder / "bad.yaml").write_text(SOUND + "limts: {}\n")
    result = run_gateward("audit", "bad.yaml", cwd=str(folder))
    assert result.returncode == 2 and result.stdout == "" and "bad.yaml:15:1: unknown key `limts`" in result.stderr
    assert run_gateward("audit", "none.yaml", cwd=str(folder)).returncode == 2


def test_a_long_list_is_cut_but_not_its_verdict(folder):
    rules = "".join('  - {pattern: "c%d"}\n' % i for i in range(700)) + '  - {pattern: "{any}"}\n'
    report = audit(folder, changed('  - {pattern: "public:chat"}\n', rules))
    assert report["left_out"] > 100 and report["points"][4]["verdict"] == "fail"


def test_the_command_line(folder):
    assert run_gateward("audit").returncode == 2
    assert run_gateward("audit", "a", "b").returncode == 2
    assert run_gateward("audit", "--nonsense", "a").returncode == 2
    helped = run_gateward("audit", "--help")
    assert helped.returncode == 0 and "usage: gateward audit" in helped.stdout
