"""Who may call what: every view declares one of four kinds, and one gate enforces it before the view runs.

    public    anybody: the tag, the banner, published texts, verification
    browser   a page of one of the site's origins, as its browser says (Origin header)
    server    the site's own server, with an API key
    staff     a person signed in to the console

A view without a declaration does not start: `check_declared` fails when the app is built.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import Flask, current_app, request

View = TypeVar("View", bound=Callable[..., Any])
KINDS = ("public", "browser", "server", "staff")


def auth(kind: str) -> Callable[[View], View]:
    """Declare who may call a view. Put it directly above the function."""
    if kind not in KINDS:
        raise ValueError(f"{kind} is not one of {KINDS}")

    def declare(view: View) -> View:
        view.auth = kind  # type: ignore[attr-defined]  # functions take attributes; the gate reads this one
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


def install(app: Flask, gates: Mapping[str, Callable[[], Any]]) -> None:
    """Run the gate of the view's kind before every request; a gate raises a problem, or returns a response."""

    def gate() -> Any:
        view = current_app.view_functions.get(request.endpoint or "")
        if view is None:
            return None  # routing has failed already: 404 or 405
        return gates[declared(view) or "staff"]()

    app.before_request(gate)


def check_declared(app: Flask) -> None:
    """Refuse to start with a view that does not say who may call it."""
    silent = sorted(name for name, view in app.view_functions.items() if declared(view) is None)
    if silent:
        raise RuntimeError(f"views without auth(): {', '.join(silent)}")
