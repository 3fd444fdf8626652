"""Impact before publishing: the numbers on the page are what happens afterwards, to the visitor."""

import re
from collections import Counter

import pytest
from sqlalchemy import select

from consent_server import clock
from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.policies import drafting
from consent_server.reconsent import census
from consent_server.reconsent import service as reconsent
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, audited, text_of

SUMMARY = {"en": "A new partner receives your data.", "zh-CN": "新增接收您信息的合作方。"}


def path(shop: Site, rest: str = "") -> str:
    return f"/console/sites/{shop.key}/policies/privacy/draft/{rest}"


@pytest.fixture
def decided(console: Console, shop: Site) -> Site:
    """Seven browsers have decided, two of them known users': who granted analytics is touched by a change on it, whatever else they said."""
    granted, denied = ({"analytics": each, "maps": "granted"} for each in ("granted", "denied"))
    for language, choices in (("en", granted), ("en", granted), ("zh-CN", granted), ("en", denied)):
        make.decide(console.client, shop, action="custom", choices=choices, language=language)
    make.decide(console.client, shop, **make.refusal(shop))
    for name in ("ann", "bob"):
        visitor = make.decide(console.client, shop, language="zh-CN")["visitor_id"]
        token = make.subject_token(shop, name)
        assert make.identify(console.client, shop, token, visitor).status_code == 200
    return shop


def numbers(page: str, title: str) -> dict[str, list[int]]:
    """The figures of a table, by the head of each row."""
    table = re.sub(r"<code.*?</code>", "", page.partition(f">{title}</h2>")[2].partition("</table>")[0])
    rows = re.findall(r'<th scope="row".*?>(.*?)</th>(.*?)</tr>', table, re.DOTALL)
    return {
        re.sub(r"<[^>]+>", "", head).strip(): [int(n) for n in re.findall(r">([+-]?\d+)<", cells)]
        for head, cells in rows
    }


def asked_by_the_rule(shop: Site) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """What each record is asked now: by purpose and kind, and by language."""
    purposes: Counter[tuple[str, str]] = Counter()
    languages: Counter[str] = Counter()
    view = make.view(shop)
    for record in db.session.scalars(select(ConsentRecord).where(ConsentRecord.site_id == shop.id)):
        state = reconsent.ConsentState.from_json(record.state)
        delta = reconsent.delta_of(view, state, now=clock.now())
        for purpose in delta.ask if delta else ():
            purposes[purpose, record.holder_kind] += 1
        languages[record.language] += bool(delta and delta.ask)
    return purposes, languages


@pytest.mark.parametrize("small", [True, False])
def test_what_is_shown_before_publishing_is_what_happens_to_the_visitor(
    console: Console, decided: Site, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    make.draft(decided, changes=[make.change("recipients", "analytics", summary=SUMMARY)])
    if not small:  # as a site with many records is: counted by a job, in batches
        monkeypatch.setattr(census, "SMALL", 3)
        monkeypatch.setattr(census, "BATCH", 2)
        assert "has not been counted yet" in text_of(console.get(path(decided, "impact")))
        console.send(path(decided, "impact/count"), page=path(decided, "impact"))
        console.send(path(decided, "impact/count"), page=path(decided, "impact"))
        assert "data-progress=" in console.get(path(decided, "impact")).text
        assert make.run_jobs() >= 1

    page = console.get(path(decided, "impact")).text
    by_purpose, by_language = numbers(page, "By purpose"), numbers(page, "By language of the last decision")
    summary = text_of(console.get(path(decided, "publish")))
    assert by_purpose == {"Statistics": [5, 2]}
    assert by_language == {"English": [2, 0], "Simplified Chinese": [5, 0]}
    assert "Visitors asked again 5" in summary
    assert page.count('data-card="') == 1
    assert "A new partner receives your data." in page
    assert "Please choose again about Statistics." in page
    assert "新增接收您信息的合作方。" in page
    assert asked_by_the_rule(decided)[0] == Counter()

    done = console.send(path(decided, "publish"), {"seen": console.value(path(decided, "publish"), "seen")})
    make.run_jobs()

    assert done.status_code == 303
    purposes, languages = asked_by_the_rule(decided)
    assert purposes == {("analytics", "visitor"): 5, ("analytics", "subject"): 2}
    assert languages == {"en": 2, "zh-CN": 5}
    assert reconsent.counts(decided.id).ask == {"visitor": 5, "subject": 2}
    key = {"Authorization": f"Bearer {make.api_key(decided)}"}
    answer = console.client.get(f"/v1/sites/{decided.key}/subjects/ann/reconsent", headers=key).get_json()
    assert answer["delta"]["ask"] == ["analytics"]
    assert audited("reconsent.count") == (0 if small else 2)


def test_two_classifications_are_compared_and_the_draft_stays_as_it_is(
    console: Console, decided: Site
) -> None:
    draft = make.draft(decided, changes=[make.change("recipients", "analytics"), make.change("contact")])

    page = console.get(path(decided, "impact?class-0=minor&class-1=major_notice")).text
    alone = console.get(path(decided, "impact")).text

    assert numbers(page, "Compare with another classification") == {
        "Asked again": [7, 0, -7],
        "Only told": [2, 9, 7],
        "Asked about “Statistics”": [7, 0, -7],
    }
    assert "As saved" not in text_of(console.get(path(decided, "impact")))
    assert numbers(alone, "Compare with another classification") == {}
    db.session.refresh(draft)
    assert [change.effect for change in draft.changes] == ["major_consent", "major_notice"]
    nonsense = console.get(path(decided, "impact?class-0=nonsense"))
    assert nonsense.status_code == 200


def test_nobody_is_touched_by_the_first_version_or_by_a_text_that_the_banner_does_not_ask_about(
    console: Console, shop: Site
) -> None:
    make.draft(shop, key="imprint")
    address = f"/console/sites/{shop.key}/policies/imprint/draft"

    assert "there are no earlier decisions" in text_of(console.get(f"{address}/impact"))
    assert "Whom it touches" not in console.get(f"{address}/publish").text
    assert drafting.policies_of(shop)[0].key == "imprint"
