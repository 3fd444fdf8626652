"""The widget's sources: types, lock file, strings."""

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import brotli
import orjson
import pytest

from consent_server import assets
from consent_server.banner import configuration
from tests.widget.stage import GOOGLE, baked, locale

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


def test_the_build_weighs_what_the_server_sends() -> None:
    """The budget's configuration is one that the server would send: two languages, four purposes, Consent Mode."""
    sample = json.loads((WIDGET / "budget.json").read_text(encoding="utf-8"))
    _, api, policy, build, modules, *_ = sample
    config = baked(api, site="s_3f9c1a7be2d04586", policy=policy, modules=modules, signals={"google": GOOGLE})

    assert configuration.wire(config, build=build) == sample


def test_the_first_response_and_the_preferences_keep_their_size(
    bundles: assets.Manifest, record_property: Callable[[str, object], None]
) -> None:
    sample = orjson.loads((WIDGET / "budget.json").read_bytes())
    first = assets.bound_core(assets.core_bundle(), orjson.dumps(sample), sample[0])
    sizes = {
        "first": len(brotli.compress(first, quality=11)),
        "preferences": len(brotli.compress(assets.module_source("preferences") or b"", quality=11)),
    }

    record_property("brotli", sizes)
    assert sizes["first"] <= 5_120
    assert 1_000 < sizes["preferences"] <= 4_096


def test_a_build_that_is_too_heavy_fails_and_says_where_the_bytes_are(tmp_path: Path) -> None:
    copy = tmp_path / "widget"
    shutil.copytree(WIDGET, copy, symlinks=True)
    random = hashlib.sha512(b"a seed").hexdigest() * 1 + hashlib.sha512(b"another").hexdigest()
    with (copy / "src" / "main.js").open("a", encoding="utf-8") as file:
        file.write(f'window.heavy = "{random}{random[::-2]}{random[::3]}";')

    done = subprocess.run(
        [assets.node_command(), str(copy / "build.mjs"), "core"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search(r"core: \d+ bytes brotli, budget 5120", done.stderr)
    assert re.search(r"src/gate\.js +\d+ +\d+", done.stderr)


def test_markup_is_never_parsed() -> None:
    for source in (WIDGET / "src").glob("*.js"):
        if source.name == "guard.js":  # it marks what the page itself has parsed, and parses nothing
            continue
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b",
            source.read_text(encoding="utf-8"),
        ), source.name
