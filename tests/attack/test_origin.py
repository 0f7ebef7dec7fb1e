# SPDX-License-Identifier: Apache-2.0
"""Cross-site hijacking: the whole T-ORIGIN matrix on the wire, absent origins, and what must never make a bad origin good."""
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from attack_tools import PLAIN, ROOMY, ask, refused
from gateward_server import DELETE, GatewardServer
from raw_client import RawConnection, http_request, read_response

LISTED = ["https://app.example.com", "https://*.example.org", "https://xn--bcher-kva.example"]
REFUSED = [
    "https://app.example.com:0443", "https://app.example.com:8443", "https://app.example.com:", "https://app.example.com:0",
    "https://app.example.com:65979", "http://app.example.com", "http://app.example.com:443", "ws://app.example.com",
    "wss://app.example.com", "https://app.example.com.evil.com", "https://evil.com/app.example.com",
    "https://evil.com?app.example.com", "https://evil.com#app.example.com", "https://evil.com\\app.example.com",
    "https://app.example.com@evil.com", "https://evil.com@app.example.com", "https://app.example.com%2eevil.com",
    "https://app%2eexample.com", "https://appXexample.com", "https://xapp.example.com", "https://app.example.com.",
    "https://app.example.com/", "https://app.example.com?x", "https://app.example.com#", "https://app.example.com/../",
    "https://example.com", "https://a.b.example.org", "https://example.org", "https://.example.org", "https://-.example.org",
    "https://evil.com/.example.org", "https://evilexample.org", "https://a.example.org.evil.com", "https://*.example.org",
    "https://a_b.example.org", "https://a.example.org:8443", "http://a.example.org", "https://" + "a" * 64 + ".example.org",
    "https://b\xc3\xbccher.example", "https://B\xfccher.example", "https://xn--bcher-kva.example.evil.com", "null", "NULL", "",
    "*", "file://", "file:///", "chrome-extension://id", "moz-extension://id", "data:", "about:blank", "javascript:alert(1)",
    "https://a https://b", "https://app.example.com https://evil.com", "https://app.example.com,https://evil.com",
    "https://app.example.com, https://app.example.com", "https:app.example.com", "https:/app.example.com", "//app.example.com",
    "app.example.com", "https:///app.example.com", "https:\\\\app.example.com", "https://app.example.com\tx",
    "https://app.example.com" + "a" * 4096, "https://[::1]", "https://[::ffff:127.0.0.1]", "https://127.0.0.1",
    "https://2130706433", "https://0x7f.1", "https://localhost", "https://0177.0.0.1",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("tls"), {"limits": ROOMY, "origins": LISTED}) as running:
        yield running


def status_of(server, origin, **kwargs):
    """The status, with the origin's bytes exactly as given."""
    with RawConnection.open(server, **kwargs) as c:
        raw = origin if isinstance(origin, bytes) else b"Origin: " + origin.encode("latin-1")
        c.send(http_request().replace(b"\r\n\r\n", b"\r\n" + raw + b"\r\n\r\n"))
        return read_response(c).status


@pytest.mark.parametrize("origin", [
    "https://app.example.com", "HTTPS://APP.EXAMPLE.COM", "https://app.example.com:443", "https://a.example.org",
    "https://A-1.EXAMPLE.org", "https://xn--bcher-kva.example", "https://XN--BCHER-KVA.example"])
def test_a_listed_origin_is_accepted(server, origin):
    assert status_of(server, origin) == 101


@pytest.mark.parametrize("origin", REFUSED, ids=range(len(REFUSED)))
def test_any_other_origin_is_403_and_logged(server, origin):
    answer = refused(server, http_request(headers=[("Origin", origin)]), 403, "origin_refused", "origin_not_allowed")
    row = server.events("origin_refused", port=answer.port)[0]
    if origin and origin.isascii() and len(origin) < 200 and "\t" not in origin and "\\" not in origin:
        assert row["origin"] == origin


@pytest.mark.parametrize("line", [
    b"Origin:  https://app.example.com", b"Origin: https://app.example.com ", b"Origin:\thttps://app.example.com",
    b"Origin: https://app.example.com\t", b"Origin: https://app.exa mple.com", b"Origin: \xefhttps://app.example.com"])
def test_odd_space_around_a_listed_origin_is_refused(server, line):
    assert status_of(server, line) == 403


def test_every_byte_behind_and_inside_a_listed_origin_is_refused(server):
    """TO-35: each byte its own case. A digit behind a host is another host; only the port's own bytes could be right."""
    for byte in list(range(0x00, 0x21)) + list(range(0x7f, 0x100)) + [ord(c) for c in "/?#@%_*\\,;.:-"]:
        for origin in (b"https://app.example.com" + bytes([byte]), b"https://app" + bytes([byte]) + b"example.com"):
            if byte == ord(".") and origin.endswith(b"example.com"):
                continue        # that is the listed one
            status = status_of(server, b"Origin: " + origin)
            assert status in (400, 403), (byte, status)
            if byte < 0x20 and byte != 0x09 or byte == 0x7f:
                assert status == 400, byte


def test_two_origins_are_400(server):
    two = [("Origin", "https://app.example.com"), ("Origin", "https://evil.example")]
    for headers in (two, two[::-1], [two[0], two[0]]):
        refused(server, http_request(headers=headers), 400, code="bad_request")


def test_no_origin_and_a_cookie_is_403(server):
    for headers in ([("Cookie", "session=1")], [("cookie", "")], [("Cookie", "a=b"), ("Authorization", "Bearer x.y.z")]):
        refused(server, http_request(headers=headers), 403, "origin_missing", "origin_missing")


@pytest.mark.parametrize("name", ["Sec-Fetch-Site", "sec-fetch-mode", "SEC-FETCH-DEST", "Sec-Fetch-Storage-Access"])
def test_no_origin_from_a_browser_is_403(server, name):
    refused(server, http_request(headers=[(name, "none")]), 403, "origin_missing", "origin_missing")


def test_no_origin_alone_is_accepted(server):
    """A device or a program has no cookie that somebody else could ride on."""
    with RawConnection.open(server) as c:
        c.send(http_request())
        assert read_response(c).status == 101


def test_the_websocket_built_into_node_is_no_browser(server):
    """It sends this one header and has no origin to name; a browser never sends it without Sec-Fetch-Site."""
    with RawConnection.open(server) as c:
        c.send(http_request(headers=[("Sec-Fetch-Mode", "websocket")]))
        assert read_response(c).status == 101
    for more in (("Sec-Fetch-Site", "cross-site"), ("Cookie", "a=b"), ("Sec-Fetch-Dest", "websocket")):
        refused(server, http_request(headers=[("Sec-Fetch-Mode", "websocket"), more]), 403, "origin_missing", "origin_missing")


def test_a_listed_origin_with_cookie_and_fetch_headers_is_accepted(server):
    headers = [("Origin", LISTED[0]), ("Cookie", "a=b"), ("Sec-Fetch-Mode", "websocket"), ("Sec-Fetch-Site", "cross-site")]
    with RawConnection.open(server) as c:
        c.send(http_request(headers=headers))
        assert read_response(c).status == 101


# Everything that some server somewhere has believed.
TEMPTING = [
    ("Host", "127.0.0.1"), ("X-Forwarded-Host", "app.example.com"), ("X-Forwarded-Proto", "https"),
    ("Forwarded", "for=127.0.0.1;host=app.example.com;proto=https"), ("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"),
    ("X-Original-URL", "/ws"), ("X-Rewrite-URL", "/ws"), ("Referer", "https://app.example.com/"), ("X-Origin", "https://app.example.com"),
    ("Sec-WebSocket-Origin", "https://app.example.com"), ("Access-Control-Request-Headers", "origin"), ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-Mode", "websocket"), ("X-Requested-With", "XMLHttpRequest"), ("Cookie", "session=1; csrf=2"), ("X-CSRF-Token", "2"),
    ("Sec-WebSocket-Protocol", "gateward.v1"), ("Sec-WebSocket-Extensions", "permessage-deflate"), ("User-Agent", "curl/8"),
    ("X-User", "admin"), ("X_Forwarded_User", "admin"), ("X-SSL-Client-Verify", "SUCCESS"), ("Origin_", "https://app.example.com"),
]
QUERIES = ["", "?origin=https://app.example.com", "?check_origin=false", "?token=x", "?EIO=4&transport=websocket", "?debug=1", "?_=/ws"]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(origin=st.sampled_from([o for o in REFUSED if o.isascii()]), query=st.sampled_from(QUERIES), good_token=st.booleans(),
       headers=st.lists(st.sampled_from(TEMPTING), max_size=12, unique_by=lambda h: h[0]), tail=st.text("abc=&/%.:?", max_size=20))
def test_nothing_makes_a_refused_origin_an_accepted_one(plain, origin, query, good_token, headers, tail):
    """C-C7: not a header, not a query, not even a valid token."""
    drop = ["Host"] if any(n == "Host" for n, _ in headers) else []
    extra = headers + [("Origin", origin)]
    if good_token:
        extra.append(("Authorization", "Bearer " + plain.token("alice")))
    answer = ask(plain, http_request(path="/ws" + (query + tail if query else ""), drop=drop, headers=extra))
    assert answer.response.status == 403, answer.data
    assert answer.code == "origin_not_allowed"


# --- loopback (C-C5): the same rules where "only this machine" can come

@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    with GatewardServer(tmp_path_factory.mktemp("plain"), {"listen": PLAIN, "limits": ROOMY, "origins": LISTED}) as running:
        yield running


def test_a_loopback_listener_has_the_same_rules(plain):
    assert status_of(plain, LISTED[0]) == 101
    for origin in ("https://evil.example", "null", "http://localhost", "http://127.0.0.1:%d" % plain.port,
                   "http://localhost:%d" % plain.port, "https://localhost:%d" % plain.port, "file://"):
        refused(plain, http_request(host="localhost:%d" % plain.port, headers=[("Origin", origin)]), 403, "origin_refused")
    refused(plain, http_request(headers=[("Cookie", "a=b")]), 403, "origin_missing")


def test_origin_equal_to_host_is_not_enough(plain):
    """C-C6: an attacker whose name points to us chooses both."""
    refused(plain, http_request(host="evil.example", headers=[("Origin", "http://evil.example")]), 421, code="host_unknown")


def test_without_a_list_no_page_may_come(start_server):
    server = start_server({"origins": DELETE})
    for origin in ("https://localhost", "https://app.example.com", "null"):
        refused(server, http_request(headers=[("Origin", origin)]), 403, "origin_refused", "origin_not_allowed")
    with RawConnection.open(server) as c:
        c.send(http_request())
        assert read_response(c).status == 101


def test_only_the_listed_addresses_are_accepted(start_server):
    """TO-37 to TO-39: other spellings of a listed address are other origins."""
    server = start_server({"listen": PLAIN, "origins": ["https://127.0.0.1", "https://[::1]"]})
    for origin in ("https://127.0.0.1", "https://[::1]", "https://[::1]:443"):
        assert status_of(server, origin) == 101, origin
    for origin in ("https://2130706433", "https://0x7f.1", "https://127.1", "https://[::ffff:127.0.0.1]", "https://017700000001",
                   "https://[::2]", "https://::1"):
        assert status_of(server, origin) == 403, origin
