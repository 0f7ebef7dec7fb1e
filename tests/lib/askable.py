# SPDX-License-Identifier: Apache-2.0
"""Someone whom a server under test asks about its clients, over HTTP on loopback: plain, or with `tls`, an SSL context.

    with Askable(lambda request: (200, {"user": "alice"})) as application:
        application.url, application.requests, application.mood = "hang" | "down" | "answer"
"""
import http.server
import json
import secrets
import threading
import time
import urllib.parse

from gateward_server import DELETE
from internal_api import internal_config

SCOPES = {"ops": ["sessions", "tickets", "revoke", "publish:public:*"]}


class Request:
    def __init__(self, handler, body):
        self.method, self.path, self.headers, self.body = handler.command, handler.path, handler.headers, body

    def form(self):
        return {k: v[0] for k, v in urllib.parse.parse_qs(self.body.decode(), keep_blank_values=True).items()}

    def cookies(self):
        pairs = [p.strip().partition("=") for p in (self.headers.get("Cookie") or "").split(";")]
        return {name: value for name, _, value in pairs}


class Askable:
    """Answers with what `answer(request)` returns: (status, JSON value), or (status, JSON value, headers)."""

    def __init__(self, answer, path="/ask", tls=None):
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
                status, value, *more = (500, {}) if owner.mood == "down" else owner.answer(request)
                data = json.dumps(value).encode() if not isinstance(value, bytes) else value
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, text in more[0] if more else ():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = respond

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, sock, address):
                if tls is None:
                    Handler(sock, address, self)
                    return
                try:    # the handshake on the connection's own thread
                    with tls.wrap_socket(sock, server_side=True) as wrapped:
                        Handler(wrapped, address, self)
                except OSError:
                    pass    # the client has hung up, as it may

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = ("http" if tls is None else "https") + "://127.0.0.1:%d%s" % (self.server.server_port, path)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


# --- who is asked, and a configuration that asks there

def secret_file(folder):
    path = folder / "client.secret"
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_urlsafe(32))
    return str(path)


def oauth_config(folder, url, jwt=DELETE, **oauth2):
    auth = {"jwt": jwt, "oauth2": {"introspection_url": url, "client_id": "gateward", "client_secret": {"file": secret_file(folder)},
                                   "issuer": None, "audience": None, "cache": "1s", "recheck": "1s", **oauth2}}
    return internal_config(folder, 2, scopes=SCOPES, auth=auth)


class Tokens:
    """An authorization server's view of its opaque tokens."""

    def __init__(self):
        self.rows = {}

    def __call__(self, request):
        row = self.rows.get(request.form().get("token"))
        return 200, row if row is not None else {"active": False}

    def make(self, sub="alice", ttl=3600, **claims):
        token = secrets.token_urlsafe(32)
        self.rows[token] = {"active": True, "sub": sub, "exp": int(time.time()) + ttl, "roles": ["user"], **claims}
        return token


def hook_config(folder, url, csrf="required_for_cookies", **hook):
    auth = {"jwt": DELETE, "csrf": csrf, "hook": {"url": url, "headers": ["Cookie", "X-App"], "cache": "1s", "recheck": "1s", **hook}}
    return internal_config(folder, 2, scopes=SCOPES, auth=auth)


class Application:
    def __init__(self):
        self.users = {}

    def __call__(self, request):
        user = self.users.get(request.cookies().get("sid"))
        if user is None:
            return 401, {}
        return 200, {"user": user, "roles": ["user"], "session": "s-" + user}
