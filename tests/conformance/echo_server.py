# SPDX-License-Identifier: Apache-2.0
"""A gateward with the echo route behind a plaintext and a TLS listener."""
from gateward_server import GatewardServer, merged
from ws_peer import Target


class EchoServer(GatewardServer):
    def __init__(self, folder, changes=None, records="auto", **kwargs):
        config = {
            "listen": [{"address": "127.0.0.1:0"},
                       {"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key", "records": records}}],
            "routes": [{"path": "/echo", "serve": "echo"}],
            # Hundreds of connections a second from one address are a flood elsewhere.
            "limits": {"handshakes": {"per_second": 100000, "burst": 100000}},
        }
        super().__init__(folder, merged(config, changes), **kwargs)

    def target(self, scheme, patience=1.0):
        for found, port in self.listeners:
            if found == scheme:
                return Target(self.host, port, "/echo", self.ssl_context() if scheme == "wss" else None, patience=patience)
        raise AssertionError("no %s listener among %r" % (scheme, self.listeners))

    def targets(self, patience=1.0):
        return [self.target("ws", patience), self.target("wss", patience)]
