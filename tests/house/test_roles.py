"""The matrix of role × action: the table in the documents is the one in the code, and HTTP answers as it says."""

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent_server.accounts.roles import ACTIONS, ENTER, Role, may
from consent_server.auth import declared
from consent_server.sites.models import Site
from tests import make
from tests.house.test_docs import text_of

ROW = re.compile(
    r"^\| `([a-z]+\.[a-z]+)` \| .+? \| " + r" \| ".join(["(✓|)"] * len(Role)) + r" \|$", re.MULTILINE
)


def documented() -> dict[str, dict[Role, bool]]:
    """Every cell of the table in the documents."""
    rows = ROW.findall(text_of("docs/roles.md"))
    return {action: dict(zip(Role, (cell == "✓" for cell in cells), strict=True)) for action, *cells in rows}


def staff_routes(app: Flask, site: Site) -> list[tuple[str, str, str]]:
    """Action, method and address of everything in the console that is for staff, on this site."""
    found = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if declared(view) != "staff":
            continue
        path = rule.rule.replace("<site_key>", site.key).replace("<policy_key>", "privacy")
        path = re.sub(r"<uuid:[^>]+>", "5f0ce6b0-1111-4222-8333-444455556666", path)
        path = re.sub(r"<any\(\"?([a-z]+)[^>]*>", r"\1", re.sub(r"<int:[^>]+>", "1", path))
        path = re.sub(r"<[^>]+>", "x", path)
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        found += [(view.action, method, path) for method in methods]  # type: ignore[attr-defined]
    return found


def test_the_documents_have_every_cell_of_the_table() -> None:
    assert documented() == {action: {r: may([r], action) for r in Role} for action in ACTIONS}


def test_an_auditor_may_read_everything_and_do_nothing() -> None:
    mine = {action for action in ACTIONS if may([Role.AUDITOR], action)}

    assert mine == {action for action in ACTIONS if action.endswith(".read")} | {ENTER}


def test_an_owner_may_do_everything() -> None:
    assert all(may([Role.OWNER], action) for action in ACTIONS)


def test_every_action_is_that_of_a_page(app: Flask) -> None:
    assert {action for action, _method, _path in staff_routes(app, make.site())} == set(ACTIONS)


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_says_and_nothing_else(app: Flask, role: Role) -> None:
    site, table = make.site(), documented()
    client = app.test_client()
    make.signed_in(client, make.account("role@example.org", role=role, password=None))

    for action, method, path in staff_routes(app, site):
        response = client.open(path, method=method)

        # Beyond the gate a form without its token is refused, and what is not there is not found.
        assert (response.status_code != 403) == table[action][role], (method, path, response.status_code)
        if response.status_code == 403:
            page = html.unescape(response.text)
            for each in Role:
                assert (each.capitalize() in page) == table[action][each], (path, each)


def test_a_role_at_one_site_is_none_at_another(app: Flask, client: FlaskClient) -> None:
    mine, other = make.site(name="Mine"), make.site(name="Other")
    make.signed_in(client, make.account(role="owner", of=mine))

    assert client.get(f"/console/sites/{mine.key}").status_code == 200
    assert client.get(f"/console/sites/{other.key}").status_code == 403
    assert client.get("/console/sites/new").status_code == 403
    listed = client.get("/console").text
    assert "Mine" in listed
    assert "Other" not in listed


def test_who_has_no_role_sees_no_site_and_can_still_look_after_the_account(client: FlaskClient) -> None:
    site = make.site()
    make.signed_in(client, make.account(role=None))

    assert site.key not in client.get("/console").text
    assert client.get("/console/profile").status_code == 200
    assert client.get(f"/console/sites/{site.key}").status_code == 403


def test_pages_offer_nothing_that_the_role_does_not_allow(app: Flask) -> None:
    site = make.ready_site()
    make.draft(site, changes=[make.change("recipients")])
    policy = f"/console/sites/{site.key}/policies/privacy"
    client = app.test_client()
    make.signed_in(client, make.account(role="auditor"))

    for path in (
        "",
        "/policies",
        "/purposes",
        "/purposes/analytics",
        "/keys",
        "/people",
        "/settings",
        "/audit",
    ):
        check_offers(app, client, f"/console/sites/{site.key}{path}")
    for path in ("", "/draft", "/draft/history", "/draft/publish", "/versions/1.0"):
        check_offers(app, client, policy + path)


def check_offers(app: Flask, client: FlaskClient, path: str) -> None:
    """Follow every address of the console that a page links to: none is refused; it has no button that acts."""
    page = client.get(path).text.split("<main", 1)
    assert len(page) == 2, path
    for link in set(re.findall(r'<a [^>]*href="(/console[^"#]*)', page[0] + page[1])):
        assert client.get(html.unescape(link)).status_code != 403, (path, link)
    for action in re.findall(r'<form method="post" action="([^"#]+)', page[1]):
        assert client.post(html.unescape(action)).status_code != 403, (path, action)
