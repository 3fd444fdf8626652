"""A request as ASGI has it, in the words of WSGI (PEP 3333), which the short ways and the framework understand."""

import sys
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from consent_server.short_ways import Environ

_PLAIN = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
_COOKIE = "HTTP_COOKIE"
_ALWAYS: Environ = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}


def environ_of(scope: dict[str, Any]) -> Environ:
    """Return the environment of a request, without its body.

    A header with an underscore in its name is left out: WSGI could not tell it from one with a hyphen, which a proxy may
    vouch for.
    """
    server, client = scope.get("server"), scope.get("client")
    environ: Environ = {
        **_ALWAYS,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": _path(scope),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0] if server else "localhost",
        "SERVER_PORT": str(server[1] or 0) if server else "0",
        "wsgi.url_scheme": scope.get("scheme", "http"),
    }
    if client:
        environ["REMOTE_ADDR"] = client[0]
    for name, value in scope["headers"]:
        key = _name(name)
        if key:
            text = value.decode("latin-1")
            before = environ.get(key)
            environ[key] = text if before is None else f"{before}{'; ' if key == _COOKIE else ','}{text}"
    return environ


@lru_cache(maxsize=512)
def _name(header: bytes) -> str:
    header = header.lower()
    if header in _PLAIN:
        return _PLAIN[header]
    return "" if b"_" in header else "HTTP_" + header.decode("latin-1").upper().replace("-", "_")


def _path(scope: dict[str, Any]) -> str:
    raw = scope.get("raw_path")
    path = scope["path"].encode() if raw is None else unquote_to_bytes(raw) if b"%" in raw else raw
    return str(path, "latin-1")
