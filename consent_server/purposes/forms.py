"""The form of one purpose, with its services and cookies, as nested data and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from consent_server.screens import nested

Purpose = dict[str, Any]


def blank(languages: Sequence[str]) -> Purpose:
    """Return an empty purpose; most that are added are additional ones that rest on consent."""
    return {
        "key": "",
        "function": "additional",
        "consent_kind": "general",
        "legal_basis": "consent",
        "texts": {language: {"name": "", "description": ""} for language in languages},
        "services": [],
    }


def described(form: Mapping[str, str]) -> Purpose:
    """Return the purpose that a form describes, in the shape of `PurposeSchema`; unchecked."""
    data = nested("p", form)
    purpose: Purpose = data if isinstance(data, dict) else {}
    purpose["services"] = [_service(each) for each in _rows(purpose, "services")]
    return _stripped(purpose)  # type: ignore[no-any-return]  # a dict goes in, a dict comes out


def changed(purpose: Purpose, step: str) -> None:
    """Add or remove a row, as the button that was pressed says: `add-cookie:0`, `remove-cookie:0:2`."""
    verb, _, place = step.partition(":")
    at = [int(part) for part in place.split(":") if part.isdecimal()]
    services = purpose["services"]
    if verb == "add-service":
        services.append(
            {"key": "", "name": "", "provider": "", "privacy_url": "", "texts": {}, "cookies": []}
        )
    elif verb == "remove-service" and _there(services, at):
        del services[at[0]]
    elif verb == "add-cookie" and _there(services, at):
        cookie = {
            "name": "",
            "pattern": False,
            "store": "cookie",
            "party": "first",
            "lifetime": "",
            "texts": {},
        }
        services[at[0]]["cookies"].append(cookie)
    elif verb == "remove-cookie" and _there(services, at) and _there(services[at[0]]["cookies"], at[1:]):
        del services[at[0]]["cookies"][at[1]]


def _there(rows: Sequence[Any], at: Sequence[int]) -> bool:
    return bool(at) and at[0] < len(rows)


def _service(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "cookies": [_cookie(each) for each in _rows(data, "cookies")]}


def _cookie(data: dict[str, Any]) -> dict[str, Any]:
    # A pattern is recognised by its star, so that nobody can tick the wrong box.
    return {**data, "pattern": "*" in str(data.get("name", ""))}


def _rows(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = data.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_stripped(each) for each in value]
    return value.strip() if isinstance(value, str) else value
