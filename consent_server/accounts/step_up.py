"""Ask for a fresh second factor before what is dangerous: publishing, keys, people, the sign-in itself.

The question carries the form that was sent along, and sends it again with the proof: no text is lost, and nothing is
done twice. Accounts without a second factor are not asked.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import g, request
from flask.typing import ResponseReturnValue

from consent_server import clock
from consent_server.accounts import factors, passkeys, signing_in
from consent_server.db import transaction
from consent_server.problems import Problem
from consent_server.screens import page

View = TypeVar("View", bound=Callable[..., Any])
FRESH = timedelta(minutes=10)
OWN_FIELDS = ("csrf_token", "proof_code", "proof_answer")


class ProofNeeded(Problem):
    slug, status = "proof-needed", HTTPStatus.FORBIDDEN
    title = "Confirm that it is you"


def proven(view: View) -> View:
    """Let a form of a signed-in person through once a second factor was shown within ten minutes.

    Stands directly under the route, above `@auth`; a form with files is not carried along.
    """

    @wraps(view)
    def asked(*args: Any, **kwargs: Any) -> Any:
        question = _question()
        return view(*args, **kwargs) if question is None else question

    return asked  # type: ignore[return-value]  # the same signature


def is_fresh(proved_at: datetime | None, *, now: datetime) -> bool:
    """Tell whether a proof still counts."""
    return proved_at is not None and now - proved_at <= FRESH


def _question() -> ResponseReturnValue | None:
    if request.method != "POST" or not factors.has_second_factor(g.account):
        return None
    if is_fresh(g.console_session.proved_at, now=clock.now()):
        return None
    code, answer = request.form.get("proof_code", ""), request.form.get("proof_answer", "")
    if not code and not answer:
        return _ask(ProofNeeded())
    try:
        signing_in.check_proof(g.account, code=code, answer=answer)
    except Problem as problem:
        return _ask(problem)
    with transaction():
        g.console_session.proved_at = clock.now()
    return None


def _ask(problem: Problem) -> ResponseReturnValue:
    fields = [
        (name, value) for name, values in request.form.lists() if name not in OWN_FIELDS for value in values
    ]
    return page("accounts/step_up.html", problem=problem, fields=fields, **proof_fields(g.account))


def proof_fields(account: Any) -> dict[str, Any]:
    """Return what the form of a proof needs: whether there is an app, and the passkeys' options."""
    options = None
    if factors.has_passkey(account):
        challenge = signing_in.new_challenge()
        options = passkeys.authentication_options(account, party=signing_in.party(), challenge=challenge)
    return {"has_app": factors.has_app(account), "passkey_options": options}
