"""Signing in: password, one-time link, where to afterwards, and out."""

import pytest

from consent_server import clock
from consent_server.accounts import service
from consent_server.db import transaction
from tests import make
from tests.conftest import SetClock
from tests.console.conftest import Console, audited, text_of

PASSWORD = "correct horse battery"


def sign_in(visitor: Console, **data: str):
    return visitor.send("/console/sign-in", {"email": "lin@example.org", "password": PASSWORD} | data)


def test_address_and_password_sign_in(visitor: Console) -> None:
    make.account()

    answer = sign_in(visitor)

    assert (answer.status_code, answer.location) == (303, "/console")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert visitor.get("/console").status_code == 200
    assert audited("accounts.sign_in") == 1


def test_a_wrong_password_is_refused_and_the_address_kept(visitor: Console) -> None:
    make.account()

    answer = sign_in(visitor, password="wrong")

    assert answer.status_code == 401
    assert 'value="lin@example.org"' in answer.text
    assert "wrong" not in answer.text.replace("wrong-", "")
    assert visitor.get("/console").status_code == 302


def test_a_form_without_its_token_is_refused(visitor: Console) -> None:
    make.account()

    answer = visitor.client.post("/console/sign-in", data={"email": "lin@example.org", "password": PASSWORD})

    assert answer.status_code == 400
    assert "does not belong to your session" in answer.text


def test_a_local_address_is_where_one_wanted_to_go(visitor: Console) -> None:
    make.account()
    wanted = visitor.get("/console/audit?before=9")
    assert wanted.status_code == 302
    assert "next=/console/audit?before%3D9" in wanted.location

    assert sign_in(visitor, next="/console/audit?before=9").location == "/console/audit?before=9"


def test_who_sends_a_form_after_the_session_has_ended_comes_back_to_its_page(visitor: Console) -> None:
    ours = visitor.client.post(
        "/console/sites/new", headers={"Referer": "http://localhost/console/sites/new"}
    )
    foreign = visitor.client.post("/console/sites/new", headers={"Referer": "https://evil.example/console/x"})

    assert ours.location.endswith("next=/console/sites/new")
    assert "go on where you were" in visitor.get(ours.location).text
    assert foreign.location.endswith("next=/console")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "/ /evil",
        "/\t/evil",
        "",
    ],
)
def test_no_other_host_is_ever_where_one_goes(visitor: Console, target: str) -> None:
    make.account()

    assert sign_in(visitor, next=target).location == "/console"


def test_a_link_is_not_spent_by_looking_at_it_and_only_once_by_the_button(visitor: Console) -> None:
    account = make.account(password=None)
    with transaction():
        token = service.make_sign_in_link(account, now=clock.now(), actor="command")
    path = f"/console/sign-in/{token}"

    visitor.get(path)
    first = visitor.send(path)
    again = visitor.send(path)

    assert (first.status_code, first.location) == (303, "/console")
    assert again.status_code == 410
    assert "has been used or has expired" in again.text


def test_signing_out_ends_the_session_on_the_server_too(console: Console) -> None:
    kept = console.client.get_cookie("console_session")
    assert kept is not None

    console.send("/console/sign-out", page="/console")

    console.client.set_cookie("console_session", kept.value)
    assert console.get("/console").status_code == 302


def test_guessing_is_slowed_down(visitor: Console, set_clock: SetClock) -> None:
    make.account()
    set_clock(make.NOW)

    answers = [sign_in(visitor, password=f"guess {n}") for n in range(12)]

    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    assert [answer.status_code for answer in answers[5:]] == [429] * 7
    assert "Try again in 2 seconds" in text_of(answers[5])


def test_a_new_password_needs_the_old_one_and_signs_others_out(console: Console) -> None:
    new = {"password": "another long password", "again": "another long password"}

    refused = console.send("/console/profile/password", {"current": "no", **new}, page="/console/profile")
    taken = console.send("/console/profile/password", {"current": PASSWORD, **new}, page="/console/profile")

    assert refused.status_code == 422
    assert "This is not your password." in refused.text
    assert taken.status_code == 303
    assert "Other browsers are signed out" in console.get("/console/profile").text
    assert audited("accounts.set_password") == 1


@pytest.mark.parametrize("again", ["another long passwort", ""])
def test_two_passwords_that_differ_are_refused(console: Console, again: str) -> None:
    data = {"current": PASSWORD, "password": "another long password", "again": again}

    answer = console.send("/console/profile/password", data, page="/console/profile")

    assert answer.status_code == 422
    assert "The two passwords differ." in text_of(answer)


def test_the_language_is_the_accounts_and_goes_back_to_the_page(console: Console) -> None:
    answer = console.send(
        "/console/language", {"language": "zh-CN", "next": "/console/profile"}, page="/console"
    )

    assert answer.location == "/console/profile"
    assert '<html lang="zh-CN">' in console.get("/console").text
    assert audited("accounts.choose_language") == 1


def test_a_visitor_chooses_a_language_by_cookie(visitor: Console) -> None:
    visitor.send(
        "/console/language", {"language": "zh-CN", "next": "/console/sign-in"}, page="/console/sign-in"
    )

    assert "登录" in visitor.get("/console/sign-in").text


@pytest.mark.parametrize(
    ("wanted", "language"), [("zh-TW,zh;q=0.9", "zh-CN"), ("de", "en"), ("", "en"), ("zh-CN", "zh-CN")]
)
def test_else_the_browser_says_the_language(visitor: Console, wanted: str, language: str) -> None:
    assert (
        f'<html lang="{language}">'
        in visitor.get("/console/sign-in", headers={"Accept-Language": wanted}).text
    )
