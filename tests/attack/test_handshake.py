# SPDX-License-Identifier: Apache-2.0
"""The opening handshake under attack: the status table row by row, request smuggling, and whatever comes in odd pieces."""
import signal
import time

import pytest

from attack_tools import PIPELINED, PLAIN, ROOMY, ask, closed_with, refused, send_all, still_serves
from gateward_server import GatewardServer
from raw_client import (OP_BINARY, OP_TEXT, RawConnection, RawWebSocket, SAMPLE_KEY, encode_frame, http_request,
                        read_response)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("tls"), {"limits": ROOMY}) as running:
        yield running


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("plain"), {"listen": PLAIN, "limits": ROOMY}) as running:
        yield running


def accepted(server, data, **kwargs):
    with RawConnection.open(server, **kwargs) as c:
        c.send(data)
        response = read_response(c)
        assert response.status == 101, (response.status, response.body)
        return response


# --- the right way

def test_a_right_handshake_gets_101_and_the_accept_value_of_the_rfc(server):
    response = accepted(server, http_request(key=SAMPLE_KEY))
    assert response.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert response.headers["upgrade"].lower() == "websocket"
    assert response.headers["connection"].lower() == "upgrade"
    assert "sec-websocket-protocol" not in response.headers
    assert "sec-websocket-extensions" not in response.headers
    assert "server" not in response.headers


@pytest.mark.parametrize("drop,extra", [
    (("Connection",), [("Connection", "keep-alive, Upgrade")]),
    (("Upgrade",), [("Upgrade", "WebSocket")]),
    (("Connection",), [("connection", "uPGRADE")]),
    (("Sec-WebSocket-Key",), [("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC==")]),
    ((), [("Content-Length", "0")]),
    ((), [("X-Unknown", "caf\xe9")]),
    ((), [("Transfer_Encoding", "chunked"), ("Content_Length", "5")]),
])
def test_what_the_rfc_allows_is_accepted(server, drop, extra):
    accepted(server, http_request(drop=drop, headers=extra))


def test_absolute_form_is_accepted_when_it_names_the_same_host(server):
    accepted(server, http_request(path="https://localhost/ws"))
    accepted(server, http_request(path="HTTP://LOCALHOST/ws?a=b"))


# --- the status table

def test_st01_malformed_is_400(server):
    refused(server, b"GET /ws\r\n\r\n", 400, code="bad_request")


@pytest.mark.parametrize("name,values,code", [
    ("Host", ("localhost", "localhost"), "host_invalid"),
    ("Origin", ("https://app.example.com",) * 2, "bad_request"),
    ("Sec-WebSocket-Key", (SAMPLE_KEY, SAMPLE_KEY), "ws_key"),
    ("Sec-WebSocket-Version", ("13", "13"), "bad_request"),
    ("Authorization", ("Bearer a", "Bearer a"), "credentials_repeated"),
])
def test_st01_duplicates_are_400(server, name, values, code):
    refused(server, http_request(drop=[name], headers=[(name, v) for v in values]), 400, code=code)


@pytest.mark.parametrize("host", ["", "local host", "localhost:", "localhost:0", "localhost:65536", "localhost:+443",
                                  "local_host", "localhost.", "user@localhost", "localhost/ws", "[::1", "::1",
                                  "2130706433", "0x7f.1", "localhost%00"])
def test_st01_an_invalid_host_is_400(server, host):
    refused(server, http_request(host=host), 400, code="host_invalid")


def test_st01_no_host_is_400(server):
    refused(server, http_request(drop=["Host"]), 400, code="host_invalid")


@pytest.mark.parametrize("key", ["", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZ!==",
                                 "dGhlIHNhbXBsZSBub25jZQAA", "A" * 24, "A" * 4000, "dGhlIHNhbXBsZSBub25jZQ==,",
                                 "dGhlIHNhbXBsZ-Bub25jZQ=="], ids=range(9))
def test_st01_a_bad_key_is_400(server, key):
    refused(server, http_request(key=key), 400, code="ws_key")
    refused(server, http_request(drop=["Sec-WebSocket-Key"], headers=[("Sec_WebSocket_Key", SAMPLE_KEY)]), 400, code="ws_key")


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi", "bearer  a.b.c", "",
                                           "Bearer a b", "Bearer " + "." * 8000], ids=range(8))
def test_st02_bad_credentials_are_401(server, authorization):
    answer = refused(server, http_request(headers=[("Authorization", authorization)]), 401, "auth_failed", "invalid_token")
    assert answer.response.headers["www-authenticate"].startswith("Bearer ")


def test_st02_good_credentials_are_welcome(server):
    with RawWebSocket.open(server, headers=[("Authorization", "Bearer " + server.token("alice"))]) as ws:
        assert ws.recv_json()["user"] == "alice"


def test_st03_a_foreign_origin_is_403(server):
    refused(server, http_request(headers=[("Origin", "https://evil.example")]), 403, "origin_refused", "origin_not_allowed")
    accepted(server, http_request(headers=[("Origin", "https://app.example.com")]))


@pytest.mark.parametrize("path", ["/", "/nope", "/ws/", "/WS", "//ws", "/./ws", "/a/../ws", "/%77s", "/ws%00", "/ws;a=b"])
def test_st04_an_unknown_path_is_404(server, path):
    refused(server, http_request(path=path), 404, code="not_found")
    accepted(server, http_request(path="/ws?x=/nope"))


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "get", "OPTIONS", "GETT", "PROPFIND"])
def test_st05_another_method_is_405_with_allow(server, method):
    answer = refused(server, http_request(method=method), 405, code="method_not_allowed")
    assert answer.response.headers["allow"] == "GET"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"])
def test_bodies_that_nobody_asked_for_end_in_a_refusal(server, method):
    """C-B5: also a body that is announced and never comes."""
    for path in ("/", "/ws", "/ws?a=b", "/ticket", "/csrf", "/healthz", "/nope"):
        for body in ([], [("Content-Length", "0")], [("Content-Length", "5")], [("Transfer-Encoding", "chunked")]):
            for drop in ((), ("Upgrade", "Connection")):
                if method == "GET" and path.startswith("/ws") and not drop and body in ([], [("Content-Length", "0")]):
                    continue        # the right ones
                answer = ask(server, http_request(path=path, method=method, headers=body, drop=list(drop)))
                assert 400 <= answer.response.status < 500 and answer.behind == b"", (path, body, drop, answer.data)
    still_serves(server)


def test_st06_slow_headers_are_408(start_server):
    server = start_server({"timeouts": {"header": "700ms"}})
    whole = http_request()
    start = time.monotonic()
    with RawConnection.open(server) as c:
        port = c.local_port
        for i in range(len(whole) - 4):     # every byte in time, the whole never
            if not send_all(c, whole[i:i + 1]) or time.monotonic() - start > 1.2:
                break
            time.sleep(0.05)
        response = read_response(c)
        assert response.status == 408
        assert response.headers["connection"] == "close"
        assert c.recv_rest() == b""
    assert 0.6 < time.monotonic() - start < 5
    server.wait_for_event("handshake_refused", port=port, code="handshake_timeout", status=408)
    still_serves(server)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.2", "[::2]", "xlocalhost"])
def test_st07_an_unknown_host_is_421(server, host):
    refused(server, http_request(host=host), 421, code="host_unknown")


def test_st07_known_hosts_are_served(server):
    for host in ("localhost", "LOCALHOST:1234", "127.0.0.1", "[::1]:443"):
        accepted(server, http_request(host=host))


def test_st08_a_long_target_is_414(server):
    accepted(server, http_request(path="/ws?" + "a" * 4092))
    refused(server, http_request(path="/ws?" + "a" * 4093), 414, code="uri_too_long")
    refused(server, b"GET /" + b"a" * 100000, 414, code="uri_too_long")     # the line never ends


@pytest.mark.parametrize("drop,extra,code", [
    (("Upgrade",), (), "upgrade_required"),
    (("Connection",), (), "upgrade_required"),
    (("Upgrade",), [("Upgrade", "h2c")], "upgrade_required"),
    (("Upgrade",), [("Upgrade", "websockets")], "upgrade_required"),
    (("Connection",), [("Connection", "Upgrades")], "upgrade_required"),
    (("Connection",), [("Connection", "close")], "upgrade_required"),
    (("Sec-WebSocket-Version",), [("Sec-WebSocket-Version", "8")], "ws_version"),
    (("Sec-WebSocket-Version",), [("Sec-WebSocket-Version", "013")], "ws_version"),
    (("Sec-WebSocket-Version",), [("Sec-WebSocket-Version", "13, 8")], "ws_version"),
    (("Sec-WebSocket-Version",), [("Sec-WebSocket-Version", "")], "ws_version"),
])
def test_st09_no_upgrade_or_another_version_is_426(server, drop, extra, code):
    answer = refused(server, http_request(drop=drop, headers=extra) + PIPELINED, 426, code=code)
    assert answer.response.headers["upgrade"] == "websocket"
    assert answer.response.headers["sec-websocket-version"] == "13"


def test_st09_no_version_is_400_and_says_which(server):
    answer = refused(server, http_request(drop=["Sec-WebSocket-Version"]), 400, code="ws_version_missing")
    assert answer.response.headers["sec-websocket-version"] == "13"


def test_st09_http_1_0_cannot_upgrade(server):
    refused(server, http_request().replace(b"HTTP/1.1", b"HTTP/1.0"), 426, code="upgrade_required")


def test_st10_over_the_limit_of_one_address_is_429_with_retry_after(start_server):
    server = start_server({"limits": {"connections": {"per_ip": 1}}})
    with RawWebSocket.login(server):
        answer = refused(server, http_request(), 429, "connection_refused", "too_many_connections")
        assert int(answer.response.headers["retry-after"]) >= 1


def test_st11_64_headers_pass_and_65_are_431(server):
    fill = [("X-%d" % i, "v") for i in range(59)]
    accepted(server, http_request(headers=fill))
    for more in (1, 1000, 1300):
        extra = [("Y-%d" % i, "") for i in range(more)]
        refused(server, http_request(headers=fill + extra), 431, code="headers_too_large")


@pytest.mark.parametrize("chunk", [None, 1000])
def test_st11_16384_bytes_pass_and_16385_are_431(server, chunk):
    def request(size):
        room = size - len(http_request(headers=[("X-Pad", "")]))
        data = http_request(headers=[("X-Pad", "p" * room)])
        assert len(data) == size
        return data
    with RawConnection.open(server) as c:
        c.send_slowly(request(16384), chunk or 16384)
        assert read_response(c).status == 101
    refused(server, request(16385), 431, code="headers_too_large", chunk=chunk)


def test_st12_a_full_server_is_503_with_retry_after(start_server):
    server = start_server({"limits": {"connections": {"total": 1}}})
    with RawWebSocket.login(server):
        answer = refused(server, http_request(), 503, "connection_refused", "server_full")
        assert int(answer.response.headers["retry-after"]) >= 1


def test_st12_a_draining_server_is_503_with_retry_after(start_server):
    server = start_server({"server": {"drain": "3s"}})
    with RawConnection.open(server) as c:
        c.send(http_request()[:40])
        time.sleep(0.2)
        server.signal(signal.SIGTERM)
        response = read_response(c)
        assert response.status == 503
        assert int(response.headers["retry-after"]) >= 1
        assert b'"draining"' in response.body


# --- smuggling (C-B6, C-B7)

def with_lines(*lines):
    return http_request().replace(b"\r\n\r\n", b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n")


SMUGGLED = {
    "length and coding": with_lines(b"Content-Length: 6", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "two lengths": with_lines(b"Content-Length: 0", b"Content-Length: 5"),
    "two equal lengths": with_lines(b"Content-Length: 0", b"Content-Length: 0"),
    "length list": with_lines(b"Content-Length: 0, 0"),
    "length with plus": with_lines(b"Content-Length: +5") + b"12345",
    "length with minus": with_lines(b"Content-Length: -1"),
    "length in hex": with_lines(b"Content-Length: 0x5") + b"12345",
    "length with underscore": with_lines(b"Content-Length: 1_0"),
    "empty length": with_lines(b"Content-Length:"),
    "length over 64 bits": with_lines(b"Content-Length: 18446744073709551616"),
    "length with blank inside": with_lines(b"Content-Length: 0 5"),
    "a body": with_lines(b"Content-Length: 5") + b"12345",
    "a body that never comes": with_lines(b"Content-Length: 5"),
    "chunked": with_lines(b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "odd coding": with_lines(b"Transfer-Encoding: xchunked"),
    "identity": with_lines(b"Transfer-Encoding: identity"),
    "coding list": with_lines(b"Transfer-Encoding: chunked, identity"),
    "coding behind vertical tab": with_lines(b"Transfer-Encoding: \x0bchunked"),
    "coding with NUL": with_lines(b"Transfer-Encoding: chunked\x00"),
    "NUL in name": with_lines(b"Transfer-Encoding\x00: chunked"),
    "space before colon": with_lines(b"Transfer-Encoding : chunked"),
    "tab before colon": with_lines(b"Content-Length\t: 5"),
    "folded line": with_lines(b"X-A: b", b" Transfer-Encoding: chunked"),
    "folded with tab": with_lines(b"X-A: b", b"\tTransfer-Encoding: chunked"),
    "bare LF": with_lines(b"X-A: b\nTransfer-Encoding: chunked"),
    "bare CR": with_lines(b"X-A: b\rTransfer-Encoding: chunked"),
    "CR CR LF": with_lines(b"X-A: b\r"),
    "ends in bare LFs": http_request().replace(b"\r\n", b"\n"),
    "DEL in value": with_lines(b"X-A: \x7f"),
    "escape in value": with_lines(b"X-A: \x1b[2J"),
    "no colon": with_lines(b"Transfer-Encoding chunked"),
    "empty name": with_lines(b": chunked"),
    "name with bracket": with_lines(b"Transfer[Encoding]: chunked"),
    "name with high byte": with_lines(b"Transfer-Encoding\xa0: chunked"),
    "empty line in front": b"\r\n" + http_request(),
    "two blanks in the request line": http_request().replace(b"GET ", b"GET  "),
    "tab in the request line": http_request().replace(b"GET ", b"GET\t"),
    "blank behind the version": http_request().replace(b"HTTP/1.1\r", b"HTTP/1.1 \r"),
    "small http": http_request().replace(b"HTTP/1.1", b"http/1.1"),
    "no version": http_request().replace(b" HTTP/1.1", b""),
    "target with fragment": http_request(path="/ws#x"),
    "target with high byte": http_request(path="/ws?\xff"),
    "relative target": http_request(path="ws"),
    "another scheme": http_request(path="ws://localhost/ws"),
    "two hosts": http_request(path="http://evil.example/ws"),
    "host with another port": http_request(path="http://localhost:1/ws", host="localhost:2"),
    "user in the target": http_request(path="http://a@localhost/ws"),
    "nothing but blanks": b" " * 40 + b"\r\n\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_that_two_parsers_could_read_differently_is_400_and_ends(plain, name):
    data = SMUGGLED[name] + PIPELINED
    refused(plain, data, 400)
    refused(plain, data, 400, chunk=1)      # in single bytes the verdict is the same


def test_a_name_of_70000_bytes_is_refused(server):
    refused(server, http_request(headers=[("A" * 70000, "x")]) + PIPELINED, 431, code="headers_too_large")


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/1.2", b"HTTP/9", b"HTTP/0.9"])
def test_another_http_version_is_505(server, version):
    refused(server, http_request().replace(b"HTTP/1.1", version) + PIPELINED, 505, code="http_version")


def test_the_http2_preface_is_refused(server):
    refused(server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)


def test_options_asterisk_and_connect_are_refused(server):
    for line in (b"OPTIONS * HTTP/1.1", b"CONNECT localhost:443 HTTP/1.1"):
        answer = ask(server, http_request().replace(b"GET /ws HTTP/1.1", line) + PIPELINED)
        assert answer.response.status in (404, 405)
        assert answer.behind == b""


REFUSALS = [(400, {"key": "x"}), (401, {"headers": [("Authorization", "Bearer x")]}),
            (403, {"headers": [("Origin", "https://evil.example")]}), (404, {"path": "/nope"}), (405, {"method": "POST"}),
            (421, {"host": "evil.example"}), (414, {"path": "/" + "a" * 5000}),
            (426, {"drop": ["Upgrade"]}), (431, {"headers": [("X-%d" % i, "") for i in range(99)]})]


@pytest.mark.parametrize("status,kwargs", REFUSALS, ids=[str(s) for s, _ in REFUSALS])
def test_after_any_refusal_the_pipe_is_shut(server, status, kwargs):
    """C-B7: the second request, and frames for a backend that thinks it was upgraded, get no answer."""
    answer = ask(server, http_request(**kwargs) + PIPELINED + encode_frame(OP_TEXT, '{"type":"ping"}'))
    assert answer.response.status == status
    assert answer.behind == b""
    with RawConnection.open(server) as c:       # the same a moment later
        c.send(http_request(**kwargs))
        assert read_response(c).status == status
        send_all(c, PIPELINED)
        assert c.recv_rest() == b""


def test_nothing_of_a_request_comes_back(server):
    """C-B8: a mark in every place that a careless server reflects."""
    mark = "Zq7mark"
    wide = [("Cookie", "a=" + mark), ("User-Agent", mark), ("Referer", "https://%s/" % mark), ("Origin", "https://%s.example" % mark),
            ("Sec-WebSocket-Protocol", mark), ("X-Forwarded-Host", mark), ("Accept-Language", mark)]
    for kwargs in ({"path": "/" + mark}, {"path": "/ws?" + mark}, {"host": mark + ".example"}, {"method": mark}, {"key": mark}):
        answer = ask(server, http_request(headers=wide, **kwargs))
        assert answer.response.status >= 400
        assert mark.encode().lower() not in answer.data.lower()
    response = accepted(server, http_request(headers=[("Sec-WebSocket-Protocol", mark + ", x"), ("User-Agent", mark)]))
    assert mark.lower() not in "\n".join(response.header_lines).lower()


def test_a_token_in_the_subprotocol_list_is_not_echoed(server):
    token = server.token("alice")
    response = accepted(server, http_request(headers=[("Sec-WebSocket-Protocol", "gateward.v1, " + token)]))
    assert response.headers["sec-websocket-protocol"] == "gateward.v1"


@pytest.mark.parametrize("value", ["", ",", "a,,b", "a, a", "a b", 'a"b', ", ".join("p%d" % i for i in range(33)), "caf\xe9"])
def test_a_broken_subprotocol_list_is_400(server, value):
    refused(server, http_request(headers=[("Sec-WebSocket-Protocol", value)]), 400, code="ws_protocol")


@pytest.mark.parametrize("value", ["", ";", "a;", 'a; b="', 'a; b="' + "\\" * 2000, "a; b=" + " " * 8000, "a, , b;=1",
                                   'permessage-deflate; server_max_window_bits="1 5"', "caf\xe9"], ids=range(9))
def test_a_broken_extension_list_is_400_at_once(server, value):
    answer = refused(server, http_request(headers=[("Sec-WebSocket-Extensions", value)]), 400, code="ws_extensions")
    assert answer.seconds < 2


@pytest.mark.parametrize("value", ["constructor", "__proto__", "x" * 4096, "permessage-deflate; server_max_window_bits=015",
                                   "permessage-deflate", "permessage-deflate; x=y, permessage-deflate",
                                   "a; b=" + " " * 8000 + "x"], ids=range(7))
def test_an_extension_we_do_not_have_is_declined(server, value):
    response = accepted(server, http_request(headers=[("Sec-WebSocket-Extensions", value)]))
    assert "sec-websocket-extensions" not in response.headers


# --- pieces

def test_a_handshake_in_single_bytes_is_served(plain):
    with RawWebSocket.open(plain, expect=101) as ws:
        ws.close()
    with RawConnection.open(plain) as c:
        c.send_slowly(http_request())
        assert read_response(c).status == 101


def test_frames_behind_the_head_are_the_first_frames(server):
    """R-H16: in one write with the head, in single bytes, and cut in the middle of a frame."""
    frames = b"".join(encode_frame(OP_TEXT, t) for t in
                      ("auth:" + server.token(), '{"type":"subscribe","channel":"public:chat"}', '{"type":"ping"}'))
    for cut in (0, 1, len(frames) // 2, len(frames)):
        with RawConnection.open(server) as c:
            c.send(http_request() + frames[:cut])
            assert read_response(c).status == 101
            c.send(frames[cut:])
            ws = RawWebSocket(c.sock)
            ws.received = c.received
            assert [ws.recv_json()["type"] for _ in range(3)] == ["welcome", "subscribed", "pong"]


def test_frames_behind_the_head_have_the_same_limits(server):
    for frame, code in ((encode_frame(OP_TEXT, b"x" * 20000), 1009), (encode_frame(OP_TEXT, b"", length=2**62), 1009),
                        (encode_frame(OP_BINARY, b"x"), 1003), (encode_frame(OP_TEXT, b"x", mask=False), 1002)):
        with RawConnection.open(server) as c:
            c.send(http_request() + frame)
            assert read_response(c).status == 101
            ws = RawWebSocket(c.sock)
            ws.received = c.received
            closed_with(ws, code)


def test_the_server_outlives_all_of_it(server, plain):
    still_serves(server)
    still_serves(plain)
