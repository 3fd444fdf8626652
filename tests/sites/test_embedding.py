"""Whether a page embeds the tag as it should, and that fetching it reaches no network behind the server."""

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from consent_server import fetching
from consent_server.banner.elements import NO_LOOKING_AHEAD
from consent_server.banner.embedding import check
from consent_server.sites.service import origin_of

PAGE, TAG = "https://shop.example/cart", "https://consent.example/w/s_1.js"
SNIPPET = f'<script src="{TAG}"></script>'


def verdicts(html: str, *policies: str) -> dict[str, str]:
    return {each.check: each.verdict for each in check(html, page=PAGE, tag=TAG, policies=policies)}


GOOD = dict.fromkeys(("there", "once", "first", "synchronous", "policy-script", "policy-connect"), "good")


@pytest.mark.parametrize(
    ("html", "verdict"),
    [
        (f"<head>{SNIPPET}{NO_LOOKING_AHEAD}<script src=a.js></script>", "good"),
        (f"<head>{NO_LOOKING_AHEAD}{SNIPPET}<script src=a.js></script>", "good"),
        (f"<head>{SNIPPET}<script src=a.js></script>{NO_LOOKING_AHEAD}", "warn"),
        (f"<head>{SNIPPET}", "warn"),
    ],
)
def test_where_trackers_are_held_the_browser_must_not_look_ahead(html: str, verdict: str) -> None:
    found = {
        each.check: each.verdict for each in check(html, page=PAGE, tag=TAG, policies=(), holds_trackers=True)
    }
    assert found == GOOD | {"ahead": verdict}
    assert "ahead" not in verdicts(html)


def test_a_page_that_embeds_it_as_it_should() -> None:
    assert (
        verdicts(f"<!doctype html><html><head><meta charset=utf-8>{SNIPPET}<script src=a.js></script>")
        == GOOD
    )


@pytest.mark.parametrize(
    ("html", "wrong"),
    [
        ("<head></head><body>nothing</body>", {"there": "bad"}),
        ("<!-- " + SNIPPET + " --><textarea>" + "</textarea>", {"there": "bad"}),
        ('<head><script src="https://consent.example/w/s_2.js"></script>', {"there": "bad"}),
        (f"<head><script src=a.js></script>{SNIPPET}", {"first": "bad"}),
        (f"<head><script>var a</script>{SNIPPET}", {"first": "bad"}),
        (f"<head></head><body>{SNIPPET}", {"first": "bad"}),
        (f"<head>{SNIPPET}{SNIPPET}", {"once": "bad"}),
        (f'<head><script async src="{TAG}"></script>', {"synchronous": "warn"}),
        (f'<head><script defer src="{TAG}"></script>', {"synchronous": "warn"}),
        (f'<head><script type=module src="{TAG}"></script>', {"synchronous": "warn"}),
        (f'<head><script type="application/ld+json">{{}}</script>{SNIPPET}', {}),
        ('<head><script src="/consent/w/s_1.js"></script>', {}),
        ('<head><script src="https://consent.example/w/s_1@0123456789abcdef.js"></script>', {}),
        (f'<head><meta http-equiv="Content-Security-Policy" content="script-src \'self\'">{SNIPPET}', {"policy-script": "bad"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_page(html: str, wrong: dict[str, str]) -> None:
    found = verdicts(html)

    assert {name: verdict for name, verdict in found.items() if verdict != "good"} == wrong


@pytest.mark.parametrize(
    ("policy", "script", "connect"),
    [
        ("script-src https://consent.example; connect-src https://consent.example", True, True),
        ("script-src consent.example", True, True),
        ("default-src 'self'", False, False),
        ("default-src 'self'; script-src *.example https:", True, False),
        ("script-src *.consent.example", False, True),
        ("script-src https://consent.example:8443", False, True),
        ("script-src http://consent.example", True, True),
        ("script-src https://consent.example/w/", True, True),
        ("script-src https://consent.example/other/", False, True),
        ("script-src 'nonce-abc' 'strict-dynamic' https://consent.example", False, True),
        ("script-src 'none'; connect-src *", False, True),
        ("script-src https:; script-src 'none'", True, True),
        ("img-src 'self', connect-src 'none'", True, False),
    ],
)
def test_what_a_policy_allows(policy: str, script: bool, connect: bool) -> None:
    found = verdicts(f"<head>{SNIPPET}", policy)

    assert (found["policy-script"] == "good", found["policy-connect"] == "good") == (script, connect)


def test_a_nonce_and_trusted_types() -> None:
    html = f'<head><script nonce="abc" src="{TAG}"></script>'

    found = verdicts(html, "script-src 'nonce-abc' 'strict-dynamic'; trusted-types default")

    assert found["policy-script"] == "good"
    assert found["policy-types"] == "bad"
    assert "policy-types" not in verdicts(html, "trusted-types default consent-server")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True), ("127.0.0.1", False), ("10.1.2.3", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("::", False), ("fe80::1%eth0", False),
        ("fd00::1", False), ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:a00:1::", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert fetching.is_public(address) is public


class Pages(BaseHTTPRequestHandler):
    """Pages of a site: one that answers, and some that do harm."""

    def do_GET(self) -> None:
        moved = {
            "/away": "http://another.example/",
            "/inside": "/page",
            "/loop": "/loop",
            "/file": "file:///etc/passwd",
        }
        if self.path in moved:
            self.send_response(302)
            self.send_header("Location", moved[self.path])
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        if self.path == "/huge":
            self._write(b"x" * 3_000_000)
        elif self.path == "/slow":
            for _ in range(100):
                self._write(b"x")
                time.sleep(0.05)
        else:
            self._write(b"<html>hello")

    def _write(self, data: bytes) -> None:
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(address: str, *origins: str, allow: bool = True, seconds: float = 5.0) -> fetching.Fetched:
    return fetching.fetch(address, origins=origins, origin_of=origin_of, allow_private=allow, seconds=seconds)


def test_a_page_of_the_site_is_fetched_and_redirects_within_it_are_followed(origin: str) -> None:
    found = fetch(f"{origin}/inside", origin)

    assert (found.status, found.body, found.address) == (200, b"<html>hello", f"{origin}/page")
    assert found.headers["content-security-policy"] == ["default-src 'self'"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/away", "foreign"), ("/file", "foreign"), ("/loop", "redirects"), ("/slow", "slow")],
)
def test_pages_that_lead_elsewhere_or_nowhere(origin: str, path: str, reason: str) -> None:
    with pytest.raises(fetching.NotFetched) as refused:
        fetch(origin + path, origin, seconds=1.0 if path == "/slow" else 10.0)

    assert refused.value.reason == reason


def test_a_huge_page_is_cut(origin: str) -> None:
    assert len(fetch(f"{origin}/huge", origin).body) == fetching.LONGEST


def test_no_private_address_is_gone_to_unless_that_is_allowed(origin: str) -> None:
    for address in (origin, origin.replace("127.0.0.1", "localhost")):
        with pytest.raises(fetching.NotFetched) as refused:
            fetch(f"{address}/page", address, allow=False)
        assert refused.value.reason == "private"


def test_other_origins_and_schemes_are_not_gone_to(origin: str) -> None:
    for address in (
        "http://another.example/",
        "file:///etc/passwd",
        f"{origin}@another.example/",
        "gopher://x/",
    ):
        with pytest.raises(fetching.NotFetched) as refused:
            fetch(address, origin)
        assert refused.value.reason == "foreign"


def test_who_does_not_answer() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{bound.getsockname()[1]}"

        with pytest.raises(fetching.NotFetched) as refused:
            fetch(closed + "/", closed)

    assert refused.value.reason == "unreachable"
