"""Settings: each value that cannot be used names itself; the command line exits with status 2."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from consent_server.config import SETTINGS, BadSetting, load_settings
from tests.nursery import Nursery

COMMAND = Path(sys.executable).parent / "consent-server"


def test_the_defaults_are_good() -> None:
    settings = load_settings({})

    assert settings.database_url.startswith("sqlite:///")
    assert settings.keys_dir == settings.data_dir / "keys"
    assert settings.lease_seconds == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"), ("PORT", "65536"), ("PORT", "http"), ("PORT", ""), ("PORT", "8000.5"), ("PORT", "１２"),
        ("WORKERS", "0"), ("WORKERS", "-1"), ("EMBEDDED_WORKER", "yes"), ("EMBEDDED_WORKER", "True"), ("RATE_LIMITS", "1"),
        ("PUBLIC_URL", "shop.example"), ("PUBLIC_URL", "ftp://shop.example"), ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://a.example/?x"), ("DATABASE_URL", "mysql://host/db"), ("DATABASE_URL", "consent.sqlite3"),
        ("DATA_DIR", ""), ("LEASE_SECONDS", "4"), ("LOG_LEVEL", "verbose"), ("LOG_FORMAT", "xml"),
        ("MAX_BODY_BYTES", "10"), ("TAG_MAX_AGE", "-5"), ("PROXY_HOPS", "9"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_used_names_itself_and_what_it_takes(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as caught:
        load_settings({f"CONSENT_{name}": value})

    text = str(caught.value)
    assert text.startswith(f"CONSENT_{name}: must")


def test_a_secret_is_not_repeated_in_the_message() -> None:
    with pytest.raises(BadSetting) as caught:
        load_settings({"CONSENT_DATABASE_URL": "mysql://user:hunter2@host/db"})

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["CONSENT_PROT", "CONSENT_", "CONSENT_PORT_FILE", "CONSENT_port"])
def test_a_variable_that_is_no_setting_is_refused(name: str) -> None:
    with pytest.raises(BadSetting, match="no such setting"):
        load_settings({name: "1"})


def test_other_programs_variables_are_none_of_ours() -> None:
    load_settings({"PORT": "x", "CONSENT_TEST_DATABASE_URL": "anything", "XCONSENT_PORT": "y"})


def test_every_secret_can_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:p@host/db\n")

    assert (
        load_settings({"CONSENT_DATABASE_URL_FILE": str(secret)}).database_url
        == "postgresql+psycopg://u:p@host/db"
    )
    assert all(s.variable for s in SETTINGS if s.secret)


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="CONSENT_DATABASE_URL_FILE: cannot read"):
        load_settings({"CONSENT_DATABASE_URL_FILE": str(tmp_path / "missing")})


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://h/d", "postgresql+psycopg://h/d"), ("postgresql://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"), ("sqlite:////tmp/x", "sqlite:////tmp/x"),
        ("postgresql://u:p@a:1,b:2/d?target_session_attrs=read-write",
         "postgresql+psycopg://u:p@/d?host=a:1&host=b:2&target_session_attrs=read-write"),
        ("postgresql://a,b/d", "postgresql+psycopg:///d?host=a&host=b"),
    ],
)  # fmt: skip
def test_addresses_of_databases_in_all_their_spellings(given: str, used: str) -> None:
    assert load_settings({"CONSENT_DATABASE_URL": given}).database_url == used


def test_every_setting_is_explained() -> None:
    assert all(setting.help.endswith(".") for setting in SETTINGS)
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(nursery: Nursery) -> Run:
    """Runs a command with these settings and no others."""

    def running(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return nursery.run(*arguments, environ={"PATH": "/usr/bin:/bin"} | environ)

    return running


@pytest.mark.parametrize("command", [("serve",), ("init",), ("site", "list"), ("worker",)])
def test_commands_stop_with_status_2_and_one_line(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command, CONSENT_PORT="none")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "CONSENT_PORT: must be a whole number from 1 to 65535" in done.stderr


def test_a_misspelt_setting_stops_the_start_of_the_program_itself() -> None:
    done = subprocess.run(
        [COMMAND, "site", "list"],
        env={"PATH": "/usr/bin:/bin", "CONSENT_PROXYHOPS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "CONSENT_PROXYHOPS: there is no such setting" in done.stderr


def test_missing_keys_and_databases_are_said_in_one_line(run: Run, tmp_path: Path) -> None:
    done = run("site", "list", CONSENT_DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "consent-server init" in done.stderr

    assert run("init", CONSENT_DATA_DIR=str(tmp_path)).returncode == 0
    gone = run(
        "site",
        "list",
        CONSENT_DATA_DIR=str(tmp_path),
        CONSENT_DATABASE_URL="postgresql://nobody@127.0.0.1:1/x",
    )
    assert gone.returncode == 2
    assert "Traceback" not in gone.stderr
    assert "cannot use the database" in gone.stderr
