"""The console speaks Chinese completely: every message is translated, and no English is left on a page."""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import consent_server
from consent_server import labels
from consent_server.problems import Problem
from consent_server.sites.models import Site
from consent_server.translations.extract import messages
from tests import make
from tests.console.conftest import Console

PACKAGE = Path(consent_server.__file__).parent
PO = PACKAGE / "translations" / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "N_": None}
# Names, codes and terms that Chinese texts write in Latin letters too.
LATIN = re.compile(
    r"Consent Server|Lin|English|Markdown|JSON|JWS|API|Cookie|UTC|UTF-8|SHA-256|RFC|BCP|URL|HTML|ID|OK|GPC|Ltd|head|problem details"
)


def wanted() -> set[object]:
    found: set[object] = set()
    with pytest.MonkeyPatch.context():
        for _file, _line, message, _comments, _context in extract_from_dir(
            PACKAGE,
            method_map=[("**.py", messages), ("templates/**.html", "jinja2")],
            options_map={"templates/**.html": {"newstyle_gettext": "true", "trimmed": "true"}},
            keywords=KEYWORDS,
        ):
            found.add(message)
    return found


def test_every_message_is_translated() -> None:
    with PO.open("rb") as file:
        catalog = read_po(file, locale="zh_Hans_CN")

    missing = [
        message
        for message in wanted()
        if not (entry := catalog.get(message)) or not entry.string or entry.fuzzy
    ]

    assert missing == []
    assert [message.id for message in catalog if message.id and message.fuzzy] == []


def test_placeholders_are_the_same() -> None:
    with PO.open("rb") as file:
        for message in read_po(file, locale="zh_Hans_CN"):
            theirs = message.string if isinstance(message.string, str) else message.string[0]
            ours = message.id if isinstance(message.id, str) else message.id[0]
            assert set(re.findall(r"%\(\w+\)s", ours)) == set(re.findall(r"%\(\w+\)s", theirs)), ours


def test_every_obstacle_and_warning_has_words() -> None:
    code = (PACKAGE / "policies" / "rules.py").read_text() + (
        PACKAGE / "policies" / "publishing.py"
    ).read_text()
    made = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    obstacles = {node.args[0].value for node in made if getattr(node.func, "id", "") == "Obstacle"}  # type: ignore[attr-defined]

    assert obstacles <= labels._OBSTACLE.keys()
    assert issubclass(Problem, Exception)


class Words(HTMLParser):
    """Collects what a page says, except code, texts in a language of their own, and what is marked as a name."""

    VOID = ("input", "meta", "link", "br", "img", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.skipped: list[bool] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.words += [
            given[name] or ""
            for name in ("aria-label", "placeholder", "title")
            if name in given and tag != "code"
        ]
        if tag not in self.VOID:
            own = given.get("lang", "zh-CN") != "zh-CN" or given.get("translate") == "no"
            self.skipped.append(own or tag in ("code", "pre", "textarea", "script"))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            self.skipped.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.skipped):
            self.words.append(data)


def english(page: str) -> list[str]:
    reader = Words()
    reader.feed(page)
    found = []
    for words in reader.words:
        found += re.findall(r"[A-Za-z]{3,}(?: [A-Za-z]+)+", LATIN.sub("", words))
    return found


def test_no_english_is_left_on_chinese_pages(console: Console, shop: Site) -> None:
    receipt = make.decide(console.client, shop)["receipt_id"]
    make.draft(shop, changes=[make.change("recipients", "analytics")])
    console.send("/console/language", {"language": "zh-CN"}, page="/console")
    base = f"/console/sites/{shop.key}"
    policy = f"{base}/policies/privacy"
    addresses = [
        "/console",
        "/console/sites/new",
        "/console/audit",
        "/console/profile",
        "/console/profile/security",
        "/console/profile/security/passkey",
        "/console/profile/security/app/remove",
        "/console/nothing",
        base,
        f"{base}/settings",
        f"{base}/settings/look",
        f"{base}/settings/signals",
        f"{base}/settings/profile",
        f"{base}/settings/tag",
        f"{base}/people",
        f"{base}/keys",
        f"{base}/keys/identity/rotate",
        f"{base}/purposes",
        f"{base}/purposes/new",
        f"{base}/purposes/maps",
        f"{base}/purposes/maps/remove",
        f"{base}/policies",
        f"{base}/policies/new",
        policy,
        f"{policy}/versions/1.0",
        f"{policy}/draft",
        f"{policy}/draft/discard",
        f"{policy}/draft?view=whole",
        f"{policy}/draft/preview",
        f"{policy}/draft/publish",
        f"{policy}/draft/impact?class-0=minor",
        f"{base}/dashboard",
        f"{base}/campaigns",
        f"{base}/receipts",
        f"{base}/receipts/{receipt}/trace",
        f"{base}/receipts?receipt=x&from=y",
        f"{base}/receipts/{receipt}",
        f"{base}/reconsent",
        f"{base}/audit",
        f"/p/{shop.key}/privacy?lang=zh-CN",
        f"/p/{shop.key}/privacy/1.0?lang=zh-CN",
    ]

    left = {address: words for address in addresses if (words := english(console.get(address).text))}

    assert left == {}
