"""A worker that is killed while the mail server has a letter: what is known of it, and what a report says of it later."""

import re
import signal
import subprocess
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from consent_server import clock
from consent_server.campaigns import addresses, service
from consent_server.campaigns.models import Campaign, CampaignLetter, MailBounce
from consent_server.config import load_settings
from consent_server.db import db, transaction
from consent_server.policies.published import site_view
from consent_server.sites.models import Site
from tests import make
from tests.campaigns.reports import hard_bounce
from tests.campaigns.test_campaigns import LIST, states
from tests.demo.process import COMMAND, environment
from tests.smtp import Inbox


def settings_of(app: Flask, inbox: Inbox) -> dict[str, str]:
    before = app.extensions["settings"]
    return {
        "database_url": before.database_url.replace("+psycopg", ""),
        "data_dir": str(before.data_dir),
        "keys_dir": str(before.keys_dir),
        "public_url": "http://consent.example",
        "smtp_url": inbox.url,
        "mail_from": "Shop <shop@mail.example>",
        "bounce_address": "bounces@mail.example",
    }


def begin(app: Flask) -> Site:
    """Ann and Bo agreed to 1.0, and 2.0 asks about analytics again: a campaign with a letter for each."""
    client, site = app.test_client(), make.ready_site()
    for name in ("ann", "bo"):
        visitor = make.decide(client, site)["visitor_id"]
        make.identify(client, site, make.subject_token(site, name), visitor)
    make.published_version(site, change="recipients", touched=["analytics"])
    lines = addresses.read_list(LIST)
    with transaction():
        wanted = service.Round(lines)
        ring = app.extensions["keys"]
        service.start(site_view(site.key), wanted, ring=ring, now=clock.now(), actor=make.STAFF)
    return site


def wait_for_letters(inbox: Inbox, number: int, worker: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while len(inbox.messages) < number:
        assert worker.poll() is None, "the worker has ended by itself"
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.engines(
    "postgresql"
)  # a worker of its own beside a server is for PostgreSQL; each run takes long
def test_a_worker_killed_in_mid_send_repeats_no_letter_and_loses_none(
    live_app: Flask, inbox: Inbox, set_clock: Any
) -> None:
    settings = settings_of(live_app, inbox)
    live_app.extensions["settings"] = load_settings(
        {f"CONSENT_{name.upper()}": value for name, value in settings.items()}
    )
    begin(live_app)
    db.session.remove()
    inbox.silent = {"ann@mail.example"}
    worker = subprocess.Popen(
        [*COMMAND, "worker"],
        env=environment(**settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_letters(inbox, 1, worker)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=30)
    inbox.silent = set()
    assert states() == {"ann": ("sending", True), "bo": ("waiting", True)}

    instant = clock.now() + timedelta(minutes=6)
    set_clock(instant)
    make.run_jobs()

    # Bo's letter goes out, Ann's not a second time; and the page says that hers may not have arrived.
    assert states() == {"ann": ("unknown", True), "bo": ("sent", False)}
    assert [each["To"] for each in inbox.messages] == ["ann@mail.example", "bo@mail.example"]
    assert re.fullmatch(r"bounces\+l[0-9]+-[a-z2-7]{20}@mail\.example", inbox.senders[0])
    assert inbox.senders[0] != inbox.senders[1]

    # The report of a mail server settles it.
    ann = inbox.messages[0]
    done = subprocess.run(
        [*COMMAND, "campaign", "bounces", "-"],
        input=hard_bounce(to=inbox.senders[0], of=ann["To"], message_id="<other@mail.example>"),
        env=environment(**settings),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith(b"hard: 1, soft: 0")
    db.session.rollback()  # what was read before stays as it was
    assert states()["ann"] == ("bounced", False)
    assert db.session.scalars(select(MailBounce.subject)).all() == ["ann"]
    assert (
        db.session.scalars(select(CampaignLetter.status).where(CampaignLetter.subject == "ann")).one()
        == "5.1.1"
    )
    assert db.session.scalars(select(Campaign.state)).one() == "done"
