"""The recipes of the documents in real pages, and the package that some of them use."""

import json
import re
import subprocess

import pytest

from consent_server.assets import npm_command
from tests.widget.bundled import TESTS, bundled
from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, CARD, OPEN, granted, ran, script, wait_for_decisions
from tests.widget.stage import GOOGLE, SITE, Stage

pytestmark = pytest.mark.browser

ROOT = TESTS.parents[1]
RECIPES = ROOT / "docs" / "recipes"
# What stands in for Google's container: it notes the commands that were there when it ran, and those that come.
CONTAINER = """
  const say = (entry) => entry[0] === "consent" && (window.heard ??= []).push([entry[1], entry[2].ad_storage]);
  for (const entry of dataLayer) say(entry);
  const push = dataLayer.push.bind(dataLayer);
  dataLayer.push = (...entries) => (entries.forEach(say), push(...entries));
"""


def recipe(stage: Stage, name: str) -> str:
    """A recipe's markup for the test's server and site."""
    text = (RECIPES / name).read_text(encoding="utf-8")
    assert "https://consent.example.org/w/SITE_KEY.js" in text
    return text.replace("https://consent.example.org", stage.address).replace("SITE_KEY", SITE)


@pytest.mark.parametrize("name", ["react.jsx", "vue.js"])
def test_single_page_applications_follow_the_choice(stage: Stage, open_page: OpenPage, name: str) -> None:
    options = json.dumps({"server": stage.address + "/", "site": SITE})
    page = open_page(stage.page(tag=""), init=f"window.tagOptions = {options}")
    page.set_default_timeout(30_000)
    page.evaluate(bundled(name))
    assert page.evaluate("app") is True
    page.wait_for_selector(CARD)

    page.click("#go")
    page.wait_for_selector("#off")
    assert page.locator(CARD).count() == 1  # the banner outlives the change of view
    page.click(ACCEPT)
    page.wait_for_selector("#on")
    wait_for_decisions(page, stage, 1)
    page.evaluate("Consent.withdraw('maps')")
    page.wait_for_selector("#off")

    assert page.url.endswith("/map")
    assert page.locator("#view").inner_text() == "map"
    assert page.locator("script[src*='/w/']").count() == 1
    assert page.locator(OPEN).count() == 1


def test_the_loader_grants_nothing_where_the_server_is_away(stage: Stage, open_page: OpenPage) -> None:
    options = json.dumps({"server": "http://127.0.0.1:9", "site": SITE})
    page = open_page(stage.page(tag=""), init=f"window.tagOptions = {options}")
    page.evaluate(bundled("vue.js"))

    assert page.evaluate("app") is False
    page.click("#go")
    page.wait_for_selector("#off")


def test_google_tag_manager_hears_the_default_before_it_runs_and_the_update_after(
    stage: Stage, open_page: OpenPage
) -> None:
    stage.changes = {"signals": {"google": GOOGLE}}
    page = open_page("about:blank")
    page.context.route(
        "https://www.googletagmanager.com/**",
        lambda route: route.fulfill(content_type="text/javascript", body=CONTAINER),
    )
    page.goto(stage.page(tag=recipe(stage, "google-tag-manager.html")))
    page.wait_for_function("window.heard")

    assert page.evaluate("heard") == [["default", "denied"]]
    page.click(ACCEPT)
    page.wait_for_function("dataLayer.some((entry) => entry.event === 'consent_changed')")

    assert page.evaluate("heard")[-1] == ["update", "granted"]


def test_wordpress_gets_the_tag_first_and_its_consent_api_is_told(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {
        "signals": {"wordpress": {"signals": {"statistics": ["analytics"], "marketing": ["marketing"]}}}
    }
    (tag,) = re.findall(r"echo '(<script .*?</script>)'", recipe(stage, "wordpress.php"))
    api = "<script>window.said = {}; window.wp_set_consent = (category, value) => { said[category] = value }</script>"
    page = open_page(stage.page(script("maps", "m"), tag=tag, head=api))

    page.click(ACCEPT)
    assert ran(page, 1) == ["m"]

    assert page.evaluate("said") == {"functional": "allow", "statistics": "allow", "marketing": "allow"}
    assert page.evaluate("wp_consent_type") == "optin"
    assert set(granted(page)) == {"analytics", "maps", "video", "marketing"}


def test_the_package_holds_loader_and_types_and_nothing_else() -> None:
    done = subprocess.run(
        [*npm_command(), "pack", "--dry-run", "--json"],
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    (packed,) = json.loads(done.stdout)
    facts = json.loads((TESTS.parent / "package.json").read_text(encoding="utf-8"))
    version = re.search(
        r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    exported = set(
        re.findall(r"export const (\w+)", (TESTS.parent / "loader.js").read_text(encoding="utf-8"))
    )
    typed = set(
        re.findall(r"export function (\w+)", (TESTS.parent / "loader.d.ts").read_text(encoding="utf-8"))
    )

    assert {each["path"] for each in packed["files"]} == {
        "README.md",
        "consent.d.ts",
        "loader.d.ts",
        "loader.js",
        "package.json",
    }
    assert packed["size"] < 8_000
    assert "private" not in facts
    assert "dependencies" not in facts
    assert version
    assert facts["version"] == version[1]
    assert exported == typed == {"loadConsent", "isOn", "subscribe"}
