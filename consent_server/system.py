"""The server's own endpoints: health, keys, signals, the description of the API."""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, redirect, url_for
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from consent_server import clock, migrate
from consent_server.auth import auth
from consent_server.db import db
from consent_server.http import allow_origin, settings
from consent_server.jobs.models import Job
from consent_server.ledger.boot import forked_logs

bp = Blueprint("system", __name__)


@bp.get("/")
@auth("public")
def root() -> Any:
    """Send who types the bare address to the console."""
    return redirect(url_for("sites.index"))


@bp.get("/healthz")
@auth("public")
def healthz() -> Response:
    """Tell that the process lives; asks nothing else."""
    return jsonify({"status": "ok"})


@bp.get("/readyz")
@auth("public")
def readyz() -> tuple[Response, int]:
    """Tell whether traffic may come: database there, migrated; and what needs a person: late jobs, forked logs."""
    checks: dict[str, Any] = {}
    try:
        at = migrate.current(db.engine)
        checks["database"] = "ok"
        checks["migration"] = "ok" if at == migrate.head() else f"at {at}, needs {migrate.head()}"
        checks["late_jobs"] = _late_jobs()
        checks["forked_logs"] = forked_logs()
    except SQLAlchemyError as error:
        checks["database"] = type(error).__name__
    ready = checks.get("database") == "ok" and checks.get("migration") == "ok"
    return jsonify({"status": "ready" if ready else "not ready", **checks}), 200 if ready else 503


@bp.get("/.well-known/jwks.json")
@auth("public")
def jwks() -> Response:
    """Return the public keys that sign receipts, retired ones included (RFC 7517)."""
    allow_origin("*")
    response = jsonify({"keys": [key.jwk() for key in current_app.extensions["keys"].receipt_keys.values()]})
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@bp.get("/.well-known/gpc.json")
@auth("public")
def gpc() -> Response:
    """Tell that Global Privacy Control is honoured."""
    allow_origin("*")
    return jsonify({"gpc": True, "lastUpdate": settings().gpc_last_update})


def _late_jobs() -> int:
    late = clock.now() - 10 * settings().lease_seconds
    return (
        db.session.scalar(
            select(func.count()).select_from(Job).where(Job.state == "queued", Job.due_at < late)
        )
        or 0
    )
