"""The widget's sources: types, lock file, strings."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest

from consent_server import assets
from tests.widget.stage import baked, locale, wrapped

WIDGET = Path(__file__).resolve().parents[2] / "widget"


def test_the_types_hold(bundles: assets.Manifest) -> None:
    compiler = WIDGET / "node_modules" / "typescript" / "bin" / "tsc"

    done = subprocess.run(
        [assets.node_command(), str(compiler), "--project", str(WIDGET / "tsconfig.json")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == ""
    assert done.returncode == 0


def test_the_lock_file_names_no_registry() -> None:
    text = (WIDGET / "package-lock.json").read_text(encoding="utf-8")

    assert '"integrity"' in text
    assert '"resolved"' not in text
    assert "://" not in re.sub(r'"funding": \{[^}]*\}|"url": "[^"]*"', "", text)


def test_every_language_has_every_string_with_the_same_placeholders() -> None:
    english = locale("en")
    for file in (WIDGET / "locales").glob("*.json"):
        other = locale(file.stem)
        assert {group: list(texts) for group, texts in other.items()} == {
            group: list(texts) for group, texts in english.items()
        }
        for group, texts in english.items():
            for key, text in texts.items():
                assert set(re.findall(r"\{\w+\}", other[group][key])) == set(re.findall(r"\{\w+\}", text)), (
                    key
                )


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_built_files_are_not_committed() -> None:
    done = subprocess.run(
        ["git", "ls-files", "consent_server/static/widget"],
        cwd=WIDGET.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == ""


def test_the_first_response_keeps_its_size(
    bundles: assets.Manifest, record_property: Callable[[str, object], None]
) -> None:
    """Two languages, four purposes. The goal is 5,120 bytes; this ceiling only ever goes down."""
    build = hashlib.sha256(b"a build").hexdigest()

    packed = len(brotli.compress(wrapped(baked("https://consent.example.org", build=build)), quality=11))

    record_property("first_response_brotli", packed)
    print(f"first response: {packed:,} bytes brotli")
    assert packed <= 5_650


def test_markup_is_never_parsed() -> None:
    for source in (WIDGET / "src").glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b",
            source.read_text(encoding="utf-8"),
        ), source.name
