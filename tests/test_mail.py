"""Mail through a real SMTP server: what it carries, and what happens when the server refuses, is away or stalls."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from consent_server import mail
from consent_server.config import BadSetting, Settings, load_settings
from tests import make
from tests.smtp import Inbox


def settings(tmp_path: Path, url: str) -> Settings:
    environ = {"CONSENT_DATA_DIR": str(tmp_path), "CONSENT_SMTP_URL": url}
    return load_settings(environ | {"CONSENT_MAIL_FROM": "Consent Server <consent@example.org>"})


def send(chosen: Settings, to: str = "mei@example.org") -> str:
    with mail.Mailer(chosen) as mailer:
        return mailer.send(
            to=to,
            subject="邀请 · Invitation",
            text="您好，Mei.",
            html="<p>您好，Mei.</p>",
            headers={"List-Unsubscribe": "<https://example.org/u>"},
            now=make.NOW,
        )


def test_a_message_arrives_as_text_and_html_with_its_headers(tmp_path: Path, inbox: Inbox) -> None:
    identifier = send(settings(tmp_path, inbox.url))

    [message] = inbox.messages
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert message["Subject"] == "邀请 · Invitation"
    assert message["From"] == "Consent Server <consent@example.org>"
    assert message["To"] == "mei@example.org"
    assert message["Date"].datetime == make.NOW
    assert message["Message-ID"] == identifier
    assert identifier.endswith("@example.org>")
    assert message["List-Unsubscribe"] == "<https://example.org/u>"
    assert plain is not None
    assert plain.get_content().strip() == "您好，Mei."
    assert html is not None


@pytest.mark.parametrize(("answer", "permanent"), [("550 no such person", True), ("451 later", False)])
def test_an_address_is_refused_for_ever_or_for_now(
    tmp_path: Path,
    inbox: Inbox,
    answer: str,
    permanent: bool,
) -> None:
    inbox.refused["mei@example.org"] = answer

    with pytest.raises(mail.NotSent) as refused:
        send(settings(tmp_path, inbox.url))

    assert refused.value.permanent is permanent
    assert "mei@" not in refused.value.reason
    assert inbox.messages == []


def test_a_server_that_is_away_is_tried_later(tmp_path: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"smtp://127.0.0.1:{bound.getsockname()[1]}"

        with pytest.raises(mail.NotSent) as refused:
            send(settings(tmp_path, address))

    assert not refused.value.permanent


@pytest.fixture
def stalling() -> Iterator[str]:
    """A server that takes a connection and never says a word."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        yield f"smtp://127.0.0.1:{bound.getsockname()[1]}"


def test_a_server_that_stalls_is_given_up(
    tmp_path: Path, stalling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "TIMEOUT", 0.2)

    with pytest.raises(mail.NotSent) as refused:
        send(settings(tmp_path, stalling))

    assert not refused.value.permanent


def test_a_password_is_not_sent_without_tls(tmp_path: Path, inbox: Inbox) -> None:
    with pytest.raises(mail.NotSent):
        send(settings(tmp_path, inbox.url.replace("smtp://", "smtp://lin:secret@")))

    assert inbox.messages == []


def test_without_a_server_nothing_is_sent(tmp_path: Path) -> None:
    bare = load_settings({"CONSENT_DATA_DIR": str(tmp_path)})

    assert not mail.is_configured(bare)
    with pytest.raises(mail.NotSent):
        send(bare)


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://", "smtp://a b"])
def test_what_is_no_smtp_address_stops_the_start(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadSetting, match="CONSENT_SMTP_URL"):
        settings(tmp_path, url)
