"""The form of typed changes: rows of the form, and what the service takes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask_babel import gettext as _

from consent_server.policies.changes import PROPOSED, ChangeClass, ChangeType, is_downgrade
from consent_server.policies.facts import Change as ChangeFacts
from consent_server.policies.models import Change
from consent_server.policies.redline import Suggestion
from consent_server.problems import InvalidInput
from consent_server.screens import nested

Row = dict[str, Any]
# Types by the class that they propose, the weightiest first; nobody types a change as unclassified.
GROUPS: Final = {
    each.value: [
        kind.value
        for kind, proposal in PROPOSED.items()
        if proposal.change_class is each and kind is not ChangeType.UNCLASSIFIED
    ]
    for each in reversed(ChangeClass)
}
REASONS: Final = {kind.value: proposal for kind, proposal in PROPOSED.items()}


def empty_row(languages: Sequence[str]) -> Row:
    """Return a row that says nothing yet."""
    return {
        "type": "",
        "class": "",
        "all": False,
        "purposes": {},
        "renamed_from": "",
        "summary": dict.fromkeys(languages, ""),
        "reason": "",
    }


def row_of(change: Change, languages: Sequence[str]) -> Row:
    """Return the row of a stored change."""
    kind = ChangeType(change.type)
    return empty_row(languages) | {
        "type": change.type,
        "class": "" if PROPOSED[kind].change_class.value == change.effect else change.effect,
        "all": change.purposes is None,
        "purposes": dict.fromkeys(change.purposes or (), "on"),
        "renamed_from": change.renamed_from or "",
        "summary": dict.fromkeys(languages, "") | change.summary,
        "reason": change.reason,
    }


def row_of_facts(change: ChangeFacts, languages: Sequence[str]) -> Row:
    """Return the row of a change that was detected in the purposes."""
    return empty_row(languages) | {
        "type": change.type.value,
        "all": change.purposes is None,
        "purposes": dict.fromkeys(change.purposes or (), "on"),
    }


def row_of_suggestion(suggestion: Suggestion, languages: Sequence[str]) -> Row:
    """Return the row of a change that the words of the texts speak for; without a type where no rule understood them."""
    return empty_row(languages) | {
        "type": suggestion.type.value if suggestion.type else "",
        "all": suggestion.purposes is None,
        "purposes": dict.fromkeys(suggestion.purposes or (), "on"),
    }


def described(form: Mapping[str, str]) -> list[Row]:
    """Return the rows of a form, unchecked, as it had them."""
    rows = nested("changes", form)
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    for row in found:
        row["all"] = "all" in row
        for name in ("purposes", "summary"):
            if not isinstance(row.get(name), dict):
                row[name] = {}
    return found


def typed(rows: Sequence[Row]) -> list[Row]:
    """Return the changes as the drafting service takes them.

    Raises:
        InvalidInput: a row has no type, no purposes, or lacks the reason for a lower class.
    """
    wrong: dict[str, str] = {}
    for at, row in enumerate(rows):
        if row.get("type") not in REASONS:
            wrong[f"changes.{at}.type"] = _("Choose a type.")
            continue
        if not row["all"] and not row["purposes"]:
            wrong[f"changes.{at}.purposes"] = _("Choose the purposes that it touches, or all.")
        if row["type"] == ChangeType.PURPOSE_RENAMED and not row.get("renamed_from"):
            wrong[f"changes.{at}.renamed_from"] = _("Say what it was called before.")
        if row.get("class") and _needs_reason(row):
            wrong[f"changes.{at}.reason"] = _("Say why it counts as less than its type proposes.")
    if wrong:
        raise InvalidInput("Look at the marked fields.", errors=wrong)
    return [_change(row) for row in rows]


def _needs_reason(row: Row) -> bool:
    chosen = row["class"] if row["class"] in list(ChangeClass) else ChangeClass.MAJOR_CONSENT
    return is_downgrade(ChangeType(row["type"]), ChangeClass(chosen)) and not row.get("reason", "").strip()


def _change(row: Row) -> Row:
    return {
        "type": row["type"],
        "class": row.get("class") or None,
        "purposes": None if row["all"] else sorted(row["purposes"]),
        "renamed_from": row.get("renamed_from") if row["type"] == ChangeType.PURPOSE_RENAMED else None,
        "summary": {language: text.strip() for language, text in row["summary"].items() if text.strip()},
        "reason": row.get("reason", "").strip(),
    }
