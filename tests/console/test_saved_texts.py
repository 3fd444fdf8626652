"""A draft's history: who saved what and when, word by word between any two, and an earlier text brought back."""

import re
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from consent_server.db import db
from consent_server.policies.models import SavedText
from consent_server.sites.models import Site
from tests import make
from tests.conftest import SetClock
from tests.console.conftest import Console, audited, text_of
from tests.console.test_drafts import opened, path, stored

NOW = make.later(1)


def history(console: Console, shop: Site, **query: Any) -> list[str]:
    """Return the rows of the history as they read, the newest first."""
    page = console.get(path(shop, "/draft/history"), query_string=query).text
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition("<tbody>")[2], re.DOTALL)
    return [
        " ".join(re.sub(r"<form.*?</form>|<a .*?</a>|<[^>]+>", " ", row, flags=re.DOTALL).split())
        for row in rows
    ]


def write(console: Console, shop: Site, mark: str, *, at: str = "/autosave", revision: str = "") -> Any:
    """Save an English text of this mark as the editor does, or as somebody who presses the button."""
    form = {
        "revision": revision or console.value(path(shop, "/draft"), "revision"),
        "format-en": "markdown",
        "format-zh-CN": "markdown",
        "source-en": make.text("en", mark),
        "source-zh-CN": stored(shop)["zh-CN"],
        "do": "save",
    }
    return console.send(path(shop, f"/draft{at}"), form, page=path(shop, "/draft"))


def bring_back(console: Console, shop: Site, which: int, **more: str) -> Any:
    page = path(shop, "/draft/history")
    form = {
        "language": "en",
        "number": str(which),
        "revision": console.value(path(shop, "/draft"), "revision"),
    }
    return console.send(f"{page}/bring-back", form | more, page=page)


def kept() -> int:
    return db.session.scalar(select(func.count()).select_from(SavedText)) or 0


def test_what_one_person_writes_within_ten_minutes_is_one_entry_until_they_press_the_button(
    console: Console, second: Console, shop: Site, set_clock: SetClock
) -> None:
    set_clock(NOW)
    opened(console, shop)
    for minutes, who, mark, at in (
        (0, console, "one", "/autosave"),
        (4, console, "two", "/autosave"),
        (9, console, "three", "/autosave"),
        (9, console, "three", ""),  # the button, on what the editor has saved already
        (9.5, console, "four", "/autosave"),
        (19.4, second, "five", "/autosave"),
        (19.5, console, "six", "/autosave"),
        (29.5, console, "seven", "/autosave"),
        (29.6, console, "eight", ""),
    ):
        set_clock(NOW + timedelta(minutes=minutes))
        assert write(who, shop, mark, at=at).status_code in (200, 303)

    rows = history(console, shop)

    assert [row.split(" UTC ")[-1] for row in rows] == [
        "lin@example.org Saved In the draft now",
        "lin@example.org Saved while writing",
        "lin@example.org Saved while writing",
        "mei@example.org Saved while writing",
        "lin@example.org Saved while writing",
        "lin@example.org Saved",
        "lin@example.org As the draft began",
    ]
    assert [row.split()[0] for row in rows] == list("7654321")
    assert [row.split(" UTC ")[-1] for row in history(console, shop, language="zh-CN")] == [
        "lin@example.org As the draft began In the draft now"
    ]
    assert audited("policies.keep_text") == 1


def test_any_two_saves_are_compared_word_by_word(console: Console, shop: Site) -> None:
    opened(console, shop)
    for mark in ("lamps", "chairs"):
        write(console, shop, mark, at="")

    def changed(**query: str) -> tuple[list[str], list[str]]:
        page = console.get(path(shop, "/draft/history"), query_string=query).text
        return re.findall(r"<del>(.*?)</del>", page), re.findall(r"<ins>(.*?)</ins>", page)

    assert changed() == (["lamps"], ["chairs"])
    assert changed(**{"from": "1", "to": "3"})[1] == ["chairs"]
    assert changed(**{"from": "3", "to": "2"}) == (["lamps"], ["chairs"])
    assert changed(**{"from": "2", "to": "2"}) == ([], [])
    for strange in ("0", "-1", "x", "9" * 30):
        assert changed(**{"from": strange, "to": strange}) == (["lamps"], ["chairs"])
    assert "(chairs)" in text_of(console.get(path(shop, "/draft/history?language=no")))


def test_an_earlier_text_is_saved_anew_and_what_stood_there_stays_in_the_history(
    console: Console, shop: Site
) -> None:
    opened(console, shop)
    write(console, shop, "lamps", at="")
    write(console, shop, "chairs", at="")
    noted = audited("policies.save_notice")

    answer = bring_back(console, shop, 2)

    assert answer.status_code == 303
    assert "(lamps)" in stored(shop)["en"]
    rows = history(console, shop)
    assert len(rows) == 4
    assert "Brought back: number 2" in rows[0]
    assert "In the draft now" in rows[0]
    assert "In the draft now" in rows[2]
    assert (audited("policies.bring_back"), audited("policies.save_notice")) == (1, noted + 1)
    assert bring_back(console, shop, 4).status_code == 303
    assert len(history(console, shop)) == 4
    for form in ({"number": "99"}, {"number": "9" * 30}, {"language": "fr"}):
        assert bring_back(console, shop, 2, **form).status_code == 404, form


def test_nothing_is_brought_back_over_what_somebody_else_saved_meanwhile(
    console: Console, second: Console, shop: Site
) -> None:
    opened(console, shop)
    write(console, shop, "lamps", at="")
    seen = console.value(path(shop, "/draft"), "revision")
    write(second, shop, "of Mei", at="")

    late = bring_back(console, shop, 1, revision=seen)

    assert late.status_code == 409
    assert "Somebody else has saved this draft since you opened it" in text_of(late)
    assert "mei@example.org" in late.text
    assert "(of Mei)" in stored(shop)["en"]
    again = re.search(r'name="revision" value="(\d+)"', late.text)
    assert again
    assert bring_back(console, shop, 1, revision=again[1]).status_code == 303
    assert len(history(console, shop)) == 4


def test_the_history_goes_with_the_draft_whether_it_is_published_or_discarded(
    console: Console, shop: Site
) -> None:
    opened(console, shop)
    write(console, shop, "lamps", at="")
    assert kept() == 3
    console.send(path(shop, "/draft/discard"), page=path(shop, "/draft/discard"))
    assert kept() == 0
    assert console.get(path(shop, "/draft/history")).status_code == 404

    opened(console, shop)
    assert kept() == 2
    make.published_version(shop, change="wording")
    assert kept() == 0
