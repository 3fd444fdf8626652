"""The WSGI entry for any server: `granian --interface wsgi wsgi:app` or `gunicorn wsgi:app`."""

from consent_server.wsgi import app

__all__ = ["app"]
