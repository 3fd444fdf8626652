"""A disk whose power can be cut: only what was synced survives, and a random half of the rest.

It is a VFS (https://sqlite.org/vfs.html) in the very SQLite library that Python's `sqlite3` uses, made the default one
for a while: the product opens, writes and syncs its database as always. Reading, locking and shared memory stay the
system's own; opening, writing, syncing, truncating and deleting are also written down here.

On disk are a file's bytes as they were at its last sync, under a name that was synced too, which SQLite does with a new
file's first sync. What was written since survives by a coin for each sector of 512 bytes, so that pages are torn and
later writes may be there without earlier ones; a name made or removed without a sync survives by a coin.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

SECTOR = 512
OK, IO_ERROR, FULL, CANNOT_OPEN = 0, 10, 13, 14
DURABLE_FILES = 0x100 | 0x800 | 0x80000  # main database, its rollback journal, its write-ahead log
MISSING = "NO POWER WAS CUT: this Python has an SQLite inside that does not show its C interface"

_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_DELETE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
_CLOSE = CFUNCTYPE(c_int, c_void_p)
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs` of version 3."""

    _fields_ = [
        ("iVersion", c_int), ("szOsFile", c_int), ("mxPathname", c_int), ("pNext", c_void_p), ("zName", c_char_p),
        ("pAppData", c_void_p), ("xOpen", _OPEN), ("xDelete", _DELETE), ("rest", c_void_p * 14),
    ]  # fmt: skip


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods` of version 3."""

    _fields_ = [
        ("iVersion", c_int), ("xClose", _CLOSE), ("xRead", c_void_p), ("xWrite", _WRITE), ("xTruncate", _TRUNCATE),
        ("xSync", _SYNC), ("rest", c_void_p * 13),
    ]  # fmt: skip


class _Handle(ctypes.Structure):
    """`sqlite3_file`."""

    _fields_ = [("pMethods", POINTER(_Methods))]


Change = tuple[int, bytes] | int  # a write at an offset, or a new length


@dataclass
class _File:
    """What is on disk of a file, and what was done to it since its last sync."""

    durable: bytearray = field(default_factory=bytearray)
    since: list[Change] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.since:
            _apply(self.durable, change)
        self.since.clear()

    def left(self, random: Random) -> bytes:
        found = bytearray(self.durable)
        for change in self.since:
            for part in [change] if isinstance(change, int) else _sectors(*change):
                if random.random() < 0.5:
                    _apply(found, part)
        return bytes(found)


def _apply(content: bytearray, change: Change) -> None:
    if isinstance(change, int):
        del content[change:]
        return
    offset, data = change
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut a write where sectors of the file begin."""
    done = 0
    while done < len(data):
        end = min(len(data), done + SECTOR - (offset + done) % SECTOR)
        yield offset + done, data[done:end]
        done = end


class Disk:
    """A folder. What is in it now is durable; from operation number `dark_at` on nothing reaches it any more.

    With `status` 13, SQLite's "full", it stands for a disk without room: then it may be given `room` again.
    """

    def __init__(self, folder: Path, *, dark_at: int | None, status: int = IO_ERROR) -> None:
        self.folder, self.dark_at, self.status = folder, dark_at, status
        self.operations = self.syncs = 0
        self._now: dict[str, _File] = {}  # by the name that the system knows
        self._kept: dict[str, _File] = {}  # by the name that is on disk
        for path in folder.iterdir():
            self._now[str(path)] = self._kept[str(path)] = _File(bytearray(path.read_bytes()))

    @property
    def dark(self) -> bool:
        """Whether the power is off."""
        return self.dark_at is not None and self.operations >= self.dark_at

    def room(self) -> None:
        """Let operations succeed again."""
        self.dark_at = None

    def left(self, to: Path, random: Random) -> None:
        """Write what survived into an empty folder."""
        for name in sorted(self._now.keys() | self._kept.keys()):
            system, disk = self._now.get(name), self._kept.get(name)
            file = system if system is disk else random.choice([system, disk])
            if file is not None:
                (to / Path(name).name).write_bytes(file.left(random))

    def opened(self, name: str) -> _File:
        """Note that a file is opened, and perhaps made."""
        return self._now.setdefault(name, _File())

    def write(self, file: _File, change: Change) -> bool:
        """Note a change; False if the power went with it."""
        self.operations += 1
        if not self.dark or self.operations == self.dark_at:
            file.since.append(change)
        return not self.dark

    def sync(self, name: str, file: _File) -> bool:
        """Note that a file and its name are synced; False if the power is off."""
        self.operations += 1
        if not self.dark:
            self.syncs += 1
            file.sync()
            if self._now.get(name) is file and self._kept.get(name) is not file:
                self._kept = dict(self._now)  # it is new: SQLite syncs the folder too, and all names in it
        return not self.dark

    def delete(self, name: str, *, synced: bool) -> bool:
        """Note that a name goes; False if the power is off."""
        self.operations += 1
        if not self.dark:
            self._now.pop(name, None)
            if synced:
                self._kept = dict(self._now)
        return not self.dark


class _Opened(NamedTuple):
    theirs: _Methods
    disk: Disk
    name: str
    file: _File


class _Power:
    """The VFS. SQLite keeps pointers into it as long as the process lives, so there is one, and it stays."""

    def __init__(self) -> None:
        self.disk: Disk | None = None
        self.library: Any = ctypes.CDLL(_sqlite3.__file__)
        try:
            find = self.library.sqlite3_vfs_find
        except AttributeError:
            pytest.skip(MISSING)
        find.restype = POINTER(_Vfs)
        self._base: _Vfs = find(None).contents
        self.vfs = _Vfs.from_buffer_copy(self._base)
        self.vfs.zName, self.vfs.pNext = b"power", None
        self.vfs.xOpen, self.vfs.xDelete = _OPEN(self._open), _DELETE(self._delete)
        self._ours: dict[int, _Methods] = {}  # by the address of the system's own
        self._opened: dict[int, _Opened] = {}  # by SQLite's address of an open file

    def _on_disk(self, name: int | None) -> tuple[Disk | None, str]:
        path = ctypes.string_at(name).decode() if name else ""
        inside = self.disk is not None and Path(path).parent == self.disk.folder
        return (self.disk if inside else None), path

    def _open(self, vfs: int, name: int | None, address: int, flags: int, out: int | None) -> int:
        disk, path = self._on_disk(name)
        if disk is not None and flags & DURABLE_FILES and disk.dark and not Path(path).exists():
            _Handle.from_address(address).pMethods = None
            return CANNOT_OPEN
        status: int = self._base.xOpen(vfs, name, address, flags, out)
        if status == OK and disk is not None and flags & DURABLE_FILES:
            handle = _Handle.from_address(address)
            theirs = ctypes.addressof(handle.pMethods.contents)
            self._opened[address] = _Opened(_Methods.from_address(theirs), disk, path, disk.opened(path))
            handle.pMethods = ctypes.pointer(self._with_ours(theirs))
        return status

    def _with_ours(self, theirs: int) -> _Methods:
        """Return the system's methods with ours in the place of those that change a file."""
        if theirs not in self._ours:
            made = _Methods.from_buffer_copy(_Methods.from_address(theirs))
            made.xClose, made.xWrite = _CLOSE(self._close), _WRITE(self._write)
            made.xTruncate, made.xSync = _TRUNCATE(self._truncate), _SYNC(self._sync)
            self._ours[theirs] = made
        return self._ours[theirs]

    def _close(self, address: int) -> int:
        status: int = self._opened.pop(address).theirs.xClose(address)
        return status

    def _write(self, address: int, data: int, length: int, offset: int) -> int:
        found = self._opened[address]
        if not found.disk.write(found.file, (offset, ctypes.string_at(data, length))):
            return found.disk.status
        status: int = found.theirs.xWrite(address, data, length, offset)
        return status

    def _truncate(self, address: int, length: int) -> int:
        found = self._opened[address]
        if not found.disk.write(found.file, length):
            return found.disk.status
        status: int = found.theirs.xTruncate(address, length)
        return status

    def _sync(self, address: int, _flags: int) -> int:
        # The system's own sync would only cost time: what it would save is noted here.
        found = self._opened[address]
        return OK if found.disk.sync(found.name, found.file) else found.disk.status

    def _delete(self, vfs: int, name: int, synced: int) -> int:
        disk, path = self._on_disk(name)
        if disk is not None and not disk.delete(path, synced=bool(synced)):
            return disk.status
        status: int = self._base.xDelete(vfs, name, synced)
        return status


_power = cache(_Power)


@contextmanager
def powered(disk: Disk) -> Iterator[Disk]:
    """Put the files that SQLite opens in the disk's folder on this disk; connections must be closed before the end."""
    power = _power()
    power.disk = disk
    power.library.sqlite3_vfs_register(ctypes.byref(power.vfs), 1)
    try:
        yield disk
    finally:
        power.library.sqlite3_vfs_unregister(ctypes.byref(power.vfs))
        power.disk = None
