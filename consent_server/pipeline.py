"""PostgreSQL's pipeline mode, by hand: many statements sent at once, all answers read at once.

psycopg has a pipeline mode of its own. It looks after the socket anew for every statement, and adapts every value
through several layers: that cost more than everything else that a decision needs. This does one thing with psycopg's
libpq bindings (`psycopg.pq`): send statements whose values are already in binary form, and read rows in binary form.

https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import select
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, OperationalError, errors
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from consent_server.columns import reader

BEGIN, COMMIT = b"BEGIN ISOLATION LEVEL READ COMMITTED", b"COMMIT"
GOOD = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)
BINARY = 1

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Command:
    """A statement with its values.

    `name` is what it is prepared as, the same for one text everywhere, empty where it never is; `text` has `$1` and so on; `oids` are the type
    numbers of the values, which are in binary form.
    """

    name: bytes
    text: bytes
    oids: Sequence[int]
    values: Sequence[bytes]


def run(
    connection: Connection[Any],
    commands: Sequence[Command],
    *,
    prepared: set[bytes] | None,
    commit: bool = False,
) -> list[Rows]:
    """Execute statements in one go as part of the connection's transaction, which is begun if there is none.

    Args:
        connection: psycopg's; nobody else uses it meanwhile.
        commands: what to execute, in this order.
        prepared: names of the statements that the connection has prepared, which grows here; None where nothing may
            be prepared, because a pooler hands the session to others between transactions.
        commit: end the transaction in the same round trip. Where a statement fails, the server skips all that
            follow, the commit too.

    Returns:
        The rows of each statement.

    Raises:
        psycopg.Error: of the first statement that failed; none after it was executed.
    """
    pg = connection.pgconn
    pg.enter_pipeline_mode()
    if idle := pg.transaction_status == TransactionStatus.IDLE:
        pg.send_query_params(BEGIN, None)
    wanted = [False] * idle + _send(pg, commands, prepared)
    if commit:
        pg.send_query_params(COMMIT, None)
        wanted.append(False)
    pg.pipeline_sync()
    results = [_result(pg) for _ in wanted]
    _result(pg)  # the mark of the sync
    pg.exit_pipeline_mode()
    failed = next((result for result in results if result.status not in GOOD), None)
    if failed is not None:
        raise errors.error_from_result(failed)
    if prepared is not None:
        prepared.update(each.name for each in commands if each.name)
    return [_rows(result) for result, its in zip(results, wanted, strict=True) if its]


def _send(pg: PGconn, commands: Sequence[Command], prepared: set[bytes] | None) -> list[bool]:
    """Send statements; say for each message that is answered whether it is a statement or prepares one."""
    sent: list[bool] = []
    fresh: set[bytes] = set()
    for each in commands:
        formats = [BINARY] * len(each.oids)
        if prepared is None or not each.name:
            pg.send_query_params(each.text, each.values, each.oids, formats, BINARY)
        else:
            if each.name not in prepared and each.name not in fresh:
                pg.send_prepare(each.name, each.text, each.oids)
                fresh.add(each.name)
                sent.append(False)
            pg.send_query_prepared(each.name, each.values, formats, BINARY)
        sent.append(True)
    return sent


def _result(pg: PGconn) -> PGresult:
    """Return the next command's result, and take the end mark after it."""
    result = _next(pg)
    if result is None:
        raise OperationalError("the connection was lost while the answers were read")
    if result.status != ExecStatus.PIPELINE_SYNC:
        _next(pg)
    return result


def _next(pg: PGconn) -> PGresult | None:
    while True:
        unsent = pg.flush()
        if not unsent and not pg.is_busy():
            return pg.get_result()
        socket = select.poll()
        socket.register(pg.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
        socket.poll()
        pg.consume_input()  # raises OperationalError when the server is gone


def _rows(result: PGresult) -> Rows:
    value = result.get_value
    columns = [(column, reader(result.ftype(column))) for column in range(result.nfields)]
    return [
        tuple([None if (body := value(row, column)) is None else read(body) for column, read in columns])
        for row in range(result.ntuples)
    ]
