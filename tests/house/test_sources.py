"""What the sources themselves must keep to (house rules that no linter knows)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_server.problems import Problem

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "consent_server"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION = 400, 40


def modules_with(pattern: str) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in MODULES
        if re.search(pattern, path.read_text(encoding="utf-8"))
    }


def test_only_the_database_layer_commits() -> None:
    # postgresql.py makes the driver's commit a surer one; nobody calls it but db.py's session.
    assert modules_with(r"\.commit\(") == {"consent_server/db.py", "consent_server/postgresql.py"}


def test_only_the_clock_reads_the_wall_clock() -> None:
    assert modules_with(r"datetime\.now\(|datetime\.utcnow\(|\btime\.time\(|date\.today\(") == {
        "consent_server/clock.py"
    }


def test_modules_stay_short_enough_to_read() -> None:
    paths = [*MODULES, *(ROOT / "widget" / "src").glob("*.js"), *(ROOT / "tests").rglob("*.py")]
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in paths
    }

    assert {path: n for path, n in lengths.items() if n > LONGEST_MODULE} == {}


def functions() -> Iterator[tuple[str, int]]:
    """Each function's name and length: its statements, without docstring and signature."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", length


def test_functions_stay_short_enough_to_read() -> None:
    assert {name: length for name, length in functions() if length > LONGEST_FUNCTION} == {}


def subclasses(of: type[Problem]) -> Iterator[type[Problem]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def test_every_problem_has_a_slug_and_a_title_of_its_own(app) -> None:  # type: ignore[no-untyped-def]
    own = [
        each
        for each in subclasses(Problem)
        if "slug" in vars(each) and each.__module__.startswith("consent_server")
    ]
    slugs = [each.slug for each in own]

    assert sorted(slugs) == sorted(set(slugs))
    assert all(re.fullmatch(r"[a-z][a-z0-9-]+", slug) for slug in slugs)
    assert all(400 <= int(each.status) < 600 for each in own)
    titles = [each.title for each in own]
    assert not [title for title in titles if titles.count(title) > 1]


def test_a_noqa_says_why_and_an_ignored_type_says_what() -> None:
    bare = re.compile(r"#\s*(noqa(?!: [A-Z0-9, ]+ - )|type: ignore(?!\[[a-z, -]+\]))")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "HACK"])
def test_nothing_is_left_for_later(word: str) -> None:
    assert modules_with(rf"#.*\b{word}\b") == set()


def test_the_registry_is_named_nowhere() -> None:
    places = [
        *MODULES,
        ROOT / "pyproject.toml",
        *(ROOT / "widget").glob("*.json"),
        *(ROOT / "docs").rglob("*.md"),
    ]

    named = [
        str(path)
        for path in places
        if re.search(r"registry\.npmjs|pypi\.org|deb\.debian", path.read_text("utf-8"))
    ]
    assert named == []
