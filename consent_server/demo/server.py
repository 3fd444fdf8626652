"""The demo's consent server as a child process: `python -m consent_server.demo.server`, settings in the environment."""

import os
import signal
import threading
import time

from granian.log import LogLevels, configure_logging

from consent_server.config import load_settings
from consent_server.serving import web_server

LOOK_EVERY = 1.0  # seconds


def _stop_without_parent(parent: int) -> None:
    """Stop this server when the demo was killed: nobody else would."""
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until stopped."""
    watch = threading.Thread(target=_stop_without_parent, args=(os.getppid(),), daemon=True)
    server = web_server(load_settings())
    server.on_startup(watch.start)
    # The person who tries the demo reads the guide, not the server's progress; what goes wrong is still told.
    server.log_level = LogLevels.error
    configure_logging(server.log_level, None, True)
    server.serve()


if __name__ == "__main__":
    main()
