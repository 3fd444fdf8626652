"""Fetch a page of a site's own, on behalf of staff, so that nobody can make this server reach into networks behind it.

Only the origins that the caller names are gone to, redirects included. A host name is resolved once, every address that it
has must be a public one, and the connection goes to the very address that was checked. Time and size are limited.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

SECONDS, LONGEST, HOPS = 10.0, 1_000_000, 3
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # leads to IPv4 addresses that have not been looked at
USER_AGENT = "consent-server page check"


class NotFetched(Exception):
    """The page was not fetched; `reason` is one of `foreign`, `private`, `unknown-host`, `unreachable`, `slow`, `redirects`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Fetched:
    """An answer: where it came from after redirects, its headers (names in lower case), its first million bytes."""

    address: str
    status: int
    headers: Mapping[str, list[str]]
    body: bytes


def fetch(
    address: str,
    *,
    origins: Collection[str],
    origin_of: Callable[[str], str],
    allow_private: bool = False,
    seconds: float = SECONDS,
) -> Fetched:
    """Fetch a page.

    Args:
        address: http or https.
        origins: the only origins that are gone to.
        origin_of: returns the origin of an address in the form in which `origins` has it; raises for what has none.
        allow_private: go to addresses that are not public too, for tests and intranets.
        seconds: for all of it.

    Raises:
        NotFetched: with the reason.
    """
    deadline = time.monotonic() + seconds
    for _ in range(HOPS + 1):
        if not _is_plain(address) or origin_of(_base(address)) not in origins:
            raise NotFetched("foreign")
        answer = _once(address, deadline=deadline, allow_private=allow_private)
        location = answer.headers.get("location", [""])[0]
        if answer.status not in (301, 302, 303, 307, 308) or not location:
            return answer
        address = urljoin(address, location)
    raise NotFetched("redirects")


def _is_plain(address: str) -> bool:
    """Tell whether an address is http or https, and says nothing of a user."""
    try:
        parts = urlsplit(address)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and "@" not in parts.netloc
        )
    except ValueError:
        return False


def _base(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def is_public(text: str) -> bool:
    """Tell whether an IP address is one of the public internet, and of one machine."""
    parsed = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed in NAT64 or parsed.sixtofour or parsed.teredo:
            return False
        if parsed.ipv4_mapped:
            return is_public(str(parsed.ipv4_mapped))
    return parsed.is_global and not parsed.is_multicast


def _once(address: str, *, deadline: float, allow_private: bool) -> Fetched:
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    there = _resolved(host, port, allow_private=allow_private)
    connection = _connection(parts.scheme, host, port, there, _left(deadline))
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"User-Agent": USER_AGENT, "Accept": "text/html,*/*;q=0.1", "Accept-Encoding": "identity"}
        connection.request("GET", target, headers=headers)
        with connection.getresponse() as answer:
            body = _body(answer, connection, deadline)
            found: dict[str, list[str]] = {}
            for name, value in answer.getheaders():
                found.setdefault(name.lower(), []).append(value)
            return Fetched(address, answer.status, found, body)
    except TimeoutError as error:
        raise NotFetched("slow") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotFetched("unreachable") from error
    finally:
        connection.close()


def _resolved(host: str, port: int, *, allow_private: bool) -> str:
    """Return an address of the host; none of its addresses may lead inside."""
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise NotFetched("unknown-host") from error
    if not allow_private and not all(is_public(each) for each in found):
        raise NotFetched("private")
    return min(
        found, key=lambda each: (":" in each, each)
    )  # IPv4 first: servers that have no way to IPv6 are common


def _connection(scheme: str, host: str, port: int, there: str, seconds: float) -> http.client.HTTPConnection:
    """Return a connection to the address that was checked, under the host's own name."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.sock = socket.create_connection((there, port), timeout=seconds)
        if scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
    except OSError as error:
        connection.close()
        raise NotFetched("slow" if isinstance(error, TimeoutError) else "unreachable") from error
    return connection


def _body(answer: http.client.HTTPResponse, connection: http.client.HTTPConnection, deadline: float) -> bytes:
    """Read what fits, in pieces, so that a server that trickles is given up in time."""
    parts: list[bytes] = []
    size = 0
    while size < LONGEST:
        seconds = _left(deadline)
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        piece = answer.read1(min(65_536, LONGEST - size))
        if not piece:
            break
        parts.append(piece)
        size += len(piece)
    return b"".join(parts)


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise NotFetched("slow")
    return seconds
