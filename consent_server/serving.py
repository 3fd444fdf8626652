"""The web servers, set up from the settings: uvicorn for the application, granian for WSGI targets that it is measured beside."""

import signal
import sys
from typing import Any, NamedTuple

from consent_server.config import Settings

APP = "consent_server.asgi:app"
LAST_SECONDS = 30  # that a process may take to end when it is told to
IDLE_SECONDS = 75  # that a connection is kept for its next request: longer than proxies keep theirs, so that they close first
BACKLOG = 2_048  # connections that wait to be taken


class WebServer(NamedTuple):
    """The server of the application; its processes read the environment themselves.

    A connection, its parser and the application share one thread: a request that is handed from thread to thread costs more for
    each change than there is to do.
    """

    settings: Settings

    def serve(self) -> None:
        """Serve until told to stop, then answer what has begun."""
        import uvicorn

        from consent_server.front.connection import Connection

        # When all is answered uvicorn raises the signal again that ended it; to be told to stop is no failure.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        uvicorn.run(
            APP,
            host=self.settings.host,
            port=self.settings.port,
            workers=self.settings.workers,
            loop="uvloop",
            http=Connection,
            ws="none",
            interface="asgi3",
            lifespan="on",
            backlog=BACKLOG,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=LAST_SECONDS,
            # Proxies are believed by the application, which knows how many there are.
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            log_level="error",
        )


def web_server(chosen: Settings) -> WebServer:
    """Return the server of the application for these settings."""
    return WebServer(chosen)


def thread_server(chosen: Settings, target: str) -> Any:
    """Return a server for a WSGI target with as many processes, and a thread for each request."""
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
        websockets=False,
        workers_kill_timeout=LAST_SECONDS,
    )
