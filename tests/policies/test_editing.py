"""The editor's rows, the merging of two texts, and placeholders: pure rules over texts."""

import pytest
from flask import Flask

from consent_server.db import db, transaction
from consent_server.policies import drafting, editing, publishing
from consent_server.policies.merging import merge, merged
from consent_server.policies.text import canonical, parse
from consent_server.policies.text.parts import digest_of, join, split
from consent_server.policies.text.placeholders import fill
from consent_server.sites.profile import set_profile
from tests import make

EN = "# Policy\n\nWelcome.\n\n## 1. Data\nWe keep it.\n\n\n## 2. Rights\n\nYou may ask.\n\n## 3. Contact\n\nWrite to us.\n"
ZH = "# 政策\n\n欢迎。\n\n## 1. 数据\n我们保存。\n\n## 3. 联系\n\n请来信。\n\n## 4. 其他\n\n无。\n"


def rows(en: str = EN, zh: str = ZH) -> list[editing.Row]:
    documents = {
        "en": parse(en, language="en", format="markdown"),
        "zh-CN": parse(zh, language="zh-CN", format="markdown"),
    }
    return editing.rows_of(documents, {})


@pytest.mark.parametrize(
    "source",
    [
        EN,
        ZH,
        "no heading at all\n",
        "## 1. At once\n\nText.\n",
        "Intro\n\nOne\n===\n\ntext  \nbroken\n\n```\n## no heading\n```\n\n## Two\n",
        make.text("en"),
    ],
)
def test_a_text_cut_into_sections_and_joined_again_is_the_same(source: str) -> None:
    parts = split(parse(source, language="en", format="markdown"))

    whole = join([part.source for part in parts], [part.gap for part in parts])

    assert canonical(whole, text_format="markdown") == canonical(source, text_format="markdown")


def test_plain_texts_are_cut_too() -> None:
    source = "PRIVACY POLICY\n\n1. Data\n\nWe keep it.\n\n2. Rights\n\nYou may ask.\n"
    parts = split(parse(source, language="en", format="plain"))

    assert len(parts) == 3
    assert join([part.source for part in parts], [part.gap for part in parts]).strip() == source.strip()


def test_sections_stand_side_by_side_and_what_is_missing_has_a_field_where_it_belongs() -> None:
    found = rows()

    assert [(row.cells["en"].part.source[:6], row.cells["zh-CN"].part.source[:5]) for row in found] == [
        ("# Poli", "# 政策\n"),
        ("## 1. ", "## 1."),
        ("## 2. ", ""),
        ("## 3. ", "## 3."),
        ("", "## 4."),
    ]
    orders = [row.cells["zh-CN"].order for row in found]
    assert orders == sorted(set(orders))
    assert editing.read_gaps(editing.gaps_of(found, "en")) == {2000: 3}


def test_a_section_written_into_its_empty_field_lands_in_its_place(app: Flask) -> None:
    site = make.site()
    draft = make.draft(site, texts={"en": EN, "zh-CN": ZH})
    client = app.test_client()
    make.signed_in(client)
    app.config["WTF_CSRF_ENABLED"] = False
    fields = {
        f"part-{tag}-{row.cells[tag].order}": row.cells[tag].part.source
        for row in rows()
        for tag in row.cells
    }
    fields |= {"part-zh-CN-2001": "## 2. 权利\n\n您可以查询。", "gaps-en": editing.gaps_of(rows(), "en")}

    answer = client.post(
        f"/console/sites/{site.key}/policies/privacy/draft/autosave",
        data=fields | {"revision": draft.revision},
    )
    late = client.post(
        f"/console/sites/{site.key}/policies/privacy/draft/autosave", data=fields | {"revision": 1}
    )
    app.config["WTF_CSRF_ENABLED"] = True

    assert answer.get_json() == {"revision": draft.revision}
    stored = {notice.language: notice.source for notice in draft.notices}
    assert stored["en"] == EN
    assert stored["zh-CN"] == ZH.replace("## 3. 联系", "## 2. 权利\n\n您可以查询。\n\n## 3. 联系")
    assert (late.status_code, late.get_json()["problem"]) == (409, "draft-changed")


def base(*parts: str) -> frozenset[str]:
    return frozenset(digest_of(part) for part in parts)


def test_what_only_one_has_changed_is_chosen_already() -> None:
    steps = merge(base("a", "b", "c", "d"), ["a", "B mine", "c", "d"], ["a", "b", "c", "D theirs", "new"])

    assert [(step.saved, step.mine, step.take) for step in steps if not step.same] == [
        ("b", "B mine", "mine"),
        ("D theirs\n\nnew", "d", "saved"),
    ]
    assert merged(steps, {}, {}) == "a\n\nB mine\n\nc\n\nD theirs\n\nnew"


def test_what_both_have_changed_a_person_must_choose() -> None:
    steps = merge(base("a", "b"), ["a", "mine"], ["a", "theirs"])

    assert merged(steps, {}, {}) is None
    assert merged(steps, {1: "saved"}, {}) == "a\n\ntheirs"
    assert merged(steps, {1: "mine"}, {1: "mine, mended"}) == "a\n\nmine, mended"
    assert merged(steps, {1: "both"}, {}) == "a\n\ntheirs\n\nmine"


@pytest.mark.parametrize(
    ("mine", "saved", "whole"),
    [(["a"], ["a", "b"], "a"), (["a", "b"], ["a"], "a"), (["a", "b"], ["a", "b", "c"], "a\n\nb\n\nc")],
)
def test_a_section_that_one_has_removed_or_added_is_so(mine: list[str], saved: list[str], whole: str) -> None:
    assert merged(merge(base("a", "b"), mine, saved), {}, {}) == whole


def test_without_a_base_nothing_is_chosen_for_anybody() -> None:
    assert [step.take for step in merge(frozenset(), ["mine"], ["theirs"])] == [""]


def test_placeholders_are_filled_from_the_profile_and_kept_where_it_is_silent() -> None:
    text = "Write to {{contact.email}} or {{ Contact.Phone }}; {{nonsense}}."

    assert (
        fill(text, {"email": "a@b.example"}) == "Write to a@b.example or {{ Contact.Phone }}; {{nonsense}}."
    )
    assert fill("{{contact.address}}", {"address": "1 Street\n# Town"}) == "1 Street # Town"


def test_a_placeholder_stands_in_the_way_until_the_profile_fills_it_and_is_published_as_words(
    app: Flask,
) -> None:
    site = make.site()
    line = "\nWrite to {{contact.email}}.\n", "\n请写信至{{contact.email}}。\n"
    draft = make.draft(site, texts={"en": make.text("en") + line[0], "zh-CN": make.text("zh-CN") + line[1]})
    assert {finding.rule for finding in make.findings(draft)} == {"placeholder-unfilled"}

    with transaction():
        set_profile(site, {"email": "privacy@shop.example"}, now=make.NOW, actor=make.STAFF)
        version = publishing.publish_version(draft, now=make.NOW, actor=make.STAFF)

    texts = {notice.language: notice for notice in version.notices}
    assert "Write to privacy@shop.example." in texts["en"].source
    assert texts["en"].template is not None
    with transaction():
        after = drafting.open_draft(version.policy, now=make.NOW, actor=make.STAFF)
    assert "{{contact.email}}" in next(n.source for n in after.notices if n.language == "en")
    assert [each.code for each in publishing.readiness(after).obstacles] == ["nothing-changed"]
    with transaction():
        set_profile(site, {"email": "dpo@shop.example"}, now=make.NOW, actor=make.STAFF)
    assert [each.code for each in publishing.readiness(after).obstacles] == ["untyped-change"]
    db.session.rollback()
