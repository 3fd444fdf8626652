"""The facts of a piece of text: what must be the same in every language, whatever the words around it.

Each fact has a kind and a value that does not depend on the language: `15 working days` and `十五个工作日` are both
("duration", "15 working day"). Text is read from the surest pattern to the vaguest, and what one pattern has read is
hidden from the next.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from consent_server.policies.parity.dates import dates, hidden
from consent_server.policies.parity.laws import laws
from consent_server.policies.parity.quantities import quantities
from consent_server.policies.parity.references import references
from consent_server.policies.parity.words import lexicon

Kind = Literal[
    "email",
    "phone",
    "postcode",
    "link",
    "law",
    "date",
    "duration",
    "age",
    "money",
    "percent",
    "time",
    "reference",
    "code",
    "number",
]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: `value` for comparing, `text` as written.

    `weak`: it may be a way of speaking (`one of`, `两者`), so that nothing is wrong if the other language lacks it.
    """

    kind: Kind
    value: str
    text: str
    weak: bool = False


class Masked:
    """A text of which pieces are taken out as they are understood."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._taken: list[tuple[int, int]] = []

    @property
    def text(self) -> str:
        """What has not been taken yet; what has is filled up, so that places stay the same."""
        if self._taken:
            self._text, self._taken = hidden(self._text, self._taken), []
        return self._text

    def take(self, start: int, end: int) -> str:
        """Hide a piece and return it as it was written."""
        self._taken.append((start, end))
        return self._text[start:end].strip()


_MOST = 1000  # facts of one piece: more is no text that a person wrote, and comparing them takes the square
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'“”‘’()（）,，。；、！？《》\u3400-\u9fff]+", re.IGNORECASE)
_EMAIL = re.compile(r"[A-Za-z0-9][\w.%+\-]{0,63}@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_POSTCODE = re.compile(
    r"(?:邮编|邮政编码|post(?:al)?\s?code|zip(?:\s?code)?)\s*[:：]?\s*(?P<code>\d{4,6}(?:-\d{4})?)",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w.])(?:\+\s?|00)?\(?\d[\d\s\-()]{5,18}\d(?![\w.]\d|\w)")
_LABEL = re.compile(r"(?:tel|phone|fax|call|hotline|电话|传真|热线|手机)\S{0,8}\s*[:.：]?\s*$", re.IGNORECASE)
_TIME = re.compile(r"(?<!\d)\d{1,2}:[0-5]\d(?::[0-5]\d)?(?!\d)")
_CODE = re.compile(
    r"(?<![\w.])(?:[A-Za-z]{1,6}-\d+(?:\.\d+)*(?![\w-])|\d+[A-Z](?![a-z])|v?\d+(?:\.\d+){2,}|[A-Za-z]+\d+\w*)",
    re.ASCII,
)
_LANGUAGE_SEGMENT = re.compile(r"(?i)^[a-z]{2}(?:[-_](?:[a-z]{2}|hans|hant)(?:[-_][a-z]{2})?)?$")


@lru_cache(maxsize=8192)
def facts_of(text: str, language: str, links: tuple[str, ...] = ()) -> tuple[Fact, ...]:
    """Return the facts that `text` states, and the addresses that it links to (`links`)."""
    words = lexicon(language)
    masked = Masked(unicodedata.normalize("NFKC", text))
    found = list(_addresses(masked, links))
    found += [Fact("law", name, masked.take(s, e)) for s, e, name in laws(masked.text, cjk=words.cjk)]
    found += [Fact("date", value, masked.take(s, e)) for s, e, value in dates(masked.text, words)]
    found += _numbers_with_a_form(masked)
    found += [
        Fact("reference", value, masked.take(s, e)) for s, e, value in references(masked.text, words.base)
    ]
    found += [Fact("code", m.group().upper(), masked.take(*m.span())) for m in _CODE.finditer(masked.text)]
    found += [Fact(q.kind, q.value, q.text, q.weak) for q in quantities(masked.text, words)]
    return tuple(found[:_MOST])


def _addresses(masked: Masked, links: tuple[str, ...]) -> Iterator[Fact]:
    seen: set[tuple[str, str]] = set()
    spans = [(m.span(), "link") for m in _URL.finditer(masked.text)]
    targets = [masked.take(*span).rstrip(".,;:") for span, _kind in spans]
    targets += [masked.take(*match.span()) for match in _EMAIL.finditer(masked.text)]
    for target in (*links, *targets):
        fact = _address(target)
        if fact is not None and (fact.kind, fact.value) not in seen:
            seen.add((fact.kind, fact.value))
            yield fact


def _address(target: str) -> Fact | None:
    scheme, _colon, rest = target.partition(":")
    if scheme.lower() == "mailto" or ("@" in target and "/" not in target):
        address = (rest if scheme.lower() == "mailto" else target).partition("?")[0]
        return Fact("email", address.casefold(), address)
    if scheme.lower() == "tel":
        return Fact("phone", _digits(rest), rest)
    if target.startswith("#"):
        return None  # a place in this text: read from the words that name it
    return Fact("link", _same_in_every_language(target), target)


def _same_in_every_language(url: str) -> str:
    """Return a web address without what differs between the languages of one page: `/en/`, `zh.`, `?lang=`."""
    parts = urlsplit(url if "//" in url else f"https://{url}")
    labels = parts.netloc.casefold().removeprefix("www.").split(".")
    if len(labels) > 2 and _LANGUAGE_SEGMENT.match(labels[0]):
        labels = labels[1:]
    segments = [s for s in parts.path.split("/") if s and not _LANGUAGE_SEGMENT.match(s)]
    query = "&".join(q for q in parts.query.split("&") if q and not re.match("(?i)(lang|hl|locale|l)=", q))
    return (
        "/".join([".".join(labels), *segments])
        + (f"?{query}" if query else "")
        + (f"#{parts.fragment}" if parts.fragment else "")
    )


def _numbers_with_a_form(masked: Masked) -> Iterator[Fact]:
    for match in _POSTCODE.finditer(masked.text):
        yield Fact("postcode", match["code"], masked.take(*match.span("code")))
    text = masked.text
    for match in _PHONE.finditer(text):
        written, digits = match.group(), _digits(match.group())
        label = _LABEL.search(text[max(0, match.start() - 24) : match.start()])
        if len(digits) >= 7 and (written[0] == "+" or re.search(r"\d[\s\-()]+\d", written) or label):
            yield Fact("phone", digits, masked.take(*match.span()))
    for match in _TIME.finditer(masked.text):
        yield Fact("time", match.group().lstrip("0"), masked.take(*match.span()))


def _digits(written: str) -> str:
    return re.sub(r"\D", "", re.sub(r"^\s*(?:\+|00)", "", written))
