"""A draft on its way: reviewed, approved by a second person, given a date, published once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from consent_server import clock
from consent_server.accounts import members
from consent_server.accounts.models import Account
from consent_server.accounts.service import actor_of
from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction
from consent_server.jobs.models import Job
from consent_server.policies import approving, drafting, publishing, reviews, tasks
from consent_server.policies.models import PolicyVersion
from consent_server.policies.review_models import Review
from consent_server.policies.stages import Stage
from consent_server.problems import InvalidInput
from consent_server.purposes.schemas import PurposesSchema
from consent_server.purposes.service import replace_purposes
from consent_server.schema import load
from consent_server.sites.models import Site
from tests import make


@dataclass
class Office:
    """A site where Lin writes, and Mei and Ola may approve."""

    site: Site
    author: Account
    approver: Account

    def __post_init__(self) -> None:
        self.lin, self.mei = actor_of(self.author), actor_of(self.approver)

    @property
    def draft(self) -> PolicyVersion:
        found = drafting.draft_of(drafting.policy_by_key(self.site, "privacy"))
        assert found is not None
        return found

    @property
    def stage(self) -> Stage:
        return reviews.stage_of(self.draft)

    def write(self, mark: str = "second", *, actor: str = "", kind: str = "wording") -> PolicyVersion:
        texts = {each: make.text(each, mark) for each in make.LANGUAGES}
        return make.draft(self.site, texts=texts, changes=[make.change(kind)], actor=actor or self.lin)

    def do(self, act: Callable[..., Any], *, actor: str, **more: Any) -> Any:
        with transaction():
            return act(self.draft, **{"now": make.NOW, "actor": actor} | more)

    def submit(self, reviewer: Account | None = None) -> None:
        self.do(approving.submit, actor=self.lin, reviewer=reviewer, note="Look at section 2.")

    def approved(self) -> None:
        self.submit()
        self.do(approving.approve, actor=self.mei)

    def schedule(self, at: datetime, **more: Any) -> None:
        when = {"publish_at": at, "zone": "UTC", "notice_days": 0} | more
        self.do(approving.schedule, actor=self.mei, **when, now=clock.now())


@pytest.fixture
def office(app: Flask) -> Office:
    site = make.ready_site(four_eyes=None)
    lin = make.account("lin@example.org", role="author", of=site)
    mei = make.account("mei@example.org", role="approver", of=site)
    make.account("ola@example.org", role="approver", of=site)
    made = Office(site, lin, mei)
    made.write()
    return made


def codes(draft: PolicyVersion) -> list[str]:
    return [obstacle.code for obstacle in publishing.readiness(draft).obstacles]


def test_what_nobody_approved_does_not_go_out(office: Office) -> None:
    assert codes(office.draft) == ["not-approved"]
    with pytest.raises(publishing.NotReady):
        office.do(publishing.publish_version, actor=office.mei)
    office.submit()
    with pytest.raises(publishing.NotReady):
        office.do(publishing.publish_version, actor=office.mei)

    office.do(approving.approve, actor=office.mei)
    office.do(publishing.publish_version, actor=office.mei)

    newest = drafting.newest_of(drafting.policy_by_key(office.site, "privacy"))
    assert newest is not None
    assert newest.number == "1.1"
    assert reviews.stage_of(newest) is Stage.PUBLISHED


def test_who_wrote_any_part_of_a_draft_does_not_approve_it(office: Office) -> None:
    office.submit()
    with pytest.raises(approving.FourEyes):
        office.do(approving.approve, actor=office.lin)

    office.write("third", actor=office.mei)  # a slip of the pen that Mei mends makes her an author
    with pytest.raises(approving.FourEyes):
        office.do(approving.approve, actor=office.mei)

    assert [each.email for each in reviews.free_approvers(office.draft)] == ["ola@example.org"]


def test_purposes_are_a_part_of_the_draft(office: Office) -> None:
    with transaction():
        make_purposes(office, actor=office.mei)
    office.submit()

    with pytest.raises(approving.FourEyes):
        office.do(approving.approve, actor=office.mei)


def make_purposes(office: Office, *, actor: str) -> None:
    described = [make.purpose("essential", "basic"), make.purpose("analytics"), make.purpose("maps")]
    described[1]["texts"]["en"]["description"] = "Counting visits."
    described[1]["texts"]["zh-CN"]["description"] = "统计访问量。"
    checked = load(PurposesSchema(), {"purposes": described})["purposes"]
    replace_purposes(office.site, checked, now=make.NOW, actor=actor)


def test_a_change_takes_the_approval_away(office: Office) -> None:
    office.approved()
    assert office.stage is Stage.APPROVED
    assert codes(office.draft) == []

    office.write("third")

    assert office.stage is Stage.IN_REVIEW
    assert codes(office.draft) == ["not-approved"]
    office.do(approving.approve, actor=office.mei)
    assert office.stage is Stage.APPROVED


@pytest.mark.parametrize("part", ["changes", "purposes"])
def test_so_does_a_change_of_classification_or_purposes(office: Office, part: str) -> None:
    office.approved()
    with transaction():
        if part == "changes":
            drafting.set_changes(
                office.draft, [make.change("typo", reason="Only that.")], now=make.NOW, actor=office.lin
            )
        else:
            make_purposes(office, actor=office.lin)

    assert office.stage is Stage.IN_REVIEW


def test_a_review_is_asked_for_sent_back_and_asked_for_again(office: Office) -> None:
    office.submit(office.approver)
    with pytest.raises(approving.WrongStage):
        office.submit()

    with pytest.raises(InvalidInput):
        office.do(approving.send_back, actor=office.mei, note=" ")
    office.do(approving.send_back, actor=office.mei, note="Name the recipient.")
    back = reviews.review_of(office.draft)
    assert back is not None
    assert (office.stage, back.note) == (Stage.DRAFT, "Name the recipient.")

    office.submit()
    assert office.stage is Stage.IN_REVIEW


def test_when_the_reviewer_leaves_somebody_else_takes_over_and_what_they_approved_stays(
    office: Office,
) -> None:
    office.submit(office.approver)
    with transaction():
        db.session.merge(office.approver).disabled_at = make.NOW
        ola = db.session.scalars(select(Account).where(Account.email == "ola@example.org")).one()
        db.session.expunge(ola)

    with pytest.raises(approving.FourEyes):
        office.do(approving.assign, reviewer=office.approver, actor=office.lin)
    # One person is left who may approve; the rule still is that of the site's setting.
    office.do(approving.assign, reviewer=ola, actor=office.lin)
    office.do(approving.approve, actor=actor_of(ola))

    review = reviews.review_of(office.draft)
    assert review is not None
    assert review.approved_by == actor_of(ola)
    with transaction():
        for each in members.memberships_of(ola.id, office.site.id):
            members.revoke(each, now=make.NOW, actor=office.lin)
    assert office.stage is Stage.APPROVED


def test_one_person_alone_goes_on_without_a_second(app: Flask) -> None:
    site = make.ready_site(four_eyes=None)
    owner = actor_of(make.account())
    support = make.account("mei@example.org", role="support", of=site)
    office = Office(site, support, support)
    office.write(actor=owner)

    assert codes(office.draft) == []
    office.do(publishing.publish_version, actor=owner)

    newest = drafting.newest_of(drafting.policy_by_key(site, "privacy"))
    assert newest is not None
    assert newest.published_by == owner


def test_a_downgrade_from_major_needs_a_second_person_even_where_nothing_else_does(app: Flask) -> None:
    site = make.ready_site(four_eyes=False)
    draft = make.draft(
        site, changes=[make.change("recipients", **{"class": "minor", "reason": "The same firm."})]
    )

    assert codes(draft) == ["downgrade-approval"]
    with pytest.raises(InvalidInput), transaction():
        drafting.approve_downgrade(draft, draft.changes[0].id, now=make.NOW, actor=make.STAFF)
    with transaction():
        drafting.approve_downgrade(draft, draft.changes[0].id, now=make.NOW, actor="account:2")
    assert codes(draft) == []


def test_an_untyped_change_is_neither_approved_nor_published(office: Office) -> None:
    make.draft(
        office.site, texts={each: make.text(each, "other") for each in make.LANGUAGES}, actor=office.lin
    )
    with transaction():
        drafting.set_changes(office.draft, [], now=make.NOW, actor=office.lin)
    office.submit()

    with pytest.raises(publishing.NotReady) as refused:
        office.do(approving.approve, actor=office.mei)

    assert [each["code"] for each in refused.value.extra["obstacles"]] == ["untyped-change"]


def test_a_date_must_be_far_enough_away_for_the_notice_period(office: Office) -> None:
    office.approved()
    now = clock.now()

    for at, days in ((now - timedelta(hours=1), 0), (now + timedelta(days=29), 30)):
        with pytest.raises(InvalidInput):
            office.schedule(at, notice_days=days)
    office.schedule(now + timedelta(days=31), notice_days=30)

    assert office.stage is Stage.SCHEDULED


def due(office: Office) -> dict[str, Any]:
    """Move the date of the scheduled draft into the past and return the arguments of its job."""
    with transaction():
        review = db.session.get_one(Review, office.draft.id)
        review.publish_at = clock.now() - timedelta(seconds=1)
        at = clock.iso(review.publish_at)
    return {"version_id": office.draft.id, "at": at}


def run(arguments: dict[str, Any]) -> None:
    list(tasks.publish_scheduled(**arguments, cursor=None, done=0))


def test_at_the_hour_it_is_published_once(office: Office) -> None:
    office.approved()
    office.schedule(clock.now() + timedelta(days=1))
    job = db.session.scalars(select(Job).where(Job.name == approving.PUBLISH_JOB)).one()
    assert job.due_at == db.session.get_one(Review, office.draft.id).publish_at
    arguments = due(office)

    run(arguments)
    run(arguments)

    policy = drafting.policy_by_key(office.site, "privacy")
    newest = drafting.newest_of(policy)
    assert newest is not None
    assert (newest.number, newest.published_by) == ("1.1", office.mei)
    assert drafting.draft_of(policy) is None
    published = select(AuditEvent).where(
        AuditEvent.target == f"policy-version:{newest.id}", AuditEvent.action == "policies.publish"
    )
    assert len(db.session.scalars(published).all()) == 1


def test_a_worker_whose_clock_runs_ahead_waits_for_the_database(office: Office) -> None:
    office.approved()
    at = clock.now() + timedelta(hours=2)
    office.schedule(at)

    run({"version_id": office.draft.id, "at": clock.iso(at)})  # as if it were time

    assert office.stage is Stage.SCHEDULED
    jobs = db.session.scalars(select(Job).where(Job.name == approving.PUBLISH_JOB).order_by(Job.id)).all()
    assert len(jobs) == 2
    assert abs(jobs[1].due_at - at) < timedelta(minutes=5)


def test_a_withdrawn_date_is_none(office: Office) -> None:
    office.approved()
    office.schedule(clock.now() + timedelta(days=1))
    arguments = due(office)
    with pytest.raises(drafting.DraftScheduled):
        office.write("third")

    office.do(approving.withdraw, actor=office.mei)
    run(arguments)

    assert office.stage is Stage.APPROVED
    with pytest.raises(approving.WrongStage):
        office.do(approving.withdraw, actor=office.mei)


def test_what_changed_before_its_date_goes_back_into_review(office: Office) -> None:
    office.approved()
    office.schedule(clock.now() + timedelta(days=1))
    arguments = due(office)
    with transaction():
        make_purposes(office, actor=office.lin)

    run(arguments)

    review = reviews.review_of(office.draft)
    assert review is not None
    assert (office.stage, review.note) == (Stage.IN_REVIEW, "It has changed since it was approved.")
    assert "reviews.stop" in db.session.scalars(select(AuditEvent.action)).all()


def test_rolling_back_is_a_draft_with_the_old_text(office: Office) -> None:
    policy = drafting.policy_by_key(office.site, "privacy")
    first = drafting.newest_of(policy)
    assert first is not None
    with pytest.raises(drafting.DraftExists), transaction():
        drafting.restore(first, now=make.NOW, actor=office.lin)
    office.approved()
    office.do(publishing.publish_version, actor=office.mei)
    assert reviews.stage_of(first) is Stage.SUPERSEDED

    with transaction():
        drafting.restore(first, now=make.NOW, actor=office.lin)

    assert {n.language: n.sha256 for n in office.draft.notices} == {
        n.language: n.sha256 for n in first.notices
    }
    assert codes(office.draft) == ["untyped-change", "not-approved"]


BROKEN = [
    "UPDATE review SET approved_by = requested_by",
    "UPDATE review SET stage = 'in_review'",
    "UPDATE review SET fingerprint = NULL",
    "UPDATE review SET stage = 'scheduled'",
    "UPDATE review SET stage = 'published'",
]


@pytest.mark.parametrize("statement", BROKEN)
def test_the_database_refuses_a_review_that_contradicts_itself(office: Office, statement: str) -> None:
    office.approved()

    with pytest.raises(DBAPIError), transaction():
        db.session.execute(text(statement))


@pytest.mark.parametrize("statement", ["UPDATE review SET note = 'x'", "DELETE FROM review"])
def test_the_review_of_a_published_version_never_changes(office: Office, statement: str) -> None:
    office.approved()
    office.do(publishing.publish_version, actor=office.mei)

    with pytest.raises(DBAPIError, match="never changes"), transaction():
        db.session.execute(text(statement))
