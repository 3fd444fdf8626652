"""`python -m consent_server.bench.serve TARGET`: serve a WSGI target exactly as `consent-server serve` does."""

import sys

from consent_server.config import load_settings
from consent_server.serving import web_server

if __name__ == "__main__":
    web_server(load_settings(), target=sys.argv[1]).serve()
