"""Makes one step of many fail: a statement, a commit, a write or a sync of a file; before it was done, or just after."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from consent_server.ledger import anchor_file

BEFORE, AFTER = "before", "after"
STATEMENTS = ("do_execute", "do_executemany", "do_execute_no_params", "do_commit")


class Faults:
    """Counts the steps of the database driver and of the anchor file, and fails the one that it is told to."""

    def __init__(self, engine: Engine, patch: pytest.MonkeyPatch) -> None:
        self.steps: list[str] = []
        self._fail_at, self._when = -1, BEFORE
        driver: Any = engine.dialect.dbapi
        for name in STATEMENTS:
            done = getattr(engine.dialect, name)
            # The driver's own error, as it comes when a connection breaks.
            patch.setattr(
                engine.dialect, name, self._step(name, done, lambda: driver.OperationalError("broken"))
            )
        patch.setattr(anchor_file, "os", _Files(self))

    @contextmanager
    def fail(self, number: int, when: str) -> Iterator[None]:
        """Fail the step of this number, counted from 0, that happens inside."""
        self.steps, self._fail_at, self._when = [], number, when
        yield
        self._fail_at = -1

    def check(self, name: str, when: str) -> bool:
        """Count a step when it is about to be done; tell whether it fails now."""
        if when == BEFORE:
            self.steps.append(name)
        return self._when == when and len(self.steps) - 1 == self._fail_at

    def _step(
        self, name: str, done: Callable[..., Any], error: Callable[[], Exception]
    ) -> Callable[..., Any]:
        def step(*arguments: Any, **more: Any) -> Any:
            what = str(arguments[1]).split()[0] if name != "do_commit" else "COMMIT"
            if self.check(what, BEFORE):
                raise error()
            result = done(*arguments, **more)
            if self.check(what, AFTER):
                raise error()
            return result

        return step


class _Files:
    """The module `os` as the anchor file sees it."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, handle: int, data: bytes) -> int:
        if self._faults.check("write", BEFORE):
            raise OSError("no room")
        torn = self._faults.check("write", AFTER)
        written = os.write(handle, data[: len(data) // 2] if torn else data)
        if torn:
            raise OSError("half of it is there")
        return written

    def fsync(self, handle: int) -> None:
        if self._faults.check("fsync", BEFORE):
            raise OSError("the disk does not answer")
        os.fsync(handle)
        if self._faults.check("fsync", AFTER):
            raise OSError("the disk answers too late")
