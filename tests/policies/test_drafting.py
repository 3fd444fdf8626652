"""Working on a draft: texts, changes, approvals, waivers; one at a time, and nobody overwrites another."""

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction
from consent_server.policies import drafting, publishing, waiving
from consent_server.policies.models import PolicyVersion
from consent_server.problems import InvalidInput, NotFound
from tests import make


def save(draft: PolicyVersion, source: str = "# Text\n", **more: Any) -> None:
    with transaction():
        drafting.save_notice(
            draft,
            source=source,
            now=make.NOW,
            actor=make.STAFF,
            **{"language": "en", "text_format": "markdown"} | more,
        )


def classify(draft: PolicyVersion, *changes: make.Json, actor: str = make.STAFF) -> None:
    with transaction():
        drafting.set_changes(draft, changes, now=make.NOW, actor=actor)


def test_a_site_has_one_policy_of_a_key(app: Flask) -> None:
    site = make.site()
    make.policy(site)

    with pytest.raises(drafting.PolicyExists), transaction():
        drafting.create_policy(site, key="privacy", title={}, now=make.NOW, actor=make.STAFF)


def test_the_banner_asks_about_the_first_policy(app: Flask) -> None:
    site = make.site()
    first, _second = make.policy(site, key="privacy"), make.policy(site, key="terms")

    assert site.policy_id == first.id


def test_there_is_one_draft_at_a_time(app: Flask) -> None:
    site = make.site()
    policy = make.policy(site)
    one, again = make.draft(site), make.draft(site)
    assert one.id == again.id

    second = PolicyVersion(policy=policy, state="draft", created_at=make.NOW, updated_at=make.NOW)
    db.session.add(second)
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_a_new_draft_begins_with_the_newest_texts(app: Flask) -> None:
    site = make.ready_site()
    newest = make.published_version(site, change="wording")

    with transaction():
        draft = drafting.open_draft(
            make.policy(site) if False else newest.policy, now=make.NOW, actor=make.STAFF
        )

    assert [(n.language, n.source) for n in draft.notices] == [(n.language, n.source) for n in newest.notices]
    assert draft.changes == []
    assert draft.number is None


def test_a_text_is_kept_in_its_canonical_form(app: Flask) -> None:
    draft = make.draft(make.site())

    save(draft, "\ufeff# Title\r\n\r\nText  \r\n")

    (english,) = [n for n in draft.notices if n.language == "en"]
    assert "\r" not in english.source
    assert "\ufeff" not in english.source


@pytest.mark.parametrize(
    "source",
    ["", "   \n ", "a\x00b", "\ud800", "x" * 20_000_000],
    ids=["empty", "blank", "NUL", "surrogate", "huge"],
)
def test_a_text_that_cannot_be_read_is_refused(app: Flask, source: str) -> None:
    draft = make.draft(make.site())

    with pytest.raises(InvalidInput):
        save(draft, source)


def test_who_saves_over_a_newer_draft_is_told(app: Flask) -> None:
    draft = make.draft(make.site())
    opened = draft.revision
    save(draft, "# Of the first\n", revision=opened)

    with pytest.raises(drafting.DraftChanged):
        save(draft, "# Of the second\n", revision=opened)
    assert next(n.source for n in draft.notices if n.language == "en") == "# Of the first\n"


def test_two_who_save_at_the_same_moment_do_not_overwrite_each_other(live_app: Flask) -> None:
    draft_id, outcomes = make.draft(make.site()).id, []
    db.session.remove()
    together = threading.Barrier(2)

    def edit(name: str) -> None:
        with live_app.app_context():
            try:
                with transaction():
                    draft = db.session.get_one(PolicyVersion, draft_id)
                    seen = draft.revision
                    if db.engine.dialect.name == "postgresql":  # SQLite lets only one write at a time
                        together.wait(timeout=10)
                    drafting.save_notice(
                        draft, language="en", text_format="markdown", source=f"# Of {name}\n", now=make.NOW,
                        actor=name, revision=seen,
                    )  # fmt: skip
                outcomes.append("saved")
            except drafting.DraftChanged:
                outcomes.append("told")

    threads = [threading.Thread(target=edit, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    if db.engine.dialect.name == "postgresql":
        assert sorted(outcomes) == ["saved", "told"]
    else:
        assert outcomes == ["saved", "saved"]  # one after the other, each on what the other had saved


def test_a_change_gets_the_class_that_its_type_proposes(app: Flask) -> None:
    draft = make.draft(make.ready_site())

    classify(draft, make.change("recipients", "maps"), make.change("typo"))

    assert [(c.type, c.effect, c.purposes) for c in draft.changes] == [
        ("recipients", "major_consent", ["maps"]), ("typo", "patch", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change", [{}, {"type": "nonsense"}, {"type": None}, {"type": "typo", "class": "huge"}]
)
def test_a_change_of_an_unknown_type_or_class_is_refused(app: Flask, change: make.Json) -> None:
    draft = make.draft(make.ready_site())

    with pytest.raises(InvalidInput):
        classify(draft, change)


def test_a_change_names_the_purposes_that_it_touches_or_all(app: Flask) -> None:
    draft = make.draft(make.ready_site())

    with pytest.raises(InvalidInput):
        classify(draft, {"type": "recipients", "purposes": []})


def test_a_second_person_approves_a_downgrade(app: Flask) -> None:
    draft = make.draft(make.ready_site())
    classify(draft, make.change("recipients", **{"class": "minor", "reason": "the same company, renamed"}))
    (change,) = draft.changes

    with pytest.raises(InvalidInput), transaction():
        drafting.approve_downgrade(draft, change.id, now=make.NOW, actor=make.STAFF)
    with pytest.raises(NotFound), transaction():
        drafting.approve_downgrade(draft, 999_999, now=make.NOW, actor="account:2")
    with transaction():
        drafting.approve_downgrade(draft, change.id, now=make.NOW, actor="account:2")

    assert change.approved_by == "account:2"


def test_what_is_no_downgrade_needs_no_approval(app: Flask) -> None:
    draft = make.draft(make.ready_site(), changes=[make.change("recipients")])

    with pytest.raises(InvalidInput), transaction():
        drafting.approve_downgrade(draft, draft.changes[0].id, now=make.NOW, actor="account:2")


@pytest.mark.parametrize(
    "changed", [{"class": "patch"}, {"reason": "another"}, {"purposes": ["maps"]}, {"type": "data_type"}]
)
def test_an_approval_stands_for_exactly_what_was_approved(app: Flask, changed: make.Json) -> None:
    draft = make.draft(make.ready_site())
    approved = make.change("recipients", **{"class": "minor", "reason": "renamed"})
    classify(draft, approved)
    with transaction():
        drafting.approve_downgrade(draft, draft.changes[0].id, now=make.NOW, actor="account:2")

    classify(draft, approved, make.change("typo"))
    assert [c.approved_by for c in draft.changes] == ["account:2", None]
    classify(draft, approved | changed)
    assert [c.approved_by for c in draft.changes] == [None]


def test_who_approved_cannot_take_the_change_over_and_keep_the_approval(app: Flask) -> None:
    draft = make.draft(make.ready_site())
    change = make.change("recipients", **{"class": "minor", "reason": "renamed"})
    classify(draft, change)
    with transaction():
        drafting.approve_downgrade(draft, draft.changes[0].id, now=make.NOW, actor="account:2")

    classify(draft, change, actor="account:2")

    assert [(c.classified_by, c.approved_by) for c in draft.changes] == [("account:2", None)]


def test_a_waiver_needs_a_reason_and_keeps_who_and_why(app: Flask) -> None:
    draft = make.draft(make.site(), texts={"en": make.text("en")})
    (finding,) = make.findings(draft)
    given: Any = {"fingerprint": finding.fingerprint, "now": make.NOW, "actor": "account:2"}

    with pytest.raises(InvalidInput), transaction():
        waiving.waive(draft, reason="  ", **given)
    with transaction():
        waiver = waiving.waive(draft, reason=" by law ", **given)

    assert (waiver.waived_by, waiver.reason) == ("account:2", "by law")


def test_a_discarded_draft_leaves_room_for_another(app: Flask) -> None:
    site = make.ready_site()
    draft = make.draft(site, changes=[make.change()])
    gone = draft.id
    with transaction():
        drafting.discard_draft(draft, now=make.NOW, actor=make.STAFF)

    assert db.session.get(PolicyVersion, gone) is None
    assert make.draft(site).number is None


def test_a_published_version_is_no_draft(app: Flask) -> None:
    version = make.published_version(make.ready_site(), change="wording")
    calls: list[Any] = [
        lambda: drafting.save_notice(
            version, language="en", text_format="markdown", source="x", now=make.NOW, actor=make.STAFF
        ),
        lambda: drafting.set_changes(version, [], now=make.NOW, actor=make.STAFF),
        lambda: drafting.approve_downgrade(version, 1, now=make.NOW, actor=make.STAFF),
        lambda: waiving.waive(version, fingerprint="x", reason="y", now=make.NOW, actor=make.STAFF),
        lambda: waiving.withdraw_waiver(version, 1, now=make.NOW, actor=make.STAFF),
        lambda: drafting.discard_draft(version, now=make.NOW, actor=make.STAFF),
        lambda: publishing.publish_version(version, now=make.NOW, actor=make.STAFF),
    ]

    for call in calls:
        with pytest.raises(drafting.Immutable), transaction():
            call()


def test_every_step_is_in_the_audit_log(app: Flask) -> None:
    site = make.ready_site()
    change = make.change("recipients", **{"class": "minor", "reason": "renamed"})
    draft = make.draft(site, changes=[change], actor="account:7")
    with transaction():
        drafting.approve_downgrade(draft, draft.changes[0].id, now=make.NOW, actor="account:8")
    with transaction():
        publishing.publish_version(draft, now=make.NOW, actor="account:9")

    target = f"policy-version:{draft.id}"
    rows = db.session.scalars(
        select(AuditEvent).where(AuditEvent.target == target).order_by(AuditEvent.id)
    ).all()
    assert [(row.action, row.actor) for row in rows] == [
        ("policies.open_draft", "account:7"), ("policies.save_notice", "account:7"), ("policies.save_notice", "account:7"),
        ("policies.classify", "account:7"), ("policies.approve_downgrade", "account:8"), ("policies.publish", "account:9"),
    ]  # fmt: skip
