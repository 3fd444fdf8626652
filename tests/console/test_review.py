"""Reviews in the console: comments on sentences, approval by a second person, a date, and what waits for whom."""

import dataclasses
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask, current_app

from consent_server import clock
from consent_server.db import db, transaction
from consent_server.policies import drafting, reviews
from consent_server.policies.models import PolicyVersion
from consent_server.policies.review_models import Mention
from consent_server.policies.stages import Stage
from consent_server.policies.tasks import mail_mention
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, audited, text_of
from tests.smtp import Inbox

SENTENCE = "This shop says what for (second)."


@pytest.fixture
def reviewed(app: Flask) -> Site:
    """A site with a draft of Lin's, which Mei or Ola may approve."""
    return make.ready_site(four_eyes=None)


@pytest.fixture
def people(app: Flask, reviewed: Site) -> Callable[[str], Console]:
    """Lin, who writes, and Mei and Ola, who approve, each at a browser."""
    roles = {"lin": "author", "mei": "approver", "ola": "approver", "aud": "auditor"}
    accounts = {
        name: make.account(f"{name}@example.org", role=role, of=reviewed, password=None)
        for name, role in roles.items()
    }
    texts = {each: make.text(each, "second") for each in make.LANGUAGES}
    make.draft(reviewed, texts=texts, changes=[make.change("wording")], actor=f"account:{accounts['lin'].id}")

    def at(name: str) -> Console:
        client = app.test_client()
        make.signed_in(client, db.session.merge(accounts[name]))
        return Console(client)

    return at


def path(site: Site, rest: str = "") -> str:
    return f"/console/sites/{site.key}/policies/privacy/draft{rest}"


def draft_of(site: Site) -> PolicyVersion:
    found = drafting.draft_of(drafting.policy_by_key(site, "privacy"))
    assert found is not None
    return found


def test_a_draft_is_asked_for_approved_by_another_and_published(
    people: Callable[[str], Console], reviewed: Site
) -> None:
    lin, mei = people("lin"), people("mei")
    page = lin.get(path(reviewed, "/publish"))
    assert 'data-obstacle="not-approved"' in page.text
    assert 'value="approve"' not in page.text

    asked = lin.send(path(reviewed, "/review/submit"), {"note": "Section 1"}, page=path(reviewed, "/publish"))
    waiting = text_of(mei.get("/console/inbox"))
    approved = mei.send(
        path(reviewed, "/review/approve"),
        {"seen": mei.value(path(reviewed, "/publish"), "seen")},
        page=path(reviewed, "/publish"),
    )
    shown = text_of(mei.get(path(reviewed, "/publish")))
    out = mei.send(path(reviewed, "/publish"), {"seen": mei.value(path(reviewed, "/publish"), "seen")})

    assert asked.status_code == approved.status_code == out.status_code == 303
    assert "Section 1" in waiting
    assert "Approved by mei@example.org" in shown
    assert "Nothing waits for you" in text_of(mei.get("/console/inbox"))
    assert audited("reviews.submit") == audited("reviews.approve") == 1
    assert audited("policies.publish") == 2


def test_what_changed_since_the_page_was_opened_is_not_approved(
    people: Callable[[str], Console], reviewed: Site
) -> None:
    lin, mei = people("lin"), people("mei")
    lin.send(path(reviewed, "/review/submit"), page=path(reviewed, "/publish"))
    seen = mei.value(path(reviewed, "/publish"), "seen")
    with transaction():
        drafting.set_changes(
            draft_of(reviewed), [make.change("typo", reason="x")], now=make.NOW, actor="account:1"
        )

    refused = mei.send(path(reviewed, "/review/approve"), {"seen": seen}, page=path(reviewed, "/publish"))

    assert refused.status_code == 409
    assert reviews.stage_of(draft_of(reviewed)) is Stage.IN_REVIEW


def test_a_comment_on_a_sentence_calls_upon_somebody_and_is_resolved(
    people: Callable[[str], Console], reviewed: Site, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin, mei = people("lin"), people("mei")
    review = path(reviewed, "/review")
    address = re.search(r'href="([^"]+)#comment" class="sentence">This shop', mei.get(review).text)
    assert address
    chosen = mei.get(address[1].replace("&amp;", "&"))
    assert f'<blockquote lang="en">{SENTENCE}</blockquote>' in chosen.text

    said = {"language": "en", "quote": SENTENCE, "body": "Whom? @lin@example.org, please.", "do": "comment"}
    empty = mei.send(f"{review}/comments", said | {"body": " "}, page=review)
    made = mei.send(f"{review}/comments", said, page=review)
    calls = text_of(lin.get("/console/inbox"))
    by_mail(monkeypatch, inbox)
    noted = re.search(r"/console/inbox/mentions/\d+/seen", lin.get("/console/inbox").text)
    resolve = re.search(rf"{review}/comments/\d+/resolve", lin.get(review).text)
    assert noted
    assert resolve
    lin.send(noted[0], page="/console/inbox")
    lin.send(resolve[0], page=review)

    assert (empty.status_code, made.status_code) == (422, 303)
    assert "Whom? @lin@example.org, please." in calls
    assert "Nothing waits for you" in text_of(lin.get("/console/inbox"))
    assert "Resolved" in text_of(lin.get(review))
    assert audited("reviews.comment") == audited("reviews.resolve") == audited("reviews.seen") == 1


def by_mail(monkeypatch: pytest.MonkeyPatch, inbox: Inbox) -> None:
    """Run the job of the one mention with a real SMTP server, and look at what came."""
    settings = current_app.extensions["settings"]
    sending = dataclasses.replace(settings, smtp_url=inbox.url, mail_from="desk@example.org")
    monkeypatch.setitem(current_app.extensions, "settings", sending)
    (mention,) = db.session.query(Mention).all()
    list(mail_mention(mention.id, "https://c.example/review", cursor=None, done=0))
    (message,) = inbox.messages

    assert message["To"] == "lin@example.org"
    text = message.get_content()
    assert SENTENCE in text
    assert "https://c.example/review" in text


def test_an_auditor_sees_the_review_and_is_offered_nothing(
    people: Callable[[str], Console], reviewed: Site
) -> None:
    auditor = people("aud")
    people("lin").send(path(reviewed, "/review/submit"), page=path(reviewed, "/publish"))

    for page in ("/review", "/publish"):
        shown = auditor.get(path(reviewed, page)).text.split("<main")[1]
        assert "In review" in shown
        assert "<form" not in shown


def test_a_date_is_set_in_a_time_zone_and_withdrawn(people: Callable[[str], Console], reviewed: Site) -> None:
    lin, mei = people("lin"), people("mei")
    publish = path(reviewed, "/publish")
    lin.send(path(reviewed, "/review/submit"), page=publish)
    mei.send(path(reviewed, "/review/approve"), {"seen": mei.value(publish, "seen")}, page=publish)
    day = (clock.now() + timedelta(days=40)).strftime("%Y-%m-%d")
    form = {
        "seen": mei.value(publish, "seen"),
        "date": day,
        "time": "09:00",
        "zone": "Asia/Shanghai",
        "notice_days": "30",
    }
    schedule = path(reviewed, "/review/schedule")

    wrong = mei.send(schedule, form | {"zone": "Nowhere/Else"}, page=publish)
    early = mei.send(schedule, form | {"notice_days": "60"}, page=publish)
    done = mei.send(schedule, form, page=publish)
    shown = text_of(mei.get(publish))
    edit = lin.send(path(reviewed), {"source-en": "# New", "format-en": "markdown", "do": "save"})
    back = mei.send(path(reviewed, "/review/withdraw"), page=publish)

    assert (wrong.status_code, early.status_code, done.status_code, back.status_code) == (422, 422, 303, 303)
    assert "1:00:00" in shown
    assert "Asia/Shanghai" in shown
    assert edit.status_code == 409
    assert reviews.stage_of(draft_of(reviewed)) is Stage.APPROVED


def test_an_older_version_is_taken_up_again(people: Callable[[str], Console], reviewed: Site) -> None:
    lin = people("lin")
    restore = f"/console/sites/{reviewed.key}/policies/privacy/versions/1.0/restore"
    version = f"/console/sites/{reviewed.key}/policies/privacy/versions/1.0"

    busy = lin.send(restore, page=version)
    lin.send(path(reviewed, "/discard"))
    done = lin.send(restore, page=version)

    assert (busy.status_code, done.status_code) == (409, 303)
    assert "texts of version 1.0" in lin.get(path(reviewed)).text


def test_an_owner_says_whether_a_second_person_is_needed(app: Flask, console: Console) -> None:
    site = make.ready_site(four_eyes=None)
    make.account("mei@example.org")
    people = f"/console/sites/{site.key}/people"
    assert reviews.needs_four_eyes(site)

    console.send(f"{people}/four-eyes", {"four_eyes": "never"}, page=people)

    db.session.refresh(site)
    assert not reviews.needs_four_eyes(site)
    assert audited("sites.update") == 1


def test_a_row_of_a_table_and_an_item_of_a_list_are_spoken_about_alone(
    people: Callable[[str], Console], reviewed: Site
) -> None:
    rows = "| Name | Lifetime |\n| --- | --- |\n| basket | 14 days |\n| visitor | 13 months |\n"
    with transaction():
        drafting.save_notice(
            draft_of(reviewed),
            language="en",
            text_format="markdown",
            source=f"# Privacy policy\n\n- One item\n- Another\n\n{rows}",
            now=clock.now(),
            actor="account:1",
        )

    shown = re.findall(r'class="sentence">([^<]+)<', people("mei").get(path(reviewed, "/review")).text)

    assert {"One item", "Another", "basket | 14 days", "visitor | 13 months"} <= set(shown)
