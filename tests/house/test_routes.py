"""Every route says who may call it, and the gates hold."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent_server import auth
from tests import make


def rules(app: Flask, kind: str) -> list[tuple[str, str]]:
    """Method and address of every route of a kind, its parts filled in."""
    found = []
    for rule in app.url_map.iter_rules():
        if auth.declared(app.view_functions[rule.endpoint]) == kind:
            path = re.sub(r"<uuid:[^>]+>", "5f0ce6b0-1111-4222-8333-444455556666", rule.rule)
            path = re.sub(r"<int:[^>]+>", "1", path)
            path = re.sub(r"<any\(\"?([a-z]+)[^>]*>", r"\1", path)
            path = re.sub(r"<[^>]+>", "x", path)
            found += [(method, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def test_every_route_declares_one_of_the_four_kinds(app: Flask) -> None:
    for name, view in app.view_functions.items():
        assert auth.declared(view) in auth.KINDS, name


def test_a_view_without_a_declaration_does_not_start() -> None:
    app = Flask(__name__)
    app.add_url_rule("/x", "silent", lambda: "x")

    with pytest.raises(RuntimeError, match="silent"):
        auth.check_declared(app, set())


def test_a_view_cannot_declare_something_else() -> None:
    with pytest.raises(ValueError, match="anybody"):
        auth.auth("anybody")


def test_the_whole_console_is_for_staff_except_the_way_in(app: Flask) -> None:
    public = {path for _, path in rules(app, "public") if path.startswith("/console")}

    assert public == {"/console/sign-in", "/console/sign-in/x", "/console/sign-in/organisation", "/console/sign-in/organisation/return", "/console/invitation/x",
        "/console/sign-in/passkey", "/console/second-step", "/console/sign-out",
                      "/console/language"}  # fmt: skip


def test_staff_routes_send_strangers_to_the_sign_in_page(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    staff = rules(app, "staff")
    assert len(staff) > 10

    for method, path in staff:
        response = client.open(path, method=method)
        if response.status_code == 308:
            continue
        assert response.status_code in (302, 303), (method, path, response.status_code)
        assert response.headers["Location"].startswith("/console/sign-in"), (method, path)
    app.config["WTF_CSRF_ENABLED"] = True


def test_a_session_cookie_that_is_none_is_no_way_in(client: FlaskClient) -> None:
    for token in ("", "x", "x" * 4000):
        client.set_cookie("console_session", token)
        assert client.get("/console").status_code == 302


def test_server_routes_ask_for_a_key(app: Flask, client: FlaskClient) -> None:
    site = make.ready_site()
    server = rules(app, "server")
    assert len(server) >= 4

    for method, path in server:
        address = path.replace("/sites/x/", f"/sites/{site.key}/")
        response = client.open(address, method=method)
        assert response.status_code == 401, (method, path, response.status_code)


def test_browser_routes_refuse_foreign_pages(app: Flask, client: FlaskClient) -> None:
    site = make.ready_site()
    browser = rules(app, "browser")
    assert len(browser) >= 2

    for method, path in browser:
        address = path.replace("/sites/x/", f"/sites/{site.key}/")
        response = client.open(address, method=method, headers={"Origin": "https://evil.example"})
        assert response.status_code == 403, (method, path)
