"""The dashboard's sums are those of the receipts, drawn, as a table and as a file."""

import csv
import io
import re

import pytest
from sqlalchemy import update

from consent_server import clock
from consent_server.banner.models import BannerBuild, TagSighting
from consent_server.console.charts import PATTERNS, chart
from consent_server.db import db
from consent_server.evidence.tasks import catch_up
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, text_of


def path(shop: Site, rest: str = "") -> str:
    return f"/console/sites/{shop.key}/dashboard{rest}"


def rows(console: Console, shop: Site, key: str) -> list[list[str]]:
    """A chart's file, without the rows that are all zero."""
    answer = console.get(path(shop, f"/{key}.csv"))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    head, *rest = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    return [head, *(row for row in rest if set(row[1:]) != {"0"})]


@pytest.fixture
def story(console: Console, shop: Site) -> None:
    """Two yes and a no on 1.0, one in Chinese; one of them answers 2.0 when asked again."""
    for body in ({}, {"language": "zh-CN"}, make.refusal(shop)):
        make.decide(console.client, shop, **body)
    make.published_version(shop, change="recipients", touched=["analytics"])
    choices = {"analytics": "denied", "maps": "granted"}
    make.decide(console.client, shop, layer="delta", action="custom", choices=choices, asked=["analytics"])
    catch_up()


def test_every_chart_counts_what_the_receipts_say(console: Console, shop: Site, story: None) -> None:
    assert [row[1:] for row in rows(console, shop, "days")[1:]] == [["2", "1", "1", "0"]]
    assert rows(console, shop, "purposes")[1:] == [
        ["Statistics (analytics)", "2", "2"],
        ["Maps (maps)", "2", "1"],
    ]
    assert [row[0] for row in rows(console, shop, "languages")[1:]] == ["English", "Simplified Chinese"]
    assert [[row[0], *map(int, row[1:])] for row in rows(console, shop, "versions")[1:]] == [
        ["1.0", 2, 1, 0, 0],
        ["2.0", 0, 0, 1, 0],
    ]
    assert [row[1:] for row in rows(console, shop, "answers")[1:]] == [["0", "1"]]
    assert rows(console, shop, "expiring")[1:] == []  # in half a year, and twelve weeks are shown
    assert console.get(path(shop, "/nothing.csv")).status_code == 404


def test_the_page_draws_them_and_has_a_table_beside_each(console: Console, shop: Site, story: None) -> None:
    page = console.get(path(shop), query_string={"days": "7"}).text

    assert page.count('class="chart-table"') == 7
    assert page.count('role="img"') == 5  # nothing ends, and no error was reported
    assert 'fill="url(#p-hatched)"' in page
    assert " style=" not in page
    assert 'aria-current="page">7 days' in page
    assert len(set(re.findall(r'id="([^"]+)"', page))) == len(re.findall(r' id="([^"]+)"', page))


def test_requests_without_a_choice_are_told_as_far_as_they_are_known(
    console: Console, shop: Site, story: None
) -> None:
    assert "The newest tag has not been asked for yet" in text_of(console.get(path(shop)))
    assert "still being counted" not in text_of(console.get(path(make.site(name="New"))))

    newest = db.session.scalar(
        db.select(BannerBuild).where(BannerBuild.site_id == shop.id).order_by(BannerBuild.created_at.desc())
    )
    assert newest is not None
    db.session.execute(update(TagSighting).where(TagSighting.site_id == shop.id).values(requests=0))
    db.session.add(
        TagSighting(
            site_id=shop.id,
            origin=make.ORIGIN,
            build=newest.sha256,
            requests=16,
            seen_at=clock.now(),
        )
    )
    db.session.commit()
    page = text_of(console.get(path(shop)))

    assert "75 %" in page
    assert "16 requests and 4 decisions" in page
    assert make.ORIGIN in page


def test_bars_are_as_long_as_their_numbers_and_differ_without_colour() -> None:
    counts = {("a", "yes"): 30, ("a", "no"): 10, ("b", "no"): 5, ("c", "yes"): 1}
    made = chart("k", "K", "Bar", {"a": "A", "b": "=B"}, {"y": ("Y", ("yes",)), "n": ("N", ("no",))}, counts)

    assert made.totals == [40, 5]
    assert made.top == 50
    heights = [(part.pattern, part.height) for part in made.parts]
    assert heights == [(PATTERNS[0], 120.0), (PATTERNS[1], 40.0), (PATTERNS[1], 20.0)]
    assert made.parts[1].y + made.parts[1].height == made.parts[0].y
    assert [line.label for line in made.lines] == ["0", "25", "50"]
    assert made.csv().decode("utf-8-sig").splitlines() == ["Bar,Y,N", "A,30,10", "'=B,0,5"]
