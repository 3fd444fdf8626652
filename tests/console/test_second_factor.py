"""The second step of signing in, the page of one's own factors, and the question before what is dangerous."""

import base64
import re
from datetime import timedelta

from flask import Flask

from consent_server import clock
from consent_server.accounts import factors, service, totp
from consent_server.db import transaction
from consent_server.rate_limit import limiter
from consent_server.sites.models import Site
from tests import make
from tests.conftest import SetClock
from tests.console.conftest import Console, audited, text_of
from tests.console.test_sites import KEY

PASSWORD = "correct horse battery"
CREDENTIALS = {"email": "lin@example.org", "password": PASSWORD}
SECURITY = "/console/profile/security"


def code(secret: bytes) -> str:
    return totp.code_at(secret, totp.step_of(clock.now()))


def test_the_password_alone_does_not_open_an_account_with_an_app(
    visitor: Console, set_clock: SetClock
) -> None:
    secret = make.app_of(make.account())
    set_clock(make.later(minutes=5))

    first = visitor.send("/console/sign-in", CREDENTIALS | {"next": "/console/audit"})
    assert first.location == "/console/second-step"
    assert visitor.get("/console").status_code == 302
    wrong = visitor.send("/console/second-step", {"proof_code": "000000"})
    right = visitor.send("/console/second-step", {"proof_code": code(secret)})

    assert wrong.status_code == 401
    assert "wrong or has been used" in text_of(wrong)
    assert right.location == "/console/audit"
    assert visitor.get("/console").status_code == 200


def test_the_second_step_ends_with_the_ten_minutes_and_for_strangers(
    visitor: Console, set_clock: SetClock
) -> None:
    make.app_of(make.account())
    assert visitor.get("/console/second-step").location == "/console/sign-in"
    set_clock(make.NOW)
    visitor.send("/console/sign-in", CREDENTIALS)
    assert visitor.get("/console/second-step").status_code == 200

    set_clock(make.later(minutes=11))

    assert visitor.get("/console/second-step").location == "/console/sign-in"


def test_a_one_time_link_needs_the_second_step_too(visitor: Console) -> None:
    account = make.account()
    make.app_of(account)
    with transaction():
        token = service.make_sign_in_link(account, now=clock.now(), actor="command")

    assert visitor.send(f"/console/sign-in/{token}").location == "/console/second-step"


def test_guessing_the_second_step_is_slowed_down(visitor: Console, set_clock: SetClock) -> None:
    secret = make.app_of(make.account())
    set_clock(make.later(minutes=5))
    visitor.send("/console/sign-in", CREDENTIALS)

    for guess in range(5):
        assert visitor.send("/console/second-step", {"proof_code": f"00000{guess}"}).status_code == 401
    refused = visitor.send("/console/second-step", {"proof_code": code(secret)})
    set_clock(make.later(minutes=5, seconds=3))

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 3
    assert visitor.send("/console/second-step", {"proof_code": code(secret)}).status_code == 303


def test_setting_an_app_up_shows_recovery_codes_once_and_one_of_them_signs_in(
    console: Console, visitor: Console
) -> None:
    page = console.get(console.send(f"{SECURITY}/app", page=SECURITY).location)
    shown = re.search(r'id="app-secret"[^>]*><code[^>]*>([A-Z2-7 ]+)<', page.text)
    assert shown
    letters = shown[1].replace(" ", "")
    secret = base64.b32decode(letters + "=" * (-len(letters) % 8))
    assert 'src="data:image/svg+xml' in page.text

    wrong = console.send(f"{SECURITY}/app/confirm", {"code": "000000"}, page=f"{SECURITY}/app")
    right = console.send(f"{SECURITY}/app/confirm", {"code": code(secret)}, page=f"{SECURITY}/app")
    codes = re.findall(r"<code>([0-9a-z-]{19})</code>", right.text)

    assert wrong.status_code == 422
    assert "not the app's present code" in text_of(wrong)
    assert len(codes) == 10
    assert codes[0] not in console.get(SECURITY).text
    assert "10 codes have not been used" in text_of(console.get(SECURITY))
    visitor.send("/console/sign-in", CREDENTIALS)
    assert visitor.send("/console/second-step", {"proof_code": codes[0]}).status_code == 303
    assert "9 codes have not been used" in text_of(console.get(SECURITY))
    assert audited("accounts.add_app") == audited("accounts.use_recovery_code") == 1


def test_what_is_dangerous_asks_for_a_fresh_proof_and_keeps_what_was_entered(
    app: Flask, console: Console, shop: Site, set_clock: SetClock
) -> None:
    account = make.account_of(console.client)
    secret = make.app_of(account)
    set_clock(clock.now() + timedelta(minutes=5))
    path = f"/console/sites/{shop.key}/keys"

    asked = console.send(path, KEY)
    kept = re.findall(r'type="hidden" name="(name|scopes|days)" value="([^"]*)"', asked.text)
    wrong = console.send(path, KEY | {"proof_code": "000000"})
    done = console.send(path, KEY | {"proof_code": code(secret)})
    again = console.send(path, KEY | {"name": "second"})

    assert asked.status_code == 403
    assert "Confirm that it is you" in text_of(asked)
    assert sorted(kept) == sorted(
        [("name", "shop backend"), ("days", "90"), ("scopes", "reconsent:read"), ("scopes", "consents:read")]
    )
    assert "proof_code" not in dict(kept)
    assert wrong.status_code == 401
    assert "csk_" not in wrong.text + asked.text
    assert "csk_" in done.text
    assert "csk_" in again.text
    set_clock(clock.now() + timedelta(minutes=11))
    assert console.send(path, KEY).status_code == 403
    assert audited("sites.issue_api_key") == 2


def test_without_a_second_factor_nothing_is_asked(console: Console, shop: Site) -> None:
    assert "csk_" in console.send(f"/console/sites/{shop.key}/keys", KEY).text


def test_other_browsers_are_listed_and_signed_out(app: Flask, console: Console, set_clock: SetClock) -> None:
    account = make.account_of(console.client)
    others = [app.test_client() for _ in range(3)]
    for other in others:
        make.signed_in(other, account)

    handle = re.search(rf"{SECURITY}/sessions/(\w+)/end", console.get(SECURITY).text)
    assert handle
    console.send(f"{SECURITY}/sessions/{handle[1]}/end", page=SECURITY)
    assert sorted(other.get("/console").status_code for other in others) == [200, 200, 302]
    console.send(f"{SECURITY}/sessions/end-others", page=SECURITY)

    assert [other.get("/console").status_code for other in others] == [302, 302, 302]
    assert console.get("/console").status_code == 200
    assert audited("accounts.end_session") == audited("accounts.end_other_sessions") == 1


def test_failures_from_elsewhere_do_not_keep_the_owner_out(app: Flask, set_clock: SetClock) -> None:
    make.account()
    set_clock(make.NOW)
    stranger, owner = Console(app.test_client()), Console(app.test_client())
    owner.send("/console/sign-in", CREDENTIALS)
    owner.send("/console/sign-out", page="/console")
    for guess in range(8):
        stranger.send("/console/sign-in", CREDENTIALS | {"password": f"guess {guess}"})

    # From the same address, but in a browser that the account knows.
    assert stranger.send("/console/sign-in", CREDENTIALS).status_code == 429
    with app.app_context():
        limiter.reset()
    assert owner.send("/console/sign-in", CREDENTIALS).status_code == 303


def test_removing_the_app_asks_and_takes_the_recovery_codes(console: Console, set_clock: SetClock) -> None:
    account = make.account_of(console.client)
    secret = make.app_of(account)
    with transaction():
        factors.new_recovery_codes(account, now=clock.now(), actor="account:1")
    set_clock(clock.now() + timedelta(minutes=5))

    asked = console.send(f"{SECURITY}/app/remove")
    console.send(f"{SECURITY}/app/remove", {"proof_code": code(secret)})

    assert asked.status_code == 403
    assert not factors.has_second_factor(account)
    assert factors.recovery_codes_left(account) == 0
