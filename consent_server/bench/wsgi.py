"""The WSGI entry of the baseline application."""

from consent_server.app import engine_of
from consent_server.bench.baseline import baseline
from consent_server.config import load_settings

app = baseline(engine_of(load_settings()))
