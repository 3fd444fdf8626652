"""The short cookie that the site's own web server sets: the recipes, and a visitor who comes back with nothing else."""

import http.client
from pathlib import Path

import pytest

from tests.widget.conftest import OpenPage
from tests.widget.fronts import FRONTS, running
from tests.widget.helpers import ACCEPT, CARD, granted, ran, script, stored, wait_for_decisions
from tests.widget.stage import SITE, Stage, version

pytestmark = pytest.mark.browser

NAME = f"consent_{SITE}_kept"
VALUE = "AAAAAAAAQACAAAAAAAAAAA.1-0.mtqz8qkd.f"
SETTINGS = {"cookie": "/consent-cookie"}


def post(port: int, pair: str, *, method: str = "POST") -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, "/consent-cookie", headers={"X-Consent": pair} if pair else {})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("Set-Cookie")


@pytest.mark.parametrize("name", FRONTS)
def test_each_recipe_sets_what_it_was_told_and_nothing_else(stage: Stage, tmp_path: Path, name: str) -> None:
    stage.page(path="/shop")
    with running(name, tmp_path, stage.address) as port:
        status, cookie = post(port, f"{NAME}={VALUE}")

        assert (status, cookie) == (204, f"{NAME}={VALUE}; Max-Age=15552000; Path=/; Secure; SameSite=Lax")
        for wrong in (
            "",
            "session=1",
            f"{NAME}={VALUE}; Domain=evil.example",
            f"x{NAME}=1",
            f"{NAME}={'x' * 99}",
        ):
            assert post(port, wrong) == (400, None), wrong
        status, cookie = post(port, f"{NAME}={VALUE}", method="GET")
        assert (status >= 400, cookie) == (True, None)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/shop")
        assert b"A page" in connection.getresponse().read()
        connection.close()


def test_who_comes_back_with_the_short_cookie_alone_is_not_asked_again(
    stage: Stage, open_page: OpenPage, tmp_path: Path
) -> None:
    stage.changes = SETTINGS
    stage.page(script("maps", "m"))
    with running("nginx", tmp_path, stage.address) as port:
        page = open_page(f"http://127.0.0.1:{port}/")
        page.wait_for_selector(CARD)
        assert page.context.cookies() == []
        page.click(ACCEPT)
        wait_for_decisions(page, stage, 1)
        page.wait_for_function(f"document.cookie.includes('{NAME}')")
        before = stored(page)
        assert before is not None
        (kept,) = [each for each in page.context.cookies() if each["name"] == NAME]
        assert len(f"{kept['name']}={kept['value']}") + len("s_3f9c1a7be2d04586") - len(SITE) <= 120
        assert (kept["secure"], kept["sameSite"]) == (True, "Lax")

        # What scripts stored is gone, as after a week in Safari, or on another subdomain.
        forget = f"localStorage.clear(); document.cookie = 'consent_{SITE}=;path=/;max-age=0'"
        page.evaluate(forget)
        page.reload()

        assert ran(page, 1) == ["m"]
        assert page.locator(CARD).count() == 0
        after = stored(page)
        assert after is not None
        assert after["id"] == before["id"]
        assert after["state"]["purposes"].keys() == before["state"]["purposes"].keys()

        # A newer choice elsewhere wins; an older one does not.
        page.evaluate("Consent.withdraw()")
        page.wait_for_function(f"!document.cookie.includes('{kept['value']}')")
        page.evaluate(forget)
        page.reload()
        page.wait_for_function(f"localStorage.getItem('consent_{SITE}')")
        assert granted(page) == []
        page.evaluate(f"document.cookie = '{NAME}={kept['value']};path=/;secure;samesite=lax'")
        page.reload()
        page.wait_for_function(f"!document.cookie.includes('{kept['value']}')")
        assert granted(page) == []

        # A new version that grows the scope asks about it, whatever the cookie says.
        stage.versions.append(
            version("2.0", {"type": "recipients_changed", "class": "major_consent", "purposes": ["maps"]})
        )
        page.evaluate(forget)
        page.reload()
        page.wait_for_function("Consent.get().version === '2.0'")
        page.wait_for_function(f"localStorage.getItem('consent_{SITE}')")
        assert stored(page)["state"]["purposes"]["maps"]["version"] == "1.0"  # type: ignore[index]  # it is there
    assert len(stage.decisions) == 2
