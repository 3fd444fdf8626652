"""A choice that the owner's domains share: links take it along, and nobody else's link brings one."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, CARD, REJECT, granted, ran, script, stored, wait_for_decisions
from tests.widget.stage import SITE, Stage

pytestmark = pytest.mark.browser

NAME = f"consent_{SITE}"


@pytest.fixture
def sister(stage: Stage) -> str:
    """The origin of the same pages on another domain; a third one, `a.localhost`, is nobody's sister."""
    other = stage.address.replace("127.0.0.1", "localhost")
    stage.changes = {"sisters": [stage.address, other]}
    stage.page(script("maps", "m"))
    return other


def follow(page: Page, link: str = "#link") -> None:
    """Click a link as a visitor does, and wait for the tag of the page that it leads to."""
    with page.expect_navigation():
        page.click(link)
    page.wait_for_function("window.Consent && !location.hash")


def shown(page: Page) -> bool:
    page.wait_for_timeout(300)  # modules are loaded by now
    return page.locator(CARD).count() == 1


def test_a_followed_link_takes_the_choice_along(stage: Stage, sister: str, open_page: OpenPage) -> None:
    page = open_page(stage.page(f'<a id="link" href="{sister}/?a=1">There</a>', path="/here"))
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)

    follow(page)

    assert page.url == f"{sister}/?a=1"
    assert ran(page, 1) == ["m"]
    assert not shown(page)
    there = stored(page)
    assert there is not None
    page.go_back()
    here = stored(page)
    assert here is not None
    assert (there["id"], there["state"]["purposes"].keys()) == (here["id"], here["state"]["purposes"].keys())
    assert page.get_attribute("#link", "href") == f"{sister}/?a=1"
    assert [each["visitor_id"] for each in stage.decisions] == [here["id"]]
    assert not any("consent_" in each for each in stage.requests)


def test_the_newer_choice_counts_on_the_way_back(stage: Stage, sister: str, open_page: OpenPage) -> None:
    page = open_page(stage.page(f'<a id="link" href="{sister}/there">There</a>', path="/here"))
    stage.page(f'<a id="link" href="{stage.address}/here">Here</a>', path="/there")
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)
    follow(page)
    page.wait_for_function("Consent.get().purposes.maps")
    page.evaluate("Consent.withdraw()")
    wait_for_decisions(page, stage, 2)

    follow(page)

    page.wait_for_function("!Consent.get().purposes.maps")
    assert granted(page) == []
    follow(page)  # with the same choice again
    assert granted(page) == []
    assert len(stage.decisions) == 2


@pytest.mark.parametrize(
    "link",
    [
        '<a id="link" href="OTHER/#part">its own fragment</a>',
        '<a id="link" href="/">the same origin</a>',
        '<a id="link" href="STRANGER/">no sister</a>',
        '<a id="link" href="OTHER/" onclick="event.preventDefault()">a page that handles it</a>',
        '<button id="link">no link</button>',
    ],
)
def test_other_links_stay_as_they_are(stage: Stage, sister: str, open_page: OpenPage, link: str) -> None:
    stranger = sister.replace("localhost", "a.localhost")
    page = open_page(
        stage.page(link.replace("OTHER", sister).replace("STRANGER", stranger), path="/here"),
    )
    page.click(REJECT)
    wait_for_decisions(page, stage, 1)
    page.wait_for_timeout(300)
    page.evaluate(
        "addEventListener('click', (event) => { window.seen = link.href ?? ''; event.preventDefault() })"
    )

    page.click("#link")

    assert "consent_" not in page.evaluate("window.seen")


def test_a_link_is_as_it_was_once_it_has_been_followed(
    stage: Stage, sister: str, open_page: OpenPage
) -> None:
    body = f'<a id="link" href="{sister}/" target="_blank" rel="opener">There</a>'
    page = open_page(stage.page(body, path="/here"))
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)
    page.wait_for_load_state("networkidle")  # the module that follows links is there
    page.evaluate("addEventListener('click', () => { window.seen = link.href })")

    with page.expect_popup() as opened:
        page.click("#link")

    assert page.evaluate("window.seen").startswith(f"{sister}/#{NAME}=")
    assert page.get_attribute("#link", "href") == f"{sister}/"
    assert ran(opened.value, 1) == ["m"]


def test_a_script_that_clicks_takes_nothing_along(stage: Stage, sister: str, open_page: OpenPage) -> None:
    page = open_page(stage.page(f'<a id="link" href="{sister}/">There</a>', path="/here"))
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)
    with page.expect_navigation():
        page.evaluate("link.click()")

    assert shown(page)
    assert granted(page) == []


@pytest.mark.parametrize(
    ("place", "age", "attributes"),
    [
        ("a.localhost", 0, ""),
        ("127.0.0.1", 3_600, ""),
        ("127.0.0.1", -3_600, ""),
        ("127.0.0.1", 0, 'rel="noreferrer"'),
    ],
    ids=["from a stranger's page", "written down before", "of a time to come", "from nobody knows where"],
)
def test_a_choice_that_no_page_of_the_owner_s_sent_just_now_is_not_taken(
    stage: Stage, sister: str, open_page: OpenPage, place: str, age: int, attributes: str
) -> None:
    first = open_page(stage.page(path="/first"))
    first.click(ACCEPT)
    wait_for_decisions(first, stage, 1)
    record = stored(first)
    assert record is not None
    stage.page(f'<a id="link" {attributes}>There</a>', path="/forged", tag="")
    at = urlsplit(stage.address)
    page = open_page(f"http://{place}:{at.port}/forged")
    page.evaluate(
        f"""at => {{ link.href = `{sister}/#{NAME}=AAAAAAAAQACAAAAAAAAAAA.1-0.${{at.toString(36)}}.f~`
          + (Date.now() - {age} * 1000).toString(36) }}""",
        record["state"]["purposes"]["maps"]["at"],
    )

    follow(page)

    assert shown(page)
    assert granted(page) == []
    assert page.url == f"{sister}/"


def test_the_same_link_from_the_owner_s_page_is_taken(stage: Stage, sister: str, open_page: OpenPage) -> None:
    """The control of the test above: what it forges is well formed."""
    stage.page('<a id="link">There</a>', path="/forged", tag="")
    page = open_page(f"{stage.address}/forged")
    page.evaluate(
        f"""link.href = `{sister}/#{NAME}=AAAAAAAAQACAAAAAAAAAAA.1-0.${{Date.now().toString(36)}}.f~`
          + Date.now().toString(36)"""
    )

    follow(page)

    assert ran(page, 1) == ["m"]
    assert not shown(page)
