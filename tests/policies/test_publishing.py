"""Publishing: what stands in the way, which number a version gets, what it freezes, whom it flags."""

import hashlib
import threading
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select

from consent_server.db import db, transaction
from consent_server.jobs.models import Job
from consent_server.policies import drafting, publishing, waiving
from consent_server.policies.models import PolicyVersion
from consent_server.sites.models import Site
from tests import make


def codes(draft: PolicyVersion) -> list[tuple[str, str]]:
    found = [(each.code, each.language or each.subject) for each in publishing.readiness(draft).obstacles]
    db.session.rollback()
    return found


def publish(draft: PolicyVersion, actor: str = make.STAFF) -> PolicyVersion:
    with transaction():
        return publishing.publish_version(draft, now=make.NOW, actor=actor)


def downgrade(
    type: str = "recipients", to: str = "minor", reason: str = "the same company, renamed"
) -> make.Json:
    return make.change(type, **{"class": to, "reason": reason})


def test_the_first_version_is_1_0_and_needs_no_typed_change(app: Flask) -> None:
    site = make.site()
    make.policy(site)
    make.purposes(site, "analytics")

    version = make.published_version(site)

    assert (version.number, version.changes) == ("1.0", [])


def test_a_language_must_not_be_missing(app: Flask) -> None:
    site = make.site()
    draft = make.draft(site, texts={"en": make.text("en")})

    assert codes(draft) == [("missing-language", "zh-CN")]
    with pytest.raises(publishing.NotReady) as caught:
        publish(draft)
    assert caught.value.extra["obstacles"][0]["can_be_waived"] is True
    assert db.session.get_one(PolicyVersion, draft.id).state == "draft"


def test_a_language_must_not_be_out_of_step(app: Flask) -> None:
    site = make.site()
    draft = make.draft(site, texts={"en": make.text("en"), "zh-CN": "# 隐私政策\n\n## 只有一节\n\n文字。\n"})

    assert codes(draft) == [("out-of-step", "zh-CN")]


def test_the_default_language_cannot_be_waived(app: Flask) -> None:
    draft = make.draft(make.site(), texts={"zh-CN": make.text("zh-CN")})

    (obstacle,) = publishing.readiness(draft).obstacles

    assert (obstacle.code, obstacle.language, obstacle.can_be_waived) == ("missing-language", "en", False)
    with pytest.raises(waiving.FindingGone):
        make.waive(draft)


def test_a_purpose_is_described_in_every_language(app: Flask) -> None:
    site = make.site()
    make.policy(site)
    half = make.purpose("analytics")
    half["texts"]["zh-CN"]["description"] = " "
    make.purposes(site, described=[half])

    assert ("purpose-untranslated", "zh-CN") in codes(make.draft(site))


def test_an_untyped_change_is_not_minor(app: Flask) -> None:
    site = make.ready_site()
    draft = make.draft(site)

    assert codes(draft) == [("untyped-change", "")]


def test_unclassified_is_no_answer(app: Flask) -> None:
    draft = make.draft(make.ready_site(), changes=[make.change("unclassified")])

    assert ("untyped-change", "unclassified") in codes(draft)


def test_nothing_changed_is_nothing_to_publish(app: Flask) -> None:
    site = make.ready_site()
    version = make.published_version(site, change="wording")
    with transaction():
        draft = drafting.open_draft(version.policy, now=make.NOW, actor=make.STAFF)

    assert codes(draft) == [("nothing-changed", "")]


def test_a_downgrade_needs_a_reason_and_a_second_person(app: Flask) -> None:
    site = make.ready_site()
    draft = make.draft(site, changes=[downgrade(reason=" ")])
    assert codes(draft) == [("downgrade-reason", "recipients"), ("downgrade-approval", "recipients")]

    with transaction():
        drafting.set_changes(draft, [downgrade()], now=make.NOW, actor=make.STAFF)
    assert codes(draft) == [("downgrade-approval", "recipients")]

    with transaction():
        drafting.approve_downgrade(draft, draft.changes[0].id, now=make.NOW, actor="account:2")
    assert codes(draft) == []
    assert publish(draft).number == "1.1"


def test_a_downgrade_that_stays_major_needs_a_reason_only(app: Flask) -> None:
    draft = make.draft(make.ready_site(), changes=[downgrade(to="major_notice")])

    assert codes(draft) == []
    assert publish(draft).number == "2.0"


def test_a_downgrade_below_major_notice_needs_both_too(app: Flask) -> None:
    draft = make.draft(make.ready_site(), changes=[downgrade("contact", "minor")])

    assert codes(draft) == [("downgrade-approval", "contact")]


def test_an_upgrade_needs_nobody(app: Flask) -> None:
    draft = make.draft(make.ready_site(), changes=[make.change("typo", **{"class": "major_consent"})])

    assert codes(draft) == []
    assert publish(draft).number == "2.0"


@pytest.mark.parametrize(
    ("types", "number"),
    [
        (["typo"], "1.1"), (["wording", "link"], "1.1"), (["contact"], "2.0"), (["recipients"], "2.0"),
        (["typo", "data_type"], "2.0"),
    ],
)  # fmt: skip
def test_the_number_follows_from_the_changes(app: Flask, types: list[str], number: str) -> None:
    site = make.ready_site()

    assert make.published_version(site, change=[make.change(each) for each in types]).number == number


def test_numbers_go_up_one_by_one(app: Flask) -> None:
    site = make.ready_site()

    found = [
        make.published_version(site, change=change).number
        for change in ["typo", "wording", "recipients", "typo", "contact", "link"]
    ]

    assert found == ["1.1", "1.2", "2.0", "2.1", "3.0", "3.1"]


def test_a_purpose_that_was_added_without_a_word_is_detected_and_counts_in_full(app: Flask) -> None:
    site = make.ready_site()
    make.purposes(site, "analytics", "maps", "ads")
    draft = make.draft(site, changes=[make.change("wording")])

    ready = publishing.readiness(draft)

    assert ready.number == "2.0"
    assert [(c.type.value, c.change_class.value, c.purposes) for c in ready.detected] == [
        ("purpose_added", "major_consent", ("ads",))
    ]
    version = publish(draft)
    assert [c["type"] for c in orjson.loads(version.snapshot or "")["changes"]] == [
        "wording",
        "purpose_added",
    ]


def changed_purposes(**first: Any) -> list[make.Json]:
    service = make.service("counter", cookies=[make.cookie("_c")]) | first.pop("service", {})
    return [make.purpose("essential", "basic"), make.purpose("analytics", services=[service], **first)]


@pytest.mark.parametrize(
    ("after", "detected"),
    [
        (changed_purposes(legal_basis="legitimate_interests"), ["legal_basis"]),
        (changed_purposes(consent_kind="explicit"), ["purpose_changed"]),
        (changed_purposes(service={"provider": "Another Ltd"}), ["recipients"]),
        (changed_purposes(service={"cookies": [make.cookie("_c"), make.cookie("_d")]}), ["cookie_added"]),
        (changed_purposes(service={"cookies": []}), ["cookie_removed"]),
        (changed_purposes(service={"cookies": [make.cookie("_c", lifetime="P2Y")]}), ["retention"]),
        (changed_purposes(service={"key": "other"}), ["service_added", "service_removed"]),
        ([make.purpose("essential", "basic")], ["purpose_removed"]),
        ([*changed_purposes(), make.purpose("ads")], ["purpose_added"]),
        ([make.purpose("essential"), *changed_purposes()[1:]], ["purpose_added", "legal_basis"]),
        (list(reversed(changed_purposes())), []),
    ],
    ids=lambda value: (
        "-".join(value) if isinstance(value, list) and value and isinstance(value[0], str) else ""
    ),
)
def test_differences_between_purposes_are_detected(
    app: Flask, after: list[make.Json], detected: list[str]
) -> None:
    site = make.site()
    make.policy(site)
    make.purposes(site, described=changed_purposes())
    make.published_version(site)
    make.purposes(site, described=after)

    found = publishing.readiness(make.draft(site, changes=[make.change("typo")])).detected

    assert sorted(change.type.value for change in found) == sorted(detected)


def test_a_typed_change_of_the_same_weight_accounts_for_a_detected_one(app: Flask) -> None:
    site = make.ready_site("analytics")
    make.purposes(site, "analytics", "ads")

    typed = publishing.readiness(make.draft(site, changes=[make.change("purpose_added", "ads")]))
    assert typed.detected == ()


def test_a_downgraded_type_accounts_for_a_detected_change_once_it_was_approved(app: Flask) -> None:
    site = make.ready_site("analytics")
    described = [make.purpose("essential", "basic"), make.purpose("analytics", consent_kind="explicit")]
    make.purposes(site, described=described)
    draft = make.draft(site, changes=[downgrade("purpose_changed")])

    assert publishing.readiness(draft).detected == ()
    assert ("downgrade-approval", "purpose_changed") in codes(draft)


def test_a_rename_accounts_for_the_purpose_that_went_and_the_one_that_came(app: Flask) -> None:
    site = make.ready_site("analytics", "maps")
    make.purposes(site, "audience", "maps")

    version = make.published_version(
        site, change=[make.change("purpose_renamed", "audience", renamed_from="analytics")]
    )

    assert version.number == "1.1"


def test_a_version_freezes_notices_purposes_and_changes_under_one_hash(app: Flask) -> None:
    site = make.ready_site("analytics")
    version = make.published_version(site, change="recipients", touched=["analytics"])

    text = (version.snapshot or "").encode()
    snapshot = orjson.loads(text)

    assert version.sha256 == hashlib.sha256(text).digest()
    assert text == orjson.dumps(snapshot, option=orjson.OPT_SORT_KEYS)
    assert snapshot["number"] == "2.0"
    assert snapshot["notices"].keys() == {"en", "zh-CN"}
    assert [p["key"] for p in snapshot["purposes"]] == ["essential", "analytics"]
    assert snapshot["changes"][0]["type"] == "recipients"
    before = db.session.scalars(
        select(PolicyVersion).where(PolicyVersion.major == 1, PolicyVersion.policy_id == version.policy_id)
    ).one()
    assert snapshot["predecessor"] == (before.sha256 or b"").hex()
    assert version.published_by == make.STAFF


def test_publishing_sets_one_sweep_going(app: Flask) -> None:
    site = make.ready_site()
    version = make.published_version(site, change="recipients")

    jobs = db.session.scalars(select(Job).where(Job.name == publishing.SWEEP).order_by(Job.id)).all()

    assert jobs[-1].arguments == {"site_id": site.id, "version_id": version.id}
    assert len(jobs) == 2


def test_a_document_that_the_banner_does_not_ask_about_carries_no_purposes_and_flags_nobody(
    app: Flask,
) -> None:
    site = make.ready_site()
    before = db.session.query(Job).count()

    terms = make.published_version(site, key="terms")

    assert orjson.loads(terms.snapshot or "")["purposes"] == []
    assert db.session.query(Job).count() == before


def test_other_processes_learn_of_a_publication_by_the_sites_revision(app: Flask) -> None:
    site = make.ready_site()
    revision = site.revision

    make.published_version(site, change="typo")

    assert db.session.get_one(Site, site.id).revision > revision


def test_of_two_who_publish_at_the_same_moment_one_is_told(live_app: Flask) -> None:
    site = make.ready_site()
    draft_id = make.draft(site, changes=[make.change()]).id
    db.session.remove()
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def go() -> None:
        with live_app.app_context():
            try:
                together.wait(timeout=10)
                with transaction():
                    draft = db.session.get_one(PolicyVersion, draft_id)
                    publishing.publish_version(draft, now=make.NOW, actor=make.STAFF)
                outcomes.append("published")
            except (drafting.Immutable, drafting.DraftChanged):
                outcomes.append("told")
            except Exception as error:
                outcomes.append(repr(error))

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["published", "told"]
