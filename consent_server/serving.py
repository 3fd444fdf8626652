"""The production web server, granian, set up from the settings."""

from typing import Any

from consent_server.config import Settings

APP = "consent_server.asgi:app"
LAST_SECONDS = 30  # that a process may take to end when it is told to


def web_server(chosen: Settings) -> Any:
    """Return the server of the application for these settings; its processes read the environment themselves."""
    from granian.constants import Interfaces

    return _granian(chosen, APP, Interfaces.ASGINL)


def thread_server(chosen: Settings, target: str) -> Any:
    """Return a server for a WSGI target, set up alike, with a thread for each request."""
    from granian.constants import Interfaces

    return _granian(chosen, target, Interfaces.WSGI, blocking_threads=chosen.threads)


def _granian(chosen: Settings, target: str, interface: Any, **more: Any) -> Any:
    from granian import Granian

    return Granian(
        target,
        address=chosen.host,
        port=chosen.port,
        interface=interface,
        workers=chosen.workers,
        log_access=False,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=LAST_SECONDS,
        **more,
    )
