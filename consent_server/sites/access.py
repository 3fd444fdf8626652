"""The gate of calls by a site's own server: `Authorization: Bearer csk_…`."""

from flask import g, request

from consent_server.problems import NotSignedIn
from consent_server.sites.service import authenticate, site_by_key

REALM = {"WWW-Authenticate": 'Bearer realm="consent-server"'}


def server_gate() -> None:
    """Let in only a key of the very site that the address names.

    Raises:
        NotSignedIn: no key, or not one of this site.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedIn("Send `Authorization: Bearer csk_…` with a key of this site.", headers=REALM)
    g.api_key = authenticate(site_by_key(str((request.view_args or {}).get("site_key"))), token.strip())
