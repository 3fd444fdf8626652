"""Pages that nobody looks at yet, or that come back from the browser's memory, in a Chromium that no driver holds.

A driver switches both off. The pages lead themselves from one to the next, and tell the server what they see.
"""

import json
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.chromium import ARGUMENTS, PATIENCE, chromium_path
from tests.widget.helpers import script
from tests.widget.stage import SITE, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

COMMON = """
const store = (choice) => {
  const at = Date.now(), until = at + 1e9, version = "1.0", by = "custom";
  const keys = Object.keys(Consent.get().purposes);
  const purposes = Object.fromEntries(keys.map((key) => [key, { choice, version, at, until, by }]));
  const record = { id: crypto.randomUUID(), judged: "opt_in1.0", state: { version, purposes } };
  const text = JSON.stringify(record), swapped = `"'!,`;
  localStorage.setItem("consent_SITE", text);
  const value = text.replace(/["',!]/g, (one) => swapped[swapped.indexOf(one) ^ 1]);
  document.cookie = `consent_SITE=${value};path=/;max-age=9999`;
};
let changes = 0;
Consent.on("change", () => changes++);
const say = (name) => {
  const seen = {
    name, changes, decided: Consent.get().decided, maps: Consent.get().purposes.maps, ran: window.ran ?? [],
    cards: document.querySelectorAll(".csv-card").length,
    said: (window.dataLayer ?? []).filter(([what]) => what === "consent").map(([, command, state]) => command + " " + state.ad_storage),
  };
  return fetch("/seen/" + encodeURIComponent(JSON.stringify(seen)));
};
const until = async (holds) => {
  while (!holds()) await new Promise((go) => setTimeout(go, 50));
};
const prerender = (path) => {
  const rules = document.createElement("script");
  rules.type = "speculationrules";
  rules.textContent = JSON.stringify({ prerender: [{ urls: [path], eagerness: "immediate" }] });
  document.head.append(rules);
};
""".replace("SITE", SITE)

# The first page of a visitor who is not asked twice: it has a new page prerendered, then, once a choice and a decision that
# was not sent are there, a second one. When that stands ready the visitor changes their mind here, and goes there.
FIRST = """
let stage = 0;
addEventListener("storage", ({ key }) => {
  if (key !== "ready") return;
  if (++stage === 1) {
    store("granted");
    localStorage.setItem("consent_SITE_queue", JSON.stringify([{ receipt_id: "kept-back" }]));
    prerender("/second");
  } else {
    store("denied");
    location.href = "/second";
  }
});
addEventListener("load", () => setTimeout(prerender, 0, "/new"));
""".replace("SITE", SITE)
# Says what it sees while nobody looks, once it is shown, and when it has come back from the browser's memory.
UNSEEN = """
const ready = () => localStorage.setItem("ready", Math.random());
if (document.prerendering) {
  addEventListener("load", () => setTimeout(() => say("prerendered " + location.pathname).then(ready), 100));
  const sent = () => changes && localStorage.getItem("consent_SITE_queue") === "[]";
  document.addEventListener("prerenderingchange", () => until(sent).then(() => say("shown")).then(() => (location.href = "/third")));
}
addEventListener("pageshow", ({ persisted }) => persisted && until(() => window.ran).then(() => say("back")));
""".replace("SITE", SITE)
THIRD = 'addEventListener("pageshow", () => { store("granted"); setTimeout(() => history.back(), 50); });'


def _inline(*scripts: str) -> str:
    return "".join(f"<script>{text}</script>" for text in (COMMON, *scripts))


def _seen(stage: Stage, name: str) -> dict[str, Any]:
    """What a page has told under this name; waits for it."""
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        for path in list(stage.requests):
            if path.startswith("/seen/") and (told := json.loads(unquote(path[6:])))["name"] == name:
                return told
        time.sleep(0.05)
    raise AssertionError(f"nothing heard of {name}: {stage.requests}")


def test_a_page_that_nobody_looks_at_asks_sends_and_counts_nothing_and_then_knows_the_last_choice(
    stage: Stage, tmp_path: Path
) -> None:
    stage.caching = "no-cache"  # with no-store a page is not kept in the browser's memory
    signals = {"ad_storage": ["maps"]}
    stage.changes = {"signals": {"google": {"signals": signals, "commands": []}}}
    first = stage.page(head=_inline(FIRST), path="/first")
    for path in ("/new", "/second"):
        stage.page(script("maps", "m"), head=_inline(UNSEEN), path=path)
    stage.page(head=_inline(THIRD), path="/third")

    command = [
        chromium_path(whole=True),
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        f"--user-data-dir={tmp_path}",
    ]
    with subprocess.Popen([*command, *ARGUMENTS, first], stderr=subprocess.DEVNULL) as chromium:
        try:
            new = _seen(stage, "prerendered /new")
            second = _seen(stage, "prerendered /second")
            sent = [path for path in stage.requests if path.endswith("/decisions")]
            shown = _seen(stage, "shown")
            back = _seen(stage, "back")
        finally:
            chromium.terminate()

    assert new | {"name": ""} == {
        "name": "",
        "changes": 0,
        "decided": False,
        "maps": False,
        "ran": [],
        "cards": 0,
        "said": ["default denied"],
    }
    assert (second["decided"], second["maps"], second["ran"]) == (True, False, [])
    assert second["said"] == ["default denied"]
    assert sent == []
    # Denied on the page before, after this one had been made with a grant.
    assert (shown["maps"], shown["ran"], shown["cards"], shown["changes"]) == (False, [], 0, 1)
    assert shown["said"] == ["default denied", "update denied"]
    assert stage.decisions == [{"receipt_id": "kept-back"}]
    # Granted on the page behind, while this one lay in the browser's memory.
    assert (back["maps"], back["ran"], back["cards"]) == (True, ["m"], 0)
    assert back["said"] == ["default denied", "update denied", "update granted"]
