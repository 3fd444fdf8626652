"""A connection as uvicorn speaks HTTP on it, with limits that it lacks: how long and how large a head may be.

Bodies are limited where they are read (`threads.read_body`). What is limited here is what nobody has asked for yet: bytes
of a head, or of the fields behind a chunked body, which the parser would keep for as long as they come.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 64 * 1024  # bytes
HEAD_SECONDS = 20.0
TOO_LARGE, TOO_LATE = b"431 Request Header Fields Too Large", b"408 Request Timeout"


class Connection(HttpToolsProtocol):
    """Ends a connection whose head is too large or too late."""

    _open = 0  # bytes since the parser last came to the end of a head, of a piece of a body, or of a message
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Expect a head soon."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._stop_expecting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in bytes; what begins a head has to end it in time."""
        self._open += len(data)
        super().data_received(data)
        if self._open == 0 or self.transport.is_closing():
            return
        if self._open > MOST_HEAD:
            self._refuse(TOO_LARGE)
        elif self._limit is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Have the request answered."""
        self._got_on()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on."""
        self._got_on()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Hand on that this is all."""
        self._got_on()
        super().on_message_complete()

    def _got_on(self) -> None:
        self._open = 0
        self._stop_expecting()

    def _expect_head(self) -> None:
        self._limit = self.loop.call_later(HEAD_SECONDS, self._refuse, TOO_LATE)

    def _stop_expecting(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _refuse(self, status: bytes) -> None:
        """End the connection, with an answer where none has begun."""
        self._stop_expecting()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
        self.transport.close()
