# SPDX-License-Identifier: Apache-2.0
"""The commands that need no running server: check, token, explain, and the command line itself."""
import base64
import json
import os
import re
import secrets
import subprocess

import certificates
import pytest
from gateward_server import ROOT, SANITIZER, SANITIZER_ENV, binary_path

MINIMAL = """listen: [{address: "127.0.0.1:0"}]
auth: {jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: null}]}
channels:
  - {pattern: "public:chat"}
  - {pattern: "chat:mod-only", allow: [moderator, admin], deny: [guest]}
  - {pattern: "user:{user_id}:messages"}
"""


class Folder:
    """A folder with a secret and certificates, and gateward run in it."""

    def __init__(self, path):
        self.path = str(path)
        self.authority = certificates.Authority()
        self.authority.issue(self.path)
        self.secret = secrets.token_hex(32)
        self.write("jwt.secret", self.secret)
        self.write("good.yaml", MINIMAL)

    def file(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text):
        with open(os.open(self.file(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)

    def run(self, *arguments, cwd=None, **environment):
        result = subprocess.run([binary_path(), *arguments], cwd=cwd or self.path, capture_output=True, text=True,
                                timeout=60, stdin=subprocess.DEVNULL, env={**os.environ, **SANITIZER_ENV, **environment})
        assert not SANITIZER.search(result.stderr), result.stderr
        return result

    def check(self, text):
        self.write("checked.yaml", text)
        return self.run("check", "checked.yaml")


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


# --- the command line

def test_help_and_version_go_to_stdout(folder):
    result = folder.run("--help")
    assert result.returncode == 0 and result.stdout.startswith("usage: gateward COMMAND") and not result.stderr
    for command in ("serve", "dev", "check", "token", "explain"):
        assert re.search(r"^  %s " % command, result.stdout, re.M)
        help_text = folder.run(command, "--help")
        assert help_text.returncode == 0 and help_text.stdout.startswith("usage: gateward " + command), command
        wrong = folder.run(command, "--no-such-option")
        assert wrong.returncode == 2 and wrong.stderr and not wrong.stdout, command
    result = folder.run("--version")
    assert result.returncode == 0 and re.fullmatch(r"gateward \d+\.\d+\.\d+\n", result.stdout)


def test_unknown_command_is_a_usage_error_with_a_suggestion(folder):
    result = folder.run("chekc", "x")
    assert result.returncode == 2 and "did you mean `check`?" in result.stderr
    assert folder.run("\x1b[31m").stderr.count("\x1b") == 0
    assert folder.run().returncode == 2


# --- check

def test_check_says_ok_and_shows_what_the_file_says(folder):
    result = folder.run("check", "good.yaml")
    assert result.returncode == 0 and not result.stderr
    assert result.stdout.startswith("good.yaml: ok\n")
    for line in ("listener  127.0.0.1:0  plaintext", "route     /ws  channels", "host      localhost", "channel   public:chat",
                 "warning: no origins", "warning: auth.jwt[0] does not check who issued a token"):
        assert line in result.stdout


def test_check_prints_every_fault_with_its_place(folder):
    result = folder.check(MINIMAL + "limts: {}\nlog: {level: loud}\n")
    assert result.returncode == 1 and not result.stdout
    lines = result.stderr.splitlines()
    assert lines[0] == "checked.yaml:7:1: unknown key `limts` (did you mean `limits`?)"
    assert lines[1].startswith("checked.yaml:8:14: `level`: `loud` is not one of the choices")
    assert len(lines) == 2


def test_check_of_a_missing_file_and_of_no_file(folder):
    result = folder.run("check", "none.yaml")
    assert result.returncode == 1 and result.stderr == "none.yaml: cannot be read: No such file or directory\n"
    assert folder.run("check").returncode == 2
    assert folder.run("check", "a", "b").returncode == 2
    assert folder.run("check", ".").returncode == 1


def test_check_finds_files_beside_the_configuration(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert folder.run("check", "../good.yaml", cwd=str(elsewhere)).returncode == 0
    assert folder.run("check", folder.file("good.yaml"), cwd="/").returncode == 0


def test_check_refuses_an_expired_certificate(folder):
    folder.authority.issue(folder.path, "expired", days=-1)
    result = folder.check('listen: [{address: "127.0.0.1:0", tls: {cert: expired.crt, key: expired.key}}]\n'
                          + MINIMAL.split("\n", 1)[1])
    assert result.returncode == 1 and "checked.yaml:1:47:" in result.stderr and "expired" in result.stderr


def test_check_warns_of_a_certificate_that_ends_soon_and_of_wildcards(folder):
    result = folder.check('listen: [{address: "127.0.0.1:0", tls: {cert: server.crt, key: server.key, min_version: 1.2}}]\n'
                          'origins: ["https://*.example.com", http://a.example, "null"]\n' + MINIMAL.split("\n", 1)[1])
    assert result.returncode == 0, result.stderr
    assert re.search("expires in [67] days", result.stdout) and "still speaks TLS 1.2" in result.stdout
    assert "trusts every host of that name" in result.stdout and "anyone on the way can change" in result.stdout
    assert "origin null" in result.stdout


def test_serve_refuses_a_bad_file_with_the_same_words(folder):
    folder.write("bad.yaml", MINIMAL + "colour: red\n")
    served, checked = folder.run("serve", "-c", "bad.yaml"), folder.run("check", "bad.yaml")
    assert served.returncode == 1 and served.stderr == checked.stderr


def test_keys_are_the_page_in_docs(folder):
    result = folder.run("check", "--keys")
    assert result.returncode == 0
    with open(os.path.join(ROOT, "docs", "config.md")) as f:
        assert f.read() == result.stdout


# --- token

def claims(token):
    part = token.strip().split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_token_prints_a_token_alone(folder):
    result = folder.run("token", "--config", "good.yaml", "--sub", "alice", "--roles", "user,moderator", "--ttl", "15m")
    assert result.returncode == 0, result.stderr
    assert not result.stderr and re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", result.stdout)
    body = claims(result.stdout)
    assert body["sub"] == "alice" and body["exp"] - body["iat"] == 900
    roles = body["roles"] if isinstance(body["roles"], list) else body["roles"].split()
    assert sorted(roles) == ["moderator", "user"]
    import jwt
    jwt.decode(result.stdout.strip(), folder.secret, algorithms=["HS256"])


def test_token_carries_the_issuer_and_audience_of_its_row(folder):
    row = "{algorithms: [HS256], secret: {env: %s}, issuer: %s, audience: gw, kid: k1}"
    folder.write("two.yaml", 'listen: [{address: "127.0.0.1:0"}]\nauth:\n  jwt:\n    - %s\n    - %s\n'
                 % (row % ("SECRET_A", "one"), row % ("SECRET_B", "two")))
    arguments = ("token", "--config", "two.yaml", "--sub", "a", "--roles", "user", "--issuer-index")
    environment = {"SECRET_A": secrets.token_hex(32), "SECRET_B": secrets.token_hex(32)}
    result = folder.run(*arguments, "1", **environment)
    assert result.returncode == 0, result.stderr
    assert claims(result.stdout)["iss"] == "two" and claims(result.stdout)["aud"] in ("gw", ["gw"])
    result = folder.run(*arguments, "2", **environment)
    assert result.returncode == 2 and "2 rows" in result.stderr and not result.stdout
    result = folder.run(*arguments, "1")
    assert result.returncode == 1 and "SECRET_A is not set" in result.stderr


@pytest.mark.parametrize("changes, says", [
    ({"--sub": "a b"}, "--sub must be"), ({"--sub": ""}, "--sub must be"), ({"--sub": "x" * 65}, "--sub must be"),
    ({"--roles": "usr"}, "did you mean `user`?"), ({"--roles": ""}, "names no role"), ({"--roles": ","}, "names no role"),
    ({"--ttl": "0s"}, "--ttl must be"), ({"--ttl": "60"}, "--ttl must be"), ({"--ttl": "367d"}, "--ttl must be"),
    ({"--ttl": "-1s"}, "--ttl must be"), ({"--ttl": "99999999999999999999d"}, "--ttl must be"),
    ({"--issuer-index": "1"}, "1 rows"), ({"--issuer-index": "x"}, "--issuer-index must be"),
])
def test_token_refuses_what_no_server_would_take(folder, changes, says):
    arguments = {"--config": "good.yaml", "--sub": "alice", "--roles": "user", **changes}
    result = folder.run("token", *[word for pair in arguments.items() for word in pair])
    assert result.returncode == 2 and says in result.stderr and not result.stdout


def test_token_needs_its_arguments_and_a_good_file(folder):
    assert folder.run("token", "--config", "good.yaml").returncode == 2
    assert folder.run("token", "--config", "good.yaml", "--sub", "a", "--roles", "user", "extra").returncode == 2
    result = folder.run("token", "--config", "none.yaml", "--sub", "a", "--roles", "user")
    assert result.returncode == 1 and not result.stdout


# --- explain

@pytest.mark.parametrize("user, roles, channel, action, code", [
    ("alice", "user", "public:chat", "publish", 0),
    ("alice", "guest", "public:chat", "publish", 1),
    ("alice", "guest", "public:chat", "subscribe", 0),
    ("alice", "user", "chat:mod-only", "subscribe", 1),
    ("alice", "moderator", "chat:mod-only", "subscribe", 0),
    ("alice", "moderator,guest", "chat:mod-only", "subscribe", 1),
    ("alice", "user", "user:alice:messages", "subscribe", 0),
    ("alice", "admin", "user:bob:messages", "subscribe", 1),
    ("alice", "admin", "nowhere", "subscribe", 1),
    ("alice", "admin", "not a channel", "subscribe", 1),
    ("a b", "user", "public:chat", "subscribe", 2),
    ("alice", "nobody", "public:chat", "subscribe", 2),
    ("alice", "user", "public:chat", "delete", 2),
])
def test_explain_answers_with_its_exit_code_and_a_sentence(folder, user, roles, channel, action, code):
    result = folder.run("explain", "--config", "good.yaml", "--user", user, "--roles", roles, "--channel", channel,
                        "--action", action)
    assert result.returncode == code, result.stdout + result.stderr
    if code == 2:
        assert result.stderr and not result.stdout
    else:
        assert not result.stderr and result.stdout.count("\n") == 1
        assert ("allowed" in result.stdout) if code == 0 else len(result.stdout) > 20


def test_explain_names_the_rule_and_its_line(folder):
    result = folder.run("explain", "--config", "good.yaml", "--user", "alice", "--roles", "user", "--channel", "chat:mod-only",
                        "--action", "publish")
    assert "channels[1]" in result.stdout and "line 5" in result.stdout
