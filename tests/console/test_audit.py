"""The audit log in the console: narrowed down, turned page by page, and taken away as a table."""

import csv
import io

from flask import Flask

from consent_server.audit import service as audit
from consent_server.db import transaction
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, text_of


def rows_of(console: Console, path: str) -> list[list[str]]:
    """Return the rows of the table for spreadsheets, without its head."""
    answer = console.get(path)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))[1:]


def test_each_filter_leaves_only_what_fits(console: Console, shop: Site) -> None:
    other = make.site(name="Other", now=make.later(3))
    mei = make.account("mei@example.org", role=None)
    with transaction():
        audit.record("accounts.disable", actor=f"account:{mei.id}", now=make.later(5), target="account:999")
    log = "/console/audit.csv"

    def codes(question: str) -> set[str]:
        return {row[5] for row in rows_of(console, f"{log}?{question}")}

    everything = {row[5] for row in rows_of(console, log)}
    assert codes("action=sites.create") == {"sites.create"}
    assert codes("action=policies") == {code for code in everything if code.startswith("policies.")}
    assert codes("action=polic") == codes("action=%25") == set()
    assert codes(f"actor=account:{mei.id}") == codes("target=account:999") == {"accounts.disable"}
    assert codes("target=MEI@example.org") == {"accounts.create"}
    assert {row[6] for row in rows_of(console, f"{log}?site={other.key}")} == {other.key}
    assert codes("from=2026-03-05&until=2026-03-05") == {"sites.create"}
    assert codes(f"site={shop.key}&action=sites.create&until=9999-12-31") == {"sites.create"}
    assert codes("from=0001-01-01&until=9999-12-31") == everything
    assert codes("until=0001-01-01") == codes("from=9999-12-31") == set()
    assert codes("from=2026-03-07") >= {"accounts.disable"}
    assert codes("until=2026-03-01") == set()
    assert {row[6] for row in rows_of(console, f"/console/sites/{shop.key}/audit.csv?site={other.key}")} == {
        shop.key
    }


def test_what_cannot_be_read_is_said_and_nothing_is_shown(console: Console, shop: Site) -> None:
    asked = "from=yesterday&until=2026-02-30&target=no@example.org&site=none"

    page = console.get(f"/console/audit?{asked}")
    table = console.get(f"/console/audit.csv?{asked}")

    words = text_of(page)
    assert page.status_code == 200
    assert words.count("Write the date as year-month-day") == 2
    assert "There is no account with this address." in words
    assert "There is no site with this key." in words
    assert "Nothing was looked for" in words
    assert table.status_code == 422
    for day in ("0000-12-31", "10000-01-01"):
        question = f"/console/audit?from={day}&until={day}"
        assert text_of(console.get(question)).count("Write the date as year-month-day") == 2
    for strange in ("before=99999999999999999999999", "before=-1", "before=x", "action=%27%25_"):
        assert console.get(f"/console/audit?{strange}").status_code == 200, strange


def test_pages_follow_each_other_and_keep_the_question(console: Console) -> None:
    site = make.site()
    with transaction():
        for number in range(120):
            audit.record(
                "sites.update", actor="command", now=make.NOW, site_id=site.id, target=f"thing:{number}"
            )
    path, seen = f"/console/sites/{site.key}/audit?action=sites.update&target=thing", []

    while path:
        page = console.get(path)
        seen += [int(part.split("<")[0]) for part in page.text.split('translate="no">thing:')[1:]]
        older = [part.split('"')[0] for part in page.text.split('href="') if ">Older entries<" in part]
        path = older[0].replace("&amp;", "&") if older else ""

    assert seen == list(range(119, -1, -1))
    assert "Newest entries" in page.text
    assert "120 entries" in text_of(page)
    assert "Older entries" not in page.text
    assert len(rows_of(console, f"/console/sites/{site.key}/audit.csv?target=thing")) == 120


def test_an_empty_page_says_why(console: Console) -> None:
    site = make.site()
    log = f"/console/sites/{site.key}/audit"

    assert "Nothing found" in text_of(console.get(f"{log}?action=ledger"))
    assert "No older entries" in text_of(console.get(f"{log}?before=1"))
    assert "CSV of what fits" not in console.get(f"{log}?action=ledger").text
    assert rows_of(console, f"{log}.csv?action=ledger") == []


def test_the_table_has_words_and_codes_and_no_cell_is_a_formula(console: Console) -> None:
    site = make.site()
    who = make.account_of(console.client)
    with transaction():
        audit.record(
            "sites.update", actor=f"account:{who.id}", now=make.NOW, site_id=site.id, target="=1+1", a="b"
        )
        audit.record("x.y", actor="＝cmd", now=make.NOW, site_id=site.id, target="-5")

    strange, formula = rows_of(console, f"/console/sites/{site.key}/audit.csv")[:2]

    assert formula[1:] == [
        "2026-03-02T09:30:00.000Z", "lin@example.org", f"account:{who.id}", "Changed a site's settings",
        "sites.update", site.key, "'=1+1", '{"a":"b"}',
    ]  # fmt: skip
    assert strange[2:4] == ["'＝cmd", "'＝cmd"]
    assert strange[7] == "'-5"


def test_the_table_is_for_those_who_may_read_the_page(app: Flask) -> None:
    site = make.site()
    for role, status in (("auditor", 200), ("approver", 200), ("author", 403), ("support", 403)):
        client = app.test_client()
        make.signed_in(client, make.account(f"{role}@example.org", role=role, of=site))

        assert client.get(f"/console/sites/{site.key}/audit.csv").status_code == status, role
        assert client.get("/console/audit.csv").status_code == 403, role
