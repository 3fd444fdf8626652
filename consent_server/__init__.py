"""Consent-management platform: one tag, two languages, signed receipts, and re-consent for what changed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from consent_server.config import Settings

__version__ = "0.1.0"


def create_app(settings: "Settings | None" = None) -> "Flask":
    """Return the WSGI application; see `consent_server.app.build`.

    The import waits for the call, so that a pure rule can be imported without the web framework.
    """
    from consent_server.app import build

    return build(settings)
