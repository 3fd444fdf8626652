"""The table of everything that can be asked of the server: who asks at which address, and what asking may store."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from consent_server import assets, clock
from consent_server.campaigns.service import UNSUBSCRIBE
from consent_server.db import db, transaction
from consent_server.jobs.models import Job
from consent_server.ledger.models import NamedLog
from consent_server.ledger.tasks import integrate_logs
from consent_server.sites.profile import set_profile
from tests import make
from tests.accounts.provider import CLIENT, SECRET, Provider
from tests.consents.exported import PROFILE
from tests.house.office import Office
from tests.house.writes import CAMPAIGN, PASSWORD, SECURITY, STORY

CONSOLE, DRAFT, API = "{console}", "{console}/policies/privacy/draft", "/v1/sites/{site}"
FORMS = ("json", "jsonld", "kantara.json", "pdf")
CHARTS = ("days", "purposes", "languages", "versions", "answers", "expiring", "errors")


@dataclass(frozen=True)
class Stores:
    """Asking changes rows of exactly these tables, for the reason `why`."""

    tables: frozenset[str]
    why: str


@dataclass(frozen=True)
class Read:
    """An endpoint, its addresses with names in braces for what the office keeps, who asks, and what is answered."""

    endpoint: str
    addresses: tuple[str, ...]
    by: str
    status: int = 200
    stores: Stores | None = None
    before: Callable[[Office, Provider], None] | None = None
    methods: tuple[str, ...] = ("GET", "HEAD")


def staff(endpoint: str, *addresses: str, status: int = 200) -> Read:
    return Read(endpoint, addresses, "lin", status)


def public(endpoint: str, *addresses: str, status: int = 200, stores: Stores | None = None) -> Read:
    return Read(endpoint, addresses, "visitor", status, stores)


def server(endpoint: str, *addresses: str) -> Read:
    return Read(endpoint, addresses, "server")


def furnish(o: Office, provider: Provider) -> None:
    """Fill the office with one of each thing that has an address; `o.kept` has what the addresses name."""
    for endpoint in ("security.add_passkey", "security.start_app", "security.confirm_app", "people.invite"):
        _done(o, endpoint)
    o.post(f"{SECURITY}/app")
    with transaction():
        set_profile(o.site, PROFILE, now=make.NOW, actor=make.STAFF)
    token = make.subject_token(o.site, "ann")
    decision = make.decide(o.visitor, o.site)
    make.identify(o.visitor, o.site, token, decision["visitor_id"])
    _done(o, "campaigns.start")
    make.run_jobs()
    make.draft(o.site, changes=[make.change("recipients")])
    integrate_logs()
    o.post(f"{o.base}/people/accounts/{o.ids['mei']}/disable")
    _tell_of(o, provider)
    _staff_at_their_browsers(o)
    o.kept["token"] = make.api_key(o.site)
    campaign = o.newest(f"{o.base}/campaigns", CAMPAIGN)
    key = o.newest(f"{o.base}/keys", rf"{o.base}/keys/\d+/revoke")
    found = re.search(rf"{SECURITY}/passkey/\d+/remove", o.ola.get(SECURITY).text)
    assert found
    o.kept |= {"console": o.base, "site": o.site.key, "receipt": decision["receipt_id"], "visitor": decision["visitor_id"]}  # fmt: skip
    o.kept |= o.ids | {"campaign": campaign, "key": key, "passkey": found[0]}
    o.kept["log"] = db.session.scalar(select(NamedLog.name).where(NamedLog.site_id == o.site.id))
    o.kept["job"] = db.session.scalar(select(Job.id).where(Job.site_id == o.site.id).limit(1))
    o.kept["mail"] = o.app.extensions["keys"].serializer(UNSUBSCRIBE).dumps([o.site.id, "ann"])
    o.kept["modules"] = assets.module_bundles()[0]
    o.kept["today"] = f"{clock.now():%Y-%m-%d}"


def _done(o: Office, endpoint: str) -> None:
    """Do what the table of writes has for an endpoint."""
    next(each for each in STORY if each.endpoint == endpoint).call(o)


def _tell_of(o: Office, provider: Provider) -> None:
    """Have the organisation's accounts sign in."""
    o.app.extensions["settings"] = dataclasses.replace(
        o.app.extensions["settings"],
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
    )


def _staff_at_their_browsers(o: Office) -> None:
    half, abroad = o.app.test_client(), o.app.test_client()
    half.post("/console/sign-in", data={"email": "ola@example.org", "password": PASSWORD})
    own = {"lin": o.lin, "ola": o.ola, "visitor": o.visitor, "server": o.visitor}
    o.kept["clients"] = own | {"half": half, "abroad": abroad}


def _sent_to_the_provider(o: Office, provider: Provider) -> None:
    there = o.kept["clients"]["abroad"].get("/console/sign-in/organisation")
    o.kept["back"] = provider.sign_in(there.location).removeprefix("http://localhost")


def _minutes_later(o: Office, _provider: Provider) -> None:
    o.set_clock(clock.now() + timedelta(minutes=5))


TAG = Stores(
    frozenset({"banner_build", "pinned_tag", "log", "receipt"}),
    "the first who asks after a change has the tag made: what is served is kept, and told by a leaf of the log, before it goes out",
)
SIGNED_IN = Stores(
    frozenset({"audit_event", "console_session", "external_identity", "known_device"}),
    "the provider sends the browser back by address: the state that only this browser has makes it the answer of a form",
)
SEEN = Stores(
    frozenset({"console_session"}), "that a session is in use is noted once a minute, whatever is asked"
)

# fmt: off
READS: tuple[Read, ...] = (
    public("tag.script", "/w/{site}.js", stores=TAG),
    public("tag.script", "/w/{site}.js", "/w/preferences-{modules}.js"),
    public("banner.Banner", API + "/banner?lang=zh-CN"),
    public("system.root", "/", status=302),
    public("system.gpc", "/.well-known/gpc.json"),
    public("system.jwks", "/.well-known/jwks.json"),
    public("system.healthz", "/healthz"),
    public("system.readyz", "/readyz"),
    public("openapi.document", "/openapi.json"),
    public("openapi.docs", "/docs"),
    Read("static", ("/static/console/base.css",), "visitor", methods=("GET",)),  # for HEAD the framework opens a file too, and leaves it
    public("ledger.checkpoint", "/log/{log}/checkpoint"),
    public("ledger.keys", "/log/{log}/keys"),
    public("ledger.proof", "/log/{log}/proof/0.tlog-proof"),
    public("ledger.tile", "/log/{log}/tile/0/000.p/1", "/log/{log}/tile/entries/000.p/1"),
    public("public.history", "/p/{site}/privacy", "/p/{site}/privacy?lang=zh-CN"),
    public("public.notice", "/p/{site}/privacy/2.0", "/p/{site}/privacy/1.0?lang=zh-CN"),
    public("policies.Versions", API + "/policies/privacy/versions"),
    public("policies.Version", API + "/policies/privacy/versions/2.0"),
    public("verify.ask", "/verify"),
    public("unsubscribe.show", "/mail/{mail}"),
    public("invitation.show", "{invitation}"),
    public("accounts.sign_in", "/console/sign-in?next=/console/audit"),
    public("accounts.link", "/console/sign-in/a-link-from-a-letter"),
    Read("second_factor.show", ("/console/second-step",), "half"),
    public("organisation.go", "/console/sign-in/organisation", status=302),
    Read("organisation.back", ("{back}",), "abroad", 303, SIGNED_IN, _sent_to_the_provider),
    server("exports.OneReceipt", API + "/receipts/{receipt}"),
    server("exports.ReceiptFile", *(API + "/receipts/{receipt}." + form for form in (*FORMS, "jws"))),
    server("exports.ReceiptShown", API + "/receipts/{receipt}/shown"),
    server("exports.SubjectAt", API + "/subjects/ann/timeline"),
    server("exports.VisitorAt", API + "/visitors/{visitor}/consent?at={today}T00:00:00Z"),
    server("consents.SubjectConsent", API + "/subjects/ann/consent"),
    server("consents.SubjectReceipts", API + "/subjects/ann/receipts?limit=1"),
    server("reconsent.FlaggedSubjects", API + "/reconsent?limit=1"),
    server("reconsent.SubjectReconsent", API + "/subjects/ann/reconsent"),
    Read("sites.index", ("/console",), "lin", stores=SEEN, before=_minutes_later),
    staff("sites.index", "/console"),
    staff("sites.to_index", "/console/sites", status=302),
    staff("sites.new", "/console/sites/new"),
    staff("inbox.show", "/console/inbox"),
    staff("accounts.profile", "/console/profile"),
    Read("security.show", (SECURITY,), "ola", stores=SEEN),
    staff("security.app", SECURITY + "/app"),
    Read("security.ask_remove_app", (SECURITY + "/app/remove",), "ola"),
    Read("security.passkey", (SECURITY + "/passkey",), "ola"),
    Read("security.ask_remove_passkey", ("{passkey}",), "ola"),
    staff("overview.show", CONSOLE),
    staff("audit.everything", "/console/audit?action=sites.create&from={today}&until={today}"),
    staff("audit.table_of_everything", "/console/audit.csv"),
    staff("audit.of_site", CONSOLE + "/audit?target=ola@example.org"),
    staff("audit.table_of_site", CONSOLE + "/audit.csv"),
    staff("campaigns.index", CONSOLE + "/campaigns"),
    staff("campaigns.show", "{campaign}"),
    staff("campaigns.table", "{campaign}/answers.csv"),
    staff("dashboard.show", CONSOLE + "/dashboard", CONSOLE + "/dashboard?days=365"),
    staff("dashboard.table", *(CONSOLE + f"/dashboard/{chart}.csv" for chart in CHARTS)),
    staff("site_keys.index", CONSOLE + "/keys"),
    staff("site_keys.ask_revoke", "{key}"),
    staff("site_keys.ask_rotate", CONSOLE + "/keys/identity/rotate"),
    staff("people.index", CONSOLE + "/people"),
    staff("people.ask_disable", CONSOLE + "/people/accounts/{ola}/disable"),
    staff("people.ask_enable", CONSOLE + "/people/accounts/{mei}/enable"),
    staff("policy_pages.index", CONSOLE + "/policies"),
    staff("policy_pages.new", CONSOLE + "/policies/new"),
    staff("policy_pages.show", CONSOLE + "/policies/privacy"),
    staff("policy_pages.version", CONSOLE + "/policies/privacy/versions/2.0", CONSOLE + "/policies/privacy/versions/2.0?against=1.0"),
    staff("drafts.edit", DRAFT),
    staff("saved_texts.show", DRAFT + "/history", DRAFT + "/history?language=zh-CN&from=1&to=2"),
    staff("drafts.ask_discard", DRAFT + "/discard"),
    staff("impact.show", DRAFT + "/impact"),
    staff("preview.show", DRAFT + "/preview?lang=zh-CN"),
    staff("publish.show", DRAFT + "/publish"),
    staff("review.show", DRAFT + "/review"),
    staff("purposes.index", CONSOLE + "/purposes"),
    staff("purposes.new", CONSOLE + "/purposes/new"),
    staff("purposes.edit", CONSOLE + "/purposes/analytics"),
    staff("purposes.ask_remove", CONSOLE + "/purposes/analytics/remove"),
    staff("receipts.index", CONSOLE + "/receipts?purpose=analytics&choice=granted&from={today}", CONSOLE + "/receipts?visitor={visitor}"),
    staff("receipts.show", CONSOLE + "/receipts/{receipt}"),
    staff("receipts.origin", CONSOLE + "/receipts/{receipt}/trace"),
    staff("receipts.download", CONSOLE + "/receipts/{receipt}.jws"),
    staff("receipt_files.download", *(CONSOLE + "/receipts/{receipt}." + form for form in FORMS)),
    staff("reconsent_pages.show", CONSOLE + "/reconsent?holder=subject&flag=ask"),
    staff("reconsent_pages.progress", CONSOLE + "/reconsent/jobs/{job}"),
    staff("site_settings.general", CONSOLE + "/settings"),
    staff("site_settings.banner_look", CONSOLE + "/settings/look"),
    staff("site_settings.look_css", CONSOLE + "/settings/look.css"),
    staff("site_settings.check_look", CONSOLE + "/settings/look/check?radius=4px"),
    staff("site_settings.controller", CONSOLE + "/settings/profile"),
    staff("site_settings.signals", CONSOLE + "/settings/signals"),
    staff("snippet.show", CONSOLE + "/settings/tag"),
)
# fmt: on
