"""Campaigns in the console: start one with the owner's list, see how far it is and what is answered, stop it."""

from dataclasses import dataclass
from datetime import UTC

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal, lazy_gettext
from flask_babel import gettext as _

from consent_server import clock, labels, mail
from consent_server.accounts.access import actor
from consent_server.auth import auth
from consent_server.campaigns import addresses, delivery, marks, service
from consent_server.campaigns.models import Campaign, CampaignLetter
from consent_server.campaigns.service import MailNotSet
from consent_server.config import Settings
from consent_server.console.charts import Chart, chart
from consent_server.db import transaction
from consent_server.evidence import counting
from consent_server.policies.published import site_view
from consent_server.problems import InvalidInput, Problem
from consent_server.reconsent import service as reconsent
from consent_server.screens import day_of_month, done, page
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key

CAMPAIGN = {
    "sending": lazy_gettext("Being sent"),
    "done": lazy_gettext("Done"),
    "stopped": lazy_gettext("Stopped"),
}
LETTER = {
    "waiting": lazy_gettext("Waiting"),
    "sending": lazy_gettext("Being sent"),
    "unknown": lazy_gettext("Unknown: given to the mail server, and no answer was heard"),
    "sent": lazy_gettext("Sent"),
    "bounced": lazy_gettext("Bounced: refused for good"),
    "returned": lazy_gettext("Came back; the address may be good"),
    "failed": lazy_gettext("Not sent after several attempts"),
    "needless": lazy_gettext("Not sent: answered before"),
    "refused": lazy_gettext("Not sent: wants no mail"),
    "barred": lazy_gettext("Not sent: letters to this address have bounced"),
    "stopped": lazy_gettext("Not sent: stopped"),
}


@dataclass(frozen=True)
class Undecided:
    """A letter of unknown fate, and what the mail server's log calls it."""

    letter: CampaignLetter
    message_id: str


bp = Blueprint("campaigns", __name__, url_prefix="/console/sites/<site_key>/campaigns")


@bp.get("")
@auth("staff", "reconsent.read")
def index(site_key: str) -> ResponseReturnValue:
    """List the site's campaigns."""
    return _index(site_key)


@bp.post("")
@auth("staff", "campaigns.run")
def start(site_key: str) -> ResponseReturnValue:
    """Start a campaign with the list that was brought."""
    try:
        wanted = _wanted()
        with transaction():
            view = site_view(site_key)
            made = service.start(
                view, wanted, ring=current_app.extensions["keys"], now=clock.now(), actor=actor()
            )
            campaign_id = made.id
    except Problem as problem:
        return _index(site_key, problem)
    return done(_("The campaign has begun."), "campaigns.show", site_key=site_key, campaign_id=campaign_id)


@bp.get("/<int:campaign_id>")
@auth("staff", "reconsent.read")
def show(site_key: str, campaign_id: int) -> ResponseReturnValue:
    """Show how far a campaign is, and what has been answered since, day by day."""
    site, view = site_by_key(site_key), site_view(site_key)
    campaign = service.campaign_of(site.id, campaign_id)
    return page(
        "campaigns/show.html",
        site=site,
        campaign=campaign,
        names=CAMPAIGN,
        letters=LETTER,
        states=service.states_of(campaign.id),
        answered=service.answered(view, campaign),
        delayed=service.delayed(campaign.id),
        undecided=_undecided(campaign),
        counts=reconsent.counts(site.id),
        answers=_answers(site, campaign),
    )


@bp.get("/<int:campaign_id>/answers.csv")
@auth("staff", "reconsent.read")
def table(site_key: str, campaign_id: int) -> Response:
    """Return the answers by day as a file."""
    site = site_by_key(site_key)
    campaign = service.campaign_of(site.id, campaign_id)
    response = Response(_answers(site, campaign).csv(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="campaign-{campaign_id}.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/<int:campaign_id>/unknown")
@auth("staff", "campaigns.run")
def decide(site_key: str, campaign_id: int) -> ResponseReturnValue:
    """Send letters of unknown fate again, or take them for sent."""
    chosen = {int(each) for each in request.form.getlist("letter") if each.isascii() and each.isdecimal()}
    again = request.form.get("do") == "again"
    with transaction():
        site = site_by_key(site_key)
        campaign = service.campaign_of(site.id, campaign_id)
        number = delivery.decide(campaign, chosen, again=again, now=clock.now(), actor=actor())
    if not number:
        said = _("Nothing was chosen.")
    else:
        said = _("The letters are on their way.") if again else _("They count as sent.")
    return done(said, "campaigns.show", site_key=site_key, campaign_id=campaign_id)


@bp.post("/<int:campaign_id>/stop")
@auth("staff", "campaigns.run")
def stop(site_key: str, campaign_id: int) -> ResponseReturnValue:
    """Send no further letter."""
    with transaction():
        site = site_by_key(site_key)
        service.stop(service.campaign_of(site.id, campaign_id), now=clock.now(), actor=actor())
    return done(
        _("The campaign is stopped, and its addresses are forgotten."),
        "campaigns.show",
        site_key=site_key,
        campaign_id=campaign_id,
    )


def _index(site_key: str, problem: Problem | None = None) -> ResponseReturnValue:
    site, view = site_by_key(site_key), site_view(site_key)
    rows = [(each, service.states_of(each.id)) for each in service.campaigns_of(site.id)]
    given = addresses.count(site.id)
    line = problem.extra.get("line") if problem else None
    words = _(
        "Line %(number)s: write who it is and an e-mail address, such as ann,ann@mail.example.", number=line
    )
    return page(
        "campaigns/index.html",
        problem=problem,
        errors={"list": words} if line else {},
        site=site,
        view=view,
        rows=rows,
        names=CAMPAIGN,
        given=given,
        sources={key: words for key, words in _sources(given).items() if given or key != "given"},
        chosen=request.form.get("to", "given" if given else "list"),
    )


def _sources(given: int) -> dict[str, str]:
    """Return from where a campaign may take its readers."""
    return {
        "given": _(
            "Users whose addresses the site's server has given (%(number)s)", number=format_decimal(given)
        ),
        "list": _("Users in a list that I bring"),
        "nobody": _("Nobody: only show the dialog on the site"),
    }


def _wanted() -> service.Round:
    """Return what the form asks for.

    Raises:
        MailNotSet: letters are wanted, and this server sends none.
        InvalidInput: the list is none, or nothing at all would happen.
    """
    settings: Settings = current_app.extensions["settings"]
    to, popup = request.form.get("to", "list"), "popup" in request.form
    if to == "nobody":
        if not popup:
            raise InvalidInput(
                "Look at the marked fields.", errors={"popup": [_("Choose this, or whom to write to.")]}
            )
        return service.Round((), popup)
    if not mail.is_configured(settings) or not settings.public_url:
        raise MailNotSet("Set CONSENT_SMTP_URL, CONSENT_MAIL_FROM and CONSENT_PUBLIC_URL.")
    return service.Round(None if to == "given" else addresses.read_list(_upload()), popup)


def _undecided(campaign: Campaign) -> list[Undecided]:
    settings: Settings = current_app.extensions["settings"]
    ring = current_app.extensions["keys"]
    return [
        Undecided(each, marks.message_id(marks.mark_of(each, ring=ring), settings.mail_from))
        for each in delivery.undecided(campaign.id)
    ]


def _answers(site: Site, campaign: Campaign) -> Chart:
    first, last = campaign.created_at.astimezone(UTC).date(), clock.now().astimezone(UTC).date()
    days = {day: day_of_month(day) for day in counting.days_between(first, last)}
    chosen = {each: (str(labels.CHOICE[each]), (each,)) for each in ("granted", "denied")}
    counts = counting.answers_by_day(site.id, first, last, version=campaign.version)
    return chart("answers", _("Answers per day"), _("Day"), days, chosen, counts)


def _upload() -> str:
    file = request.files.get("list")
    try:
        text = file.read().decode("utf-8") if file else ""
    except UnicodeDecodeError as error:
        raise InvalidInput("Look at the marked fields.", errors={"list": ["UTF-8"]}) from error
    if not text.strip():
        raise InvalidInput("Look at the marked fields.", errors={"list": [_("Fill this in.")]})
    return text
