# SPDX-License-Identifier: Apache-2.0
"""Who carries the records after the handshake is nothing a client can see: OpenSSL, GnuTLS, Python, curl and Node, with our records
and with OpenSSL's; and the server says who it is."""
import os
import re
import socket
import ssl
import subprocess
import time

import pytest

from attack_tools import ROOMY
from gateward_server import Changing, GatewardServer
from internal_api import InternalApi, internal_config
from raw_client import OP_BINARY, OP_TEXT, RawConnection, RawWebSocket, encode_frame, http_request

SUITES = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
RECORDS = {"auto": "own", "openssl": "openssl"}
ECHO = http_request(path="/echo")


def listen(records, **more):
    return [{"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key", "records": records, **more}}]


@pytest.fixture(scope="module", params=RECORDS)
def house(request, tmp_path_factory):
    config = {"limits": ROOMY, "listen": listen(request.param), "routes": [{"path": "/ws"}, {"path": "/echo", "serve": "echo"}]}
    with GatewardServer(tmp_path_factory.mktemp("records"), config) as server:
        server.records = RECORDS[request.param]
        yield server


def carried(server, port):
    return server.wait_for_event("connection_open", port=port)["tls_records"]


def talk(ws, size):
    data = os.urandom(size)
    ws.send_frame(OP_BINARY, data)
    frame = ws.recv_frame(timeout=20)
    assert frame.opcode == OP_BINARY and frame.payload == data


# --- Python

def test_python_echoes_one_byte_to_300_kilobytes(house):
    context = house.ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    with RawWebSocket.open(house, path="/echo", context=context) as ws:
        assert carried(house, ws.local_port) == house.records
        assert ws.sock.version() == "TLSv1.3" and ws.sock.selected_alpn_protocol() == "http/1.1"
        for size in (0, 1, 2, 125, 126, 1000, 16360, 16362, 16384, 16385, 32768, 65536, 300000):
            talk(ws, size)
        ws.send_close()
        ws.recv_close()
        assert ws.sock.recv(1) == b""         # close_notify; without it Python raises SSLEOFError
        ws.sock.unwrap()


def test_both_ends_are_said(house):
    with RawConnection.open(house) as connection:
        connection.send(http_request(path="/nope"))
        assert b" 404 " in connection.recv_until(b"\r\n\r\n")
        connection.recv_rest()
        connection.sock.unwrap().close()


def test_sessions_are_resumed_in_a_chain(house):
    context, session = house.ssl_context(), None
    for turn in range(4):
        with socket.create_connection((house.host, house.port)) as sock:
            with context.wrap_socket(sock, server_hostname="localhost", session=session) as tls:
                assert tls.session_reused == (turn > 0)
                ws = RawConnection(tls)
                ws.send(ECHO)
                assert b" 101 " in ws.recv_until(b"\r\n\r\n")
                session = tls.session
                assert carried(house, tls.getsockname()[1]) == house.records


# --- openssl

def s_client(server, steps, *arguments):
    process = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % server.port, "-servername", "localhost",
                                "-CAfile", server.path("ca.crt"), "-verify_return_error", *arguments],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for step in steps:
        time.sleep(0.3)
        process.stdin.write(step)
        process.stdin.flush()
    time.sleep(0.3)
    return process.communicate(timeout=20)[0].decode("latin-1")


@pytest.mark.parametrize("suite", SUITES)
def test_s_client_updates_its_keys_and_asks_for_ours(house, suite):
    text = encode_frame(OP_TEXT, b"between the keys")
    said = s_client(house, [ECHO, b"K\n", text, b"k\n", text, b"K\n", b"K\n", text], "-ciphersuites", suite)
    assert "Cipher is " + suite in said and " 101 " in said
    assert said.count("between the keys") == 3, said
    assert said.count("KEYUPDATE") >= 4


def test_s_client_asks_for_small_records_and_for_a_group_again(house):
    said = s_client(house, [ECHO, encode_frame(OP_TEXT, b"z" * 5000)], "-maxfraglen", "512", "-groups", "X448:X25519")
    assert " 101 " in said and said.count("z" * 400) >= 5


def test_s_client_resumes_three_times(house, tmp_path):
    kept = str(tmp_path / "session")
    for turn in range(4):
        said = s_client(house, [ECHO, encode_frame(OP_TEXT, b"again")], "-sess_out", kept, *(["-sess_in", kept] if turn else []))
        assert ("Reused, " if turn else "New, ") in said and "again" in said


# --- others

@pytest.mark.parametrize("priority", ["AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"])
def test_gnutls(house, priority):
    process = subprocess.Popen(["gnutls-cli", "--port", str(house.port), "--x509cafile", house.path("ca.crt"), "--alpn", "http/1.1",
                                "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+" + priority, "localhost"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for step in (ECHO, encode_frame(OP_TEXT, b"hello, GnuTLS")):
        time.sleep(0.5)
        process.stdin.write(step)
        process.stdin.flush()
    time.sleep(0.5)
    said = process.communicate(timeout=20)[0].decode("latin-1")
    assert priority in said and " 101 " in said and "hello, GnuTLS" in said, said


@pytest.mark.parametrize("suite", SUITES)
def test_curl_asks_twice_on_one_connection_or_two(house, suite):
    url = "https://localhost:%d/nope" % house.port
    done = subprocess.run(["curl", "-sS", "--tlsv1.3", "--tls13-ciphers", suite, "--cacert", house.path("ca.crt"), "-w", "%{http_code}\n",
                           "-o", "/dev/null", url, "-o", "/dev/null", url], capture_output=True, timeout=20)
    assert done.stdout.split() == [b"404", b"404"], done


NODE = r"""
const tls = require("tls"), fs = require("fs");
const socket = tls.connect({port: Number(process.argv[1]), host: "localhost", servername: "localhost",
                            ca: fs.readFileSync(process.argv[2]), minVersion: "TLSv1.3"});
const input = Buffer.from(process.argv[3], "hex");
let said = Buffer.alloc(0);
socket.on("secureConnect", () => socket.write(input));
socket.on("data", (data) => {
    said = Buffer.concat([said, data]);
    if (said.includes("hello, Node")) { console.log(said.toString("latin1")); socket.end(); }
});
"""


def test_node(house):
    data = ECHO + encode_frame(OP_TEXT, b"hello, Node")
    done = subprocess.run(["node", "-e", NODE, str(house.port), house.path("ca.crt"), data.hex()], capture_output=True, timeout=30)
    assert b" 101 " in done.stdout and b"hello, Node" in done.stdout, done


# --- who it is

def test_metrics_and_events_say_who_carries_them(start_server, tmp_path):
    server = start_server(internal_config(tmp_path, 1, listen=listen("auto", min_version="1.2"), limits=ROOMY))
    server.api = InternalApi(server)
    old = server.ssl_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2

    def counted():
        status, text = server.api.get("/metrics")
        assert status == 200
        values = re.findall(r'^gateward_tls_(connections|records_total)\{\w+="(\w+)"\} (\d+)$', text, re.M)
        return {(family, word): int(count) for family, word, count in values if int(count)}

    with RawWebSocket.login(server) as new, RawWebSocket.login(server, context=old) as older:
        assert carried(server, new.local_port) == "own"
        assert carried(server, older.local_port) == "openssl"
        assert counted() == {("connections", "own"): 1, ("connections", "openssl"): 1, ("records_total", "own"): 1,
                             ("records_total", "version"): 1}


def test_a_reload_changes_it_for_new_connections(tmp_path):
    with Changing(tmp_path, {"limits": ROOMY, "listen": listen("auto")}) as server, RawWebSocket.login(server) as first:
        assert carried(server, first.local_port) == "own"
        server.reload({"listen": listen("openssl")})
        with RawWebSocket.login(server) as second:
            assert carried(server, second.local_port) == "openssl"
            for ws in (first, second):
                ws.send_json({"type": "ping"})
                assert ws.recv_json() == {"type": "pong"}
