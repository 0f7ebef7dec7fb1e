# SPDX-License-Identifier: Apache-2.0
"""Someone whom a server under test asks about its clients, over plain HTTP on loopback.

    with Askable(lambda request: (200, {"user": "alice"})) as application:
        application.url, application.requests, application.mood = "hang" | "down" | "answer"
"""
import http.server
import json
import threading
import urllib.parse


class Request:
    def __init__(self, handler, body):
        self.method, self.path, self.headers, self.body = handler.command, handler.path, handler.headers, body

    def form(self):
        return {k: v[0] for k, v in urllib.parse.parse_qs(self.body.decode(), keep_blank_values=True).items()}

    def cookies(self):
        pairs = [p.strip().partition("=") for p in (self.headers.get("Cookie") or "").split(";")]
        return {name: value for name, _, value in pairs}


class Askable:
    """Answers with what `answer(request)` returns: (status, JSON value)."""

    def __init__(self, answer, path="/ask"):
        self.answer = answer
        self.requests = []
        self.mood = "answer"
        self.end = threading.Event()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(self, body)
                owner.requests.append(request)
                if owner.mood == "hang":
                    owner.end.wait(30)
                    self.close_connection = True
                    return
                status, value = (500, {}) if owner.mood == "down" else owner.answer(request)
                data = json.dumps(value).encode() if not isinstance(value, bytes) else value
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = respond

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d%s" % (self.server.server_port, path)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
