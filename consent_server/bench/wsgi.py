"""The WSGI entry of the baseline application."""

from sqlalchemy import create_engine

from consent_server.app import engine_options
from consent_server.bench.baseline import baseline
from consent_server.config import load_settings
from consent_server.db import prepare_engine

settings = load_settings()
options = engine_options(settings)
if settings.database_url.startswith("postgresql"):
    del options[
        "connect_args"
    ]  # its driver prepares what it sends often, as it does unless it is told otherwise
engine = create_engine(settings.database_url, **options)
prepare_engine(engine, prepares=False)
app = baseline(engine)
