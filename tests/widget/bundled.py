"""Scripts that tests put into pages, bundled with the widget's own tools."""

import subprocess
from functools import cache
from pathlib import Path

from consent_server.assets import node_command

TESTS = Path(__file__).resolve().parents[2] / "widget" / "tests"


@cache
def bundled(name: str) -> str:
    """The script `widget/tests/pages/NAME` with what it imports."""
    command = [node_command(), str(TESTS / "bundle.mjs"), str(TESTS / "pages" / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
