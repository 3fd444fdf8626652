"""The console shows where the languages differ, what changed, and what kind of change it seems to be."""

from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, text_of

DRAFT = "/console/sites/{}/policies/privacy/draft"
EN = "# Privacy policy\n\n## How long we keep it\n\nWe keep it for {} months.\n"
ZH = "# 隐私政策\n\n## 我们保存多久\n\n我们保存{}个月。\n"


def drafted(shop: Site, en: int, zh: int) -> None:
    make.draft(shop, texts={"en": EN.format(en), "zh-CN": ZH.format(zh)})


def test_the_draft_shows_both_places_of_a_difference_and_why_it_matters(console: Console, shop: Site) -> None:
    drafted(shop, 6, 13)

    page = console.get(DRAFT.format(shop.key)).text

    assert 'data-finding="fact-differs"' in page
    shown = text_of(console.get(DRAFT.format(shop.key)))
    assert "A fact differs" in shown
    assert "Both languages are binding; readers are told different things." in shown
    finding = page.partition('data-finding="fact-differs"')[2].partition("</li>")[0]
    assert "We keep it for 6 months." in finding
    assert "我们保存13个月。" in finding
    assert 'href="#f-part-zh-CN-2000"' in finding
    assert 'id="f-part-zh-CN-2000"' in page


def test_a_draft_whose_languages_differ_cannot_be_published(console: Console, shop: Site) -> None:
    drafted(shop, 6, 13)
    page = console.get(DRAFT.format(shop.key) + "/publish").text

    assert 'data-obstacle="out-of-step"' in page
    assert 'data-finding="fact-differs"' in page
    assert f'href="{DRAFT.format(shop.key)}#finding-' in page


def test_one_language_changed_alone_stands_in_the_way_until_the_other_follows(
    console: Console, shop: Site
) -> None:
    make.published_version(shop, change="purpose_changed", texts={"en": EN.format(6), "zh-CN": ZH.format(6)})
    english = EN.format(6) + "\nThe lamp is bright.\n"
    make.draft(shop, texts={"en": english.replace("We keep", "Our shop keeps"), "zh-CN": ZH.format(6)})
    alone = console.get(DRAFT.format(shop.key) + "/publish").text
    make.draft(shop, texts={"zh-CN": ZH.format(6).replace("我们保存6", "本店保存6") + "\n灯光明亮。\n"})
    followed = console.get(DRAFT.format(shop.key) + "/publish").text

    assert 'data-finding="changed-alone"' in alone
    assert 'data-obstacle="out-of-step"' in alone
    assert 'data-obstacle="out-of-step"' not in followed


def test_what_changed_is_shown_word_by_word_with_proposals_that_become_rows(
    console: Console, shop: Site
) -> None:
    make.published_version(shop, change="purpose_changed", texts={"en": EN.format(6), "zh-CN": ZH.format(6)})
    drafted(shop, 13, 13)
    address = DRAFT.format(shop.key) + "/publish"
    page = console.get(address).text

    assert "<del>6</del><ins>13</ins>" in page
    assert "Proposed from the words that changed" in page
    assert "How long we keep it · 13 months, 6 months · " in text_of(console.get(address))

    proposed = console.send(
        address + "/changes",
        {"revision": console.value(address, "revision"), "do": "propose"},
        page=address,
    ).text

    assert (
        '<option value="retention" data-reason="Data are kept for another length of time." selected>'
        in proposed
    )
    assert "How long we keep data has changed: “6” is now “13”." in proposed
    assert "保存期限有变：“6”改为“13”。" in proposed


def test_what_the_words_propose_is_confirmed_or_a_second_person_agrees_that_it_is_less(
    console: Console, second: Console, shop: Site
) -> None:
    make.published_version(shop, change="purpose_changed", texts={"en": EN.format(6), "zh-CN": ZH.format(6)})
    drafted(shop, 13, 13)
    address = DRAFT.format(shop.key) + "/publish"
    row = {"changes.0.type": "wording", "changes.0.all": "on", "do": "save"}

    def classified(**more: str) -> str:
        form = row | more | {"revision": console.value(address, "revision")}
        assert console.send(f"{address}/changes", form, page=address).status_code == 303
        return console.get(address).text

    small = classified()
    assert 'data-obstacle="proposal-open"' in small
    assert "To be confirmed" in small
    less = {"changes.0.type": "retention", "changes.0.class": "minor", "changes.0.reason": "Said so before."}
    assert 'data-obstacle="downgrade-approval"' in classified(**less)
    confirmed = classified(**{"changes.0.type": "retention"})
    assert "data-obstacle" not in confirmed
    assert "Confirmed" in confirmed
    weightier = classified(**{"changes.0.type": "recipients"})
    assert "data-obstacle" not in weightier


def test_visitors_are_told_at_most_three_things(console: Console, shop: Site) -> None:
    told = [make.change("contact", summary={"en": f"Change {n}."}) for n in range(4)]
    make.draft(shop, changes=told)

    page = console.get(DRAFT.format(shop.key) + "/publish").text

    assert page.count('data-obstacle="summary-too-long"') == 1
    assert "4 of 3 sentences" in page
