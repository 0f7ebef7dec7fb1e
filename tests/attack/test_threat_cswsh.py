# SPDX-License-Identifier: Apache-2.0
"""Cross-site WebSocket hijacking. A server whose configuration says nothing about limits, timeouts or TLS: what is
shipped is what defends. The attack is refused, and beside it whoever does the same thing rightly is served."""
from attack_tools import closed_with, refused
from raw_client import RawWebSocket, http_request


def test_cswsh_a_foreign_page_cannot_ride_on_a_visitor(shipped):
    """Cross-site WebSocket hijacking: the visitor's browser says truthfully where the page comes from."""
    cookie = [("Cookie", "session=of-the-victim"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "websocket")]
    for origin in ("https://evil.example", "https://app.example.com.evil.example", "http://app.example.com", "null"):
        answer = refused(shipped, http_request(headers=cookie + [("Origin", origin)]), 403, "origin_refused", "origin_not_allowed")
        assert shipped.events("origin_refused", port=answer.port)[0]["origin"] == origin
        # a stolen or borrowed token does not change where the page comes from
        refused(shipped, http_request(headers=[("Origin", origin), ("Authorization", "Bearer " + shipped.token())]), 403, "origin_refused")
    refused(shipped, http_request(headers=cookie), 403, "origin_missing", "origin_missing")
    refused(shipped, http_request(host="evil.example", headers=[("Origin", "https://evil.example")]), 421)     # rebinding
    with RawWebSocket.open(shipped, origin="https://app.example.com", headers=cookie) as ws:
        ws.send_text("auth:" + shipped.token("visitor"))
        assert ws.recv_json()["user"] == "visitor"
    # and a page with only the cookie, but without a token, is a stranger even when it is listed
    with RawWebSocket.open(shipped, origin="https://app.example.com", headers=cookie) as ws:
        ws.send_json({"type": "subscribe", "channel": "public:chat"})
        closed_with(ws, 1008, "First message must be auth")
