"""The linters and type checkers find nothing; run as tests so that one command says everything."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"], ["lint-imports"]],
    ids=lambda command: "-".join(command[:2]),
)
def test_it_finds_nothing(command: list[str]) -> None:
    program = BIN / command[0]
    if not program.exists():
        pytest.skip(f"{command[0]} is not installed: pip install -e '.[dev]'")

    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_widgets_types_fit(widget_bundles: object) -> None:
    compiler = ROOT / "widget" / "node_modules" / "typescript" / "bin" / "tsc"
    node = shutil.which("node")
    if node is None or not compiler.exists():
        pytest.skip("tsc is not installed: npm ci in widget/")

    done = subprocess.run(
        [node, compiler, "--noEmit"], cwd=ROOT / "widget", capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout[-6000:]
