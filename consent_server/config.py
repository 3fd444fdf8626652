"""Typed settings, read once at start from `CONSENT_*` environment variables.

Each setting is one `Setting` row below: name, kind, default, help. `docs/settings.md` is checked against this
table by a test. A value that cannot be used raises `BadSetting`, which names the variable and what it takes;
the command line turns that into exit status 2. Every secret can also be given as `<NAME>_FILE`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from consent_server import setting_values as values

PREFIX = "CONSENT_"


class BadSetting(Exception):
    """A setting has a value that cannot be used; the text names the variable and what is expected."""


@dataclass(frozen=True)
class Setting:
    """One row of the table: field name, parser, default (as text, as it would stand in the environment), help."""

    name: str
    parse: Callable[[str], Any]
    default: str
    help: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable, for example `CONSENT_PORT`."""
        return PREFIX + self.name.upper()


SETTINGS = (
    Setting(
        "data_dir",
        values.path,
        "data",
        "Folder for the SQLite file and the keys, made by `consent-server init`.",
    ),
    Setting(
        "database_url",
        values.database,
        "",
        "Database; empty means `consent.sqlite3` in the data folder. PostgreSQL: `postgresql://user@host/name`; "
        "with a standby `postgresql://user@one,two/name?target_session_attrs=read-write`.",
        secret=True,
    ),
    Setting("keys_dir", str, "", "Folder of the key files; empty means `keys` in the data folder."),
    Setting(
        "public_url",
        values.optional_address,
        "",
        "Address under which browsers reach the server; empty means what the request says.",
    ),
    Setting("host", str, "127.0.0.1", "Interface that `serve` listens on."),
    Setting("port", values.integer(1, 65535), "8000", "Port that `serve` listens on."),
    Setting("workers", values.integer(1, 64), "1", "Web processes of `serve`."),
    Setting(
        "threads",
        values.integer(1, 256),
        "32",
        "Threads of each web process for pages, exports and the console; tags and decisions need none.",
    ),
    Setting(
        "embedded_worker",
        values.boolean,
        "true",
        "Run jobs on a thread of the web process; false where `consent-server worker` runs beside it.",
    ),
    Setting(
        "proxy_hops",
        values.integer(0, 8),
        "0",
        "Trusted reverse proxies in front; their X-Forwarded-* headers count, nobody else's.",
    ),
    Setting(
        "prepared_statements",
        values.boolean,
        "true",
        "Let psycopg prepare statements; false behind PgBouncer in transaction mode.",
    ),
    Setting("pool_size", values.integer(1, 200), "10", "Database connections kept by each process."),
    Setting(
        "rate_limits",
        values.boolean,
        "true",
        "Limit requests per address; off only behind a limiter of your own.",
    ),
    Setting(
        "decision_rate",
        values.rate,
        "600 per minute",
        "Decisions that one address may post (an office behind one address shares it).",
    ),
    Setting("sign_in_rate", values.rate, "10 per minute", "Console sign-in attempts for one address."),
    Setting(
        "rate_limit_storage",
        str,
        "memory://",
        "Where the limiter counts: `memory://` per process, `redis://host` for a fleet.",
        secret=True,
    ),
    Setting(
        "max_body_bytes",
        values.integer(1_024, 64 * 1024 * 1024),
        "65536",
        "Largest JSON body in bytes; a larger one is answered 413.",
    ),
    Setting(
        "max_upload_bytes",
        values.integer(65_536, 256 * 1024 * 1024),
        "4194304",
        "Largest console form in bytes (policy texts).",
    ),
    Setting(
        "session_hours", values.integer(1, 24 * 30), "12", "Hours that a console session lives without use."
    ),
    Setting(
        "job_poll_seconds",
        values.integer(1, 3_600),
        "1",
        "Seconds between two looks of the job runner at the job table.",
    ),
    Setting(
        "lease_seconds",
        values.duration(5, 3_600),
        "30",
        "Seconds that a job or the runner's seat stays claimed without a sign of life.",
    ),
    Setting(
        "config_cache_seconds",
        values.integer(0, 3_600),
        "2",
        "Seconds that a process may reuse a built banner before it looks for a newer one.",
    ),
    Setting(
        "tag_max_age",
        values.integer(0, 86_400),
        "300",
        "Seconds that browsers and caches may reuse the tag without asking.",
    ),
    Setting(
        "anchor_file",
        str,
        "",
        "File outside the database to which every signed checkpoint is appended; empty means `anchors.jsonl` in the "
        "data folder, but only a path on another volume survives with it; `none` keeps none.",
    ),
    Setting(
        "anchor_git",
        str,
        "",
        "Git repository (address or path) to which checkpoints are pushed each minute; empty means none.",
        secret=True,
    ),
    Setting(
        "anchor_url",
        values.optional_address,
        "",
        "Address to which each minute's newest checkpoints are posted; a 2xx answer acknowledges; empty means none.",
        secret=True,
    ),
    Setting(
        "allow_unsafe_database",
        values.boolean,
        "false",
        "Start although the database may lose what it has acknowledged (PostgreSQL's `fsync`, `full_page_writes` or "
        "`synchronous_commit` off); for tests only.",
    ),
    Setting(
        "erasure_file",
        str,
        "",
        "File to which every erasure is appended, on another volume than the database and its backups; "
        "`consent-server ledger replay-erasures` reads it after a restore. Empty: none is kept.",
    ),
    Setting(
        "smtp_url",
        values.smtp,
        "",
        "SMTP server for invitations and notices: `smtp://host:587` or `smtps://host:465`, with `user:password@` if need be; "
        "empty sends nothing.",
        secret=True,
    ),
    Setting(
        "mail_rate",
        values.integer(1, 6_000),
        "60",
        "Letters of a campaign that are sent in a minute; what the mail server allows.",
    ),
    Setting("mail_from", values.sender, "", "Sender of mail, such as `Consent <consent@example.org>`."),
    Setting(
        "bounce_address",
        values.bounces,
        "",
        "Address to which letters of a campaign come back, such as `bounces@example.org`; each letter has its own extension "
        "of it (`bounces+…@`). Empty: they come back to the sender.",
    ),
    Setting(
        "oidc_issuer",
        values.optional_address,
        "",
        "Address of the organisation's OpenID Connect provider, exactly as it calls itself; empty: none.",
    ),
    Setting("oidc_client_id", str, "", "What the provider calls this server."),
    Setting(
        "oidc_client_secret",
        str,
        "",
        "The provider's secret for this server; empty for a public client.",
        secret=True,
    ),
    Setting(
        "oidc_name", str, "OpenID Connect", "What the button for it says, such as the organisation's name."
    ),
    Setting(
        "fetch_private",
        values.boolean,
        "false",
        "Let the test of a page that embeds the tag reach hosts that are not on the public internet.",
    ),
    Setting("gpc_last_update", str, "2026-11-01", "Date in `/.well-known/gpc.json`, as YYYY-MM-DD."),
    Setting("log_format", values.one_of("json", "text"), "json", "Log lines as JSON or as text."),
    Setting(
        "log_level", values.one_of("debug", "info", "warning", "error"), "info", "Least level that is logged."
    ),
)


@dataclass(frozen=True)
class Settings:
    """All settings, parsed. Field meanings: `SETTINGS`."""

    data_dir: Path
    database_url: str
    keys_dir: Path
    public_url: str
    host: str
    port: int
    workers: int
    threads: int
    embedded_worker: bool
    proxy_hops: int
    prepared_statements: bool
    pool_size: int
    rate_limits: bool
    decision_rate: str
    sign_in_rate: str
    rate_limit_storage: str
    max_body_bytes: int
    max_upload_bytes: int
    session_hours: int
    job_poll_seconds: int
    lease_seconds: timedelta
    config_cache_seconds: int
    tag_max_age: int
    anchor_file: Path | None
    anchor_git: str
    anchor_url: str
    allow_unsafe_database: bool
    erasure_file: str
    smtp_url: str
    mail_from: str
    bounce_address: str
    mail_rate: int
    oidc_issuer: str
    oidc_client_id: str
    oidc_client_secret: str
    oidc_name: str
    fetch_private: bool
    gpc_last_update: str
    log_format: str
    log_level: str


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Parse the environment.

    Raises:
        BadSetting: a value cannot be used, a secret file cannot be read, or a `CONSENT_` variable is unknown
            (a misspelt setting would otherwise be silently without effect).
    """
    known = {s.variable for s in SETTINGS} | {s.variable + "_FILE" for s in SETTINGS if s.secret}
    for name in environ:
        if name.startswith(PREFIX) and name not in known and not name.startswith(PREFIX + "TEST_"):
            raise BadSetting(f"{name}: there is no such setting; docs/settings.md lists them")
    values = {s.name: _read(s, environ) for s in SETTINGS}
    data_dir: Path = values["data_dir"]
    values["keys_dir"] = (
        Path(values["keys_dir"]).expanduser().absolute() if values["keys_dir"] else data_dir / "keys"
    )
    values["database_url"] = values["database_url"] or f"sqlite:///{data_dir / 'consent.sqlite3'}"
    anchor = values["anchor_file"]
    values["anchor_file"] = (
        None if anchor == "none" else Path(anchor or data_dir / "anchors.jsonl").expanduser().absolute()
    )
    return Settings(**values)


def _read(setting: Setting, environ: Mapping[str, str]) -> Any:
    text = environ.get(setting.variable, setting.default)
    file = environ.get(setting.variable + "_FILE") if setting.secret else None
    if file:
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(f"{setting.variable}_FILE: cannot read {file}: {error}") from error
    try:
        return setting.parse(text)
    except ValueError as error:
        shown = "(secret)" if setting.secret else repr(text)
        raise BadSetting(f"{setting.variable}: {error}, not {shown}") from error
