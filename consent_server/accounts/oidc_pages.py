"""Signing in with the organisation's own account: to its provider, and back."""

import secrets

import structlog
from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from consent_server import clock, i18n
from consent_server.accounts import identities, oidc, signing_in
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.http import public_url, settings
from consent_server.problems import NotFound, Problem
from consent_server.rate_limit import limiter
from consent_server.screens import local_path, page

bp = Blueprint("organisation", __name__, url_prefix="/console/sign-in/organisation")
log = structlog.get_logger(__name__)
KEPT, LIFE = "organisation", 600  # in the form session; seconds that signing in there may take


@bp.get("")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("public")
def go() -> ResponseReturnValue:
    """Send the browser to the provider."""
    kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    try:
        address = oidc.authorization_url(_client(), redirect_uri=_back(), language=i18n.language(), **kept)
    except oidc.ProviderFailed as problem:
        return _refused(problem)
    session[KEPT] = kept | {"at": int(clock.now().timestamp()), "next": local_path(request.args.get("next"))}
    return redirect(address)


@bp.get("/return")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("public")
def back() -> ResponseReturnValue:
    """Sign in whom the provider vouches for."""
    instant, kept = clock.now(), session.pop(KEPT, None)
    try:
        client = _client()
        code = request.args.get("code", "")
        fits = kept and secrets.compare_digest(kept["state"].encode(), request.args.get("state", "").encode())
        if not fits or instant.timestamp() - kept["at"] > LIFE or not code:
            raise oidc.ProviderFailed(
                "This sign-in was not begun in this browser, or has ended. Begin again."
            )
        oidc.check_issuer(client, request.args.get("iss"))
        person = oidc.person_of(
            client,
            code=code,
            redirect_uri=_back(),
            nonce=kept["nonce"],
            verifier=kept["verifier"],
            now=instant,
        )
        with transaction():
            account = identities.account_of(person, now=instant)
    except Problem as problem:
        return _refused(problem)
    return signing_in.first_step_passed(account, kept["next"], method="oidc")


def _client() -> oidc.Client:
    chosen = settings()
    if not chosen.oidc_issuer:
        raise NotFound("This server has no organisation's sign-in.")
    return oidc.Client(chosen.oidc_issuer, chosen.oidc_client_id, chosen.oidc_client_secret)


def _back() -> str:
    return f"{public_url()}{url_for('organisation.back')}"


def _refused(problem: Problem) -> ResponseReturnValue:
    log.warning("organisation's sign-in refused", reason=problem.detail or problem.title)
    return page(
        "accounts/sign_in.html",
        problem=problem,
        next=local_path(None),
        **signing_in.other_ways(),
    )
