# SPDX-License-Identifier: Apache-2.0
"""The load: `gateward bench`, which speaks with all of the servers. Options are its own, with _ for -."""
import json
import os
import subprocess

import servers

TIME_LIMIT_SECONDS = 300
# Every server speaks the same: what a client of OpenSSL offers is what its configuration says.
OPENSSL = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
"""


class Load:
    def __init__(self, workshop, program, cores):
        self.workshop, self.program, self.cores = workshop, program, cores
        with open(workshop.path("openssl.cnf"), "w") as f:
            f.write(OPENSSL)

    def command(self, server, job, tls, options):
        url = "%s://127.0.0.1:%d%%s" % ("wss" if tls else "ws", server.port)
        words = [self.program, "bench", job, url % options.get("path", "/ws"), "--pid", str(server.pid), "--json"]
        words += ["--insecure"] if tls else []
        for name, value in options.items():
            if name == "publish_path":
                name, value = "publish_url", url % value
            if value is True:
                words.append("--" + name.replace("_", "-"))
            elif value not in (None, False) and name != "path":
                words += ["--" + name.replace("_", "-"), str(value)]
        return words

    def run(self, server, job, tls, **options):
        """What it measured, one level deep: latency_us.p50 is called p50_us."""
        done = subprocess.run(["taskset", "-c", self.cores, *self.command(server, job, tls, options)], capture_output=True,
                              text=True, timeout=TIME_LIMIT_SECONDS, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, OPENSSL_CONF=self.workshop.path("openssl.cnf")))
        if done.returncode != 0:
            raise servers.Failed("load %s: %s" % (job, (done.stderr.strip() or "exit code %d" % done.returncode)[-300:]))
        got = json.loads(done.stdout)
        got.update({"%s_us" % name: value for name, value in got.pop("latency_us", {}).items()})
        return got
