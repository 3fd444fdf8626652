"""A site's dashboard: what was chosen, who answers again, whose consent ends, and how its tag does."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import func, select

from consent_server import clock, labels
from consent_server.auth import auth
from consent_server.banner import tally
from consent_server.banner.models import BannerBuild, TagSighting
from consent_server.console.charts import Chart, chart
from consent_server.db import db
from consent_server.evidence import counting
from consent_server.evidence.projecting import is_behind
from consent_server.i18n import language
from consent_server.jobs.models import Job
from consent_server.policies.published import SiteView, site_view
from consent_server.problems import NotFound
from consent_server.reconsent import service as reconsent
from consent_server.screens import day_of_month, language_name, page
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key

bp = Blueprint("dashboard", __name__, url_prefix="/console/sites/<site_key>/dashboard")
SPANS = (7, 30, 90, 365)  # days that may be shown
WEEKS = 12  # ahead
OTHER = ("withdraw", "expire", "gpc", "dnt")


class UnknownChart(NotFound):
    slug = "unknown-chart"
    title = "The dashboard has no such chart"


@dataclass(frozen=True)
class Span:
    """The days that are shown, both included."""

    first: date
    last: date

    @cached_property
    def days(self) -> dict[date, str]:
        """The days with their names."""
        days = counting.days_between(self.first, self.last)
        return {day: day_of_month(day) if len(days) < 200 else format_date(day, "short") for day in days}


@bp.get("")
@auth("staff", "sites.read")
def show(site_key: str) -> ResponseReturnValue:
    """Show the charts, each with its table."""
    site, view, instant = site_by_key(site_key), site_view(site_key), clock.now()
    span = _span(instant)
    return page(
        "console/dashboard.html",
        site=site,
        view=view,
        charts=_charts(site, view, span),
        spans=SPANS,
        chosen=(span.last - span.first).days + 1,
        behind=is_behind(site.id),
        reach=_reach(site, instant),
        counts=reconsent.counts(site.id),
        jobs=_open_jobs(site.id),
        sightings=tally.sightings(site.id),
        newest=_newest_build(site.id),
    )


@bp.get("/<key>.csv")
@auth("staff", "sites.read")
def table(site_key: str, key: str) -> Response:
    """Return one chart's table."""
    site, view, instant = site_by_key(site_key), site_view(site_key), clock.now()
    found = next((each for each in _charts(site, view, _span(instant)) if each.key == key), None)
    if found is None:
        raise UnknownChart("Take an address from the dashboard.")
    response = Response(found.csv(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{key}-{site_key}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _span(instant: datetime) -> Span:
    days = request.args.get("days", type=int)
    last = instant.astimezone(UTC).date()
    return Span(last - timedelta(days=(days if days in SPANS else 30) - 1), last)


def _charts(site: Site, view: SiteView, span: Span) -> list[Chart]:
    between = (site.id, span.first, span.last)
    decided = {
        "accepted": (str(labels.ACTION["accept_all"]), ("accept_all",)),
        "rejected": (str(labels.ACTION["reject_all"]), ("reject_all",)),
        "custom": (str(labels.ACTION["custom"]), ("custom",)),
        "other": (_("Withdrawn, expired, or by a signal"), OTHER),
    }
    chosen = {each: (str(labels.CHOICE[each]), (each,)) for each in ("granted", "denied")}
    purposes = counting.choices_by_purpose(*between)
    languages = counting.decisions_by_language(*between)
    versions = counting.decisions_by_version(*between)
    short = {key: _purpose_name(view, key) for key in sorted({key for key, _choice in purposes})}
    names = {key: key if name is None else f"{name} ({key})" for key, name in short.items()}
    tags = {tag: language_name(tag) for tag in sorted({tag for tag, _action in languages})}
    numbers = {number: number for number in sorted({n for n, _action in versions}, key=_order)}
    days = counting.decisions_by_day(*between)
    return [
        chart("days", _("Decisions per day"), _("Day"), span.days, decided, days),
        chart(
            "purposes",
            _("Choices per purpose"),
            _("Purpose"),
            names,
            chosen,
            purposes,
            axis={key: name or key for key, name in short.items()},
        ),
        chart("languages", _("Decisions per language"), _("Language"), tags, decided, languages),
        chart("versions", _("Decisions per policy version"), _("Version"), numbers, decided, versions),
        _answers(site, view, span),
        _expiring(site, span.last),
        _errors(site, span),
    ]


def _answers(site: Site, view: SiteView, span: Span) -> Chart:
    """Return what those said who were asked again on the current version."""
    chosen = {each: (str(labels.CHOICE[each]), (each,)) for each in ("granted", "denied")}
    version = view.current.number if view.current else ""
    counts = counting.answers_by_day(site.id, span.first, span.last, version=version)
    return chart("answers", _("Answers to the current version"), _("Day"), span.days, chosen, counts)


def _expiring(site: Site, today: date) -> Chart:
    """Return how many decisions come to their end in each of the next weeks; a later one of the same visitor is not known."""
    begin = today - timedelta(days=site.consent_days)
    counts = counting.decisions_by_day(site.id, begin, today)
    weeks = {n: day_of_month(today + timedelta(weeks=n)) for n in range(WEEKS)}
    ending: dict[tuple[int, str], int] = {}
    for (day, _action), number in counts.items():
        week = (day - begin).days // 7
        ending[week, ""] = ending.get((week, ""), 0) + number
    parts = {"ending": (_("Decisions"), ("",))}
    return chart("expiring", _("Decisions that end"), _("Week from"), weeks, parts, ending)


def _errors(site: Site, span: Span) -> Chart:
    counts: dict[tuple[date, str], int] = {}
    for row in tally.errors(site.id):
        counts[row.day, ""] = counts.get((row.day, ""), 0) + row.reports
    return chart(
        "errors",
        _("Errors that the tag reported"),
        _("Day"),
        span.days,
        {"errors": (_("Errors"), ("",))},
        counts,
    )


@dataclass(frozen=True)
class Reach:
    """How often the newest tag was asked for since it is out, and how many decisions there were from that day on."""

    since: date
    requests: int
    decisions: int

    @property
    def without(self) -> float | None:
        """The share of the requests that no decision followed; None where the counts do not fit together."""
        if not self.requests or self.decisions > self.requests:
            return None
        return 1 - self.decisions / self.requests


def _reach(site: Site, instant: datetime) -> Reach | None:
    build = _newest_build(site.id)
    if build is None:
        return None
    requests = db.session.scalar(
        select(func.sum(TagSighting.requests)).where(
            TagSighting.site_id == site.id, TagSighting.build == build.sha256
        )
    )
    since = build.created_at.astimezone(UTC).date()
    decisions = counting.decisions_by_day(site.id, since, instant.astimezone(UTC).date())
    return Reach(since, int(requests), sum(decisions.values())) if requests else None


def _newest_build(site_id: int) -> BannerBuild | None:
    return db.session.scalar(
        select(BannerBuild)
        .where(BannerBuild.site_id == site_id)
        .order_by(BannerBuild.created_at.desc())
        .limit(1)
    )


def _open_jobs(site_id: int) -> dict[str, int]:
    rows = db.session.execute(
        select(Job.state, func.count()).where(Job.site_id == site_id, Job.state != "done").group_by(Job.state)
    )
    return {state: number for state, number in rows}  # noqa: C416 - rows are no pairs to the type checker


def _purpose_name(view: SiteView, key: str) -> str | None:
    """Return what the newest version that has a purpose calls it; None where no version has."""
    for version in view.versions[::-1]:
        for purpose in version.purposes:
            if purpose["key"] == key:
                texts = purpose["texts"]
                tag = next((each for each in texts if each == language()), next(iter(texts), ""))
                return str(texts.get(tag, {}).get("name", key))
    return None


def _order(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split("."))
