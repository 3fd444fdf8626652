"""Codes of authenticator apps, by the RFC's own vectors."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from consent_server.accounts import totp

SECRET = b"12345678901234567890"  # RFC 6238, appendix B
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
     (20000000000, "353130")],
)  # fmt: skip
def test_the_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert totp.code_at(SECRET, totp.step_of(datetime.fromtimestamp(seconds, UTC))) == code


@pytest.mark.parametrize(("steps", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(steps: int, counts: bool) -> None:
    there = totp.step_of(NOW) + steps

    found = totp.matching_step(SECRET, totp.code_at(SECRET, there), now=NOW, after=0)

    assert found == (there if counts else None)


def test_a_code_counts_once() -> None:
    here = totp.step_of(NOW)

    assert totp.matching_step(SECRET, totp.code_at(SECRET, here), now=NOW, after=here) is None
    later = NOW + timedelta(seconds=30)
    assert totp.matching_step(SECRET, totp.code_at(SECRET, here + 1), now=later, after=here) == here + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "表表表表表表", "      "])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert totp.matching_step(SECRET, code, now=NOW, after=0) is None


def test_an_app_reads_account_issuer_and_secret_from_the_address() -> None:
    uri = urlsplit(totp.provisioning_uri(SECRET, account="lin+a@example.org", issuer="Consent Server"))

    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path == "/Consent%20Server%3Alin%2Ba%40example.org"
    assert parse_qs(uri.query) == {"secret": [totp.base32(SECRET)], "issuer": ["Consent Server"]}
    assert len(totp.new_secret()) == 20
