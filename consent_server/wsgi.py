"""The WSGI entry inside the package, for `consent-server serve` in any folder; `wsgi.py` beside it is the same."""

from consent_server.app import serving_app

app = serving_app()
