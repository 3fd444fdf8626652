"""The words of a letter: both languages, the reader's own first, as plain text and as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template
from flask_babel import force_locale
from flask_babel import gettext as _

from consent_server.i18n import LOCALES, closest
from consent_server.policies.published import SiteView
from consent_server.reconsent.rules import Delta

BULLETS = 3
# Mail programs know style sheets in the head or none at all; without, it is a letter all the same.
HEAD = """<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root { color-scheme: light dark; }
body { margin: 0 auto; padding: 1.5rem 1.25rem; max-width: 36rem; font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; overflow-wrap: anywhere; }
ul { padding-left: 1.25em; } li { margin-bottom: 0.25em; } hr { margin: 2rem 0; border: 0; border-top: 1px solid #8888; }
.do { display: inline-block; padding: 0.5rem 1.25rem; border: 1px solid; border-radius: 0.375rem; font-weight: 600; text-decoration: none; }
</style>"""


@dataclass(frozen=True)
class Letter:
    """A letter as it is sent."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Part:
    """What a letter says in one language: `asks` when an answer is wanted."""

    language: str
    site: str
    number: str
    asks: bool
    bullets: tuple[str, ...]
    notice: str
    answer: str
    unsubscribe: str


def letter(
    site: SiteView, delta: Delta, *, name: str, language: str, address: str, origin: str, unsubscribe: str
) -> Letter:
    """Return a letter.

    Args:
        site: the site; its current version is what the letter is about.
        delta: what the reader is to be asked or told.
        name: what the site is called.
        language: the reader's.
        address: where this server is reached.
        origin: the site's own address, where the reader answers.
        unsubscribe: where the reader wants no more mail.
    """
    if site.current is None:
        raise ValueError("nothing is published")
    number = site.current.number
    tags = sorted(site.languages, key=lambda tag: (tag != language, closest(tag) != closest(language)))
    parts = [
        Part(
            tag,
            name,
            number,
            bool(delta.ask),
            _bullets(site, delta, tag),
            f"{address}/p/{site.key}/{site.policy_key}/{number}?lang={tag}",
            origin,
            f"{unsubscribe}?lang={tag}",
        )
        for tag in tags
    ]
    text = "\n\n* * *\n\n".join(_rendered("letter.txt", part) for part in parts)
    body = "<hr>".join(_rendered("letter.html", part) for part in parts)
    html = f'<!doctype html><html lang="{parts[0].language}"><head>{HEAD}</head><body>{body}</body></html>'
    return Letter(_title(parts), text.strip() + "\n", html)


def _title(parts: Sequence[Part]) -> str:
    with force_locale(LOCALES[closest(parts[0].language)]):
        if parts[0].asks:
            return str(_("%(site)s: please choose again", site=parts[0].site))
        return str(_("%(site)s: the privacy notice has changed", site=parts[0].site))


def _bullets(site: SiteView, delta: Delta, tag: str) -> tuple[str, ...]:
    versions = {version.number: version for version in site.facts}
    said = [versions[number].changes[place].summary.get(tag, "") for number, place in delta.changes]
    return tuple(dict.fromkeys(each for each in said if each))[:BULLETS]


def _rendered(template: str, part: Part) -> str:
    with force_locale(LOCALES[closest(part.language)]):
        return render_template(f"campaigns/{template}", part=part).strip()
