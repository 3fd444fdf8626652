"""Waivers: one finding each, by name, with a reason, and only for the text that it was given for."""

import json
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from consent_server.audit.models import AuditEvent
from consent_server.cli import drafts, parity, policies  # noqa: F401 - they add their commands
from consent_server.cli.root import root
from consent_server.db import db, transaction
from consent_server.policies import drafting, publishing, waiving
from consent_server.policies.models import PolicyVersion, Waiver
from tests import make

EN = "# Privacy policy\n\n## Answers\n\nWe answer within 15 days.\n\n## Keeping\n\nWe keep it for 6 months.\n"
ZH = "# 隐私政策\n\n## 答复\n\n我们在16天内答复。\n\n## 保存\n\n我们保存13个月。\n"


def two_findings() -> PolicyVersion:
    return make.draft(make.site(), texts={"en": EN, "zh-CN": ZH})


def waive(draft: PolicyVersion, fingerprint: str) -> Waiver:
    with transaction():
        return waiving.waive(
            draft, fingerprint=fingerprint, reason="local law", now=make.NOW, actor="account:3"
        )


def write(draft: PolicyVersion, language: str, source: str) -> None:
    with transaction():
        drafting.save_notice(
            draft, language=language, text_format="markdown", source=source, now=make.NOW, actor=make.STAFF
        )


def test_a_waiver_lets_its_own_finding_pass_and_the_version_says_so(app: Flask) -> None:
    draft = two_findings()
    first, second = make.findings(draft)
    waive(draft, first.fingerprint)
    assert make.findings(draft) == [second]
    (obstacle,) = publishing.readiness(draft).obstacles
    assert [finding.fingerprint for finding in obstacle.findings] == [second.fingerprint]
    with pytest.raises(publishing.NotReady), transaction():
        publishing.publish_version(draft, now=make.NOW, actor=make.STAFF)

    waive(draft, second.fingerprint)
    with transaction():
        version = publishing.publish_version(draft, now=make.NOW, actor=make.STAFF)

    kept = orjson.loads(version.snapshot or "")["waivers"]
    assert [each["fingerprint"] for each in kept] == [first.fingerprint, second.fingerprint]
    assert kept[0] == {
        "rule": "fact-differs",
        "language": "zh-CN",
        "section": "Answers",
        "fingerprint": first.fingerprint,
        "reason": "local law",
    }


@pytest.mark.parametrize(
    ("language", "source"),
    [("en", EN.replace("We answer", "We always answer")), ("zh-CN", ZH.replace("16天", "17天"))],
)
def test_a_waiver_falls_when_the_text_that_it_was_for_changes(app: Flask, language: str, source: str) -> None:
    draft = two_findings()
    waiver = waive(draft, make.findings(draft)[0].fingerprint)

    write(draft, language, source)

    ready = publishing.readiness(draft)
    assert [finding.section for finding in ready.findings if finding.is_open] == ["Answers", "Keeping"]
    assert waiving.fallen(draft, ready.findings) == [waiver]
    assert publishing.readiness(draft).obstacles


def test_a_waiver_stands_while_only_other_text_changes(app: Flask) -> None:
    draft = two_findings()
    waive(draft, make.findings(draft)[0].fingerprint)

    write(draft, "zh-CN", ZH.replace("13个月", "6个月"))

    assert publishing.readiness(draft).obstacles == ()


def test_a_section_that_is_missing_is_waived_for_the_whole_of_it(app: Flask) -> None:
    more = "\n## Sharing\n\nWe share nothing.\n\nNobody asks us to.\n"
    both = {"en": EN, "zh-CN": ZH.replace("16天", "15天").replace("13个月", "6个月")}
    draft = make.draft(make.site(), texts=both | {"en": EN + more})
    make.waive(draft)
    assert make.findings(draft) == []

    write(draft, "en", EN + more.replace("Nobody asks us to.", "Police may ask us to."))

    assert [finding.rule for finding in make.findings(draft)] == ["section-missing"]


def test_what_is_not_there_cannot_be_waived(app: Flask) -> None:
    draft = two_findings()
    found = make.findings(draft)[0]
    waive(draft, found.fingerprint)

    for fingerprint in (found.fingerprint, "0" * 16, ""):
        with pytest.raises(waiving.FindingGone):
            waive(draft, fingerprint)


def test_a_waiver_that_is_taken_back_stands_in_the_way_again_and_the_log_keeps_both(app: Flask) -> None:
    draft = two_findings()
    waiver = waive(draft, make.findings(draft)[0].fingerprint)

    with transaction():
        waiving.withdraw_waiver(draft, waiver.id, now=make.NOW, actor=make.STAFF)

    assert len(make.findings(draft)) == 2
    actions = db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions[-2:] == ["policies.waive", "policies.withdraw_waiver"]


def test_a_waiver_for_a_whole_language_is_history_and_lets_nothing_pass(app: Flask) -> None:
    draft = two_findings()
    old = Waiver(rule="out-of-step", language="zh-CN", waived_by="account:3", reason="once", at=make.NOW)
    with transaction():
        draft.waivers.append(old)

    ready = publishing.readiness(draft)

    assert len([finding for finding in ready.findings if finding.is_open]) == 2
    assert waiving.fallen(draft, ready.findings) == [old]


def test_the_command_lines_show_the_same_findings_and_take_their_waivers(app: Flask, tmp_path: Path) -> None:
    draft = two_findings()
    wanted = [finding.fingerprint for finding in make.findings(draft)]
    for name, source in (("en.md", EN), ("zh-CN.md", ZH)):
        (tmp_path / name).write_text(source, encoding="utf-8")

    run = CliRunner().invoke
    options = ["policy", "check", str(tmp_path), "--json", "--language", "en"]
    checked = json.loads(run(root, options).stdout)["findings"]
    assert [each["fingerprint"] for each in checked] == wanted

    waivers = [
        {"rule": each["rule"], "section": each["section"], "fingerprint": each["fingerprint"]}
        | {"by": "Legal desk", "reason": "local law"}
        for each in checked
    ]
    (tmp_path / "waivers.json").write_text(json.dumps(waivers))
    assert run(root, options).exit_code == 0
    (tmp_path / "en.md").write_text(EN.replace("We keep", "Our shop keeps"), encoding="utf-8")
    assert run(root, options).exit_code == 1


def test_the_public_api_names_what_was_waived(app: Flask) -> None:
    site = make.site()
    draft = make.draft(site, texts={"en": EN, "zh-CN": ZH})
    make.waive(draft, reason="local law")
    with transaction():
        publishing.publish_version(draft, now=make.NOW, actor=make.STAFF)

    (version,) = (
        app.test_client().get(f"/v1/sites/{site.key}/policies/privacy/versions").get_json()["versions"]
    )

    assert [(each["section"], each["reason"]) for each in version["waivers"]] == [
        ("Answers", "local law"),
        ("Keeping", "local law"),
    ]
