"""The gate of calls by a site's own server: `Authorization: Bearer csk_…`."""

from flask import current_app, g, request

from consent_server import clock
from consent_server.auth import scope_of
from consent_server.problems import NotSignedIn
from consent_server.sites.api_keys import REALM, authenticate, require_scope
from consent_server.sites.service import site_by_key


def server_gate() -> None:
    """Let in only a key of the very site that the address names, with the scope that the view names.

    Raises:
        NotSignedIn: no key, or not one of this site.
        ScopeMissing: it is for other calls.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn("Send `Authorization: Bearer csk_…` with a key of this site.", headers=REALM)
    site = site_by_key(str((request.view_args or {}).get("site_key")))
    g.api_key = authenticate(site, token.strip(), now=clock.now())
    view = current_app.view_functions[request.endpoint or ""]
    require_scope(g.api_key, scope_of(view, request.method) or "")
