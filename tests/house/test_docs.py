"""The documents say what the code says: settings, problems, endpoints, change types, links, commands, recipes."""

import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

import consent_server
from consent_server import models  # noqa: F401 - all tables
from consent_server.assets import node_command
from consent_server.auth import declared
from consent_server.config import SETTINGS
from consent_server.db import Base
from consent_server.keys import KeyRing
from consent_server.policies.changes import PROPOSED
from consent_server.problems import Problem
from consent_server.sites.identity import subject_of
from tests import citus, make

ROOT = Path(__file__).resolve().parents[2]
DOCS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
RUN_ON_IMPORT = ("consent_server.asgi", "consent_server.wsgi", "consent_server.migrations")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def problem_classes() -> set[type[Problem]]:
    for module in pkgutil.walk_packages(consent_server.__path__, "consent_server."):
        if not module.name.startswith(RUN_ON_IMPORT):
            importlib.import_module(module.name)

    def below(kind: type[Problem]) -> Iterator[type[Problem]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    return {each for each in below(Problem) if each.__module__.startswith("consent_server.")}


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_the_first_30_lines_of_the_readme_are_what_a_newcomer_needs() -> None:
    lines = text_of("README.md").splitlines()[:30]
    head = "\n".join(lines)
    shell = re.search(r"```sh\n(.*?)```", head, re.DOTALL)
    embed = re.search(r"```html\n(.*?)```", head, re.DOTALL)

    assert lines[0] == "# consent-server"
    assert "docs/images/banner.png" in head
    assert shell
    assert len(shell[1].strip().splitlines()) == 3
    assert embed
    assert len(embed[1].strip().splitlines()) == 2
    assert all(
        f"docs/{name}.md" in head for name in ("quickstart", "embed", "publish", "api", "operate", "glossary")
    )
    assert lines[-1] == "" or lines[-1].startswith("[")


def test_the_screenshot_is_a_small_picture() -> None:
    picture = (ROOT / "docs/images/banner.png").read_bytes()

    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 200_000


def test_every_make_command_in_the_documents_is_a_target() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    named = {
        name
        for doc in DOCS
        for name in re.findall(r"(?:^|`)make ([a-z]+)", doc.read_text(encoding="utf-8"), re.M)
    }

    assert {"run", "test"} <= named <= targets
    assert "make test" in text_of(".ci/run")


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(doc: Path) -> None:
    for target in LINK.findall(doc.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        found = (doc.parent / path).resolve() if path else doc
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {anchor_of(heading) for heading in headings}, target


def test_every_setting_stands_in_the_documents_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(CONSENT_\w+)` \| (\S.*?) \|", text_of("docs/settings.md"), re.MULTILINE))

    assert rows == {s.variable: f"`{s.default}`" if s.default else "empty" for s in SETTINGS}


def test_settings_named_anywhere_exist() -> None:
    known = {s.variable for s in SETTINGS} | {s.variable + "_FILE" for s in SETTINGS if s.secret}
    named = {
        name
        for doc in DOCS
        for name in re.findall(r"\bCONSENT_[A-Z_]*[A-Z]\b", doc.read_text(encoding="utf-8"))
    }

    assert named - {citus.VARIABLE} <= known


def test_every_problem_stands_in_the_documents_with_its_status() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\d{3}) \|", text_of("docs/api.md"), re.MULTILINE)

    assert set(rows) == {(each.slug, str(int(each.status))) for each in problem_classes()}


def test_every_public_endpoint_stands_in_the_documents(app: Flask) -> None:
    described = text_of("docs/api.md")
    paths = set()
    for rule in app.url_map.iter_rules():
        kind = declared(app.view_functions[rule.endpoint])
        if kind == "staff" or rule.rule.startswith(("/console", "/static", "/log/")) or rule.rule == "/":
            continue
        paths.add(
            re.sub(r"<(?:[^<>]*:)?(\w+)>", r"<\1>", rule.rule).replace("/w/<name>.js", "/w/<site_key>.js")
        )

    assert {path for path in paths if path not in described} == set()


def test_every_change_type_stands_in_the_documents_with_its_class() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| `([a-z_]+)` \|", text_of("docs/publish.md"), re.MULTILINE))

    assert rows == {kind.value: proposal.change_class.value for kind, proposal in PROPOSED.items()}


def test_the_tables_that_hold_personal_data_are_named_and_have_no_column_for_more() -> None:
    named = set(
        re.findall(
            r"`([a-z_]+)`", text_of("docs/privacy.md").split("## Never")[0].split("## On the server")[1]
        )
    )
    columns = {column.name for table in Base.metadata.tables.values() for column in table.columns}

    assert named <= set(Base.metadata.tables)
    assert not {name for name in columns if re.search(r"(^|_)(ip|address|agent|referrer|referer)($|_)", name)}


def test_decision_records_are_short_and_numbered() -> None:
    records = sorted((ROOT / "docs/adr").glob("*.md"))

    assert [int(each.name[:4]) for each in records] == list(range(1, len(records) + 1))
    assert all(len(each.read_text(encoding="utf-8").splitlines()) < 50 for each in records)


def test_no_file_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "npmjs" + ".com", "debian" + ".org"]
    traces = re.compile(
        "|".join([*map(re.escape, hosts), "/work" + "/", "/root" + "/", "/home" + "/"]).encode()
    )
    binary = {".png", ".mo", ".ico", ".woff2"}

    found = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.suffix not in binary and traces.search(path.read_bytes())
    ]

    assert found == []


def recipe(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text_of("docs/embed.md"), re.DOTALL)
    assert found
    return found[1]


def python_token(subject: str, site_key: str, secret: str) -> str:
    names: dict[str, object] = {}
    exec(recipe("python"), names)  # the document's own words
    made = names["identity_token"](subject, site_key, secret)  # type: ignore[operator]
    return str(made)


def node_token(subject: str, site_key: str, secret: str) -> str:
    blocks = re.findall(r"```js\n(.*?)```", text_of("docs/embed.md"), re.DOTALL)
    script = next(block for block in blocks if "createHmac" in block)
    script += f"console.log(identityToken({subject!r}, {site_key!r}, {secret!r}));"
    done = subprocess.run(
        [node_command(), "--input-type=module", "-"], input=script, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("make_token", [python_token, node_token])
def test_a_token_made_by_the_documented_recipe_is_accepted(app: Flask, make_token: object) -> None:
    site = make.site()
    ring: KeyRing = app.extensions["keys"]
    secret = ring.identity_secret(site.key, site.identity_generation)

    token = make_token("reader-1", site.key, secret)  # type: ignore[operator]

    now = datetime.now(UTC)  # noqa: TID251 - the recipe reads the real clock
    assert subject_of(token, site=site, ring=ring, now=now) == "reader-1"
