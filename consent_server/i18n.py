"""The language of pages: the account's, else what a cookie or the browser asks for. English and Chinese ship.

The catalogs are the `.po` files themselves, read once per process and kept in memory: there is no build step to
forget and no compiled file that could be older than its source.
"""

from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, g, request
from flask_babel import Babel, Domain, get_locale

LANGUAGES = {"en": "English", "zh-CN": "简体中文"}
LOCALES = {"en": "en", "zh-CN": "zh_Hans_CN"}  # Babel's names; the selector may return no others
COOKIE = "console_language"
FOLDER = Path(__file__).parent / "translations"


class Catalogs(Domain):  # type: ignore[misc]  # the library has no types
    """Translations from the `.po` files; English is the source, so it has none."""

    def get_translations(self) -> NullTranslations:
        """Return the catalog of this page's language."""
        return catalog(str(get_locale()))


@cache
def catalog(locale: str) -> NullTranslations:
    """Return the translations into a locale, by Babel's name; none for one that has no file."""
    path = FOLDER / locale / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return Translations()
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=locale))
    compiled.seek(0)
    return Translations(compiled)


def language() -> str:
    """Return the page's language as BCP 47. `g.page_language` is what the account or the address asks for."""
    chosen = g.get("page_language") or request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return str(chosen)
    return closest(request.accept_languages.best_match(["en", "zh-CN", "zh"], default="en"))


def closest(tag: str | None) -> str:
    """Return the console's language that comes nearest to a tag."""
    return "zh-CN" if (tag or "").lower().startswith("zh") else "en"


def install(app: Flask) -> None:
    """Set up translations and what templates need of them."""
    babel = Babel(app, locale_selector=lambda: LOCALES[language()], timezone_selector=lambda: "UTC")
    babel.domain_instance = Catalogs()
    app.context_processor(lambda: {"page_language": language, "LANGUAGES": LANGUAGES})
