"""Receipts in the console: found, shown as they were, verified, taken away."""

import re
import uuid

import pytest

from consent_server.evidence import search
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, text_of


def path(shop: Site, rest: str = "") -> str:
    return f"/console/sites/{shop.key}/receipts{rest}"


def found(console: Console, shop: Site, **query: str) -> list[str]:
    """Return the receipt ids that a search shows."""
    page = console.get(path(shop), query_string=query).text
    return re.findall(rf'href="{re.escape(path(shop))}/([0-9a-f-]{{36}})"', page)


def test_without_receipts_the_page_says_so(console: Console, shop: Site) -> None:
    assert "No receipt yet" in console.get(path(shop)).text


def test_receipts_are_found_by_what_one_may_bring(console: Console, shop: Site) -> None:
    first = make.decide(console.client, shop)
    make.published_version(shop, change="wording")
    later = make.decide(console.client, shop, language="zh-CN")
    make.identify(console.client, shop, make.subject_token(shop, "user-7"), later["visitor_id"])
    today = later["issued_at"][:10]

    assert found(console, shop) == [later["receipt_id"], first["receipt_id"]]
    assert found(console, shop, receipt=first["receipt_id"]) == [first["receipt_id"]]
    assert found(console, shop, visitor=later["visitor_id"]) == [later["receipt_id"]]
    assert found(console, shop, subject="user-7") == [later["receipt_id"]]
    assert found(console, shop, version="1.0") == [first["receipt_id"]]
    assert found(console, shop, version="1.1") == [later["receipt_id"]]
    assert len(found(console, shop, **{"from": today, "to": today})) == 2
    assert found(console, shop, to="2020-01-01") == []
    assert "user-7" in console.get(path(shop)).text


@pytest.mark.parametrize(
    ("query", "field"),
    [({"receipt": "12"}, "receipt"), ({"visitor": "no"}, "visitor"), ({"from": "soon"}, "from")],
)
def test_what_cannot_be_searched_for_is_said_at_its_field(
    console: Console, shop: Site, query, field: str
) -> None:
    answer = console.get(path(shop), query_string=query)

    assert answer.status_code == 200
    assert f'id="f-{field}-error"' in answer.text
    assert f'value="{query[field]}"' in answer.text


def test_a_search_may_reach_to_either_end_of_the_calendar_and_no_further(
    console: Console, shop: Site
) -> None:
    made = [make.decide(console.client, shop)["receipt_id"]]
    first, last = {"from": "0001-01-01"}, {"to": "9999-12-31"}

    assert found(console, shop, **first) == found(console, shop, **last) == made
    assert found(console, shop, **first, **last) == made
    assert (
        found(console, shop, **last, **{"from-time": "00:00", "from": "0001-01-01", "to-time": "23:59"})
        == made
    )
    assert found(console, shop, to="0001-01-01") == found(console, shop, **{"from": "9999-12-31"}) == []
    archive = console.send(path(shop, "/archive"), first | last, page=path(shop))
    assert (archive.status_code, archive.mimetype) == (200, "application/zip")
    archive.close()
    for day in ("0000-12-31", "10000-01-01", "9999-12-32", "-0001-01-01"):
        for name in ("from", "to"):
            for answer in (
                console.get(path(shop), query_string={name: day}),
                console.send(path(shop, "/archive"), {name: day}, page=path(shop)),
            ):
                assert f'id="f-{name}-error"' in answer.text, (name, day)
                assert "Write the date as year-month-day, like 2026-01-31." in answer.text
                assert answer.status_code < 500


def test_pages_follow_each_other_without_gap_or_repeat(app, console: Console, shop: Site) -> None:
    made = [make.decide(console.client, shop)["receipt_id"] for _ in range(5)]

    seen, cursor = [], None
    while True:
        page = search.find_receipts(shop.id, search.Filter(), cursor=cursor, limit=2)
        seen += [str(receipt.receipt_id) for receipt in page.receipts]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == made[::-1]
    assert len(search.find_receipts(shop.id, search.Filter(), cursor="nonsense", limit=9).receipts) == 5


def test_a_receipt_shows_what_was_shown_and_chosen_and_that_it_verifies(console: Console, shop: Site) -> None:
    choices = {"analytics": "granted", "maps": "denied"}
    made = make.decide(console.client, shop, action="custom", choices=choices, language="zh-CN")
    make.purposes(shop, "video")  # what is true now must not colour what was shown then

    answer = console.get(path(shop, f"/{made['receipt_id']}"))
    page = text_of(answer)

    assert "Verified" in page
    assert page.count("✓") == 6
    assert "Told before:" in page
    assert "统计 analytics Granted" in page
    assert "地图 maps Denied" in page
    assert "您的隐私，由您决定" in page
    assert "统计和地图" in page  # joined as the banner joined them
    assert "全部拒绝" in page
    assert f"/p/{shop.key}/privacy/1.0?lang=zh-CN" in answer.text
    assert made["receipt"] in answer.text


def test_the_signed_receipt_is_downloaded_as_it_was_given(console: Console, shop: Site) -> None:
    made = make.decide(console.client, shop)

    answer = console.get(path(shop, f"/{made['receipt_id']}.jws"))

    assert answer.text.strip() == made["receipt"]
    assert "attachment" in answer.headers["Content-Disposition"]


def test_another_sites_receipt_is_not_found_here(console: Console, shop: Site) -> None:
    other = make.ready_site(name="Other")
    made = make.decide(console.client, other)

    assert console.get(path(shop, f"/{made['receipt_id']}")).status_code == 404
    assert console.get(path(shop, f"/{uuid.uuid4()}.jws")).status_code == 404
    assert found(console, shop) == []
