"""What the widget shows, as data: the baked form of the tag and the full form of the API. Pure.

The form on the wire is a list: `places` in widget/build.mjs says which name of `BannerConfig` in widget/src/types.js
stands where.
"""

from collections.abc import Mapping
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.lists import format_list

from consent_server.banner import look, options, trackers
from consent_server.policies.published import PublishedVersion, SiteView
from consent_server.sites.languages import choose_language

RTL = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})  # primary tags written right to left
FALLBACK = "en"
FIRST = (
    "title",
    "body",
    "accept",
    "reject",
    "preferences",
    "policy",
    "signal",
    "open",
)  # widget/src/language.js
Words = Mapping[str, Mapping[str, str]]  # {"first": {…}, "preferences": {…}}


def words_for(language: str, site: SiteView, locales: Mapping[str, Words]) -> dict[str, dict[str, str]]:
    """Return the interface texts of a language: the shipped ones, overridden by the site's own.

    A language that is not shipped falls back to English word by word, so that nothing is ever empty.
    """
    shipped = (
        locales.get(choose_language(language, tuple(locales)), {}) if _is_shipped(language, locales) else {}
    )
    own = site.texts.get(language, {})
    return {
        group: {key: own.get(key, shipped.get(group, {}).get(key, text)) for key, text in words.items()}
        for group, words in locales[FALLBACK].items()
    }


def baked(
    site: SiteView, version: PublishedVersion, *, api: str, modules: str, locales: Mapping[str, Words]
) -> dict[str, Any]:
    """Return the configuration that the tag carries, without its `build`. Kept as evidence, so its parts have names."""
    additional = version.facts.purposes
    return {
        "site": site.key,
        "api": api,
        "policy": site.policy_key,
        "region": site.region_profile,
        "days": site.lifetime.days,
        "language": site.languages[0],
        "languages": {
            language: _pack(language, site, version, locales)
            for language in site.languages
            if language in version.notices
        },
        "version": version.number,
        "purposes": list(additional),
        "basic": [p["key"] for p in version.purposes if p["function"] == "basic"],
        "theme": options.look(site.theme),
        "signals": options.signals(site.theme, version.purposes),
        "trackers": trackers.rules(site.theme, version.purposes),
        "modules": modules,
        **options.beside(site.theme, site.origins),
    }


def wire(config: Mapping[str, Any], *, build: str) -> list[Any]:
    """Return a baked configuration as it travels: nothing that the first layer needs is lost, and no name is sent."""
    purposes = config["purposes"]
    vendors = dict(config["signals"])
    google = vendors.pop("google", None)
    languages = {
        language: [
            _first(language, pack, purposes),
            *([pack["dir"]] if "dir" in pack else []),
        ]
        for language, pack in config["languages"].items()
    }
    return [
        config["site"],
        config["api"],
        config["policy"],
        build,
        config["modules"],
        config["region"],
        config["days"],
        config["version"],
        purposes,
        config["basic"],
        languages,
        look.styles(config["theme"]),
        _corner(config["theme"]),
        [google["signals"], google["commands"]] if google else 0,
        [[vendor, chosen["signals"]] for vendor, chosen in vendors.items()]
        + look.module(config["theme"])
        + ([["keep", {"address": [config["cookie"]]}]] if "cookie" in config else [])
        + ([["handover", {"origins": config["sisters"]}]] if "sisters" in config else []),
    ]


def full(
    site: SiteView,
    version: PublishedVersion,
    *,
    language: str,
    build: str,
    api: str,
    locales: Mapping[str, Words],
) -> dict[str, Any]:
    """Return everything that the widget shows in one language."""
    words = words_for(language, site, locales)
    return {
        "site": site.key,
        "policy": site.policy_key,
        "policy_version": version.number,
        "policy_sha256": version.sha256,
        "policy_title": version.notices[language]["title"],
        "policy_url": f"{api}/p/{site.key}/{site.policy_key}/{version.number}?lang={language}",
        "language": language,
        "languages": [each for each in site.languages if each in version.notices],
        "default_language": site.languages[0],
        "text_sha256": version.notices[language]["sha256"],
        "banner_build": build,
        "region_profile": site.region_profile,
        "consent_days": site.lifetime.days,
        "texts": {**words["first"], **words["preferences"]},
        "purposes": [_purpose(purpose, language) for purpose in version.purposes],
        "versions": [each.facts.to_json() for each in site.versions],
        "popups": list(site.popups),
        "theme": options.look(site.theme),
    }


def _corner(theme: Mapping[str, Any]) -> str | int:
    """Return where the control stands that opens the preferences; 0 is nowhere."""
    corner: str = theme.get("reopen", "start")
    return 0 if corner == "none" else corner


def _first(language: str, pack: Mapping[str, Any], purposes: list[str]) -> list[str]:
    """Return the first layer's words. The purposes are put into them here: `Intl.ListFormat` costs a page milliseconds."""
    texts = pack["texts"] | {
        "body": pack["texts"]["body"].replace(
            "{purposes}", phrase(language, [pack["names"][purpose] for purpose in purposes])
        )
    }
    return [texts[key] for key in FIRST]


def phrase(language: str, names: list[str]) -> str:
    """Return names as a language lists them: "maps, videos, and marketing"; with commas if Babel does not know it."""
    try:
        return format_list(names, style="standard", locale=Locale.parse(language, sep="-"))
    except (UnknownLocaleError, ValueError):
        return ", ".join(names)


def _is_shipped(language: str, locales: Mapping[str, Words]) -> bool:
    primary = language.lower().split("-")[0]
    return any(each.lower().split("-")[0] == primary for each in locales)


def _pack(
    language: str, site: SiteView, version: PublishedVersion, locales: Mapping[str, Words]
) -> dict[str, Any]:
    names = {p["key"]: _text(p, language, "name") for p in version.purposes if p["function"] == "additional"}
    pack: dict[str, Any] = {"texts": words_for(language, site, locales)["first"], "names": names}
    if language.lower().split("-")[0] in RTL:
        pack["dir"] = "rtl"
    return pack


def _purpose(purpose: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {
        "key": purpose["key"],
        "function": purpose["function"],
        "consent_kind": purpose["consent_kind"],
        "legal_basis": purpose["legal_basis"],
        "name": _text(purpose, language, "name"),
        "description": _text(purpose, language, "description"),
        "services": [_service(service, language) for service in purpose["services"]],
    }


def _service(service: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {
        "key": service["key"],
        "name": service["name"],
        "provider": service["provider"],
        "privacy_url": service["privacy_url"] or None,
        "description": _text(service, language, "description"),
        "cookies": [
            {name: cookie[name] for name in ("name", "pattern", "store", "party", "lifetime")}
            | {"description": _text(cookie, language, "description")}
            for cookie in service["cookies"]
        ],
    }


def _text(thing: Mapping[str, Any], language: str, name: str) -> str:
    text: str = thing["texts"].get(language, {}).get(name, "")
    return text or next((t[name] for t in thing["texts"].values() if t.get(name)), thing.get("key", ""))
