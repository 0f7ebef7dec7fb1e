# SPDX-License-Identifier: Apache-2.0
"""Man in the middle. A server whose configuration says nothing about limits, timeouts or TLS: what is
shipped is what defends. The attack is refused, and beside it whoever does the same thing rightly is served."""
import ssl

import pytest

from attack_tools import refused, tcp
from raw_client import RawConnection, RawWebSocket, http_request


def test_mitm_who_sits_on_the_way_reads_nothing_and_downgrades_nothing(shipped):
    """Man in the middle: no plaintext, no old TLS, no foreign certificate, and browsers are told to stay with TLS."""
    with RawConnection.open(shipped, tls=False) as c:        # stripped to plain HTTP
        c.send(http_request())
        assert b"HTTP" not in c.recv_rest()
    shipped.wait_for_event("tls_failed", code="plaintext_on_tls_port")

    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)           # talked down to TLS 1.2
    old.load_verify_locations(shipped.path("ca.crt"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with tcp(shipped) as sock, pytest.raises(ssl.SSLError):
        old.wrap_socket(sock, server_hostname="localhost")
    shipped.wait_for_event("tls_failed", code="tls_handshake_failed")

    with tcp(shipped) as sock, pytest.raises(ssl.SSLCertVerificationError):      # a client notices another's certificate
        ssl.create_default_context().wrap_socket(sock, server_hostname="localhost")
    with tcp(shipped) as sock, pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):   # nor does it pose as another
        shipped.ssl_context().wrap_socket(sock, server_hostname="other.example")

    answer = refused(shipped, http_request(path="/nope"), 404)
    assert "max-age" in answer.response.headers["strict-transport-security"]
    with RawWebSocket.login(shipped, sub="mitm") as ws:      # done rightly
        assert ws.sock.version() == "TLSv1.3"
