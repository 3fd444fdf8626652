"""Who must be asked again: counts, lists, and how far the sweep has come."""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal

from consent_server import labels
from consent_server.auth import auth
from consent_server.db import db
from consent_server.jobs import service as jobs
from consent_server.jobs.models import Job
from consent_server.policies.published import site_view
from consent_server.policies.publishing import SWEEP
from consent_server.problems import NotFound
from consent_server.reconsent import service
from consent_server.screens import page
from consent_server.sites.service import site_by_key

bp = Blueprint("reconsent_pages", __name__, url_prefix="/console/sites/<site_key>/reconsent")
PAGE = 50


@bp.get("")
@auth("staff", "reconsent.read")
def show(site_key: str) -> ResponseReturnValue:
    """Show who must be asked again or told, and how far the sweep has come."""
    site, view = site_by_key(site_key), site_view(site_key)
    holder, flag = _one_of("holder", ("visitor", "subject")), _one_of("flag", ("ask", "tell"))
    after = request.args.get("after", "")[:128]
    rows = service.flagged(site.id, kind=holder, flag_kind=flag, after=after, limit=PAGE + 1)
    return page(
        "reconsent/show.html",
        site=site,
        view=view,
        counts=service.counts(site.id),
        rows=rows[:PAGE],
        next_after=rows[PAGE - 1].holder if len(rows) > PAGE else None,
        holder=holder,
        flag=flag,
        names=_names(view),
        jobs=jobs.newest(site_id=site.id, name=SWEEP, limit=5),
        numbers={version.id: version.number for version in view.versions},
    )


@bp.get("/jobs/<int:job_id>")
@auth("staff", "reconsent.read")
def progress(site_key: str, job_id: int) -> Response:
    """Return how far a job has come, for the page that waits."""
    site = site_by_key(site_key)
    job = db.session.get(Job, job_id)
    if job is None or job.site_id != site.id:
        raise NotFound("The page of re-consent lists the jobs.")
    return jsonify(
        {
            "state": job.state,
            "words": str(labels.JOB[job.state]),
            "done": job.done,
            "total": job.total,
            "done_words": format_decimal(job.done),
            "total_words": "–" if job.total is None else format_decimal(job.total),
        }
    )


def _one_of(name: str, values: tuple[str, ...]) -> str:
    wanted = request.args.get(name, values[0])
    return wanted if wanted in values else values[0]


def _names(view: Any) -> dict[str, dict[str, str]]:
    """Return the purposes' names by key and language, of the newest version that has them."""
    return {
        purpose["key"]: {tag: texts.get("name", "") for tag, texts in purpose["texts"].items()}
        for version in view.versions
        for purpose in version.purposes
    }
