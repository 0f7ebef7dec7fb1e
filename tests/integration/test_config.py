# SPDX-License-Identifier: Apache-2.0
"""A configuration that is wrong: where, what, and what was meant; all of it at once, and before a port is opened."""
import os
import re
import secrets
import shutil
import socket

import pytest

import certificates
from gateward_server import ROOT, GatewardServer
from raw_client import RawWebSocket
from talk import ask, run_gateward

LISTEN = 'listen: [{address: "127.0.0.1:0"}]\n'
AUTH = 'auth: {jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: null}]}\n'
CHANNELS = 'channels: [{pattern: "public:chat"}]\n'
GOOD = LISTEN + AUTH + CHANNELS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with certificates and secrets of several kinds; write() puts a configuration there."""
    path = tmp_path_factory.mktemp("config")
    authority = certificates.Authority()
    for stem in ("server", "other"):
        authority.issue(path, stem)
    for name, text, mode in (("jwt.secret", secrets.token_hex(32), 0o600), ("short.secret", secrets.token_hex(32)[:31], 0o600),
                             ("open.secret", secrets.token_hex(32), 0o644), ("weak.secret", "a" * 64, 0o600)):
        (path / name).write_text(text)
        (path / name).chmod(mode)
    return path


def check(folder, text, command=("check",)):
    (folder / "c.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return run_gateward(*command, "c.yaml", cwd=str(folder))


def more(line):
    return GOOD + line + "\n"


def auth(old, new):
    assert old in AUTH
    return LISTEN + CHANNELS + AUTH.replace(old, new)


def channels(rules):
    return LISTEN + AUTH + "channels: [%s]\n" % rules


def listen(listener):
    return "listen: [{%s}]\n" % listener + AUTH + CHANNELS


# text of the file, place of the fault, words of the message
FAULTS = [
    # the form
    (more("limts: {}"), "4:1", "unknown key `limts` (did you mean `limits`?)"),
    (more("limits: {conections: {}}"), "4:10", "unknown key `conections` (did you mean `connections`?)"),
    (more("zzzzzz: 1"), "4:1", "unknown key `zzzzzz`"),
    (GOOD + CHANNELS, "4:1", "`channels` stands here a second time (first in line 3)"),
    (more("log: &x {}"), "4:6", "anchors"), (more("log: *x"), "4:6", "aliases"), (more("log: !!map {}"), "4:6", "tags"),
    (more("---\nlog: {}"), "4:1", "second document"), (more("log: ["), "5:1", "not YAML"), (more("\tlog: {}"), "4:1", "tab"),
    ("[]", "1:1", "made of `key: value` lines"), ("x", "1:1", "made of `key: value` lines"), ("", "1:1", "there is no listener"),
    (GOOD.encode() + b'log: "\xff"\n', "4:7", "not UTF-8"), (more("log: \0"), "4:6", "invisible character"),
    # values
    (more("limits: {message_size: 64kib}"), "4:24", "`64kib` is not a size: write 64KiB"),
    (more("limits: {message_size: 65GiB}"), "4:24", "65GiB is out of range: 16B to 64MiB"),
    (more("timeouts: {ping: 25}"), "4:18", "the unit is missing (did you mean `25s`?)"),
    (more("timeouts: {ping: 25 s}"), "4:18", "is not a time: write 500ms, 30s"),
    (more("timeouts: {ping: 2h}"), "4:18", "2h is out of range: 10ms to 1h"),
    (more("limits: {messages: {per_minute: -1}}"), "4:33", "`-1` is not a whole number"),
    (more("limits: {messages: {per_minute: 1e3}}"), "4:33", "`1e3` is not a whole number"),
    (more("limits: {messages: {per_minute: null}}"), "4:33", "must be a whole number, not nothing (null)"),
    (more("limits: {messages: {per_minute: 99999999999999999999}}"), "4:33", "`per_minute`"),
    (more("compression: {enabled: yes}"), "4:24", "(did you mean `true`?)"),
    (more("server: {workers: 65}"), "4:19", "65 is out of range: 1 to 64"),
    (more("log: {level: inof}"), "4:14", "(did you mean `info`?)"),
    (more("log: {events: stdrr}"), "4:15", "(did you mean `stderr`?)"),
    (more("log: {events: no/such/folder/x}"), "4:15", "there is no folder no/such/folder/"),
    (more("limits: {queue: {size: 1KiB}}"), "4:24", "room for one message"),
    (more("server: {user: no-such-user}"), "4:16", "no user `no-such-user`"),
    # listeners
    (AUTH + CHANNELS, "1:1", "there is no listener here. The smallest file that works:"),
    ("listen: []\n" + AUTH + CHANNELS, "1:9", "names no listener"),
    (listen("address: \"example.com:1\""), "1:20", "must be an IP address"),
    (listen("address: 127.0.0.1"), "1:20", "HOST:PORT"), (listen('address: "127.0.0.1:65536"'), "1:20", "HOST:PORT"),
    (listen('address: "0.0.0.0:8443"'), "1:20", "without `tls`"), (listen('address: "[::]:8443"'), "1:20", "insecure_plaintext: true"),
    (listen('adress: "127.0.0.1:0"'), "1:11", "(did you mean `address`?)"),
    (listen('address: "127.0.0.1:0", tls: {cert: none.crt, key: server.key}'), "1:47", "cannot read none.crt"),
    (listen('address: "127.0.0.1:0", tls: {cert: server.crt, key: other.key}'), "1:47", "other.key"),
    (listen('address: "127.0.0.1:0", tls: {cert: server.crt}'), "1:35", "both `cert` and `key`"),
    (listen('address: "127.0.0.1:0", tls: {cert: server.crt, key: server.key, min_version: 1.1}'), "1:89", "1.3 or 1.2"),
    # credentials
    (auth("HS256", "none"), "3:28", "`none` would accept tokens that nobody signed"),
    (auth("HS256", "HS265"), "3:28", "(did you mean `HS256`?)"),
    (auth(", issuer: null", ""), "3:14", "`issuer` is missing: a name, or null"),
    (auth(", audience: null", ""), "3:14", "`audience` is missing"),
    (auth("{file: jwt.secret}", "hunter2hunter2hunter2hunter2hunter2"), "3:44", "does not stand in the configuration"),
    (auth("jwt.secret", "short.secret"), "3:44", "31 bytes and needs at least 32"),
    (auth("jwt.secret", "open.secret"), "3:44", "open to every user of this machine (mode 0644)"),
    (auth("jwt.secret", "weak.secret"), "3:44", "repeats itself"), (auth("jwt.secret", "none.secret"), "3:44", "none.secret"),
    (auth("{file: jwt.secret}", "{env: NO_SUCH_THING}"), "3:44", "NO_SUCH_THING is not set"),
    (auth("{file: jwt.secret}", "{file: jwt.secret, env: X}"), "3:44", "either from {file: NAME} or from {env: NAME}"),
    (auth("{file: jwt.secret}", "[{file: jwt.secret}, {file: jwt.secret}]"), "3:44", "both secrets are the same"),
    # access
    (channels('{pattern: "a b"}'), "3:22", "no channel pattern"), (channels('{pattern: "a:{x"}'), "3:22", "a { without its }"),
    (channels('{pattern: "{user_id}{x}"}'), "3:22", "two variables in one segment"),
    (channels('{pattern: "a"}, {pattern: "a"}'), "3:38", "a second time"),
    (channels('{pattern: "a", allow: [usr]}'), "3:35", "there is no role `usr` (did you mean `user`?)"),
    (channels('{pattern: "a", deny: [guset]}'), "3:34", "(did you mean `guest`?)"),
    (channels('{pattern: "a", needs: {publish: wirte}}'), "3:44", "(did you mean `write`?)"),
    (channels("{allow: [user]}"), "3:12", "needs a `pattern`"), (channels('{pattern: "a", deny: user}'), "3:33", "must be a list"),
    (more("roles: {guest: [raed]}"), "4:17", "(did you mean `read`?)"), (more('roles: {"a b": [read]}'), "4:9", "no name for a role"),
    # the door
    (more("origins: [example.com]"), "4:11", "scheme://host"), (more('origins: ["*"]'), "4:11", "every page on the web"),
    (more('origins: ["https://*"]'), "4:11", "no origin"), (more('origins: ["https://a.*.com"]'), "4:11", "no origin"),
    (more('origins: ["https://example.com/"]'), "4:11", "no trailing slash"), (more('hosts: ["a/b"]'), "4:9", "no host name"),
    (more("routes: [{path: ws}]"), "4:17", "begins with /"), (more("routes: [{path: /a}, {path: /a}]"), "4:29", "two routes"),
    (more("routes: [{path: /a, serve: ecco}]"), "4:28", "(did you mean `echo`?)"),
    # what belongs to the format, but not to this version
    (auth("HS256", "RS256"), "3:14", "`secret` goes with HS256, HS384 and HS512 only"),
    (more("messages: [a]"), "4:11", "`messages` must name types and what they must be"),
    (more("internal: {keys: []}"), "4:1", "`internal` needs an `address`"),
    (more("internal: {address: 192.0.2.1:9443}"), "4:21", "must be on a loopback"),
    (more("routes: [{path: /a, guard: ws://127.0.0.1:1}]"), "4:21", "`guard` is not available in this version"),
    (auth("secret: {file: jwt.secret}", "jwks_url: https://a.example/b"), "3:14", "HS256, HS384 and HS512 take a `secret`"),
    (auth("auth: {", "auth: {sessions: {store: disk}, "), "3:26", "`disk` is not one of the choices: memory, sqlite or redis"),
    (auth("auth: {", "auth: {oauth2: {introspection_url: http://id.example/i, client_id: a, client_secret: {file: jwt.secret}, "
          "issuer: null, audience: null}, "), "3:36", "must begin with https://"),
    (auth("auth: {", "auth: {hook: {}, "), "3:14", "`url` is missing"),
    (auth("auth: {", "auth: {csrf: off, "), "3:14", "`off` is not one of the choices: required_for_cookies"),
    (listen('address: "127.0.0.1:0", trusted_proxies: [10.0.0.1/8]'), "1:53", "`10.0.0.1/8` is no network"),
    (listen('address: "127.0.0.1:0", proxy_protocol: true'), "1:51", "`proxy_protocol` needs `trusted_proxies`"),
    (listen('address: "127.0.0.1:0", tls: {cert: server.crt, key: server.key, client_certificates: required}'), "1:40",
     "`client_certificates` needs `client_ca`"),
]


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_a_fault_is_told_with_its_place_and_what_was_meant(folder, number):
    text, place, words = FAULTS[number]
    result = check(folder, text)
    assert result.returncode == 1 and not result.stdout
    lines = [line for line in result.stderr.splitlines() if line.startswith("c.yaml:%s: " % place)]
    assert any(words in line for line in lines), result.stderr
    assert not re.search(r"[^\n\x20-\x7e]", result.stderr) and "hunter2" not in result.stderr


def test_what_belongs_to_later_versions_may_say_that_it_is_not_wanted(folder):
    assert check(folder, auth("auth: {", "auth: {csrf: required_for_cookies, client_certificates: [], ")).returncode == 0
    assert check(folder, listen('address: "127.0.0.1:0", trusted_proxies: [], proxy_protocol: false')).returncode == 0


def test_nobody_to_log_in_is_an_error_with_an_example(folder):
    for text in (LISTEN + CHANNELS, LISTEN + CHANNELS + "auth: {jwt: []}\n", LISTEN + CHANNELS + "auth: {timeout: 5s}\n"):
        result = check(folder, text)
        assert result.returncode == 1 and "nobody could log in" in result.stderr and "secret: {file: jwt.secret}" in result.stderr


def test_all_faults_are_told_at_once_in_the_order_of_the_file(folder):
    text = ("limts: {}\n" + listen('adress: "127.0.0.1:0", tls: {crt: x}') + "timeouts: {pig: 1s, pong: 1}\nlog: {level: x}\n"
            "origins: [a, \"*\"]\nroles: {guest: [raed]}\n")
    result = check(folder, text)
    assert result.returncode == 1
    places = [tuple(map(int, m)) for m in re.findall(r"^c\.yaml:(\d+):(\d+): ", result.stderr, re.M)]
    assert {line for line, _ in places} >= {1, 2, 5, 6, 7, 8} and len(places) >= 9
    assert places == sorted(places)


def test_a_thousand_faults_do_not_fill_the_screen(folder):
    result = check(folder, GOOD + "".join("key%d: 1\n" % i for i in range(1000)))
    assert result.returncode == 1 and 10 <= result.stderr.count("\n") <= 200


def test_serve_says_the_same_and_opens_no_port(folder):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))        # were it tried, the address would be what is complained about
    taken.listen()
    text = LISTEN.replace(":0", ":%d" % taken.getsockname()[1]) + AUTH + CHANNELS
    for number in (0, 15, len(FAULTS) - 9):
        wrong = text + FAULTS[number][0].split(CHANNELS)[-1]
        checked, served = check(folder, wrong), check(folder, wrong, ("serve", "-c"))
        assert served.returncode == checked.returncode == 1 and served.stderr == checked.stderr
        assert "in use" not in served.stderr and "listening" not in served.stderr
    taken.close()


def test_check_opens_no_port_and_leaves_nothing_behind(folder):
    before = sorted(os.listdir(folder))
    result = check(folder, GOOD + "log: {events: ./fresh.log}\n")
    assert result.returncode == 0 and sorted(set(os.listdir(folder)) - {"c.yaml"}) == sorted(set(before) - {"c.yaml"})


# --- the shipped examples

EXAMPLES = sorted(n for n in os.listdir(os.path.join(ROOT, "examples")) if n.endswith(".yaml"))


def write_keys(folder, text):
    """The keys of an internal API that an example speaks of."""
    for key in re.findall(r"secret: \{file: (\w+\.key)\}", text):
        (folder / key).write_text(secrets.token_urlsafe(48))
        (folder / key).chmod(0o600)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_passes_check_with_its_files_beside_it(tmp_path, name):
    authority = certificates.Authority()
    authority.issue(tmp_path, names=("chat.example.com", "localhost"))
    (tmp_path / "jwt.secret").write_text(secrets.token_urlsafe(48))
    (tmp_path / "jwt.secret").chmod(0o600)
    shutil.copy(os.path.join(ROOT, "examples", name), tmp_path)
    write_keys(tmp_path, (tmp_path / name).read_text())
    result = run_gateward("check", name, cwd=str(tmp_path))
    assert result.returncode == 0 and not result.stderr, result.stderr
    assert result.stdout.startswith(name + ": ok\n")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_served_and_lets_a_user_in(tmp_path, name):
    """As it stands, but for the port."""
    with open(os.path.join(ROOT, "examples", name)) as f:
        text = re.sub(r"address: (0\.0\.0\.0|127\.0\.0\.1):\d+", "address: 127.0.0.1:0", f.read())
    assert "127.0.0.1:0" in text
    server = GatewardServer(tmp_path, text=text)
    write_keys(tmp_path, text)
    issuer = re.search(r"^ +issuer: (https?://\S+)", text, re.M)
    audience = re.search(r"^ +audience: (\w+)", text, re.M)
    claims = {"iss": issuer[1], "aud": audience[1]} if issuer else {}
    with server:
        with RawWebSocket.login(server, token=server.token(**claims)) as ws:
            assert ask(ws, {"type": "ping"}) == {"type": "pong"}


def test_there_are_the_examples_that_the_documents_speak_of():
    assert {"minimal.yaml", "guide.yaml", "chat.yaml"} <= set(EXAMPLES)
