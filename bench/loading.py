# SPDX-License-Identifier: Apache-2.0
"""The one place that knows the load generator: a row asks for a job in words of its own, and gets numbers back."""
import os
import re
import subprocess

import servers

TIME_LIMIT_SECONDS = 300


class Load:
    def __init__(self, workshop, cores):
        self.workshop, self.cores = workshop, cores
        folder = os.path.join(servers.ROOT, "bench", "load")
        self.program = workshop.compile_c("load", sorted("load/" + f for f in os.listdir(folder)), ["ssl", "crypto", "z"])

    def command(self, server, job, tls, options):
        words = [self.program, "--mode", job, "--port", str(server.port), "--pid", str(server.pid)]
        if tls:
            words.append("--tls")
        for name, value in options.items():
            if value is True:
                words.append("--" + name.replace("_", "-"))
            elif value not in (None, False):
                words += ["--" + name.replace("_", "-"), str(value)]
        return words

    def run(self, server, job, tls, **options):
        """Options by name: path, conns, messages, bytes, text, depth, batch, sources, token, in_header, hello, hello_word,
        subscribe, subscribe_word, publish_path, no_ack, deflate, resume, per_second, seconds."""
        done = subprocess.run(["taskset", "-c", self.cores, *self.command(server, job, tls, options)], capture_output=True,
                              text=True, timeout=TIME_LIMIT_SECONDS, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise servers.Failed("load %s: %s" % (job, (done.stderr.strip() or "exit code %d" % done.returncode)[-300:]))
        return {name: float(value) for name, value in re.findall(r"(\w+)=(-?[\d.]+)", done.stdout)}
