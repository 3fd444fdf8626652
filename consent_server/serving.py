"""The web servers, set up from the settings: uvicorn for the application, granian for WSGI targets that it is measured beside."""

import signal
import sys

from consent_server.config import Settings

APP = "consent_server.asgi:app"
LAST_SECONDS = 30  # that a process may take to end when it is told to
IDLE_SECONDS = 75  # that a connection is kept for its next request: longer than proxies keep theirs, so that they close first
BACKLOG = 2_048  # connections that wait to be taken


def serve(chosen: Settings) -> None:
    """Serve the application until told to stop, then answer what has begun; its processes read the environment themselves.

    A connection, its parser and the application share one thread: a request that is handed from thread to thread costs more for
    each change than there is to do.
    """
    import uvicorn

    from consent_server.front.connection import Connection

    # When all is answered uvicorn raises the signal again that ended it; to be told to stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        APP,
        host=chosen.host,
        port=chosen.port,
        workers=chosen.workers,
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


def serve_on_threads(chosen: Settings, target: str) -> None:
    """Serve a WSGI target with as many processes, and a thread for each request."""
    from granian import Granian
    from granian.constants import Interfaces

    server = Granian(
        target,
        address=chosen.host,
        port=chosen.port,
        interface=Interfaces.WSGI,
        workers=chosen.workers,
        blocking_threads=chosen.threads,
        log_access=False,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=LAST_SECONDS,
    )
    server.serve()
