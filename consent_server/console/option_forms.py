"""Forms of a site's look, signals and profile: from what is kept to fields, and back."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from consent_server.banner.configuration import phrase, words_for
from consent_server.banner.look import CHOICES, COLOURS, SCHEMES, Fault, found_faults
from consent_server.banner.words import locales
from consent_server.policies.published import SiteView
from consent_server.sites.profile import ProfileSchema

FREE = ("radius", "font")  # tokens that are neither colours nor choices
TOGGLES = {"google": ("advanced", "ads_data_redaction", "url_passthrough"), "matomo": ("cookies_only",)}
ON_BY_DEFAULT = ("ads_data_redaction",)


def look_of(form: Mapping[str, str]) -> dict[str, str]:
    """Return the tokens of the look that a form sets; an empty field leaves the usual value."""
    names = [scheme + name for scheme in SCHEMES for name in COLOURS] + [*FREE, *CHOICES]
    return {name: value for name in names if (value := form.get(name, "").strip())}


def fault_words(tokens: Mapping[str, str]) -> dict[str, str]:
    """Return by token what is wrong with a look, in the page's language."""
    return {fault.token: _words(fault) for fault in found_faults(tokens)}


def preview_css(tokens: Mapping[str, str]) -> str:
    """Return the look as custom properties of the preview, one rule for each scheme."""
    rules = []
    for at, scheme in enumerate(SCHEMES):
        values = {name: tokens.get(scheme + name, usual[at]) for name, usual in COLOURS.items()}
        values["radius"] = tokens.get("radius", "10px")
        body = "".join(f"--look-{name}:{value};" for name, value in values.items())
        rules.append(f'[data-look="{scheme}"]{{{body}}}')
    return "\n".join(rules)


def preview_words(view: SiteView, language: str) -> dict[str, str]:
    """Return the texts of the first layer in a language, with the purposes that it would ask about."""
    words = words_for(language, view, locales())["first"]
    asked = (
        [each for each in view.current.purposes if each["function"] == "additional"] if view.current else []
    )
    names = [each["texts"].get(language, {}).get("name", each["key"]) for each in asked]
    return words | {"body": words["body"].replace("{purposes}", phrase(language, names) or "…")}


def signal_values(kept: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of the form of signals; a field that is there is ticked."""
    values: dict[str, str] = {}
    for vendor, chosen in kept.get("signals", {}).items():
        values[vendor] = "on"
        for name in TOGGLES.get(vendor, ()):
            if chosen.get(name, name in ON_BY_DEFAULT):
                values[f"{vendor}.{name}"] = "on"
    if "google" not in values:
        values["google.ads_data_redaction"] = "on"
    values["google.developer_id"] = kept.get("signals", {}).get("google", {}).get("developer_id", "")
    trackers = kept.get("trackers")
    if trackers is not None:
        values["trackers"] = "on"
        lines = [
            f"{purpose}: {host}" for purpose, hosts in trackers.get("also", {}).items() for host in hosts
        ]
        values["also"], values["except"] = "\n".join(lines), "\n".join(trackers.get("except", []))
    return values


def signals_of(form: Mapping[str, str], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options with the signals and trackers that a form sets; what only a file can say stays."""
    before = kept.get("signals", {})
    signals = {
        vendor: _toggled(vendor, form, before.get(vendor, {}))
        for vendor in ("google", "clarity", "uet", "matomo", "meta", "wordpress")
        if form.get(vendor)
    }
    wanted: dict[str, Any] = {**kept, "signals": signals}
    wanted.pop("trackers", None)
    if form.get("trackers"):
        wanted["trackers"] = {**(kept.get("trackers") or {}), "also": _also(form.get("also", "")),
                              "except": _lines(form.get("except", ""))}  # fmt: skip
    return wanted


def profile_values(kept: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of the form of the profile."""
    return {name: "\n".join(value) if isinstance(value, list) else str(value) for name, value in kept.items()}


def profile_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the profile that a form sets; an empty field is absent."""
    found: dict[str, Any] = {}
    for name in ProfileSchema().fields:
        value = form.get(name, "").strip()
        if value:
            found[name] = _lines(value) if name == "storage_locations" else value
    return found


def _toggled(vendor: str, form: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, Any]:
    chosen = dict(before) | {name: bool(form.get(f"{vendor}.{name}")) for name in TOGGLES.get(vendor, ())}
    if vendor == "google":
        chosen.pop("developer_id", None)
        if issued := form.get("google.developer_id", "").strip():
            chosen["developer_id"] = issued
    return chosen


def _also(text: str) -> dict[str, list[str]]:
    """Return hosts by purpose; a line without a purpose belongs to marketing."""
    found: dict[str, list[str]] = {}
    for line in _lines(text):
        purpose, colon, host = line.partition(":")
        if not colon:
            purpose, host = "marketing", line
        found.setdefault(purpose.strip(), []).append(host.strip())
    return found


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _words(fault: Fault) -> str:
    if fault.kind == "choice":
        return str(_("Choose one."))
    if fault.kind == "unread":
        return str(_("Write it as #rrggbb, rgb(), hsl() or a name, and opaque."))
    return str(
        _(
            "%(front)s on %(back)s has a contrast of %(ratio)s:1; at least %(wanted)s:1 is wanted.",
            front=fault.front,
            back=fault.back,
            ratio=f"{fault.ratio:.2f}",
            wanted=f"{fault.wanted:g}",
        )
    )
