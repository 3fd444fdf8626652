"""Schemathesis over /openapi.json: whatever is sent, the answers are those that the description promises.

Positive and negative cases, all checks, with a fixed seed, on both databases: every answer must be documented (status,
content type, shape), what breaks the description must be refused, what keeps it must be taken, nothing may crash.
"""

import contextvars
from collections.abc import Callable, Iterable
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from consent_server.db import db
from consent_server.rate_limit import limiter
from tests import make

EXAMPLES = 25
# A text that is too long for its field can also be too long for a body (413).
CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 413, 415, 422]}}}
)
Json = dict[str, Any]


def isolated(app: Flask) -> Callable[..., Iterable[bytes]]:
    """The application as a WSGI server calls it: without the test's own context."""

    def serve(environ: Any, start_response: Any) -> Iterable[bytes]:
        return contextvars.Context().run(app.wsgi_app, environ, start_response)

    return serve


@pytest.fixture
def known(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Json:
    """What generated calls find: a site, a subject with a receipt, a key; and nobody counts the requests."""
    monkeypatch.setattr(limiter, "enabled", False)
    site = make.ready_site()
    made = make.decide(client, site)
    assert make.identify(client, site, make.subject_token(site), made["visitor_id"]).status_code == 200
    found = {
        "site_key": site.key,
        "policy_key": "privacy",
        "number": "1.0",
        "ref": "user-1",
        "api_key": make.api_key(site),
        "body": make.body(client, site),
        "token": make.subject_token(site),
        "receipt": made["receipt"],
    }
    db.session.commit()
    return found


def aim(case: Any, known: Json, *, fully: bool) -> None:
    """Let a generated call name things that exist: its site always, the rest if `fully`."""
    for name in case.path_parameters or {}:
        if name in known and (fully or name == "site_key"):
            case.path_parameters[name] = known[name]
    if case.query and "at" in case.query and fully:
        case.query["at"] = "2026-03-02T10:00:00.5+08:00"
    body = case.body
    if not fully or not isinstance(body, dict):
        return
    if "receipt" in body:
        body["receipt"] = known["receipt"]
    if "token" in body:
        body |= {"token": known["token"], "visitor_id": None}
    if "choices" in body:
        choice = "granted" if body["action"] == "accept_all" else "denied"
        body |= {name: known["body"][name] for name in ("policy_version", "language", "banner_build")}
        body |= {"choices": dict.fromkeys(known["body"]["choices"], choice)}
        body.pop("asked", None)


def check_operation(operation: Any, mode: GenerationMode, known: Json) -> None:
    strategy = operation.as_strategy(generation_mode=mode)

    @hypothesis.seed(20261121)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    @hypothesis.given(case=strategy, fully=hypothesis.strategies.booleans())
    def check(case: Any, fully: bool) -> None:
        positive = mode is GenerationMode.POSITIVE
        if positive:
            aim(case, known, fully=fully)
        headers = (
            {"Authorization": f"Bearer {known['api_key']}"}
            if operation.definition.raw.get("security")
            else {}
        )
        # What a call names may not exist (any more), which no schema can say: then 422 is the right answer too.
        excluded = [] if positive and fully else [positive_data_acceptance]
        case.call_and_validate(headers=headers, excluded_checks=excluded)

    check()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
def test_answers_are_as_described(app: Flask, known: Json, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", isolated(app), config=CONFIG)
    failures = []
    for result in schema.get_all_operations():
        operation = result.ok()
        try:
            check_operation(operation, mode, known)
        except BaseExceptionGroup as group:
            failures.append(f"{operation.label}: {group.message}")
        except AssertionError as error:
            failures.append(f"{operation.label}: {error}")

    assert not failures, "\n\n".join(failures)
