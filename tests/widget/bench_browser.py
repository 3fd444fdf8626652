"""`python -m tests.widget.bench_browser`: what the tag costs a visitor, in a real Chromium, on the pages of `bench_page`.

A row is a page and a way to answer, with the processor as many times slower as it says. Each run is a page view in a fresh
context. All figures are medians in ms, with the highest of the runs in brackets, but for `tasks`.

- shown: from the start of the navigation to the first frame that has the card (frame callback)
- tag: the longest script of the tag in a long animation frame (over 50 ms, so mostly 0); long animation frames name the script
- INP: the longest event of the click, which the browser rounds to 8 ms
- gone: from the pointer's touch to the first frame without the card
- tasks: runs in which a task of over 50 ms (Long Tasks) began or went on after the click, until all tags were released and one second more

The figures follow the machine: compare the rows of one run, `bare-card` above all, whose buttons only hide it.
"""

import argparse
import statistics
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from consent_server import assets
from tests.chromium import ARGUMENTS, chromium_path
from tests.widget import bench_page
from tests.widget.helpers import ACCEPT, CARD, REJECT

BARE = {"accept": "#accept", "reject": "#reject", "card": "#card"}
OURS = {"accept": ACCEPT, "reject": REJECT, "card": CARD}
WATCH = """
(card) => {
  const seen = (window.seen = { shown: null, gone: null, touched: null, tag: 0, event: 0, tasks: [] });
  const watch = (type, see, options) =>
    new PerformanceObserver((list) => list.getEntries().forEach(see)).observe({ type, buffered: true, ...options });
  watch("longtask", ({ startTime, duration }) => seen.tasks.push(startTime + duration));
  watch("event", ({ interactionId, duration }) => interactionId && (seen.event = Math.max(seen.event, duration)), { durationThreshold: 16 });
  watch("long-animation-frame", ({ scripts }) =>
    scripts.forEach(({ sourceURL, duration }) => /\\/w\\//.test(sourceURL) && (seen.tag = Math.max(seen.tag, duration))));
  const there = () => document.querySelector(card)?.checkVisibility();
  const look = () => {
    if (seen.shown === null && there()) seen.shown = performance.now();
    if (seen.touched !== null && seen.gone === null && !there()) seen.gone = performance.now() - seen.touched;
    if (seen.gone === null) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  addEventListener("pointerdown", () => (seen.touched = performance.now()), { capture: true, once: true });
}
"""
# What was shown is seen without a look at any box: that would make the browser lay out the page in a script of the bench.
READ = "() => ({...seen, after: seen.tasks.filter((end) => end > seen.touched).length, released: +(document.documentElement.dataset.released ?? 0)})"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port; its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def view(
    browser: Browser, address: str, *, answer: str, slower: int, names: dict[str, str]
) -> dict[str, Any]:
    """Open a page, answer, and return what was seen; a page with tags is left once all are released."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    try:
        page = context.new_page()
        page.add_init_script(f"({WATCH})({names['card']!r})")
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
        page.goto(address)
        page.wait_for_function("window.seen.shown !== null")
        page.wait_for_timeout(500)
        box = page.locator(names[answer]).bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(150)
        page.mouse.down()
        page.mouse.up()
        page.wait_for_function("window.seen.gone !== null")
        if "ten-tags" in address and answer == "accept":
            page.wait_for_function(f"document.documentElement.dataset.released === '{bench_page.TAGS}'")
        page.wait_for_timeout(1_000)
        seen: dict[str, Any] = page.evaluate(READ)
        return seen
    finally:
        context.close()


def row(page: str, answer: str, slower: int, views: Sequence[dict[str, Any]]) -> str:
    """Return a line of the table."""

    def middle(name: str) -> str:
        values = [each[name] for each in views]
        return f"{statistics.median(values):.0f} ({max(values):.0f})"

    busy = sum(each["after"] > 0 for each in views)
    cells = [middle(name) for name in ("shown", "tag", "event", "gone")]
    return (
        f"{page:<26} {answer:<7} {slower:>2}x "
        + " ".join(f"{cell:>11}" for cell in cells)
        + f" {busy:>3} of {len(views)}"
    )


def main() -> None:
    """Print the table; rows are interleaved, so that a busy minute falls on all of them."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.widget.bench_browser", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--slower", default="1,4", help="times slower, separated by commas")
    chosen = parser.parse_args()
    assets.build_assets()
    kinds = [
        (page, answer, int(slower))
        for slower in chosen.slower.split(",")
        for page in ("bare-card", "consent-server", "consent-server-ten-tags")
        for answer in ("accept", "reject")
    ]
    views: dict[tuple[str, str, int], list[dict[str, Any]]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as origin, sync_playwright() as driver:
        bench_page.write_all(Path(folder))
        browser = driver.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        for _ in range(chosen.runs):
            for page, answer, slower in kinds:
                names = BARE if page == "bare-card" else OURS
                seen = view(browser, f"{origin}/{page}/", answer=answer, slower=slower, names=names)
                views[page, answer, slower].append(seen)
        browser.close()
    print(
        f"{'page':<26} answer     "
        + " ".join(f"{name:>11}" for name in ("shown", "tag", "INP", "gone"))
        + "  tasks > 50 ms"
    )
    for kind in kinds:
        print(row(*kind, views[kind]))


if __name__ == "__main__":
    main()
