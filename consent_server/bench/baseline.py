"""What the product is compared with: bare WSGI, bare Flask, and a Flask view that inserts and commits one row."""

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, request
from sqlalchemy import Column, LargeBinary, MetaData, Table, Uuid
from sqlalchemy.engine import Engine

from consent_server import clock
from consent_server.db import UtcDateTime

HELLO = b"hello"

rows = Table(
    "bench_row",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
)


def baseline(engine: Engine) -> Callable[..., Iterable[bytes]]:
    """Return one WSGI application that answers `/wsgi` itself and leaves `/flask` and `/insert` to Flask."""
    flask = _flask(engine)

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/wsgi":
            return flask(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(HELLO)))])
        return [HELLO]

    return application


def _flask(engine: Engine) -> Flask:
    app = Flask("baseline")
    statement = rows.insert()

    @app.get("/flask")
    def hello() -> bytes:
        return HELLO

    @app.post("/insert")
    def insert() -> tuple[dict[str, str], int]:
        """Store the body: one INSERT through SQLAlchemy Core, one COMMIT, nothing checked and nothing signed."""
        number = uuid.uuid4()
        with engine.begin() as connection:
            connection.execute(
                statement, {"id": number, "created_at": clock.now(), "body": request.get_data()}
            )
        return {"id": str(number)}, 201

    return app
