"""The anchor file: signed checkpoints, one a line of JSON, on another path than the database.

A line is there before anybody is told of it: it is written at the end and fsynced. Nothing inside the database can show
that the database was put back to an earlier state; this file can, so keep it on another volume, best an append-only one.
A crash in the middle of a write leaves a torn line, which readers pass over; the next line begins on a line of its own.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import orjson

from consent_server import clock

ROTATE_BYTES = 64 * 1024 * 1024
_BEGIN, _END = b'{"log":', b"}"


class BadAnchor(Exception):
    """The anchor file cannot be trusted or used; the text says why and what to do."""


@dataclass(frozen=True)
class Head:
    """A log's checkpoint, as it leaves the database."""

    origin: str
    size: int
    root: bytes
    signed_at: datetime
    note: str

    def line(self) -> bytes:
        """Return the line of the file."""
        members = {
            "log": self.origin,
            "size": self.size,
            "root": self.root.hex(),
            "signed_at": clock.iso(self.signed_at),
            "note": self.note,
        }
        return orjson.dumps(members) + b"\n"


Lines = Iterator[tuple[int, Head | None]]


def append(path: Path, heads: Sequence[Head], *, rotate_at: int = ROTATE_BYTES) -> int:
    """Append heads, fsync, and return the file's size. Several processes may do so at once.

    Raises:
        OSError: nothing, or not all, has been written; write the same heads again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        _write(handle, (b"\n" if torn else b"") + b"".join(head.line() for head in heads))
        os.fsync(handle)
        if size == 0:
            _sync_folder(path.parent)
        size = os.fstat(handle).st_size
        if size > rotate_at:
            _rotate(path)
        return size
    finally:
        os.close(handle)


def lines(path: Path) -> Lines:
    """Return the heads by line number, read as they are asked for; None for a line that is damaged but not torn."""
    with as_of_now(path) as written:
        yield from written


@contextmanager
def as_of_now(path: Path | None) -> Iterator[Lines]:
    """Return the heads that the file has now, whatever is appended or put in its place until they have been read.

    No file, or an absent one, has none.
    """
    if path is None or not path.exists():
        yield iter(())
        return
    with path.open("rb") as file:
        yield _read(file, os.fstat(file.fileno()).st_size)


def newest(path: Path) -> dict[str, Head]:
    """Return each log's largest head; an absent file has none.

    Raises:
        BadAnchor: a line is damaged, so that the newest head may be the one on it.
    """
    heads: dict[str, Head] = {}
    if not path.exists():
        return heads
    for number, head in lines(path):
        if head is None:
            raise BadAnchor(
                f"{path}, line {number}, is damaged: restore the file from a copy, or move it away and "
                "run `consent-server ledger fsck` before you go on"
            )
        if head.origin not in heads or heads[head.origin].size <= head.size:
            heads[head.origin] = head
    return heads


def _read(file: BinaryIO, end: int) -> Lines:
    read = 0
    for number, line in enumerate(file, 1):
        read += len(line)
        if read > end:
            return
        text = line.strip()
        head = _parse(text)
        if head is not None or not _is_torn(text):
            yield number, head


def _write(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _parse(text: bytes) -> Head | None:
    try:
        members = orjson.loads(text)
        head = Head(
            str(members["log"]),
            int(members["size"]),
            bytes.fromhex(members["root"]),
            datetime.fromisoformat(members["signed_at"]),
            str(members["note"]),
        )
    except (ValueError, TypeError, KeyError):
        return None
    return head if head.line() == text + b"\n" else None  # written in the one way in which we write


def _is_torn(text: bytes) -> bool:
    """Tell whether a text is the beginning of a line, as a crash leaves it, rather than a whole one that was changed."""
    begun = text.startswith(_BEGIN) or _BEGIN.startswith(text)
    whole = _parse(text[:-1] + _END) or _parse(text[:-1])  # its last byte, or the end of the line after it
    return begun and not text.endswith(_END) and whole is None


def _rotate(path: Path) -> None:
    """Put a full file aside and begin a new one with the newest head of every log, so that starting stays quick."""
    number = len(list(path.parent.glob(f"{path.name}.*"))) + 1
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.writelines(head.line() for head in newest(path).values())
        file.flush()
        os.fsync(file.fileno())
    os.link(path, path.with_name(f"{path.name}.{number}"))
    fresh.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
