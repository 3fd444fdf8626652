"""The table of everything that a form or a call can write: how each write is recorded, and a request that does it.

The order is that of a story: what one makes the next one works on.
"""

import base64
import io
import re
from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.test import TestResponse

from consent_server import clock
from consent_server.accounts import service as accounts
from consent_server.campaigns import delivery
from consent_server.campaigns.service import UNSUBSCRIBE
from consent_server.db import transaction
from consent_server.policies import approving
from tests import make
from tests.console.test_publish import ROW
from tests.console.test_purposes import FORM as PURPOSE
from tests.console.test_settings import FORM as SETTINGS
from tests.console.test_sites import KEY, NEW
from tests.house.office import Office

PASSWORD = "correct horse battery"
SECURITY = "/console/profile/security"
CAMPAIGN = r"/console/sites/[^\"]+/campaigns/\d+"


@dataclass(frozen=True)
class Rows:
    """The write is in the audit log, in the same transaction; `besides` may be written in one of its own, for the reason `why`."""

    actions: tuple[str, ...]
    besides: frozenset[str] = frozenset()
    why: str = ""


@dataclass(frozen=True)
class Leaf:
    """The write is a receipt: signed, in the ledger, and its own record."""


@dataclass(frozen=True)
class Kept:
    """The write is to these tables alone, and needs no row, for the reason `why`."""

    tables: frozenset[str]
    why: str


@dataclass(frozen=True)
class Nothing:
    """Nothing is written, since the call is what `why` says."""

    why: str


@dataclass(frozen=True)
class Write:
    """An endpoint, what a call of it leaves, and the call."""

    endpoint: str
    leaves: Rows | Leaf | Kept | Nothing
    call: Callable[[Office], TestResponse]
    is_refused: bool = False


def rows(*actions: str) -> Rows:
    return Rows(actions)


def _link(o: Office) -> str:
    with transaction():
        return accounts.make_sign_in_link(o.account("ola"), now=make.NOW, actor="command")


def _app_started(o: Office) -> TestResponse:
    answer = o.ola.post(f"{SECURITY}/app")
    shown = re.search(r'id="app-secret"[^>]*><code[^>]*>([A-Z2-7 ]+)<', o.ola.get(f"{SECURITY}/app").text)
    assert shown
    letters = shown[1].replace(" ", "")
    o.kept["app"] = base64.b32decode(letters + "=" * (-len(letters) % 8))
    return answer


def _second_step(o: Office) -> TestResponse:
    o.ola.post("/console/sign-in", data={"email": "ola@example.org", "password": PASSWORD})
    return o.ola.post("/console/second-step", data={"proof_code": o.code()})


def _with_passkey(o: Office) -> TestResponse:
    client = o.app.test_client()
    answer = o.authenticator.use(o.challenge(client, "/console/sign-in"))
    return client.post("/console/sign-in/passkey", data={"proof_answer": answer})


def _passkey(o: Office) -> TestResponse:
    answer = o.authenticator.make(o.challenge(o.ola, f"{SECURITY}/passkey"))
    return o.ola.post(f"{SECURITY}/passkey", data={"name": "Phone", "answer": answer})


def _another_browser(o: Office, path: str) -> TestResponse:
    make.signed_in(o.app.test_client(), o.account("ola"))
    if "{}" in path:
        path = path.format(re.findall(rf"{SECURITY}/sessions/(\w+)/end\"", o.ola.get(SECURITY).text)[0])
    return o.ola.post(path)


def _invited(o: Office) -> TestResponse:
    form = {"invited": "pia@example.org", "role": "author", "language": "en"}
    answer = o.post(f"{o.base}/people/invitations", form)
    found = re.search(r"http://localhost(/console/invitation/[\w.-]+)", answer.text)
    assert found
    o.kept["invitation"] = found[1]
    return answer


def _merge(o: Office) -> TestResponse:
    form = o.form("merged")
    undecided = o.post(f"{o.draft}/merge", form).text
    takes = dict.fromkeys(re.findall(r'name="(take-[\w-]+)"', undecided), "mine")
    return o.post(f"{o.draft}/merge", form | takes)


def _one_language(o: Office) -> TestResponse:
    longer = make.text("en", "uploaded") + "\n## More\n\nThere is more to say here.\n"
    files = {"file-en": (io.BytesIO(longer.encode()), "policy.md"), "revision": str(o.version.revision)}
    return o.post(f"{o.draft}/upload", files, content_type="multipart/form-data")


def _waive(o: Office) -> TestResponse:
    found = make.findings(o.version)[0].fingerprint
    return o.post(f"{o.draft}/publish/waive", {"fingerprint": found, "reason": "Court order."})


def _approve(o: Office) -> TestResponse:
    make.waive(o.version)
    with transaction():
        approving.submit(o.version, reviewer=None, note="", now=make.NOW, actor=f"account:{o.ids['lin']}")
    form = o.seen(o.mei)
    return o.mei.post(f"{o.draft}/review/approve", data=form)


def _schedule(o: Office) -> TestResponse:
    form = {"date": "2026-06-01", "time": "09:00", "zone": "Asia/Shanghai", "notice_days": "30"}
    return o.post(f"{o.draft}/review/schedule", form | o.seen())


def _batch(o: Office) -> TestResponse:
    key = {"Authorization": f"Bearer {make.api_key(o.site)}"}
    body = {"decisions": [make.body(o.visitor, o.site)]}
    return o.visitor.post(f"/v1/sites/{o.site.key}/decisions/batch", json=body, headers=key)


def _identify(o: Office) -> TestResponse:
    visitor = make.decide(o.visitor, o.site)["visitor_id"]
    return make.identify(o.visitor, o.site, make.subject_token(o.site, "ann"), visitor)


def _receipt(o: Office) -> str:
    made: str = make.decide(o.visitor, o.site)["receipt"]
    return made


def _unsubscribe(o: Office) -> TestResponse:
    token = o.app.extensions["keys"].serializer(UNSUBSCRIBE).dumps([o.site.id, "ann"])
    return o.visitor.post(f"/mail/{token}")


def _error(o: Office) -> TestResponse:
    body = {"kind": "start", "build": "0" * 64}
    return o.visitor.post(f"/v1/sites/{o.site.key}/errors", json=body, headers={"Origin": make.ORIGIN})


def _list(o: Office) -> TestResponse:
    """Write to somebody who must be asked again."""
    visitor = make.decide(o.visitor, o.site)["visitor_id"]
    make.identify(o.visitor, o.site, make.subject_token(o.site, "bo"), visitor)
    make.published_version(o.site, change="recipients", now=clock.now())
    file = (io.BytesIO(b"subject,email\nbo,bo@mail.example\n"), "users.csv")
    return o.post(f"{o.base}/campaigns", {"list": file}, content_type="multipart/form-data")


def _addresses(o: Office) -> TestResponse:
    key = {"Authorization": f"Bearer {make.api_key(o.site)}"}
    given = {"addresses": [{"subject": "ann", "email": "ann@mail.example"}]}
    return o.visitor.post(f"/v1/sites/{o.site.key}/addresses", json=given, headers=key)


def _decided(o: Office) -> TestResponse:
    """Decide about a letter that a mail server took in silence."""
    page = o.newest(f"{o.base}/campaigns", CAMPAIGN)
    with transaction():
        letter = delivery.claim(int(page.rpartition("/")[2]), now=clock.now())
        assert letter
        assert delivery.hand_over(letter.id, now=clock.now())
        delivery.doubt(letter.id, now=clock.now())
    return o.post(f"{page}/unknown", {"letter": str(letter.id), "do": "again"})


def _saved_purpose(o: Office) -> TestResponse:
    seen = o.value(f"{o.base}/purposes/video", "seen")
    return o.post(
        f"{o.base}/purposes/video", PURPOSE | {"p.texts.en.name": "Films", "seen": seen, "do": "save"}
    )


WRONG = {"email": "ola@example.org", "password": "wrong"}
RIGHT = WRONG | {"password": PASSWORD}
SLOWED = Kept(
    frozenset({"sign_in_delay"}),
    "it counts under a hash that nobody can read back; the fifth failure leaves a row",
)
UNCONFIRMED = Kept(
    frozenset({"totp_secret"}), "nothing is switched on before it is confirmed, and that leaves a row"
)
VOUCHED = Kept(
    frozenset({"subject_link", "consent_record", "job"}),
    "the link names browser, person and instant, is never overwritten, and is what the site's own signed token says",
)
MADE = Kept(
    frozenset({"banner_build", "pinned_tag", "widget_bundle"}),
    "the tag is made to compare it, once, as the first visitor's request would make it",
)
COUNTED = Nothing("counted in memory: the tag's own errors by kind and day, which are nobody's act")
READS = Nothing("a question: what is sent is checked, and not kept")

# fmt: off
STORY: tuple[Write, ...] = (
    Write("accounts.choose_language", rows("accounts.choose_language"), lambda o: o.post("/console/language", {"language": "en"})),
    Write("accounts.sign_out", rows("accounts.sign_out"), lambda o: o.ola.post("/console/sign-out")),
    Write("accounts.sign_in_with_password", SLOWED, lambda o: o.ola.post("/console/sign-in", data=WRONG), is_refused=True),
    Write("accounts.sign_in_with_password", rows("accounts.sign_in"), lambda o: o.ola.post("/console/sign-in", data=RIGHT)),
    Write("accounts.use_link", rows("accounts.use_sign_in_link", "accounts.sign_in"), lambda o: o.ola.post(f"/console/sign-in/{_link(o)}")),
    Write("security.start_app", UNCONFIRMED, _app_started),
    Write("security.confirm_app", rows("accounts.add_app", "accounts.new_recovery_codes"), lambda o: o.ola.post(f"{SECURITY}/app/confirm", data={"code": o.code()})),
    Write("security.new_codes", rows("accounts.new_recovery_codes"), lambda o: o.ola.post(f"{SECURITY}/codes")),
    Write("second_factor.prove", Rows(("accounts.sign_in",), frozenset({"totp_secret"}), "that the code was used"), _second_step),
    Write("security.add_passkey", rows("accounts.add_passkey"), _passkey),
    Write("second_factor.with_passkey", Rows(("accounts.sign_in",), frozenset({"passkey"}), "when and how often it was used"), _with_passkey),
    Write("security.remove_passkey", rows("accounts.remove_passkey"), lambda o: o.ola.post(re.findall(rf"{SECURITY}/passkey/\d+/remove", o.ola.get(SECURITY).text)[0])),
    Write("security.remove_app", rows("accounts.remove_app"), lambda o: o.ola.post(f"{SECURITY}/app/remove")),
    Write("security.end_session", rows("accounts.end_session"), lambda o: _another_browser(o, SECURITY + "/sessions/{}/end")),
    Write("security.end_others", rows("accounts.end_other_sessions"), lambda o: _another_browser(o, f"{SECURITY}/sessions/end-others")),
    Write("accounts.set_password", rows("accounts.set_password", "accounts.sign_in"), lambda o: o.ola.post("/console/profile/password", data={"current": PASSWORD, "password": PASSWORD * 2, "again": PASSWORD * 2})),
    Write("people.invite", rows("accounts.invite"), _invited),
    Write("invitation.accept", rows("accounts.create", "accounts.grant_role", "accounts.accept_invitation", "accounts.sign_in"), lambda o: o.visitor.post(o.kept["invitation"], data={"name": "Pia", "password": PASSWORD, "again": PASSWORD})),
    Write("people.withdraw", rows("accounts.withdraw_invitation"), lambda o: (o.post(f"{o.base}/people/invitations", {"invited": "x@example.org", "role": "author"}), o.post(o.newest(f"{o.base}/people", r"/console/sites/[^\"]+/withdraw")))[-1]),
    Write("people.grant", rows("accounts.grant_role"), lambda o: o.post(f"{o.base}/people", {"email": "ola@example.org", "role": "support"})),
    Write("people.revoke", rows("accounts.revoke_role"), lambda o: o.post(o.newest(f"{o.base}/people", r"/console/sites/[^\"]+/revoke"))),
    Write("people.disable", rows("accounts.disable"), lambda o: o.post(f"{o.base}/people/accounts/{o.ids['ola']}/disable")),
    Write("people.enable", rows("accounts.enable"), lambda o: o.post(f"{o.base}/people/accounts/{o.ids['ola']}/enable")),
    Write("people.four_eyes", rows("sites.update"), lambda o: o.post(f"{o.base}/people/four-eyes", {"four_eyes": "never"})),
    Write("sites.create", rows("sites.create"), lambda o: o.post("/console/sites/new", NEW)),
    Write("site_keys.issue", rows("sites.issue_api_key"), lambda o: o.post(f"{o.base}/keys", KEY)),
    Write("site_keys.revoke", rows("sites.revoke_api_key"), lambda o: o.post(o.newest(f"{o.base}/keys", r"/console/sites/[^\"]+/revoke"))),
    Write("site_keys.reveal", rows("sites.reveal_identity_secret"), lambda o: o.post(f"{o.base}/keys/identity")),
    Write("site_keys.rotate", rows("sites.rotate_identity_secret"), lambda o: o.post(f"{o.base}/keys/identity/rotate")),
    Write("site_settings.save_general", rows("retention.set", "sites.update"), lambda o: o.post(f"{o.base}/settings", SETTINGS | {"origins": f"{make.ORIGIN}\n{o.page}", "retention_days": "2000"})),
    Write("site_settings.save_look", rows("sites.update"), lambda o: o.post(f"{o.base}/settings/look", {"radius": "4px"})),
    Write("site_settings.save_signals", rows("sites.update"), lambda o: o.post(f"{o.base}/settings/signals", {"matomo": "on"})),
    Write("site_settings.save_profile", rows("sites.set_profile"), lambda o: o.post(f"{o.base}/settings/profile", {"controller": "Shop Ltd"})),
    Write("snippet.test", Nothing("a page of the site is fetched and looked at"), lambda o: o.post(f"{o.base}/settings/tag", {"address": f"{o.page}/"})),
    Write("snippet.test_first_party", MADE, lambda o: o.post(f"{o.base}/settings/tag/first-party", {"own": o.page})),
    Write("purposes.create", rows("purposes.replace"), lambda o: o.post(f"{o.base}/purposes/new", PURPOSE | {"do": "save"})),
    Write("purposes.save", rows("purposes.replace"), _saved_purpose),
    Write("purposes.move", rows("purposes.replace"), lambda o: o.post(f"{o.base}/purposes/video/move")),
    Write("purposes.remove", rows("purposes.replace"), lambda o: o.post(f"{o.base}/purposes/video/remove")),
    Write("policy_pages.create", rows("policies.create"), lambda o: o.post(f"{o.base}/policies/new", {"key": "cookies", "title-en": "Cookies", "title-zh-CN": "Cookie 政策"})),
    Write("drafts.start", rows("policies.open_draft"), lambda o: o.post(f"{o.draft}/open")),
    Write("drafts.save", rows("policies.save_notice", "policies.save_notice"), lambda o: o.post(o.draft, o.form("second"))),
    Write("drafts.autosave", rows("policies.save_notice", "policies.save_notice"), lambda o: o.post(f"{o.draft}/autosave", o.form("third"))),
    Write("drafts.merge", rows("policies.save_notice", "policies.save_notice"), _merge),
    Write("saved_texts.bring_back", rows("policies.save_notice", "policies.bring_back"), lambda o: o.post(f"{o.draft}/history/bring-back", {"language": "en", "number": "1", "revision": str(o.version.revision)})),
    Write("drafts.upload", rows("policies.save_notice"), _one_language),
    Write("publish.classify", rows("policies.classify"), lambda o: o.post(f"{o.draft}/publish/changes", ROW | {"changes.0.class": "minor", "changes.0.reason": "No data goes there yet.", "revision": str(o.version.revision)})),
    Write("publish.approve", rows("policies.approve_downgrade"), lambda o: o.mei.post(f"{o.draft}/publish/approve/{o.version.changes[0].id}")),
    Write("publish.waive", rows("policies.waive"), _waive),
    Write("publish.withdraw_waiver", rows("policies.withdraw_waiver"), lambda o: o.post(f"{o.draft}/publish/waivers/{o.version.waivers[0].id}/withdraw")),
    Write("review.submit", rows("reviews.submit"), lambda o: o.post(f"{o.draft}/review/submit", {"note": "Section 1"})),
    Write("review.assign", rows("reviews.assign"), lambda o: o.post(f"{o.draft}/review/assign", {"reviewer": str(o.ids["mei"])})),
    Write("review.comment", rows("reviews.comment"), lambda o: o.post(f"{o.draft}/review/comments", {"language": "en", "quote": "", "body": "Look, @mei@example.org.", "mentioned": str(o.ids["mei"])})),
    Write("inbox.seen", rows("reviews.seen"), lambda o: o.mei.post(re.findall(r"/console/inbox/mentions/\d+/seen", o.mei.get("/console/inbox").text)[0])),
    Write("review.resolve", rows("reviews.resolve"), lambda o: o.post(o.newest(f"{o.draft}/review", r"/console/sites/[^\"]+/resolve"))),
    Write("review.send_back", rows("reviews.send_back"), lambda o: o.mei.post(f"{o.draft}/review/send-back", data={"note": "Once more."})),
    Write("review.approve", rows("reviews.approve"), _approve),
    Write("review.schedule", rows("reviews.schedule"), _schedule),
    Write("review.withdraw", rows("reviews.withdraw"), lambda o: o.post(f"{o.draft}/review/withdraw")),
    Write("impact.count", rows("reconsent.count"), lambda o: o.post(f"{o.draft}/impact/count")),
    Write("publish.publish", rows("policies.publish"), lambda o: o.post(f"{o.draft}/publish", o.seen())),
    Write("review.restore", rows("policies.open_draft", "policies.restore"), lambda o: o.post(f"{o.base}/policies/privacy/versions/1.0/restore")),
    Write("drafts.discard", rows("policies.discard_draft"), lambda o: o.post(f"{o.draft}/discard")),
    Write("consents.Decisions", Leaf(), lambda o: make.post(o.visitor, o.site, make.body(o.visitor, o.site))),
    Write("consents.DecisionBatch", Leaf(), _batch),
    Write("consents.Identify", VOUCHED, _identify),
    Write("consents.Verify", READS, lambda o: o.visitor.post("/v1/receipts/verify", json={"receipt": _receipt(o)})),
    Write("verify.check", READS, lambda o: o.visitor.post("/verify", data={"receipt": _receipt(o)})),
    Write("banner.Errors", COUNTED, _error),
    Write("receipts.export", rows("evidence.export"), lambda o: o.post(f"{o.base}/receipts/archive")),
    Write("addresses.Addresses", rows("campaigns.addresses"), _addresses),
    Write("campaigns.start", rows("campaigns.start"), _list),
    Write("campaigns.decide", rows("campaigns.decide"), _decided),
    Write("campaigns.stop", rows("campaigns.stop"), lambda o: o.post(o.newest(f"{o.base}/campaigns", CAMPAIGN) + "/stop")),
    Write("unsubscribe.unsubscribe", rows("campaigns.refuse"), _unsubscribe),
)
# fmt: on
