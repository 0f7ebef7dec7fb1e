# SPDX-License-Identifier: Apache-2.0
"""A listener that nobody has any business with: it counts who comes.

    with Canary() as canary:
        ...; canary.url("/x"), canary.visits; canary.sings()
"""
import socket
import threading
import time


class Canary:
    def __init__(self):
        self.visits = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.count, daemon=True)
        self.thread.start()

    def count(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()

    def url(self, path="/", scheme="https"):
        return "%s://127.0.0.1:%d%s" % (scheme, self.port, path)

    def sings(self):
        """Whether it does count: a visit of our own."""
        before = self.visits
        socket.create_connection(("127.0.0.1", self.port), 5).close()
        end = time.monotonic() + 5
        while self.visits == before and time.monotonic() < end:
            time.sleep(0.01)
        return self.visits == before + 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
