"""What all HTML pages share: tokens against forged forms, words for codes, dates, and reading of forms."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError, numbers
from babel.dates import format_skeleton
from flask import Blueprint, Flask, flash, get_flashed_messages, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date, format_datetime, get_locale, gettext
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response

from consent_server import audit_labels, labels, setting_labels
from consent_server.i18n import LANGUAGES
from consent_server.labels import N_
from consent_server.problems import InvalidInput, Problem

csrf = CSRFProtect()
# What the framework says of its own accord; `said` finds its translations.
FRAMEWORK_MESSAGES = (
    N_(
        "The requested URL was not found on the server. If you entered the URL manually please check your spelling"
        " and try again."
    ),
    N_("Method Not Allowed"),
    N_("The method is not allowed for the requested URL."),
    N_("The data value transmitted exceeds the capacity limit."),
    N_("Bad Request"),
)


class FormExpired(Problem):
    slug, status = "form-expired", HTTPStatus.BAD_REQUEST
    title = "This form does not belong to your session"


def install(app: Flask, *, api: Sequence[Blueprint]) -> None:
    """Protect every form, except what browsers of other sites may post, and give templates their words."""
    # A person may think about a text for longer than any limit; the token lives as long as the session.
    app.config.update(WTF_CSRF_TIME_LIMIT=None)
    csrf.init_app(app)
    for blueprint in api:
        csrf.exempt(blueprint)
    app.register_error_handler(CSRFError, _form_expired)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        labels=labels,
        audit_labels=audit_labels,
        setting_labels=setting_labels,
        local_path=local_path,
        notes=get_flashed_messages,
    )
    app.jinja_env.filters.update(
        moment=moment,
        day=day,
        number=number,
        language_name=language_name,
        said=said,
        lifetime=lifetime,
        own_name=own_name,
    )


def moment(instant: datetime | None) -> str:
    """Return an instant as the page's language writes it, in UTC and saying so."""
    if instant is None:
        return "—"
    return f"{format_datetime(instant, 'medium')} UTC"


def number(value: int | float) -> str:
    """Return a number as the page's language writes it."""
    return _number(value, str(get_locale()))


@lru_cache(maxsize=4_096)  # a dashboard writes some thousand, most of them alike
def _number(value: int | float, locale: str) -> str:
    return numbers.format_decimal(value, locale=locale)


def day(instant: datetime | date | None) -> str:
    """Return the date of an instant, in UTC, or a date as it is."""
    return "—" if instant is None else str(format_date(instant, "medium"))


def day_of_month(each: date) -> str:
    """Return a date without its year, as short as the page's language writes it: `Nov 24`, `11月24日`."""
    return str(format_skeleton("MMMd", each, locale=get_locale()))


def lifetime(duration: str) -> str:
    """Return an ISO 8601 duration, or `session`, in words."""
    if duration == "session":
        return str(gettext("Until the browser closes"))
    words = []
    for part in re.finditer(r"(\d+)([YMWDHS])", duration):
        late = "T" if "T" in duration[: part.start()] else ""
        words.append(str(labels.UNITS[late + part[2]](int(part[1]))))
    return " ".join(words) or duration


def language_name(tag: str) -> str:
    """Return what the page's language calls a language."""
    if tag in labels.LANGUAGE:
        return str(labels.LANGUAGE[tag])
    try:
        name = Locale.parse(tag, sep="-").get_display_name(get_locale())
    except (UnknownLocaleError, ValueError):
        name = None
    return name or tag


def own_name(tag: str) -> str:
    """Return what a language calls itself."""
    if tag in LANGUAGES:
        return LANGUAGES[tag]
    try:
        return Locale.parse(tag, sep="-").get_display_name() or tag
    except (UnknownLocaleError, ValueError):
        return tag


def said(text: str) -> str:
    """Return a message of the server in the page's language, where the catalog has it."""
    return str(gettext(text)) if text else ""


def local_path(target: str | None) -> str:
    """Return `target` if it is a path of this server, else the console: nobody is sent to another host."""
    home = url_for("sites.index")
    if not target or not target.startswith("/") or target.startswith("//"):
        return home
    if any(ord(character) < 33 or character == "\\" for character in target):
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc else target


def done(message: str, endpoint: str, **values: Any) -> Response:
    """Note what has been done, for the next page to say, and go there."""
    flash(message)
    return redirect(url_for(endpoint, **values), HTTPStatus.SEE_OTHER)


def page(template: str, *, problem: Problem | None = None, **values: Any) -> ResponseReturnValue:
    """Return a page; with a problem it says so, and has the problem's status."""
    errors = dict(field_errors(problem)) | values.pop("errors", {})
    html = render_template(template, problem=problem, errors=errors, **values)
    return (html, int(problem.status), problem.headers) if problem else html


def field_errors(problem: Problem | None) -> Mapping[str, str]:
    """Return one message per field, by the field's path: `purposes.0.key`."""
    found: dict[str, str] = {}
    if isinstance(problem, InvalidInput):
        _flatten(problem.extra.get("errors", {}), "", found)
    return found


def text(name: str) -> str:
    """Return a field of the form, without white space around it."""
    return str(request.form.get(name, "")).strip()


def lines(name: str) -> list[str]:
    """Return the lines of a field that say something."""
    return [line.strip() for line in request.form.get(name, "").splitlines() if line.strip()]


def require(**fields: tuple[str, int]) -> dict[str, str]:
    """Return a message for each field that is empty or too long; a field is (its value, its longest length)."""
    wrong: dict[str, str] = {}
    for name, (value, longest) in fields.items():
        if not value:
            wrong[name] = gettext("Fill this in.")
        elif len(value) > longest:
            wrong[name] = gettext("At most %(number)s characters.", number=longest)
    return wrong


def nested(prefix: str, form: Mapping[str, str]) -> Any:
    """Return the fields under a prefix as nested data: `a.0.b` is `{"a": [{"b": …}]}`."""
    root: dict[str, Any] = {}
    for name, value in form.items():
        if not name.startswith(f"{prefix}."):
            continue
        place = root
        *path, last = name.split(".")[1:]
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise InvalidInput("The form's fields contradict each other.", errors={})
        place[last] = value
    return _listed(root)


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(each) for key, each in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def _flatten(errors: Any, path: str, found: dict[str, str]) -> None:
    if isinstance(errors, Mapping):
        for key, each in errors.items():
            _flatten(each, f"{path}.{key}" if path else str(key), found)
    elif isinstance(errors, (list, tuple)):
        found[path] = " ".join(said(str(each)) for each in errors)
    else:
        found[path] = said(str(errors))


def _form_expired(error: CSRFError) -> ResponseReturnValue:
    problem = FormExpired("Go back, reload the page and send the form again; nothing was stored.")
    return render_template("problem.html", problem=problem), int(problem.status)


def confirm(*, title: str, text: str, button: str, back: str, **values: Any) -> ResponseReturnValue:
    """Ask before something that cannot be undone; works without a script."""
    return page("confirm.html", heading=title, explanation=text, button=button, back=back, **values)
