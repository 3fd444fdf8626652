"""The console's language: the account's, else what a cookie or the browser asks for. English and Chinese ship."""

from flask import Flask, g, request
from flask_babel import Babel

LANGUAGES = {"en": "English", "zh-CN": "简体中文"}
LOCALES = {"en": "en", "zh-CN": "zh_Hans_CN"}  # Babel's names; the selector may return no others
COOKIE = "console_language"


def language() -> str:
    """Return the page's language as BCP 47."""
    account = g.get("account")
    if account is not None and account.language in LANGUAGES:
        chosen: str = account.language
        return chosen
    kept = request.cookies.get(COOKIE)
    if kept in LANGUAGES:
        return kept
    wanted = request.accept_languages.best_match(["en", "zh-CN", "zh"], default="en")
    return "zh-CN" if wanted and wanted.startswith("zh") else "en"


def install(app: Flask) -> None:
    """Set up translations and what templates need of them."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "translations"
    Babel(app, locale_selector=lambda: LOCALES[language()], timezone_selector=lambda: "UTC")
    app.context_processor(lambda: {"page_language": language, "LANGUAGES": LANGUAGES})
