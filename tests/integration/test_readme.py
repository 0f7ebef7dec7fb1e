# SPDX-License-Identifier: Apache-2.0
"""What README.md shows is what works."""
import os
import re
import subprocess

import pytest

from gateward_dev import Dev
from gateward_server import GatewardServer, binary_path

README = os.path.join(os.path.dirname(__file__), "..", "..", "README.md")


def example(language):
    with open(README) as f:
        return re.search(r"```%s\n(.*?)```" % language, f.read(), re.S)[1]


@pytest.fixture
def dev(tmp_path):
    running = Dev(tmp_path / "state")
    yield running
    running.stop()

def test_python_example_gets_its_welcome(dev):
    code = example("python")
    assert "localhost:8443" in code and "state/ca.crt" in code
    code = code.replace("8443", str(dev.port)).replace("state/ca.crt", os.path.join(dev.state, "ca.crt"))
    process = subprocess.Popen(["/usr/bin/python3", "-u", "-c", code + "\nimport sys\nasyncio.run(main(sys.argv[1]))\n",
                                dev.tokens["alice"]], stdout=subprocess.PIPE, text=True)
    try:
        assert "welcome" in process.stdout.readline()
        assert "subscribed" in process.stdout.readline()
    finally:
        process.kill()
        process.wait()


def test_configuration_is_accepted_by_check(tmp_path):
    server = GatewardServer(tmp_path, text=example("yaml"))     # writes the certificate and the secret that it names
    done = subprocess.run([binary_path(), "check", server.config_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
