"""Drafts: two languages side by side, two people at once, files, and what the server understood."""

import io
import re

from consent_server.policies import drafting
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, audited, text_of


def path(shop: Site, rest: str = "") -> str:
    return f"/console/sites/{shop.key}/policies/privacy{rest}"


def opened(console: Console, shop: Site) -> dict[str, str]:
    """Open a draft and return the fields of its form."""
    console.send(path(shop, "/draft/open"), page=path(shop))
    return {
        "revision": console.value(path(shop, "/draft"), "revision"),
        "format-en": "markdown",
        "format-zh-CN": "markdown",
        "source-en": make.text("en", "second"),
        "source-zh-CN": make.text("zh-CN", "second"),
        "do": "save",
    }


def stored(shop: Site) -> dict[str, str]:
    draft = drafting.draft_of(drafting.policy_by_key(shop, "privacy"))
    return {notice.language: notice.source for notice in draft.notices} if draft else {}


def test_a_policy_is_made_with_a_title_in_every_language(console: Console, shop: Site) -> None:
    form = f"/console/sites/{shop.key}/policies/new"

    refused = console.send(form, {"key": "Cookies!", "title-en": "Cookies", "title-zh-CN": ""})
    made = console.send(form, {"key": "cookies", "title-en": "Cookies", "title-zh-CN": "Cookie 政策"})

    assert refused.status_code == 422
    assert 'value="Cookies"' in refused.text
    assert 'id="f-title-zh-CN-error"' in refused.text
    assert made.status_code == 303
    assert audited("policies.create") == 2
    assert console.send(form, {"key": "cookies", "title-en": "x", "title-zh-CN": "x"}).status_code == 409


def test_a_draft_begins_with_the_newest_texts_and_is_saved(console: Console, shop: Site) -> None:
    form = opened(console, shop)
    assert "This shop says what for" in console.get(path(shop, "/draft")).text

    answer = console.send(path(shop, "/draft"), form)

    assert answer.status_code == 303
    assert "(second)" in stored(shop)["en"]
    assert "（second）" in stored(shop)["zh-CN"]
    assert 'role="status">The draft is saved.' in console.get(path(shop, "/draft")).text


def test_saving_what_is_saved_changes_nothing(console: Console, shop: Site) -> None:
    form = opened(console, shop)
    console.send(path(shop, "/draft"), form)
    noted = audited("policies.save_notice")

    form["revision"] = console.value(path(shop, "/draft"), "revision")
    console.send(path(shop, "/draft"), {name: value.replace("\n", "\r\n") for name, value in form.items()})

    assert audited("policies.save_notice") == noted


def test_the_second_of_two_tabs_keeps_its_text_and_shows_what_is_saved(
    console: Console, second: Console, shop: Site
) -> None:
    form = opened(console, shop)
    console.send(path(shop, "/draft"), form | {"source-en": make.text("en", "of Lin")})

    late = second.send(path(shop, "/draft"), form | {"source-en": make.text("en", "of Mei")})

    assert late.status_code == 409
    assert "Two texts" in late.text
    assert "Somebody else has saved this draft" in late.text
    assert "(of Mei)" in late.text.partition("<form")[2]
    assert "(of Lin)" in late.text
    assert "(of Lin)" in stored(shop)["en"]
    again = form | {
        "source-en": make.text("en", "of Mei"),
        "revision": second.value(path(shop, "/draft"), "revision"),
    }
    assert second.send(path(shop, "/draft"), again).status_code == 303


def test_a_preview_shows_the_text_and_stores_nothing(console: Console, shop: Site) -> None:
    form = opened(console, shop)
    text = "# Policy\n\n## One\n\nBold **move** <script>alert(1)</script>.\n"

    answer = console.send(path(shop, "/draft"), form | {"source-en": text, "do": "preview"})

    assert "<strong>move</strong>" in answer.text
    assert "<script>alert" not in answer.text.partition('id="understood"')[2]
    assert "A script was removed" in text_of(answer)
    assert "The languages are out of step" in text_of(answer)
    assert "(second)" not in "".join(stored(shop).values())


def test_a_text_that_cannot_be_read_is_kept_and_said(console: Console, shop: Site) -> None:
    form = opened(console, shop)

    answer = console.send(path(shop, "/draft"), form | {"source-zh-CN": "   "})

    assert answer.status_code == 422
    assert "The text is empty." in answer.text
    assert "(second)" in answer.text


def test_an_unknown_format_is_refused(console: Console, shop: Site) -> None:
    form = opened(console, shop)

    assert console.send(path(shop, "/draft"), form | {"format-en": "docx"}).status_code == 422


def test_files_replace_the_texts_of_their_languages(console: Console, shop: Site) -> None:
    form = opened(console, shop)
    file = (io.BytesIO(make.text("zh-CN", "uploaded").encode("utf-8-sig")), "政策.md")

    answer = console.send(
        path(shop, "/draft/upload"),
        {"revision": form["revision"], "file-zh-CN": file},
        page=path(shop, "/draft"),
    )

    assert answer.status_code == 303
    assert "（uploaded）" in stored(shop)["zh-CN"]
    assert "(first)" not in stored(shop)["en"]


def test_a_file_that_is_no_text_is_refused(console: Console, shop: Site) -> None:
    opened(console, shop)
    for content, name in ((b"%PDF", "policy.pdf"), (b"\xff\xfe\xff", "policy.md")):
        answer = console.send(
            path(shop, "/draft/upload"), {"file-en": (io.BytesIO(content), name)}, page=path(shop, "/draft")
        )
        assert answer.status_code == 422
        assert 'id="f-file-en-error"' in answer.text


def test_a_draft_is_discarded_after_a_question(console: Console, shop: Site) -> None:
    opened(console, shop)

    console.send(path(shop, "/draft/discard"))

    assert stored(shop) == {}
    assert console.get(path(shop, "/draft")).status_code == 404
    assert audited("policies.discard_draft") == 1


def test_the_two_texts_are_merged_place_by_place(console: Console, second: Console, shop: Site) -> None:
    form = opened(console, shop)
    console.send(
        path(shop, "/draft"), form | {"source-en": form["source-en"].replace("at any time", "at once")}
    )
    mine = form | {"source-en": form["source-en"].replace("what for", "why"), "do": "save"}
    second.send(path(shop, "/draft"), mine)
    mine["revision"] = second.value(path(shop, "/draft"), "revision")

    undecided = second.send(path(shop, "/draft/merge"), mine, page=path(shop, "/draft"))
    stale = second.send(path(shop, "/draft/merge"), mine | {"revision": "1"}, page=path(shop, "/draft"))
    takes = {"take-en-1": "both", "written-en-1": "## Mine\n\nWritten on the way.", "take-zh-CN-1": "saved"}
    done = second.send(path(shop, "/draft/merge"), mine | takes, page=path(shop, "/draft"))

    assert (undecided.status_code, stale.status_code, done.status_code) == (422, 409, 303)
    assert "why (second)" in undecided.text
    assert "at once" in stored(shop)["en"]
    assert "Written on the way." in stored(shop)["en"]


def test_a_second_save_of_the_same_text_is_no_conflict(console: Console, second: Console, shop: Site) -> None:
    form = opened(console, shop)
    console.send(path(shop, "/draft"), form)

    assert second.send(path(shop, "/draft"), form, page=path(shop, "/draft")).status_code == 303


def test_a_large_text_is_opened_and_saved_section_by_section(console: Console, shop: Site) -> None:
    opened(console, shop)
    sections = {
        "en": [f"## {n}. Topic {n}\n\nWe keep it for {n} months.\n" for n in range(1, 501)],
        "zh-CN": [f"## {n}. 主题{n}\n\n我们保存{n}个月。\n" for n in range(1, 501)],
    }
    make.draft(shop, texts={tag: "# T\n\nP.\n\n" + "\n".join(each) for tag, each in sections.items()})

    page = console.get(path(shop, "/draft")).text
    fields = dict(
        re.findall(r'<textarea id="f-[^"]+" name="(part-[^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    )
    assert len(fields) == 2 * 501
    fields["part-en-501000"] += " Or longer."
    fields |= {"revision": console.value(path(shop, "/draft"), "revision")}
    answer = console.send(path(shop, "/draft/autosave"), fields, page=path(shop, "/draft"))

    assert answer.status_code == 200
    assert stored(shop)["en"].endswith("We keep it for 500 months. Or longer.\n")
    assert stored(shop)["zh-CN"].count("##") == 500
