"""The ASGI entry, which `consent-server serve` runs; `wsgi.py` is the same application for servers with threads only."""

from consent_server.app import serving_app
from consent_server.front.asgi import Front

app = Front(serving_app())
