"""Every staff page sends who is not signed in to the sign-in page, and every form needs its token."""

import uuid

from flask import Flask
from werkzeug.routing.converters import BaseConverter, NumberConverter

from consent_server.auth import declared
from tests.console.conftest import Console

VALUES = {"receipt_id": uuid.uuid4()}


def staff_addresses(app: Flask) -> list[tuple[str, str]]:
    found = []
    with app.test_request_context():
        adapter = app.create_url_adapter(None) or app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            if declared(app.view_functions[rule.endpoint]) != "staff":
                continue
            values = {name: VALUES.get(name) or one_of(rule._converters[name]) for name in rule.arguments}
            methods = sorted((rule.methods or set()) & {"GET", "POST"})
            found += [(method, adapter.build(rule.endpoint, values, method=method)) for method in methods]
    return found


def one_of(converter: BaseConverter) -> str | int:
    """Return a value that an address may have at this place."""
    if isinstance(converter, NumberConverter):
        return 1
    return min(getattr(converter, "items", {"x"}))


def test_all_staff_pages_ask_to_sign_in(app: Flask, visitor: Console) -> None:
    addresses = staff_addresses(app)
    assert len(addresses) > 40

    for method, address in addresses:
        answer = visitor.client.open(address, method=method)
        assert answer.status_code == 302, (method, address)
        assert answer.location.startswith("/console/sign-in"), (method, address)


def test_no_staff_form_works_without_its_token(app: Flask, console: Console) -> None:
    for method, address in staff_addresses(app):
        if method == "POST":
            assert console.client.post(address).status_code == 400, address


def test_pages_carry_a_strict_policy_and_are_not_kept(console: Console) -> None:
    answer = console.get("/console")

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert "style=" not in answer.text
    assert "<style" not in answer.text
    assert " onclick" not in answer.text


def test_the_bare_address_leads_to_the_console(visitor: Console) -> None:
    assert visitor.get("/").location == "/console"


def test_what_is_not_there_is_a_page_that_says_so(visitor: Console) -> None:
    answer = visitor.get("/console/nothing")

    assert answer.status_code == 404
    assert "There is nothing under this address" in answer.text
