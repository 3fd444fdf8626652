"""Whether a page embeds a site's tag as it should: there, first in the head, synchronous, allowed by the page's policy. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

TRUSTED_TYPES = "consent-server"  # the name of the widget's policy


@dataclass(frozen=True)
class Finding:
    """One check: its name, and whether it is `good`, `bad`, `warn`, or `unknown`."""

    check: str
    verdict: str


@dataclass(frozen=True)
class Script:
    """A script element as it stands in the page."""

    src: str
    in_head: bool
    attributes: Mapping[str, str]


class _Reader(HTMLParser):
    """Collects scripts, and policies that stand in meta elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[Script] = []
        self.policies: list[str] = []
        self.at_policy: int | None = None  # how many scripts stand before the first policy
        self._in_body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters."""
        given = {name: value or "" for name, value in attrs}
        if tag == "body":
            self._in_body = True
        elif tag == "script":
            self.scripts.append(Script(given.get("src", "").strip(), not self._in_body, given))
        elif tag == "meta" and given.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(given.get("content", ""))
            if self.at_policy is None:
                self.at_policy = len(self.scripts)


def check(
    html: str, *, page: str, tag: str, policies: Iterable[str] = (), holds_trackers: bool = False
) -> list[Finding]:
    """Return what holds of a page that should embed a tag.

    Args:
        html: the page.
        page: its address, after redirects.
        tag: the tag's address.
        policies: the page's Content-Security-Policy headers.
        holds_trackers: the tag holds known trackers, so the browser must not look ahead (`elements.NO_LOOKING_AHEAD`).
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    place = next((at for at, each in enumerate(reader.scripts) if _is_tag(each, page, tag)), None)
    if place is None:
        return [Finding("there", "bad")]
    found = reader.scripts[place]
    first = found.in_head and not any(_runs(each) for each in reader.scripts[:place])
    late = (
        any(name in found.attributes for name in ("async", "defer"))
        or found.attributes.get("type") == "module"
    )
    address = urljoin(page, found.src)
    return [
        Finding("there", "good"),
        Finding("once", "good" if _count(reader.scripts, page, tag) == 1 else "bad"),
        Finding("first", "good" if first else "bad"),
        Finding("synchronous", "warn" if late else "good"),
        *([_looking_ahead(reader, place)] if holds_trackers else []),
        *_policy_findings([*policies, *reader.policies], page, address, found),
    ]


def _looking_ahead(reader: _Reader, place: int) -> Finding:
    waits = reader.at_policy is not None and reader.at_policy <= place + 1
    return Finding("ahead", "good" if waits else "warn")


def _is_tag(script: Script, page: str, tag: str) -> bool:
    """Tell whether a script is the tag: from the server itself, or through an address of the site's own."""
    path = urlsplit(urljoin(page, script.src)).path
    name = re.escape(urlsplit(tag).path.rpartition("/")[2].removesuffix(".js"))
    return (
        bool(script.src) and re.search(rf"/w/{name}(@[0-9a-f]+)?\.js\Z", path) is not None
    )  # pinned, or not


def _count(scripts: Iterable[Script], page: str, tag: str) -> int:
    return sum(_is_tag(each, page, tag) for each in scripts)


def _runs(script: Script) -> bool:
    kind = script.attributes.get("type", "").strip().lower()
    return kind in ("", "module") or kind.endswith("javascript")


def _policy_findings(policies: Iterable[str], page: str, address: str, tag: Script) -> Iterable[Finding]:
    parsed = [_parsed(each) for policy in policies for each in policy.split(",")]
    parsed = [each for each in parsed if each]
    scripts = all(_allows_script(each, page, address, tag) for each in parsed)
    calls = all(_allows(_directive(each, "connect-src"), page, address) for each in parsed)
    yield Finding("policy-script", "good" if scripts else "bad")
    yield Finding("policy-connect", "good" if calls else "bad")
    named = [each["trusted-types"] for each in parsed if "trusted-types" in each]
    if any(TRUSTED_TYPES not in names and "*" not in names for names in named):
        yield Finding("policy-types", "bad")


def _parsed(policy: str) -> dict[str, list[str]]:
    """Return a policy's directives; of two of one name the first counts (CSP 3, section 2.2.1)."""
    found: dict[str, list[str]] = {}
    for part in policy.split(";"):
        name, *values = part.split() or [""]
        if name:
            found.setdefault(name.lower(), values)
    return found


def _directive(policy: Mapping[str, list[str]], *names: str) -> list[str] | None:
    return next((policy[name] for name in (*names, "default-src") if name in policy), None)


def _allows_script(policy: Mapping[str, list[str]], page: str, address: str, tag: Script) -> bool:
    sources = _directive(policy, "script-src-elem", "script-src")
    nonce = tag.attributes.get("nonce")
    if sources is None or (nonce and f"'nonce-{nonce}'" in sources):
        return True
    return "'strict-dynamic'" not in sources and _allows(sources, page, address)


def _allows(sources: list[str] | None, page: str, address: str) -> bool:
    return sources is None or any(_matches(source, page, address) for source in sources)


def _matches(source: str, page: str, address: str) -> bool:
    """Tell whether a source expression covers an address (CSP 3, section 6.7.2.8, without paths below the host)."""
    wanted, here = urlsplit(address), urlsplit(page)
    if source == "*":
        return wanted.scheme in ("http", "https", here.scheme)
    if source == "'self'":
        return (wanted.scheme, wanted.netloc) == (here.scheme, here.netloc)
    if source.startswith("'"):
        return False
    if source.endswith(":"):
        return wanted.scheme == source[:-1].lower()
    parts = urlsplit(source if "://" in source else f"{here.scheme}://{source}")
    try:
        port = parts.port
    except ValueError:  # a wildcard
        port = wanted.port
    host, usual = (parts.hostname or "").lower(), {"http": 80, "https": 443}
    same_host = (
        (wanted.hostname or "").endswith(host[1:]) if host.startswith("*.") else wanted.hostname == host
    )
    upgraded = parts.scheme == wanted.scheme or (parts.scheme, wanted.scheme) == ("http", "https")
    same_port = (wanted.port or usual[wanted.scheme]) == (port or usual[wanted.scheme])
    below = (
        parts.path in ("", "/")
        or wanted.path == parts.path
        or (parts.path.endswith("/") and wanted.path.startswith(parts.path))
    )
    return same_host and upgraded and same_port and below
