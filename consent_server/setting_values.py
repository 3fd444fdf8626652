"""What the text of a setting means: each function reads one, or raises `ValueError`, which says what it must be."""

import re
from collections.abc import Callable
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

import limits


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number within bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]+", text):
            raise ValueError(f"must be a whole number from {low} to {high}")
        if not low <= int(text) <= high:
            raise ValueError(f"must be from {low} to {high}")
        return int(text)

    return parse


def duration(low: int, high: int) -> Callable[[str], timedelta]:
    """Return what reads a number of seconds within bounds."""
    whole = integer(low, high)
    return lambda text: timedelta(seconds=whole(text))


def boolean(text: str) -> bool:
    """Read `true` or `false`."""
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def one_of(*values: str) -> Callable[[str], str]:
    """Return what reads one of some words."""

    def parse(text: str) -> str:
        if text not in values:
            raise ValueError("must be one of " + ", ".join(values))
        return text

    return parse


def address(text: str) -> str:
    """Read an http or https address; without a slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an http or https address such as https://consent.example.org")
    return text.rstrip("/")


def optional_address(text: str) -> str:
    """Read the same, or nothing."""
    return address(text) if text else ""


def smtp(text: str) -> str:
    """Read the address of an SMTP server, or nothing."""
    parts = urlsplit(text)
    try:
        usable = parts.scheme in ("smtp", "smtps") and parts.hostname and parts.port != 0 and " " not in text
    except ValueError:
        usable = False
    if text and not usable:
        raise ValueError("must be smtp://host:port or smtps://host:port, with user:password@ if need be")
    return text


def sender(text: str) -> str:
    """Read a sender of mail, with or without a name, or nothing."""
    if text and ("@" not in parseaddr(text)[1] or "\n" in text):
        raise ValueError("must be an address such as Consent <consent@example.org>")
    return text


def bounces(text: str) -> str:
    """Read the bare address that takes bounces, or nothing."""
    # The extension takes 40 of the 64 characters that the part before the @ may have (RFC 5321, section 4.5.3.1.1).
    if text and not re.fullmatch(r"[A-Za-z0-9._-]{1,24}@[A-Za-z0-9.-]{1,190}", text):
        raise ValueError(
            "must be a bare address such as bounces@example.org, with at most 24 characters before the @"
        )
    return text


def database(text: str) -> str:
    """Read the address of a database in the form that SQLAlchemy takes; nothing is the default."""
    if not text:
        return ""
    scheme = text.split("://", 1)[0]
    if "://" not in text or scheme not in ("sqlite", "postgresql", "postgres", "postgresql+psycopg"):
        raise ValueError("must start with sqlite:/// or postgresql://")
    rest = text.split("://", 1)[1]
    return text if scheme == "sqlite" else f"postgresql+psycopg://{_hosts_as_options(rest)}"


def _hosts_as_options(rest: str) -> str:
    """Turn `user@one:5432,two:5432/name`, which libpq understands, into the form that SQLAlchemy does."""
    authority, _, path = rest.partition("/")
    user, at, hosts = authority.rpartition("@")
    if "," not in hosts:
        return rest
    name, _, options = path.partition("?")
    listed = [f"host={host}" for host in hosts.split(",")]
    return f"{user}{at}/{name}?" + "&".join([*listed, *([options] if options else [])])


def rate(text: str) -> str:
    """Read a rate of requests."""
    try:
        limits.parse(text)
    except ValueError as error:
        raise ValueError("must be a rate such as 600 per minute") from error
    return text


def path(text: str) -> Path:
    """Read a folder."""
    if not text:
        raise ValueError("must name a folder")
    return Path(text).expanduser().absolute()
