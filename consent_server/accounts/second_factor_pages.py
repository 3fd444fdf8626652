"""The second step of signing in, and signing in with a passkey alone."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from consent_server import clock
from consent_server.accounts import passkeys, signing_in
from consent_server.accounts.step_up import proof_fields
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.http import settings
from consent_server.problems import Problem
from consent_server.rate_limit import limiter
from consent_server.screens import local_path, page

bp = Blueprint("second_factor", __name__, url_prefix="/console")


@bp.get("/second-step")
@auth("public")
def show() -> ResponseReturnValue:
    """Ask for the second factor of who has passed the first step."""
    return _step()


@bp.post("/second-step")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("public")
def prove() -> ResponseReturnValue:
    """Sign in with the second factor."""
    found = signing_in.pending()
    if found is None:
        return redirect(url_for("accounts.sign_in"))
    account, kept = found
    try:
        signing_in.check_proof(
            account, code=request.form.get("proof_code", ""), answer=request.form.get("proof_answer", "")
        )
    except Problem as problem:
        return _step(problem)
    return signing_in.sign_in(account, local_path(kept["next"]), method=kept["method"], proved=True)


@bp.post("/sign-in/passkey")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("public")
def with_passkey() -> ResponseReturnValue:
    """Sign in with a passkey alone: it is held, and its owner was verified by the authenticator."""
    target = local_path(request.form.get("next"))
    challenge = signing_in.take_challenge()
    try:
        with transaction():
            account = passkeys.authenticate(
                request.form.get("proof_answer", ""),
                account=None,
                party=signing_in.party(),
                challenge=challenge,
                now=clock.now(),
            )
    except passkeys.PasskeyRefused as problem:
        return page("accounts/sign_in.html", problem=problem, next=target, **signing_in.other_ways())
    return signing_in.sign_in(account, target, method="passkey", proved=True)


def _step(problem: Problem | None = None) -> ResponseReturnValue:
    found = signing_in.pending()
    if found is None:
        return redirect(url_for("accounts.sign_in"))
    return page("accounts/second_step.html", problem=problem, **proof_fields(found[0]))
