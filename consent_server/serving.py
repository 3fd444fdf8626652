"""The production WSGI server, granian, set up from the settings."""

from typing import Any

from consent_server.config import Settings

APP = "consent_server.wsgi:app"


def web_server(chosen: Settings, *, target: str = APP) -> Any:
    """Return the WSGI server for these settings; its processes read the environment themselves."""
    from granian import Granian
    from granian.constants import Interfaces

    return Granian(
        target,
        address=chosen.host,
        port=chosen.port,
        interface=Interfaces.WSGI,
        workers=chosen.workers,
        blocking_threads=chosen.threads,
        log_access=False,
        respawn_failed_workers=True,
    )
