"""`consent-server demo`: what it prints, what it serves, what it keeps, and how it ends."""

import signal
import socket
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from consent_server.demo.words import WORDS
from tests.demo.process import Running, command, free_port, running_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


def get(address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def shape(words: Any) -> Any:
    if isinstance(words, dict):
        return {
            key: shape(value) for key, value in words.items() if key != "title" or isinstance(value, dict)
        }
    return [shape(each) for each in words] if isinstance(words, list) else None


def test_the_addresses_and_keys_come_as_one_json_line(demo: Running) -> None:
    assert {
        "site_url",
        "console_url",
        "docs_url",
        "server_url",
        "site_key",
        "api_key",
        "identity_secret",
    } <= set(demo.addresses)


@pytest.mark.parametrize("name", ["site_url", "site_url_en", "console_url", "docs_url"])
def test_every_address_answers(demo: Running, name: str) -> None:
    assert get(demo.addresses[name])[0] == 200


@pytest.mark.parametrize(("path", "language"), [("", "zh-CN"), ("en", "en")])
def test_the_tag_comes_first_in_the_head_of_a_page_in_the_stated_language(
    demo: Running, path: str, language: str
) -> None:
    page = get(demo.addresses["site_url"] + path)[2].decode()

    tag = f'<script src="{demo.addresses["server_url"]}/w/{demo.addresses["site_key"]}.js"></script>'
    assert page.startswith(f'<!doctype html>\n<html lang="{language}">\n<head>\n{tag}')


def test_the_pages_have_a_policy_without_anything_inline(demo: Running) -> None:
    policy = get(demo.addresses["site_url"])[1]["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_both_languages_have_the_same_words() -> None:
    assert shape(WORDS["zh-CN"]) == shape(WORDS["en"])


def test_the_banner_shows_four_purposes_of_version_1(demo: Running) -> None:
    server, key = demo.addresses["server_url"], demo.addresses["site_key"]

    banner = orjson.loads(get(f"{server}/v1/sites/{key}/banner?lang=zh-CN")[2])

    assert banner["policy_version"] == "1.0"
    assert [purpose["key"] for purpose in banner["purposes"]] == [
        "necessary",
        "analytics",
        "maps",
        "marketing",
    ]


def test_another_site_gets_no_identity_token(demo: Running) -> None:
    request = urllib.request.Request(
        demo.addresses["site_url"] + "session", method="POST", headers={"Origin": "https://other.example"}
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    with refused.value:
        assert refused.value.code == 403


def test_a_port_in_use_is_named_and_ends_with_status_2(demo: Running, tmp_path: Path) -> None:
    port = demo.addresses["server_url"].rsplit(":", 1)[1]

    done = command("demo", "--port", port, "--data-dir", str(tmp_path))

    assert done.returncode == 2
    assert "in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_port_of_the_demo_site_counts_too(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()

        done = command("demo", "--port", str(port), "--data-dir", str(tmp_path))

    assert done.returncode == 2
    assert str(port + 1) in done.stderr


def expect_everything_to_stop(running: Running, number: signal.Signals) -> None:
    status, out, err = running.stop(number)
    assert status == 0
    assert out == ""
    assert "Traceback" not in err
    for name in ("server_url", "site_url"):
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(running.addresses[name], timeout=2)


def test_a_signal_stops_everything_and_a_second_run_keeps_the_data_and_follows_the_port(
    tmp_path: Path,
) -> None:
    with running_demo(tmp_path) as first:
        before = first.addresses
        expect_everything_to_stop(first, signal.SIGINT)
    with running_demo(tmp_path) as second:
        after = second.addresses

        assert after["site_key"] == before["site_key"]
        assert after["api_key"] == before["api_key"]
        assert after["console_url"].rsplit("/", 1)[1] != before["console_url"].rsplit("/", 1)[1]
        consent = f"{after['server_url']}/v1/sites/{after['site_key']}/subjects/reader-1/consent"
        assert (
            get(consent, Authorization=f"Bearer {after['api_key']}")[0] == 404
        )  # known key, no decision yet
        origin = after["site_url"].rstrip("/")
        identify = urllib.request.Request(
            f"{after['server_url']}/v1/sites/{after['site_key']}/identify",
            data=b'{"token": "x"}',
            headers={"Origin": origin, "Content-Type": "text/plain"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(identify, timeout=30)
        with refused.value:
            assert refused.value.code == 401  # a bad token, but not a foreign origin
        expect_everything_to_stop(second, signal.SIGTERM)


def test_the_api_key_is_readable_by_its_owner_only(demo: Running) -> None:
    file = Path(demo.addresses["data_dir"]) / "demo-api-key"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
