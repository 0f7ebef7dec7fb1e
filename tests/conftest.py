# SPDX-License-Identifier: Apache-2.0
"""Fixtures for every Python test: `server` (a default gateward) and `start_server` (one or more with a config)."""
import asyncio
import functools
import inspect
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import pytest  # noqa: E402

from gateward_server import GatewardServer  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs `async def` tests in a loop of their own, each within two minutes."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None

    @functools.wraps(function)
    def run(**kwargs):
        asyncio.run(asyncio.wait_for(function(**kwargs), 120))

    pyfuncitem.obj = run
    return None


def pytest_collection_modifyitems(items):
    """Long tests are left out, not skipped, of a short run."""
    if os.environ.get("GATEWARD_LONG") != "1":
        items[:] = [item for item in items if "long" not in item.keywords]


@pytest.fixture
def start_server(tmp_path):
    """start_server(config_changes, text=..., environment=...) -> a running server; all are stopped and checked at the end."""
    running = []

    def start(config=None, **kwargs):
        directory = tmp_path / ("server-%d" % len(running))
        directory.mkdir()
        server = GatewardServer(directory, config, **kwargs)
        running.append(server.start())
        return server

    yield start
    faults = []
    for server in running:
        try:
            server.stop()
        except AssertionError as e:
            faults.append(str(e))
        finally:
            server.kill()
    assert not faults, "\n".join(faults)


@pytest.fixture
def server(start_server):
    """A server with the default test config."""
    return start_server()
