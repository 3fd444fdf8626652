"""`erase`, `site retention` and `ledger replay-erasures` as a person runs them."""

import os
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from flask import Flask

from consent_server.db import db
from tests import make
from tests.nursery import Nursery
from tests.retention import people

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(nursery: Nursery) -> Run:
    """Runs a command on an application's database."""

    def running(app: Flask, *arguments: str, file: Path | None = None) -> subprocess.CompletedProcess[str]:
        settings = app.extensions["settings"]
        environ = {
            "PATH": os.environ["PATH"],
            "CONSENT_DATABASE_URL": settings.database_url.replace("+psycopg", ""),
            "CONSENT_KEYS_DIR": str(settings.keys_dir),
            "CONSENT_DATA_DIR": str(settings.data_dir),
        } | ({"CONSENT_ERASURE_FILE": str(file)} if file else {})
        return nursery.run(*arguments, environ=environ)

    return running


def test_a_person_is_erased_and_the_file_has_it_before_success_is_reported(
    live_app: Flask, tmp_path: Path, run: Run
) -> None:
    site, file = make.ready_site(), tmp_path / "erasures.jsonl"
    client = live_app.test_client()
    one, two = people.decide(client, site), people.known(client, site, "user-1")

    first = run(live_app, "erase", site.key, "--visitor", str(one), file=file)
    second = run(live_app, "erase", site.key, "--subject", "user-1", file=file)
    third = run(live_app, "erase", site.key, "--visitor", str(one), file=file)

    assert first.returncode == second.returncode == third.returncode == 0, first.stderr + second.stderr
    start = make.first_index(site)
    assert first.stdout.splitlines() == [
        "1 receipts erased",
        f"erase leaf at index {start + 2} of epoch 1",
        f"1 erasures written to {file}",
    ]
    assert third.stdout.splitlines()[0] == "nothing to erase: no receipt left"
    assert [orjson.loads(line)["index"] for line in file.read_bytes().splitlines()] == [start + 2, start + 3]
    db.session.rollback()  # the commands have written meanwhile
    assert people.everything_about(site, str(one), str(two), "user-1") == []

    replayed = run(live_app, "ledger", "replay-erasures", str(file))
    assert replayed.returncode == 0
    assert "2 erasures read: 0 receipts blanked again, 2 were blank" in replayed.stdout


@pytest.mark.engines("sqlite")  # read before any database is touched
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--visitor", "not-a-uuid"],
        ["--visitor", str(uuid.uuid4()), "--subject", "user-1"],
    ],
)
def test_who_is_to_be_erased_must_be_clear(app: Flask, arguments: list[str], run: Run) -> None:
    done = run(app, "erase", "s_0000000000000000", *arguments)

    assert done.returncode == 2


def test_a_file_that_cannot_be_written_is_no_success(live_app: Flask, tmp_path: Path, run: Run) -> None:
    site = make.ready_site()
    visitor = people.decide(live_app.test_client(), site)

    done = run(live_app, "erase", site.key, "--visitor", str(visitor), file=tmp_path / "no" / "file")

    assert done.returncode == 1
    assert "erased, but not yet written" in done.stderr


def test_the_retention_of_a_site_is_set(live_app: Flask, run: Run) -> None:
    site = make.ready_site()

    done = run(live_app, "site", "retention", site.key, "365")
    short = run(live_app, "site", "retention", site.key, "30")

    assert done.returncode == 0, done.stderr
    assert (short.returncode, "live 180 days" in short.stderr) == (2, True)
