"""What is measured: requests, as they go over the wire."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from consent_server.bench.servers import HOST, get
from consent_server.bench.site import ORIGIN

BASELINE, PRODUCT, FILLED = "baseline", "product", "filled"
INSERT = "flask-insert"
DECISIONS, BATCHES, ON_FILLED, LONG_WAY = "decisions", "batches", "decisions-filled", "decisions-flask"
HELLO, TAGS = "flask-hello", ("tag-200", "tag-304")
BATCH = 50  # decisions a call
AT = "2026-01-31T08:00:00.000Z"  # when the visitor clicked
GAP = "\0"  # stands in a request where a fresh UUID goes


@dataclass(frozen=True)
class Site:
    """The measured site: its public key, its banner as data, and a key of the site's own server."""

    key: str
    banner: dict[str, Any]
    api_key: str


@dataclass(frozen=True)
class Case:
    """One kind of request. `table` names where each acknowledged request must have left `rows` rows."""

    name: str
    server: str
    expected: int
    request: Callable[[int, Site], str]
    table: str | None = None
    rows: int = 1

    @property
    def stores_receipts(self) -> bool:
        """Whether what is acknowledged are receipts, which are looked up in the log afterwards."""
        return self.table == "receipt"


def _get(path: str, **headers: str) -> Callable[[int, Site], str]:
    def request(port: int, site: Site) -> str:
        lines = [f"GET {path.format(key=site.key)} HTTP/1.1", f"Host: {HOST}:{port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""])

    return request


def _get_unchanged(port: int, site: Site) -> str:
    _, headers = get(port, f"/w/{site.key}.js", {"Accept-Encoding": "br"})
    return _get("/w/{key}.js", Accept_Encoding="br", If_None_Match=headers["etag"])(port, site)


def _post(path: str) -> Callable[[int, Site], str]:
    def request(port: int, site: Site) -> str:
        from_browser = [f"Origin: {ORIGIN}", "Content-Type: text/plain;charset=UTF-8"]
        return _with_body(path.format(key=site.key), port, from_browser, decision(site))

    return request


def _post_unusual(port: int, site: Site) -> str:
    """The same decision with its time in another zone, which the short way leaves to the framework and the schema."""
    from_browser = [f"Origin: {ORIGIN}", "Content-Type: text/plain;charset=UTF-8"]
    body = decision(site).replace(AT, "2026-01-31T16:00:00.000+08:00")
    return _with_body(f"/v1/sites/{site.key}/decisions", port, from_browser, body)


def _post_batch(port: int, site: Site) -> str:
    from_server = [f"Authorization: Bearer {site.api_key}", "Content-Type: application/json"]
    body = '{"decisions": [' + ", ".join([decision(site)] * BATCH) + "]}"
    return _with_body(f"/v1/sites/{site.key}/decisions/batch", port, from_server, body)


def _with_body(path: str, port: int, headers: list[str], body: str) -> str:
    length = len(body.replace(GAP, "x" * 36).encode())
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}:{port}", *headers, f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", body])


def decision(site: Site) -> str:
    """Return a new visitor's "accept all" as the widget sends it, with gaps for the two ids."""
    choices = {p["key"]: "granted" for p in site.banner["purposes"] if p["function"] == "additional"}
    return json.dumps(
        {
            "receipt_id": GAP,
            "visitor_id": GAP,
            "policy_version": site.banner["policy_version"],
            "language": site.banner["language"],
            "action": "accept_all",
            "layer": "banner",
            "choices": choices,
            "asked": sorted(choices),
            "banner_build": site.banner["banner_build"],
            "decided_at": AT,
            "signals": {"gpc": False, "dnt": False},
        }
    ).replace(json.dumps(GAP), f'"{GAP}"')


_DECISIONS = Case(DECISIONS, PRODUCT, 201, _post("/v1/sites/{key}/decisions"), table="receipt")

# In this order they are run and shown.
CASES = (
    Case("wsgi-hello", BASELINE, 200, _get("/wsgi")),
    Case(HELLO, BASELINE, 200, _get("/flask")),
    Case(INSERT, BASELINE, 201, _post("/insert"), table="bench_row"),
    Case(TAGS[0], PRODUCT, 200, _get("/w/{key}.js", Accept_Encoding="br")),
    Case(TAGS[1], PRODUCT, 304, _get_unchanged),
    _DECISIONS,
    replace(_DECISIONS, name=LONG_WAY, request=_post_unusual),
    replace(_DECISIONS, name=ON_FILLED, server=FILLED),
    Case(BATCHES, PRODUCT, 200, _post_batch, table="receipt", rows=BATCH),
)
