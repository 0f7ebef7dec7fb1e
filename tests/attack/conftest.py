# SPDX-License-Identifier: Apache-2.0
"""What the tests of this folder share beside tests/conftest.py."""
import pytest

from attack_tools import LEAN
from gateward_server import DELETE


@pytest.fixture
def shipped(start_server):
    """One listener, one secret, one page, the channels: the least that can be said."""
    running = start_server({"roles": DELETE, "server": {"drain": DELETE, "workers": DELETE}, "auth": {"timeout": DELETE}},
                           environment=LEAN)
    assert "limits" not in running.config and "timeouts" not in running.config
    return running
