# SPDX-License-Identifier: Apache-2.0
"""A `gateward dev` for a test, on a free port, with what it printed."""
import os
import re
import signal
import ssl
import subprocess

from gateward_server import SANITIZER, SANITIZER_ENV, binary_path


class Dev:
    """One `gateward dev`, with the parts of GatewardServer that RawConnection needs."""

    host = "127.0.0.1"
    uses_tls = True

    def __init__(self, state, port=0):
        self.state = str(state)
        self.process = subprocess.Popen([binary_path(), "dev", "--port", str(port), "--state", self.state],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env={**os.environ, **SANITIZER_ENV})
        self.said = ""
        while "Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.process.communicate()[1]
            self.said += line
        self.port = int(re.search(r"wss://localhost:(\d+)/ws", self.said)[1])
        self.tokens = dict(re.findall(r"^ *(alice|bob) +https://\S+#token=(\S+)", self.said, re.M))

    def ssl_context(self):
        return ssl.create_default_context(cafile=os.path.join(self.state, "ca.crt"))

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        errors = self.process.communicate(timeout=20)[1]
        assert self.process.returncode == 0, errors
        assert not SANITIZER.search(errors), errors
        return errors
