"""The editor in a real browser: what is written is saved, and is never lost: offline, two people, a session that ends."""

import re
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from consent_server import clock
from consent_server.db import transaction
from consent_server.demo.seed import POLICY_KEY
from consent_server.policies import drafting
from consent_server.policies.models import PolicyVersion
from consent_server.sites import service as sites
from tests.e2e.conftest import Server, Store, Visit
from tests.e2e.console import sign_in_link

pytestmark = pytest.mark.browser

WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal{color:red}</style></head><body>
<h2>How long we keep it<o:p></o:p></h2><p class=MsoNormal style='color:red'>We keep it <b>no longer</b> than
<a href="https://shop.example/terms" onclick="steal()">the terms</a> say.<script>window.stolen = true</script></p>
<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>·</span>orders</p>
<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>·</span>letters</p>
<ol><li>first</li><li>second <a href="javascript:steal()">link</a></li></ol>
<table><tr><td>Data</td><td>Months</td></tr><tr><td>Orders</td><td>6</td></tr></table>
<img src="x" onerror="window.stolen = true"><p>2 * 3 [x]</p></body></html>"""
MARKDOWN = """## How long we keep it

We keep it **no longer** than [the terms](https://shop.example/terms) say.

- orders
- letters

1. first
2. second link

| Data | Months |
| --- | --- |
| Orders | 6 |

2 \\* 3 \\[x\\]"""


def draft_of(store: Store) -> PolicyVersion:
    draft = drafting.draft_of(drafting.policy_by_key(sites.site_by_key(store.key), POLICY_KEY))
    assert draft is not None
    return draft


def saved(store: Store) -> dict[str, str]:
    """What the server has."""
    with store.office.app_context(), transaction():
        return {notice.language: notice.source for notice in draft_of(store).notices}


def write_meanwhile(store: Store, language: str, change: tuple[str, str]) -> None:
    """Save a text as another person does at another desk."""
    with store.office.app_context(), transaction():
        draft = draft_of(store)
        source = next(notice.source for notice in draft.notices if notice.language == language)
        assert change[0] in source
        drafting.save_notice(
            draft,
            language=language,
            text_format="markdown",
            source=source.replace(*change, 1),
            now=clock.now(),
            actor="test",
        )


def paste(page: Page, html: str) -> None:
    page.evaluate(
        """html => {
          const clipboardData = new DataTransfer()
          clipboardData.setData('text/html', html)
          const init = { clipboardData, bubbles: true, cancelable: true }
          document.activeElement.dispatchEvent(new ClipboardEvent('paste', init))
        }""",
        html,
    )


def typed_at_the_end(page: Page, field: Any, text: str) -> None:
    field.focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(text)


def test_what_is_written_is_saved_while_one_writes_and_never_lost(
    server: Server, office: Flask, store: Store, visit: Visit
) -> None:
    page = visit(server.address + sign_in_link(office), locale="en-GB")
    page.locator("main button").click()
    page.wait_for_url("**/console")
    address = f"{server.address}/console/sites/{store.key}/policies/{POLICY_KEY}/draft"
    page.goto(address)
    status, english = page.locator("#status"), page.locator('textarea.part[lang="en"]')
    rows = page.locator(".editor-row").count()
    assert english.count() == page.locator('textarea.part[lang="zh-CN"]').count() == rows > 3

    # Saved while one writes; a difference between the languages then stands beside its section.
    last = english.nth(rows - 1)
    typed_at_the_end(page, last, "\n\nWe answer within 15 days.")
    expect(status).to_have_text(re.compile(r"Saved \d\d:\d\d"))
    assert "We answer within 15 days." in saved(store)["en"]
    finding = page.locator(".editor-row").nth(rows - 1).locator("[data-finding]")
    expect(finding.first).to_be_visible()
    typed_at_the_end(
        page, page.locator('textarea.part[lang="zh-CN"]').nth(rows - 1), "\n\n我们在15天内答复。"
    )
    expect(page.locator("[data-finding]")).to_have_count(0)
    expect(last).to_have_value(re.compile("We answer within 15 days"))

    # Keys: the list of them, the other language, the section before, bold.
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    last.focus()
    page.keyboard.press("Alt+o")
    assert page.evaluate("() => document.activeElement.lang") == "zh-CN"
    page.keyboard.press("Alt+o")
    page.keyboard.press("Alt+ArrowUp")
    expect(english.nth(rows - 2)).to_be_focused()

    # From Word: what it says and how it is built, no style and no script. A heading makes a section of its own.
    typed_at_the_end(page, english.nth(0), "\n\n")
    before = english.nth(0).input_value()
    paste(page, WORD)
    assert english.nth(0).input_value().removeprefix(before) == MARKDOWN
    assert page.evaluate("() => window.stolen") is None
    expect(page.locator(".editor-row")).to_have_count(rows + 1)
    assert "| Orders | 6 |" in saved(store)["en"]
    expect(page.locator('textarea.part[lang="en"]').nth(1)).to_have_value(re.compile(r"^## How long"))

    # Characters that nobody sees are marked, and go.
    field = page.locator('textarea.part[lang="en"]').nth(1)
    typed_at_the_end(page, field, " \u202etxet\u200b")
    expect(page.locator("[data-hidden]")).to_contain_text("U+200B U+202E")
    page.locator("[data-clean]").click()
    expect(page.locator("[data-hidden]")).to_have_count(0)
    field.fill("")
    expect(page.locator(".editor-row")).to_have_count(rows)

    # The preview follows what is written: as page, card and text of the privacy center.
    page.keyboard.press("Alt+p")
    expect(page.locator('#preview [data-preview="page"]')).to_contain_text("We answer within 15 days.")
    expect(page.locator('#preview [data-preview="card"] .banner')).not_to_have_count(0)
    expect(page.locator('#preview [data-preview="center"]')).to_have_count(1)

    # Not connected: the text stays in the browser and is saved when the server answers again.
    base = page.locator('[name="base-en"]')
    begun_with = base.input_value()
    page.route("**/autosave", lambda route: route.abort())
    typed_at_the_end(page, page.locator('textarea.part[lang="en"]').nth(rows - 1), "\n\nWritten offline.")
    expect(status).to_have_attribute("data-state", "offline")
    assert "Written offline." in page.evaluate("() => Object.values(localStorage).join()")
    page.unroute("**/autosave")
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(status).to_have_attribute("data-state", "saved")
    assert "Written offline." in saved(store)["en"]
    assert page.evaluate("() => localStorage.length") == 0
    expect(base).not_to_have_value(begun_with)  # what is saved is what the next change begins with

    # Somebody else saves: nothing is overwritten, both texts are there to be merged.
    write_meanwhile(store, "en", ("We answer within 15 days.", "We answer within 20 days."))
    typed_at_the_end(page, page.locator('textarea.part[lang="en"]').nth(1), " Mine alone.")
    expect(status).to_have_attribute("data-state", "conflict")
    assert "Mine alone." not in saved(store)["en"]
    page.locator('button[value="save"]').click()
    expect(page.locator("h1")).to_have_text("Two texts")
    expect(page.locator("[data-step]")).to_have_count(2)
    assert page.locator("[data-step] input:checked").evaluate_all("all => all.map(one => one.value)") == [
        "mine",
        "saved",
    ]
    page.locator('button[value="save"]').click()
    expect(page.get_by_role("status").first).to_have_text("The draft is saved.")
    now = saved(store)["en"]
    assert "Mine alone." in now
    assert "within 20 days" in now

    # The session ends in the middle of an edit: after signing in the text is offered again.
    page.context.clear_cookies()
    typed_at_the_end(page, page.locator('textarea.part[lang="en"]').nth(1), " After the end.")
    expect(status).to_have_attribute("data-state", "expired")
    page.evaluate("() => { window.onbeforeunload = null }")
    page.once("dialog", lambda dialog: dialog.accept())
    page.goto(server.address + sign_in_link(office))
    page.locator("main button").click()
    page.wait_for_url("**/console")
    page.goto(address)
    expect(page.locator("#kept")).to_be_visible()
    page.locator('[data-kept="use"]').click()
    expect(page.get_by_role("status").first).to_have_text("The draft is saved.")
    assert "After the end." in saved(store)["en"]
    expect(page.locator("#kept")).to_be_hidden()
