"""What hammer keeps while it runs: what was acknowledged, what was done, what was broken. Threads share it."""

import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

SHOWN = 20


@dataclass(frozen=True)
class Acknowledged:
    """What the server answered for a decision."""

    idx: int
    log: str
    entry: bytes


@dataclass
class Result:
    """What was done and what was broken. Threads share it."""

    done: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0
    acknowledged: dict[tuple[str, int], bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, and at least one receipt and one checkpoint were looked at."""
        return not self.violations and self.done["decisions"] > 0 and self.done["checkpoints"] > 0

    def count(self, what: str) -> None:
        """Count one thing done."""
        with self._lock:
            self.done[what] += 1

    def broken(self, what: str) -> None:
        """Keep a violation."""
        with self._lock:
            self.violations.append(what)

    def acknowledge(self, found: Acknowledged) -> None:
        """Remember a receipt; a second one at its index is a violation."""
        with self._lock:
            standing = self.acknowledged.setdefault((found.log, found.idx), found.entry)
        if standing != found.entry:
            self.broken(f"two receipts were acknowledged at index {found.idx} of {found.log}")

    def one(self) -> Acknowledged | None:
        """Return any receipt that has been acknowledged."""
        with self._lock:
            if not self.acknowledged:
                return None
            log, idx = random.choice(list(self.acknowledged)[-4_096:])  # noqa: S311 - no secret
            return Acknowledged(idx, log, self.acknowledged[log, idx])

    def to_json(self) -> dict[str, Any]:
        """Return the members of the JSON result."""
        return {
            "kept": self.kept,
            "seconds": round(self.seconds, 3),
            **dict(sorted(self.done.items())),
            "violations": self.violations[:SHOWN],
        }

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {name}" for name, count in sorted(self.done.items()))
        rate = self.done["decisions"] / self.seconds if self.seconds else 0
        verdict = "every promise was kept" if self.kept else "PROMISES WERE BROKEN, or nothing could be done"
        return "\n".join(
            [*self.violations[:SHOWN], f"{counts} in {self.seconds:.1f} s ({rate:.0f} a second)", verdict]
        )
