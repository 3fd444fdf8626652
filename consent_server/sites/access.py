"""The gates of the console and of calls by a site's own server (`Authorization: Bearer csk_…`)."""

from http import HTTPStatus
from typing import Any

from flask import current_app, g, request

from consent_server import clock
from consent_server.accounts.access import sign_in_gate
from consent_server.accounts.members import memberships_of
from consent_server.accounts.roles import may, who_may
from consent_server.auth import action_of, scope_of
from consent_server.problems import Problem
from consent_server.sites import keys_let_in
from consent_server.sites.api_keys import authenticate, no_good_key, require_scope
from consent_server.sites.service import site_by_key, site_id_of


class RoleForbidden(Problem):
    """`roles` lists those that may."""

    slug, status = "role-forbidden", HTTPStatus.FORBIDDEN
    title = "Your role does not allow this"


def staff_gate() -> Any:
    """Let in who is signed in and has a role that allows the view's action.

    `g.roles` are the person's roles at the site that the address names; `g.wide_roles` those that hold on all sites.

    Raises:
        RoleForbidden: no role of this person allows it there.
    """
    answer = sign_in_gate()
    if answer is not None:
        return answer
    site_key = (request.view_args or {}).get("site_key")
    site_id = site_id_of(site_key) if site_key else None
    held = memberships_of(g.account.id, site_id)
    g.wide_roles = frozenset(each.role for each in held if each.site_id is None)
    g.roles = frozenset(each.role for each in held)
    action = action_of(request.endpoint or "")
    if not may(g.roles, action):
        raise RoleForbidden(roles=[role.value for role in who_may(action)])
    return None


def allowed(endpoint: str) -> bool:
    """Tell whether the signed-in person may open a page: of this site, or of all if its address names none."""
    action = action_of(endpoint)
    if not action:
        return True
    of_a_site = any("site_key" in rule.arguments for rule in current_app.url_map.iter_rules(endpoint))
    return may(g.get("roles" if of_a_site else "wide_roles", ()), action)


def server_gate() -> None:
    """Let in only a key of the very site that the address names, with the scope that the view names.

    Raises:
        NotSignedIn: no key, or not one of this site.
        ScopeMissing: it is for other calls.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise no_good_key()
    site = site_by_key(str((request.view_args or {}).get("site_key")))
    g.api_key = authenticate(site, token.strip(), now=clock.now())
    view = current_app.view_functions[request.endpoint or ""]
    scope = scope_of(view, request.method) or ""
    require_scope(g.api_key, scope)
    keys_let_in.remember(site.key, g.api_key, scope)
