"""`python -m consent_server.bench.serve TARGET`: serve the application exactly as `consent-server serve` does, a WSGI target alike."""

import sys

from consent_server.config import load_settings
from consent_server.serving import APP, thread_server, web_server

if __name__ == "__main__":
    target, settings = sys.argv[1], load_settings()
    server = web_server(settings) if target == APP else thread_server(settings, target)
    server.serve()
