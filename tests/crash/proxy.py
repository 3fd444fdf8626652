"""A TCP proxy before PostgreSQL that loses the answer to a COMMIT: it went through, and nobody is told."""

from __future__ import annotations

import contextlib
import socket
import threading

from .server import free_port

# A simple query, and one in a pipeline: https://www.postgresql.org/docs/current/protocol-message-formats.html
COMMITS = (b"Q\0\0\0\x0bCOMMIT\0", b"P\0\0\0\x0e\0COMMIT\0\0\0")


class Proxy:
    """Passes connections on to a Unix socket.

    After `lose(n)` the next n connections that send a COMMIT are closed as soon as the server has answered it.
    """

    def __init__(self, socket_path: str) -> None:
        self.port = free_port()
        self.lost = 0
        self._path, self._to_lose = socket_path, 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, number: int) -> None:
        """Lose the answers to so many commits."""
        with self._lock:
            self._to_lose = number

    def close(self) -> None:
        """End the listener and every connection."""
        self._listener.close()
        with self._lock:
            opened = list(self._open)
        for each in opened:
            _close(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._path)
                doomed = threading.Event()
                with self._lock:
                    self._open |= {client, server}
                for arguments in ((client, server, doomed, True), (server, client, doomed, False)):
                    threading.Thread(target=self._pass_on, args=arguments, daemon=True).start()

    def _pass_on(self, source: socket.socket, to: socket.socket, doomed: threading.Event, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if asks and any(each in data for each in COMMITS) and self._takes_this():
                    doomed.set()
                if not asks and doomed.is_set():
                    self.lost += 1  # the server has answered: it is stored
                    break
                to.sendall(data)
        _close(source)
        _close(to)

    def _takes_this(self) -> bool:
        with self._lock:
            self._to_lose -= 1
            return self._to_lose >= 0


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
