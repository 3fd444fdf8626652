"""`serve` and `worker`: the web processes and the job workers."""

import signal
import threading

import structlog

from consent_server import logs, serving
from consent_server.app import build
from consent_server.cli.root import root, settings
from consent_server.jobs.runner import Runner
from consent_server.ledger import boot

log = structlog.get_logger(__name__)


@root.command()
def serve() -> None:
    """Serve the site on CONSENT_HOST and CONSENT_PORT with uvicorn."""
    serving.serve(settings())


@root.command()
def worker() -> None:
    """Run jobs until stopped; start as many as you like beside web processes with CONSENT_EMBEDDED_WORKER=false."""
    chosen = settings()
    logs.configure(chosen)
    app = build(chosen)
    boot.check(app)
    runner = Runner(app, chosen, seat=False)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    runner.start()
    log.info("worker started")
    ended.wait()
    runner.stop()
    log.info("worker stopped")
