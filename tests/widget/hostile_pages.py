"""Sixty pages that make it hard for a banner: policies, styles, places, storage, networks, clocks and scripts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.widget.helpers import inline, script
from tests.widget.stage import SITE

TAG = f'<script src="/w/{SITE}.js"></script>'
NONCE = "bm9uY2U"
WITH_NONCE = f'<script nonce="{NONCE}" src="/w/{SITE}.js"></script>'
MARKED = (
    script("maps", "file")
    + inline("maps", "inline")
    + '<iframe title="m" data-consent="maps" data-src="/framed" width="200" height="90"></iframe>'
)
TEXT = "<main><h1>A page</h1><p>Some text and <a href='#x'>a link</a>.</p></main>"
BODY = TEXT + MARKED


@dataclass(frozen=True)
class Hostile:
    """A page: `html` replaces all of it, `framed` shows it in a frame with these attributes, `act` runs once it is there."""

    name: str
    head: str = ""
    body: str = BODY
    tag: str = TAG
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    init: str = ""
    framed: str = ""
    act: str = ""
    lang: str = "en"
    options: Mapping[str, Any] = field(default_factory=dict)
    fails: Mapping[str, int] = field(
        default_factory=dict
    )  # by part of an address what the server answers; 0: nothing


def _policy(name: str, policy: str, tag: str = TAG, **more: Any) -> Hostile:
    return Hostile(name, tag=tag, headers={"Content-Security-Policy": policy}, **more)


def _styled(name: str, css: str, **more: Any) -> Hostile:
    return Hostile(name, head=f"<style>{css}</style>", **more)


def _throwing(name: str) -> str:
    return f"Object.defineProperty(window, '{name}', {{ get() {{ throw new DOMException('denied', 'SecurityError') }} }});"


NO_COOKIES = "Object.defineProperty(document, 'cookie', { get: () => '', set() {} });"
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') };"
SIZE = {"width": 1280, "height": 800}
LATE_TAG = (
    f"const made = document.createElement('script'); made.src = '/w/{SITE}.js'; document.body.append(made)"
)
OVERLAY = "position:fixed;inset:0;z-index:999999999;background:#fffc;content:''"

POLICIES = [
    _policy(
        "strict policy with a nonce",
        f"default-src 'none'; script-src 'nonce-{NONCE}'; style-src 'none'; connect-src 'self'; base-uri 'none'",
        WITH_NONCE,
    ),
    _policy("strict policy without a nonce", "default-src 'none'; script-src 'self'; connect-src 'self'"),
    _policy("strict-dynamic", f"script-src 'nonce-{NONCE}' 'strict-dynamic'; object-src 'none'", WITH_NONCE),
    _policy("Trusted Types", "require-trusted-types-for 'script'; trusted-types consent-server"),
    _policy("Trusted Types for others only", "require-trusted-types-for 'script'; trusted-types app"),
    _policy("Trusted Types for nobody", "require-trusted-types-for 'script'; trusted-types 'none'"),
    _policy("a policy that lets nothing be asked", "script-src 'self'; connect-src 'none'"),
    _policy("a sandbox by policy", "sandbox allow-scripts"),
    Hostile(
        "a policy in the page",
        tag="<meta http-equiv='Content-Security-Policy' content=\"default-src 'self'; style-src 'none'\">"
        + TAG,
    ),
]
STYLES = [
    _styled(
        "a reset",
        "*,*::before,*::after{margin:0;padding:0;border:0;font:inherit;vertical-align:baseline;list-style:none}",
    ),
    _styled(
        "everything important",
        "*{margin:0!important;padding:0!important;font:10px serif!important;color:#777!important}",
    ),
    _styled("important display", "*{display:block!important}"),
    _styled("important position", "*{position:static!important;float:none!important}"),
    _styled("important transition", "*{transition:all 3s!important;animation-duration:3s!important}"),
    _styled("hidden buttons", "button,section,div,h2{display:none;visibility:hidden;opacity:0}"),
    _styled(
        "floats and letters",
        "div,section,p,h2,button{float:right;letter-spacing:9px;text-transform:uppercase;width:40px}",
    ),
    _styled("a moved body", "body{transform:translateX(0);height:4000px}"),
    _styled("a filtered body", "body{filter:invert(0);contain:paint;height:4000px}"),
    _styled("a body without light", "body{opacity:0;visibility:hidden}"),
    _styled("a body without a mouse", "body{pointer-events:none;user-select:none}"),
    _styled(
        "a body that is a grid", "html,body{display:grid;place-items:center;height:100%;overflow:hidden}"
    ),
    _styled("an overlay", f"body::before{{{OVERLAY}}}"),
    _styled("tiny letters", "html{font-size:2px;line-height:.5;zoom:1}"),
    _styled("a layer of its own", "@layer reset{*{all:unset}}"),
    Hostile(
        "an overlay that a script adds",
        act=f"document.body.insertAdjacentHTML('beforeend', '<div style=\"{OVERLAY.replace(chr(39), '')}\"></div>')",
    ),
    Hostile("right to left", lang="ar", head="<script>document.documentElement.dir = 'rtl'</script>"),
    Hostile("zoom 400 %", options={"viewport": {"width": 320, "height": 256}}),
    Hostile("a phone on its side", options={"viewport": {"width": 568, "height": 320}}),
    Hostile("a small phone", options={"viewport": {"width": 320, "height": 568}}, lang="zh-CN"),
    Hostile("forced colours", options={"forced_colors": "active"}),
    Hostile("more contrast, less motion", options={"contrast": "more", "reduced_motion": "reduce"}),
]
PLACES = [
    Hostile("quirks mode", html=f"<html><head>{TAG}</head><body>{BODY}</body></html>"),
    Hostile(
        "almost standards mode",
        html=f"<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Transitional//EN' 'x'><html><head>{TAG}</head><body>{BODY}</body></html>",
    ),
    Hostile("another character set", html=f"<!doctype html><html lang=zh><head><meta charset=gbk>{TAG}</head><body>{BODY}</body></html>"),
    Hostile("no head and no body", html=f"<!doctype html>{TAG}{BODY}"),
    Hostile("in a frame", framed="width=600 height=500"),
    Hostile("in a sandbox", framed='sandbox="allow-scripts" width=600 height=500'),
    Hostile("in a sandbox of its own origin", framed='sandbox="allow-scripts allow-same-origin" width=600 height=500'),
    Hostile("5,000 nodes", body="<ul>" + "<li><b>a</b>" * 2500 + "</ul>" + BODY),
    Hostile("nodes that keep coming", act="for (let i = 0; i < 3000; i++) document.body.append(document.createElement('i'))"),
    Hostile("a body with a shadow root", act="document.body.attachShadow({ mode: 'open' }).innerHTML = '<p>An app</p>'"),
    Hostile(
        "an app of shadow roots",
        body=BODY + "<x-app></x-app>",
        head="<script>customElements.define('x-app', class extends HTMLElement { connectedCallback() {"
        " this.attachShadow({ mode: 'closed' }).innerHTML = '<style>*{all:unset}</style><button>b</button>' } })</script>",
    ),
    Hostile("a page that is written", head="<script>document.write('<style>p{color:red}</style>')</script>", body=f"<script>document.write(`{TEXT}`)</script>" + MARKED),
    Hostile("a tag that is written", tag=f"<script>document.write('<script src=\"/w/{SITE}.js\"></scr' + 'ipt>')</script>"),
    Hostile("two tags", tag=TAG + TAG),
    Hostile("a tag at the end", tag="", body=BODY + TAG),
    Hostile("deferred and asynchronous tags", tag=TAG.replace("src", "defer src") + TAG.replace("src", "async src")),
    Hostile("a tag that is a module", tag=TAG.replace("src", 'type="module" src')),
    Hostile("a tag that an optimizer moved", tag="", act=LATE_TAG),
    Hostile("an optimizer that runs scripts anew", act="for (const one of document.scripts) if (/w/.test(one.src)) { const made = document.createElement('script'); made.src = one.src; one.replaceWith(made); break }"),
    Hostile("a new body", act="document.body.replaceWith(Object.assign(document.createElement('body'), { innerHTML: '<p>new</p>' }))"),
    Hostile("all of the page anew", act="document.documentElement.innerHTML = '<head></head><body><p>new</p></body>'"),
    Hostile("a view transition", act="document.startViewTransition(() => { document.body.innerHTML = '<p>new</p>'; history.pushState({}, '', '?next') }).finished"),
    Hostile("a body that is inert", act="document.body.inert = true"),
    Hostile("an element of the same name", body="<p id=Consent>x</p><form name=cookie></form>" + BODY + TAG, tag=""),
    Hostile("a base elsewhere", tag=TAG + "<base href='https://elsewhere.example/' target=_top>"),
]  # fmt: skip
CONDITIONS = [
    Hostile("no localStorage", init=_throwing("localStorage") + _throwing("sessionStorage")),
    Hostile("full storage", init=FULL),
    Hostile("no cookies", init=NO_COOKIES),
    Hostile("nothing that stores", init=_throwing("localStorage") + _throwing("sessionStorage") + _throwing("indexedDB") + NO_COOKIES),
    Hostile("a server that fails", fails={"/v1/": 500}),
    Hostile("modules that are gone", fails={"/w/frames-": 404, "/w/second-": 404, "/w/preferences-": 404}),
    Hostile("a server that never answers", fails={"/v1/": 0, "/w/frames-": 0}),
    Hostile("a clock in the past", init="Date = class extends Date { constructor(...a) { super(...(a.length ? a : [0])) } static now() { return 0 } };"),
    Hostile("a clock far ahead", init="Date.now = () => 4e12;"),
    Hostile("polluted prototypes", init="Object.prototype.extra = 1; Array.prototype.last = function () { return this[this.length - 1] };"),
    Hostile("scripts of the old kind", init="Array.prototype.toJSON = function () { return [...this] + '' }; window.define = Object.assign(() => {}, { amd: {} }); window.exports = {}; window.module = {};"),
    Hostile("no scheduler, no random UUID", init="delete window.scheduler; delete Crypto.prototype.randomUUID; delete window.requestIdleCallback;"),
]  # fmt: skip
PAGES = POLICIES + STYLES + PLACES + CONDITIONS
