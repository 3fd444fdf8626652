"""The demo's consent server as a child process: `python -m consent_server.demo.server`, settings in the environment."""

import os
import signal
import threading
import time

from consent_server.config import load_settings
from consent_server.serving import serve

LOOK_EVERY = 1.0  # seconds


def _stop_without_parent(parent: int) -> None:
    """Stop this server when the demo was killed: nobody else would."""
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until stopped."""
    watch = threading.Thread(target=_stop_without_parent, args=(os.getppid(),), daemon=True)
    watch.start()
    serve(load_settings())


if __name__ == "__main__":
    main()
