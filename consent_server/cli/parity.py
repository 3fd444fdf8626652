"""`policy check` and `policy compare`: do the languages say the same, and what changed? Files only; no database, no network."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import orjson

from consent_server.cli.policies import policy
from consent_server.policies.parity import (
    BadWaiver,
    Finding,
    Report,
    Waiver,
    check_history,
    read_waivers,
)
from consent_server.policies.redline import VersionRedline, redline_versions
from consent_server.policies.text import (
    Document,
    SourceError,
    SourceFile,
    language_tag,
    parse,
    read_history,
    read_sources,
)

WAIVERS = "waivers.json"
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MARKS = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
Version = tuple[str, dict[str, Document]]


@policy.command()
@click.argument("folder", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--against", type=FOLDER, help="The version before: tells what changed in one language only since."
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="A language that must be there (repeat it); the first is what the others are compared with.",
)
@click.option("--waivers", "waivers_file", type=FILE, help=f"Waived findings; FOLDER/{WAIVERS} by default.")
def check(
    folder: Path, as_json: bool, against: Path | None, languages: tuple[str, ...], waivers_file: Path | None
) -> None:
    """Check whether the texts in FOLDER say the same in every language.

    FOLDER holds one text per language, or dated folders (2025-03-01, 2025-04-10 ...) of such, which are checked in order.
    The exit status is 0 if the newest version is in step, 1 if an error is open, 2 if something cannot be read.
    """
    try:
        tags = [_tag(language) for language in languages]
        waivers = _waivers(waivers_file or folder / WAIVERS)
        reports = check_history(_versions(folder, against, tags), languages=tags, waivers=waivers)
    except (SourceError, BadWaiver) as error:
        click.echo(f"consent-server: {error}", err=True)
        sys.exit(2)
    shown = reports[-1:] if against else reports
    click.echo(_json(shown) if as_json else "\n".join(_lines(shown)))
    sys.exit(0 if reports[-1].in_step else 1)


@policy.command()
@click.argument("before", type=FOLDER)
@click.argument("after", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print redlines, proposals and summary as JSON.")
@click.option(
    "--purposes", "purposes_file", type=FILE, help="The draft's purposes, to tell which a change touches."
)
@click.option(
    "--language", "languages", multiple=True, help="The languages in order; the others follow the first."
)
def compare(
    before: Path, after: Path, as_json: bool, purposes_file: Path | None, languages: tuple[str, ...]
) -> None:
    """Show word by word what changed from BEFORE to AFTER, propose what kind of change it is, and draft the summary.

    A removed word stands in [-brackets-], an added one in {+braces+}. A person confirms or corrects the types.
    """
    try:
        tags = [_tag(language) for language in languages]
        old, new = (_documents(read_sources([folder]), tags) for folder in (before, after))
        found = redline_versions(old, new, _purposes(purposes_file))
    except SourceError as error:
        click.echo(f"consent-server: {error}", err=True)
        sys.exit(2)
    if as_json:
        click.echo(orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo("\n".join(_compared(found)))


def _purposes(file: Path | None) -> dict[str, dict[str, str]]:
    if file is None:
        return {}
    try:
        return {
            purpose["key"]: {language: words["name"] for language, words in purpose["texts"].items()}
            for purpose in orjson.loads(file.read_bytes())
        }
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            "format", f"not a list of purposes as `init` takes them: {error}", str(file)
        ) from error


def _compared(found: VersionRedline) -> list[str]:
    lines: list[str] = []
    for language, sections in found.redlines.items():
        for each in sections:
            lines.append(f"{language} {each.kind}: {each.section.title or '(before the first heading)'}")
            lines += ["    " + "".join(_MARKS[p.kind].format(p.text) for p in c.pieces) for c in each.changes]
    for suggestion in found.suggestions:
        words = "; ".join(
            f"{language}: {', '.join(each)}" for language, each in suggestion.words.items() if each
        )
        touched = "all purposes" if suggestion.purposes is None else ", ".join(suggestion.purposes)
        kind = suggestion.type.value if suggestion.type else "(a person must say)"
        where = f"section {suggestion.number}" if suggestion.number else suggestion.anchor
        lines.append(f"proposed: {where}: {kind} ({suggestion.change_class.value}), {touched}; {words}")
    for language in found.redlines:
        lines += [f"summary {language}: {bullet.text}" for bullet in found.summary(language)]
    return lines


def _tag(language: str) -> str:
    tag = language_tag(language)
    if tag is None:
        raise SourceError("language", f"{language!r} names no language; expected a tag such as zh-CN or en")
    return tag


def _waivers(file: Path) -> list[Waiver]:
    if not file.is_file():
        return []
    try:
        return read_waivers(orjson.loads(file.read_bytes()))
    except orjson.JSONDecodeError as error:
        raise BadWaiver(f"{file}: not valid JSON: {error}") from error


def _versions(folder: Path, against: Path | None, languages: Sequence[str]) -> list[Version]:
    if any(path.is_dir() and path.name[:4].isdecimal() for path in folder.iterdir()):
        return [(state.name, _documents(state.sources, languages)) for state in read_history(folder)]
    folders = [each for each in (against, folder) if each is not None]
    return [(each.name, _documents(read_sources([each]), languages)) for each in folders]


def _documents(files: Iterable[SourceFile], languages: Sequence[str]) -> dict[str, Document]:
    documents = {
        file.language: parse(file.text, language=file.language, format=file.format) for file in files
    }
    order = [*(tag for tag in languages if tag in documents), *documents]
    return {tag: documents[tag] for tag in dict.fromkeys(order)}


def _json(reports: Sequence[Report]) -> str:
    newest = reports[-1].to_json()
    data = newest if len(reports) == 1 else newest | {"versions": [report.to_json() for report in reports]}
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()


def _lines(reports: Sequence[Report]) -> list[str]:
    lines = []
    for report in reports:
        open_errors = sum(finding.is_open for finding in report.findings)
        state = (
            "in step"
            if report.in_step
            else f"out of step: {open_errors} open, {', '.join(report.behind)} behind"
        )
        lines.append(f"{report.name or 'texts'} ({', '.join(report.languages)}): {state}")
        for finding in report.findings:
            lines += finding_lines(finding)
        lines += [
            f"  stale waiver: {w.rule} in section {w.section or '(top)'} waives nothing now"
            for w in report.stale
        ]
    return lines


def finding_lines(finding: Finding) -> list[str]:
    """Return what a terminal shows of a finding: what, why, its fingerprint, and both places."""
    mark = "waived" if finding.waived_by else finding.severity
    lines = [
        f"  {mark:<8} {finding.rule:<20} {finding.message}",
        f"           why: {finding.why}",
        f"           fingerprint: {finding.fingerprint}",
    ]
    if finding.waived_by:
        lines.append(f"           waived by {finding.waived_by}: {finding.reason}")
    for place in finding.places:
        where = f"{place.language}, line {place.line}" if place.line else place.language
        lines.append(f"           {where}: {place.text or place.heading or '(nothing)'}")
    return lines
