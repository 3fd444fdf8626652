"""`python -m tests.widget.bench_page FOLDER`: pages with the tag for a benchmark that serves files.

Three with the tag: it alone, with the list of known trackers, and with ten marked scripts to release, each of which keeps the
processor for some milliseconds; and beside them a card of the page's own, whose buttons only hide it: what the browser alone
takes for a click. English and Chinese, three purposes beside the basic one, the texts that the benchmark gives every banner.
Each folder holds what the page asks for, under the names that it asks for, and a `bench.json` that says what to look at and
what to click. `ARTICLE` may name a page to put the tag into.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from consent_server import assets
from consent_server.banner import elements, trackers
from tests.widget.helpers import ACCEPT, CARD, REJECT
from tests.widget.stage import NAMES, SITE, baked, detail, locale, version, wrapped

PURPOSES = {
    "functional": ("Functional", "功能"),
    "analytics": ("Analytics", "统计分析"),
    "marketing": ("Marketing", "营销推广"),
}
TEXTS = {
    "title": "We value your privacy",
    "body": "We use cookies and similar technologies to run this site, to measure how it is used and to show content that is "
    "relevant to you. You can accept all of them, reject those that are not necessary, or choose by category.",
    "accept": "Accept all",
    "reject": "Reject all",
    "preferences": "Settings",
}
TAGS = 10
BUSY = "for(let end=performance.now()+5;performance.now()<end;);document.documentElement.dataset.released=document.documentElement.dataset.released-0+1||1"
BARE = """<div id="card" style="position:fixed;bottom:16px;left:16px;width:360px;padding:16px;background:#fff">
<p>{body}</p><button id="accept">{accept}</button> <button id="reject">{reject}</button></div>
<script>for(const button of document.querySelectorAll("#card button"))button.onclick=()=>{{button.parentNode.hidden=true}}</script>
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bench page</title></head><body style="font:16px/1.5 sans-serif"><main><h1>A long article</h1>{}</main></body></html>
"""
PART = "<section><h2>Part {}</h2>" + "<p>{}</p>" * 4 + "</section>"
PARTS, SENTENCE = 60, "Rain fell on the harbour, the lamps were lit, and nobody on the ferry spoke. "


def configuration(folder: str, *, guard: bool) -> dict[str, Any]:
    """The baked configuration of a page; addresses are paths, since the server's origin is not known yet."""
    keys = list(PURPOSES)
    rules = [{"key": key, "function": "additional", "services": []} for key in keys]
    packs = {
        language: {
            "texts": locale(language)["first"] | (TEXTS if language == "en" else {}),
            "names": {key: names[at] for key, names in PURPOSES.items()},
        }
        for at, language in enumerate(NAMES)
    }
    return baked(
        f"/{folder}",
        versions=[version("1.0", purposes=keys)],
        languages=packs,
        trackers=trackers.rules(
            {"trackers": {"purposes": dict.fromkeys(("video", "maps", "social"), "marketing")}}, rules
        )
        if guard
        else [],
    )


def write(folder: Path, *, guard: bool = False, tags: int = 0) -> None:
    """Write one page and all that it may ask for.

    Args:
        folder: where to.
        guard: whether the list of known trackers is in the tag.
        tags: so many scripts wait for the marketing purpose.
    """
    config = configuration(folder.name, guard=guard)
    (folder / "w").mkdir(parents=True, exist_ok=True)
    (folder / "w" / f"{SITE}.js").write_bytes(wrapped(config))
    short, modules = assets.module_bundles()
    for name, source in json.loads(modules).items():
        (folder / "w" / f"{name}-{short}.js").write_text(source, encoding="utf-8")
    answers = folder / "v1" / "sites" / SITE
    answers.mkdir(parents=True, exist_ok=True)
    facts = detail(config | {"purposes": []}, [version("1.0", purposes=list(PURPOSES))], "en")
    (answers / "banner.json").write_text(json.dumps(facts), encoding="utf-8")
    tag = f'<script src="/{folder.name}/w/{SITE}.js"></script>' + (elements.NO_LOOKING_AHEAD if guard else "")
    for number in range(tags):
        (folder / f"tag-{number}.js").write_text(BUSY, encoding="utf-8")
        tag += f'<script type="text/plain" data-consent="marketing" data-src="/{folder.name}/tag-{number}.js"></script>'
    _page(folder, article().replace("</head>", f"{tag}</head>"), banner=CARD, accept=ACCEPT, reject=REJECT)


def article() -> str:
    """Return the page that the tag is put into: 300 elements, unless `ARTICLE` names another."""
    path = os.environ.get("ARTICLE")
    if path:
        return Path(path).read_text(encoding="utf-8")
    return PAGE.format("".join(PART.format(number, *[SENTENCE * 4] * 4) for number in range(1, PARTS + 1)))


def _page(folder: Path, page: str, **selectors: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(page, encoding="utf-8")
    facts = {"version": "consent-server"} | selectors
    (folder / "bench.json").write_text(json.dumps(facts), encoding="utf-8")


def main() -> None:
    """Build the widget and write the pages."""
    assets.build_assets()
    write_all(Path(sys.argv[1]))


def write_all(folder: Path) -> None:
    """Write all pages, each into a folder of its own, with the widget that was built last."""
    write(folder / "consent-server")
    write(folder / "consent-server-trackers", guard=True)
    write(folder / "consent-server-ten-tags", tags=TAGS)
    bare = article().replace("</body>", BARE.format_map(TEXTS) + "</body>")
    _page(folder / "bare-card", bare, banner="#card", accept="#accept", reject="#reject")


if __name__ == "__main__":
    main()
