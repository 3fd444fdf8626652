"""Nothing that runs gets through, and what was taken out is said."""

from html.parser import HTMLParser

import pytest

from consent_server.policies.text.sanitise import safe_href
from tests.policies.text import SAMPLES, codes, documents, markdown, plain


class Tags(HTMLParser):
    """Collects every tag with its attributes."""

    def __init__(self, markup):
        super().__init__()
        self.tags = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def hostile():
    return documents(SAMPLES / "hostile")["en"]


def test_no_active_tag_attribute_or_address_is_left(hostile):
    for tag, attributes in Tags(hostile.html).tags:
        assert tag not in {"script", "iframe", "img", "svg", "form", "input", "style", "button"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert attributes.get("href", "#x").startswith(("https:", "#"))


def test_only_our_own_identifiers_are_left(hostile):
    identifiers = [attributes["id"] for _tag, attributes in Tags(hostile.html).tags if "id" in attributes]

    assert identifiers == ["s-1"]


def test_each_removal_is_said(hostile):
    found = codes(hostile)

    assert found.count("script_removed") == 6
    assert found.count("event_handler_removed") == 4
    assert found.count("unsafe_link_removed") == 6
    assert found.count("image_removed") == 2
    assert "raw_html_removed" in found
    assert "empty_slot" in found


def test_the_words_around_what_was_removed_stay(hostile):
    for words in (
        "Words before",
        "words after",
        "Words in a box.",
        "raw link",
        "cell two",
        "run",
        "relative",
    ):
        assert words in hostile.plain_text
    assert "alert" not in hostile.plain_text
    assert hostile.title == "Notice"


def test_code_that_shows_a_tag_is_text(hostile):
    assert "<code>&lt;script&gt;</code>" in hostile.html


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "java&#115;cript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "file:///etc/passwd",
        "//evil.example",
        "/relative",
        "page.html",
        "",
        "#",
        "https:",
    ],
)
def test_such_an_address_is_refused(url):
    assert not safe_href(url)


@pytest.mark.parametrize(
    "url", ["https://a.example", "http://a.example/b?c=1#d", "mailto:a@b.example", "tel:+1", "#s-1"]
)
def test_such_an_address_is_kept(url):
    assert safe_href(url)


def test_characters_that_reorder_text_are_named_and_taken_out():
    document = plain("Notice\n\n1. Data\n\nWe never\u202e evas\u202c save.\u200b\n")

    assert {w.code: w.line for w in document.warnings} == {"bidi_control": 5, "invisible_character": 5}
    assert "\u202e" not in document.html
    assert "\u202e" in document.text
    assert document.sections[0].text == "We never evas save."


def test_marks_that_shape_honest_text_stay():
    document = markdown("# می‌خواهم\n\n## یک\n\nمی‌خواهم\n")

    assert "\u200c" in document.html
    assert codes(document) == ["invisible_character"]


def test_a_line_separator_cannot_hide_inside_a_line():
    assert plain("Notice\u20281. Data\u2028\u2028x").sections[0].heading == "Data"
