"""What the command line loads for commands that are run often."""

from __future__ import annotations

import subprocess
import sys


def test_a_snapshot_command_loads_little() -> None:
    """Test suites run it before each test: starting Python is most of what they wait for."""
    asked = "import sys, tieline.cli, tieline.local_org; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    loaded = set(told.split())
    assert "tieline.crm.snapshots" in loaded
    assert loaded.isdisjoint({"lark", "rich", "sqlalchemy", "structlog", "tieline.crm.orgs", "uvicorn"})
