"""A small site and a small consent server for the widget's own tests: threads, loopback, no framework."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from consent_server import assets
from consent_server.banner import configuration, trackers

LOCALES = Path(__file__).resolve().parents[2] / "widget" / "locales"
SITE = "s_test"
BUILD = "0123456789abcdef" * 4
NAMES = {
    "en": {"analytics": "statistics", "maps": "maps", "video": "videos", "marketing": "marketing"},
    "zh-CN": {"analytics": "统计分析", "maps": "地图", "video": "视频", "marketing": "营销推广"},
}
DESCRIPTIONS = {
    "en": "Helps us to see which pages are useful. The figures are kept for a year and are not sold.",
    "zh-CN": "帮助我们了解哪些页面有用。统计数据保存一年，且不会出售。",
}
PURPOSES = list(NAMES["en"])
ADS = ["ad_storage", "ad_user_data", "ad_personalization"]
GOOGLE = {
    "signals": {
        **{signal: ["marketing"] for signal in ADS},
        "analytics_storage": ["analytics"],
        "functionality_storage": [],
        "personalization_storage": [],
    },
    "commands": [["set", "ads_data_redaction", True]],
}


def locale(language: str) -> dict[str, dict[str, str]]:
    """The shipped interface strings of one language."""
    return json.loads((LOCALES / f"{language}.json").read_text(encoding="utf-8"))


def version(number: str, *changes: dict[str, Any], purposes: list[str] | None = None) -> dict[str, Any]:
    return {"number": number, "purposes": purposes or PURPOSES, "changes": list(changes)}


def baked(api: str, *, versions: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A baked configuration with two languages and four purposes."""
    facts = versions or [version("1.0")]
    return {
        "site": SITE,
        "api": api,
        "policy": "privacy",
        "region": "opt_in",
        "days": 180,
        "language": "en",
        "languages": {lang: {"texts": locale(lang)["first"], "names": NAMES[lang]} for lang in NAMES},
        "version": facts[-1]["number"],
        "purposes": facts[-1]["purposes"],
        "basic": ["essential"],
        "theme": {},
        "signals": {},
        "trackers": [],
        "modules": assets.module_bundles()[0],
    } | changes


def wrapped(config: dict[str, Any]) -> bytes:
    """The first response, as the server writes it."""
    wire = configuration.wire(config, build=BUILD)
    data = json.dumps(wire, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    body = assets.bound_core(assets.core_bundle(), data.encode(), config["site"])
    if not config["trackers"]:
        return body
    return assets.bound(assets.guard_bundle(), json.dumps(trackers.wire(config["trackers"])).encode()) + body


def _service(language: str) -> dict[str, Any]:
    return {
        "key": "counter",
        "name": "Counter" if language == "en" else "计数器",
        "provider": "Example Metrics Ltd",
        "privacy_url": "https://metrics.example/privacy",
        "description": "Counts visits" if language == "en" else "统计访问次数",
        "cookies": [
            {
                "name": "_ga*",
                "pattern": True,
                "store": "cookie",
                "party": "first",
                "lifetime": "P1Y",
                "description": "Tells visits apart" if language == "en" else "区分不同的访问",
            },
            {
                "name": "stats",
                "pattern": False,
                "store": "local_storage",
                "party": "first",
                "lifetime": "session",
                "description": "",
            },
        ],
    }


def detail(config: dict[str, Any], versions: list[dict[str, Any]], language: str) -> dict[str, Any]:
    """The second layer's data, as GET /v1/sites/<site>/banner answers."""
    texts = locale(language)
    essential = {"en": "Running the site", "zh-CN": "网站运行"}[language]
    purposes = [{"key": "essential", "function": "basic", "name": essential}] + [
        {"key": key, "function": "additional", "name": name[:1].upper() + name[1:]}
        for key, name in NAMES[language].items()
    ]
    return {
        "texts": texts["first"] | texts["preferences"],
        "purposes": [
            {
                "description": DESCRIPTIONS[language],
                "services": [_service(language)] if p["key"] == "analytics" else [],
                **p,
            }
            for p in purposes
        ],
        "versions": versions,
        "policy_url": f"{config['api']}/p/{SITE}/privacy/{versions[-1]['number']}?lang={language}",
    }


@dataclass
class Stage:
    """What the server serves, which a test may change, and what it was sent."""

    address: str = ""
    versions: list[dict[str, Any]] = field(default_factory=lambda: [version("1.0")])
    popups: list[str] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    caching: str = "no-store"
    status: int = 201
    known: int | None = None  # how many of the versions the second response knows
    identified: dict[str, Any] = field(default_factory=lambda: {"state": None})
    decisions: list[dict[str, Any]] = field(default_factory=list)
    identifications: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    signals: list[str | None] = field(default_factory=list)  # `Sec-GPC` of each page view

    @property
    def config(self) -> dict[str, Any]:
        return baked(self.address, versions=self.versions, **self.changes)

    def page(
        self, body: str = "", *, path: str = "/", head: str = "", lang: str = "en", tag: str | None = None
    ) -> str:
        """Put a page with the tag on the site; its address."""
        tag = f'<script src="/w/{SITE}.js"></script>' if tag is None else tag
        self.pages[path] = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>A page</title>'
            f'<meta name="viewport" content="width=device-width,initial-scale=1">{tag}{head}</head>'
            f"<body>{body}</body></html>"
        )
        return self.address + path

    def answer_get(self, path: str, query: str) -> tuple[str, bytes] | None:
        if path == f"/w/{SITE}.js":
            return "text/javascript", wrapped(self.config)
        if found := re.fullmatch(r"/w/([a-z]+)-[0-9a-f]{16}\.js", path):
            return "text/javascript", assets.module_source(found[1]) or b""
        if path == f"/v1/sites/{SITE}/banner":
            data = detail(self.config, self.versions[: self.known], query.removeprefix("lang="))
            data["popups"] = self.popups
            return "application/json", json.dumps(data).encode()
        if path.startswith("/run/"):  # a script that notes that it ran
            return "text/javascript", f"(window.ran ??= []).push({path[5:]!r})".encode()
        if path in self.pages:
            kind = "text/css" if path.endswith(".css") else "text/html; charset=utf-8"
            return kind, self.pages[path].encode()
        return None

    def answer_post(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        data = json.loads(body)
        if path.endswith("/identify"):
            self.identifications.append(data)
            status = (
                409
                if self.identified.get("stranger") and data.get("visitor_id")
                else self.identified.get("status", 200)
            )
            return status, self.identified
        if self.status < 300:
            self.decisions.append(data)
        return self.status, {"receipt_id": data["receipt_id"], "receipt": "a.b.c"}


def _handler(stage: Stage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            stage.requests.append(url.path)
            if url.path in stage.pages:
                stage.signals.append(self.headers["Sec-GPC"])
            found = stage.answer_get(url.path, url.query)
            kind, content = found or ("text/plain", b"")
            self._send(200 if found else 404, kind, content)

        def do_POST(self) -> None:
            stage.requests.append(self.path)
            status, answer = stage.answer_post(
                self.path, self.rfile.read(int(self.headers["Content-Length"]))
            )
            self._send(status, "application/json", json.dumps(answer).encode())

        def _send(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", stage.caching)
            self.send_header("Access-Control-Allow-Origin", "*")
            for name, value in stage.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Serve a stage on a free port of the loopback interface."""
    stage = Stage()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(stage)) as server:
        server.daemon_threads = True
        stage.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield stage
        server.shutdown()
        thread.join()
