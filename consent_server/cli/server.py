"""`serve` and `worker`: the web processes and the job workers."""

import signal
import threading
from typing import Any

import structlog

from consent_server import logs
from consent_server.app import build
from consent_server.cli.main import root, settings
from consent_server.config import Settings
from consent_server.jobs.runner import Runner

log = structlog.get_logger(__name__)


@root.command()
def serve() -> None:
    """Serve the site on CONSENT_HOST and CONSENT_PORT with granian."""
    web_server(settings()).serve()


def web_server(chosen: Settings) -> Any:
    """Return the WSGI server for these settings; its processes read the environment themselves."""
    from granian import Granian
    from granian.constants import Interfaces

    return Granian(
        "consent_server.wsgi:app",
        address=chosen.host,
        port=chosen.port,
        interface=Interfaces.WSGI,
        workers=chosen.workers,
        blocking_threads=chosen.threads,
        log_access=False,
        respawn_failed_workers=True,
    )


@root.command()
def worker() -> None:
    """Run jobs until stopped; start as many as you like beside web processes with CONSENT_EMBEDDED_WORKER=false."""
    chosen = settings()
    logs.configure(chosen)
    runner = Runner(build(chosen), chosen, seat=False)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    runner.start()
    log.info("worker started")
    ended.wait()
    runner.stop()
    log.info("worker stopped")
