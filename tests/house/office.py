"""A site's staff, their visitors and what they send, for the walk over everything that writes."""

import dataclasses
import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_server import clock
from consent_server.accounts import totp
from consent_server.accounts.models import Account
from consent_server.db import db
from consent_server.policies import drafting
from consent_server.policies.models import PolicyVersion
from consent_server.sites.models import Site
from tests import make
from tests.conftest import SetClock
from tests.house.authenticator import ORIGIN, Authenticator


@dataclass
class Office:
    """Lin owns everything, Mei approves, Ola signs in and out; `visitor` is a browser of the site's, or of nobody.

    `kept` holds what a page showed and a later form needs.
    """

    app: Flask
    site: Site
    set_clock: SetClock
    lin: FlaskClient
    mei: FlaskClient
    ola: FlaskClient
    visitor: FlaskClient
    ids: dict[str, int]
    page: str
    authenticator: Authenticator = field(default_factory=Authenticator)
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """Where the site's pages are."""
        return f"/console/sites/{self.site.key}"

    @property
    def draft(self) -> str:
        """Where the pages of the draft are."""
        return f"{self.base}/policies/privacy/draft"

    def account(self, name: str) -> Account:
        """Return the account of one of the staff."""
        return db.session.get_one(Account, self.ids[name])

    def post(self, path: str, data: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
        """Send a form of Lin's."""
        return self.lin.post(path, data=data or {}, **more)

    def value(self, path: str, name: str, client: FlaskClient | None = None) -> str:
        """Return the value of an input of a page."""
        found = re.search(
            rf'name="{re.escape(name)}"[^>]* value="([^"]*)"', (client or self.lin).get(path).text
        )
        assert found, f"{path} has no input {name}"
        return html.unescape(found[1])

    def newest(self, path: str, pattern: str) -> str:
        """Return the last address of a form of a page that fits."""
        return str(re.findall(pattern, self.lin.get(path).text)[-1])

    def form(self, mark: str) -> dict[str, str]:
        """Return the form of the draft with texts of this mark."""
        texts = {f"source-{each}": make.text(each, mark) for each in make.LANGUAGES}
        formats = {f"format-{each}": "markdown" for each in make.LANGUAGES}
        return texts | formats | {"revision": str(self.version.revision), "do": "save"}

    @property
    def version(self) -> PolicyVersion:
        """The draft."""
        found = drafting.draft_of(drafting.policy_by_key(self.site, "privacy"))
        assert found is not None
        return found

    def seen(self, client: FlaskClient | None = None) -> dict[str, str]:
        """Return what a decision on the draft names."""
        return {"seen": self.value(f"{self.draft}/publish", "seen", client)}

    def challenge(self, client: FlaskClient, path: str) -> str:
        """Return what an authenticator is to sign."""
        found = re.search(r'"challenge": ?"([^"]+)"', html.unescape(client.get(path).text))
        assert found, f"{path} has no challenge"
        return found[1]

    def code(self) -> str:
        """Return a code of Ola's app that has not been used; the clock goes on for it."""
        self.set_clock(clock.now() + timedelta(seconds=30))
        return totp.code_at(self.kept["app"], totp.step_of(clock.now()))


@contextmanager
def office(app: Flask, set_clock: SetClock) -> Iterator[Office]:
    """Make the office: forms need no token in it, mail is set, and one page of the site is served."""
    set_clock(make.NOW)
    before = app.extensions["settings"]
    app.extensions["settings"] = dataclasses.replace(
        before,
        public_url=ORIGIN,
        smtp_url="smtp://127.0.0.1:9",
        mail_from="shop@mail.example",
        fetch_private=True,
    )
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        with _served() as page:
            yield _staffed(app, set_clock, page)
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
        app.extensions["settings"] = before


def _staffed(app: Flask, set_clock: SetClock, page: str) -> Office:
    site = make.ready_site(origins=(make.ORIGIN, page))
    ids, clients = {}, []
    for name, role in (("lin", "owner"), ("mei", "approver"), ("ola", "author")):
        account = make.account(f"{name}@example.org", role=role)
        ids[name] = account.id
        clients.append(app.test_client())
        make.signed_in(clients[-1], account)
    return Office(app, site, set_clock, *clients, app.test_client(), ids, page)


@contextmanager
def _served() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Shop</title>")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
