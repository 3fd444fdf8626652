"""Words for the codes of a site's settings: each code once, in the page's language."""

from typing import Final

from flask_babel import lazy_gettext as _

from consent_server.labels import Words

TOKEN: Final[Words] = {  # of the banner's look
    "surface": _("Ground"),
    "ink": _("Text"),
    "soft": _("Quiet text"),
    "line": _("Line"),
    "accent": _("Buttons"),
    "on-accent": _("Text on buttons"),
}
LOOK_CHOICE: Final[dict[str, Words]] = {
    "form": {
        "corner": _("Card in the corner"),
        "bottom": _("Bar at the foot"),
        "dialog": _("Dialog in the middle"),
        "modal": _("Dialog that holds the page"),
    },
    "reopen": {
        "start": _("At the start"),
        "end": _("At the end"),
        "none": _("None; the page has a link of its own"),
    },
}
VENDOR: Final[Words] = {
    "google": _("Google: Consent Mode v2"),
    "clarity": _("Microsoft Clarity"),
    "uet": _("Microsoft Advertising (UET)"),
    "matomo": _("Matomo"),
    "meta": _("Meta pixel"),
    "wordpress": _("WordPress consent API"),
}
TOGGLE: Final[Words] = {
    "google.advanced": _("Advanced mode: its tags load before a choice and send pings without cookies"),
    "google.ads_data_redaction": _("Redact advertising data while advertising is refused"),
    "google.url_passthrough": _("Put identifiers into addresses"),
    "matomo.cookies_only": _("Matomo counts without cookies before a choice"),
}
EMBEDDED: Final[Words] = {
    "there": _("The page has the tag"),
    "once": _("It has the tag once"),
    "first": _("It stands first in the head, before any other script"),
    "synchronous": _("It loads before the rest of the page (no async, no defer)"),
    "ahead": _("The browser waits for the tag before it asks for what stands in the page's source"),
    "policy-script": _("The page's security policy lets the tag run"),
    "policy-connect": _("The page's security policy lets it reach the consent server"),
    "policy-types": _("The page's Trusted Types allow the policy “consent-server”"),
    "same": _("It is this site's tag, as this server makes it"),
}
EMBEDDED_MEND: Final[Words] = {
    "there": _(
        "Paste the tag into the head of the page. If a program builds the page in the browser, put the tag into its HTML."
    ),
    "once": _("Remove all but the first."),
    "first": _("Move it to the start of the head: a script before it can set cookies before a choice."),
    "synchronous": _("Without these attributes it also holds back trackers that nobody has marked."),
    "ahead": _(
        "Paste the tag anew, with the empty policy behind it: else Chromium fetches trackers that stand in the source"
        " while it waits for the tag, although they do not run."
    ),
    "policy-script": _("Add the consent server's address to script-src, or give the tag the page's nonce."),
    "policy-connect": _("Add the consent server's address to connect-src."),
    "policy-types": _("Add consent-server to trusted-types."),
    "same": _(
        "The address must lead to this server: check the proxy, and that it keeps nothing for longer than the answer says."
    ),
}
NOT_FETCHED: Final[Words] = {
    "foreign": _("Only pages of the site's own origins are fetched."),
    "private": _(
        "The host has an address that is not of the public internet. CONSENT_FETCH_PRIVATE allows that."
    ),
    "unknown-host": _("There is no host of this name."),
    "unreachable": _("The page does not answer."),
    "slow": _("The page takes too long."),
    "redirects": _("The page sends elsewhere too often."),
}
