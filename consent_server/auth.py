"""Who may call what: every view declares one of four kinds, and one gate enforces it before the view runs.

    public    anybody: the tag, the banner, published texts, verification
    browser   a page of one of the site's origins, as its browser says (Origin header)
    server    the site's own server, with an API key of the scope that the view names
    staff     a person signed in to the console whose role allows the action that the view names

A view without a declaration does not start: `check_declared` fails when the app is built.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from flask import Flask, current_app, request

View = TypeVar("View", bound=Callable[..., Any])
KINDS = ("public", "browser", "server", "staff")


def auth(kind: str, action: str = "", *, scope: str | None = None) -> Callable[[View], View]:
    """Declare who may call a view. Put it directly above the function.

    Args:
        kind: one of `KINDS`.
        action: for staff, and for them always: what the view does, by the table of roles.
        scope: for the site's server, and for it always: what its key must be good for.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is not one of {KINDS}")
    if (kind == "staff") != bool(action):
        raise ValueError("views for staff, and only these, name an action such as policies.edit")
    if (kind == "server") != (scope is not None):
        raise ValueError("views for the site's server, and only these, name a scope")

    def declare(view: View) -> View:
        view.auth = kind  # type: ignore[attr-defined]  # functions take attributes; the gates read these three
        view.action = action  # type: ignore[attr-defined]
        view.scope = scope  # type: ignore[attr-defined]
        return view

    return declare


def declared(view: Callable[..., Any] | None) -> str | None:
    """Return a view's declaration, or None; the methods of a class-based view must all have the same."""
    members = getattr(view, "view_class", None)
    if members is None:
        kind: str | None = getattr(view, "auth", None)
        return kind
    kinds = {getattr(getattr(members, method.lower()), "auth", None) for method in members.methods}
    return kinds.pop() if len(kinds) == 1 else None


def scope_of(view: Callable[..., Any], method: str) -> str | None:
    """Return the scope that a call with this HTTP method needs of its API key, or None."""
    members = getattr(view, "view_class", None)
    called = (
        view if members is None else getattr(members, "get" if method == "HEAD" else method.lower(), None)
    )
    scope: str | None = getattr(called, "scope", None)
    return scope


def action_of(endpoint: str) -> str:
    """Return the action of a staff view, by its endpoint; empty for others."""
    return str(getattr(current_app.view_functions.get(endpoint), "action", ""))


def install(app: Flask, gates: Mapping[str, Callable[[], Any]]) -> None:
    """Run the gate of the view's kind before every request; a gate raises a problem, or returns a response."""

    def gate() -> Any:
        view = current_app.view_functions.get(request.endpoint or "")
        if view is None:
            return None  # routing has failed already: 404 or 405
        return gates[declared(view) or "staff"]()

    app.before_request(gate)


def check_declared(app: Flask, actions: Collection[str]) -> None:
    """Refuse to start with a view that does not say who may call it, or names an action that no role has."""
    silent = sorted(name for name, view in app.view_functions.items() if declared(view) is None)
    if silent:
        raise RuntimeError(f"views without auth(): {', '.join(silent)}")
    named = {getattr(view, "action", "") for view in app.view_functions.values()} - {""}
    if not named <= set(actions):
        raise RuntimeError(f"actions that no role has: {', '.join(sorted(named - set(actions)))}")
