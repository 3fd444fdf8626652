"""The application factory: settings, database, keys, blueprints, gates."""

import gc
from typing import Any

from flask import Flask, render_template
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine

from consent_server import auth, http, i18n, logs, migrate, openapi, screens, system
from consent_server.accounts import invitation_pages, oidc_pages, second_factor_pages, security_pages
from consent_server.accounts import pages as account_pages
from consent_server.accounts import tasks as account_tasks
from consent_server.accounts.roles import ACTIONS
from consent_server.banner import api as banner_api
from consent_server.banner import leaves as banner_leaves
from consent_server.banner import outlet
from consent_server.banner.tally import Clerk
from consent_server.campaigns import api as addresses_api
from consent_server.campaigns import tasks as campaign_tasks
from consent_server.campaigns import unsubscribe
from consent_server.config import Settings, load_settings
from consent_server.consents import api as consents_api
from consent_server.consents import intake, verify_page
from consent_server.consents.export import api as exports_api
from consent_server.consents.export import pages as export_pages
from consent_server.consents.recording import start_lane
from consent_server.console import (
    campaigns,
    dashboard,
    impact,
    inbox,
    overview,
    preview,
    publish,
    review,
    site_settings,
    snippet,
)
from consent_server.db import db, prepare_engine
from consent_server.evidence import pages as receipt_pages
from consent_server.evidence import tasks as evidence_tasks
from consent_server.jobs.runner import Runner
from consent_server.keys import load_keys
from consent_server.ledger import api as ledger_api
from consent_server.ledger import boot
from consent_server.ledger import tasks as ledger_tasks
from consent_server.policies import api as policies_api
from consent_server.policies import draft_pages, saved_text_pages
from consent_server.policies import leaves as policy_leaves
from consent_server.policies import pages as policy_pages
from consent_server.policies import public as policy_public
from consent_server.policies import tasks as policy_tasks
from consent_server.problems import Problem
from consent_server.purposes import pages as purpose_pages
from consent_server.reconsent import api as reconsent_api
from consent_server.reconsent import pages as reconsent_pages
from consent_server.reconsent import tasks as reconsent_tasks
from consent_server.retention import tasks as retention_tasks
from consent_server.sites import access, audit_pages, key_pages, people_pages
from consent_server.sites import pages as site_pages

API = [banner_api.bp, consents_api.bp, exports_api.bp, policies_api.bp, reconsent_api.bp, addresses_api.bp]
PAGES = [
    banner_api.tag_pages,
    ledger_api.bp,
    system.bp,
    openapi.bp,
    account_pages.bp,
    second_factor_pages.bp,
    security_pages.bp,
    invitation_pages.bp,
    oidc_pages.bp,
    site_pages.bp,
    key_pages.bp,
    people_pages.bp,
    audit_pages.bp,
    purpose_pages.bp,
    policy_pages.bp,
    draft_pages.bp,
    saved_text_pages.bp,
    policy_public.bp,
    receipt_pages.bp,
    export_pages.bp,
    verify_page.bp,
    reconsent_pages.bp,
    overview.bp,
    dashboard.bp,
    campaigns.bp,
    unsubscribe.bp,
    publish.bp,
    review.bp,
    inbox.bp,
    impact.bp,
    preview.bp,
    site_settings.bp,
    snippet.bp,
]
GATES = {
    "public": lambda: None,
    "browser": consents_api.origin_gate,
    "server": access.server_gate,
    "staff": access.staff_gate,
}
LEAVES = [policy_leaves, banner_leaves]  # as does importing its leaves: what the slice tells its site's log
JOBS = [
    account_tasks,
    policy_tasks,
    reconsent_tasks,
    ledger_tasks,
    retention_tasks,
    evidence_tasks,
    campaign_tasks,
]  # importing a slice's tasks registers their handlers


def build(settings: Settings | None = None) -> Flask:
    """Return the application for these settings, by default the environment's.

    Raises:
        BadSetting: a setting cannot be used.
        KeyProblem: the keys are missing or open to others.
    """
    settings = settings or load_settings()
    app = Flask(__name__)
    keys = load_keys(settings.keys_dir)
    secure = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=keys.derived("form-tokens"),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings),
        MAX_CONTENT_LENGTH=settings.max_upload_bytes,
        MAX_FORM_MEMORY_SIZE=settings.max_upload_bytes,
        SESSION_COOKIE_NAME="__Host-forms" if secure else "forms",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    app.extensions.update(settings=settings, keys=keys)
    intake.install(app)
    outlet.install(app)  # both within the proxy's layer, which says whose address it is
    if settings.proxy_hops:
        app.wsgi_app = http.behind_proxies(settings, app.wsgi_app)  # type: ignore[method-assign]  # as Flask's manual has it
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine, prepares=settings.prepared_statements)
    i18n.install(app)
    auth.install(app, GATES)
    # After the gates: who is not signed in is sent to do so first.
    screens.install(app, api=[*API, verify_page.bp, unsubscribe.bp])
    app.jinja_env.globals.update(allowed=access.allowed)
    openapi.install(app, API)
    http.install(app, html_error=_error_page)  # after it: the API library sets error handlers of its own
    for blueprint in PAGES:
        app.register_blueprint(blueprint)
    auth.auth("public")(app.view_functions["static"])
    auth.check_declared(app, ACTIONS)
    return app


def serving_app() -> Flask:
    """Return the application of a web process: schema checked, jobs running if they are embedded.

    Raises:
        RuntimeError: the database is not at the newest migration.
        UnsafeDatabase, BadAnchor: the database or the anchor file cannot be relied on.
    """
    settings = load_settings()
    logs.configure(settings)
    app = build(settings)
    with app.app_context():
        at = migrate.current(db.engine)
        if at != migrate.head():
            raise RuntimeError(
                f"the database is at {at}, this version needs {migrate.head()}: run `consent-server init`"
            )
    boot.check(app)
    start_lane(app)
    Clerk(app).start()
    if settings.embedded_worker:
        Runner(app, settings, seat=True).start()
    # All of this stays. Looking for garbage among it would stop every visitor for a tenth of a second, again and again.
    gc.collect()
    gc.freeze()
    return app


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return SQLAlchemy's engine arguments for these settings."""
    options: dict[str, Any] = {
        "pool_size": settings.pool_size,
        "max_overflow": settings.pool_size,
        "pool_timeout": 10,
        "hide_parameters": True,  # an error's text is logged, and parameters hold visitors' data
    }
    if settings.database_url.startswith("postgresql"):
        # The statements that matter are prepared by `bulk`; psycopg, when it prepares others, deallocates all of them
        # at every rollback.
        options |= {"isolation_level": "READ COMMITTED", "connect_args": {"prepare_threshold": None}}
    else:
        options["connect_args"] = {"timeout": 10, "check_same_thread": False}
    return options


def engine_of(settings: Settings) -> Engine:
    """Return an engine outside any app, for commands that make or move the schema."""
    engine = create_engine(settings.database_url, **engine_options(settings))
    prepare_engine(engine, prepares=settings.prepared_statements)
    return engine


def _error_page(problem: Problem) -> Any:
    return render_template("problem.html", problem=problem), int(problem.status), problem.headers
