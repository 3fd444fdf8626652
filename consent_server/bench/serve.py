"""`python -m consent_server.bench.serve TARGET`: serve the application exactly as `consent-server serve` does, a WSGI target alike."""

import sys

from consent_server.config import load_settings
from consent_server.serving import APP, serve, serve_on_threads

if __name__ == "__main__":
    target, settings = sys.argv[1], load_settings()
    if target == APP:
        serve(settings)
    else:
        serve_on_threads(settings, target)
