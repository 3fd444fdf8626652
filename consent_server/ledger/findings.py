"""What fsck finds: each finding names the log, the place and what is wrong there. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

SHOWN = 100  # findings of one kind in one log; one wrong leaf spoils every checkpoint after it


@dataclass(frozen=True)
class Finding:
    """One contradiction. `index` is a leaf's index, a checkpoint's size or a tile's number, whichever `where` says."""

    site_id: int | None
    log: str
    where: str
    index: int | None
    what: str

    def __str__(self) -> str:
        place = self.where if self.index is None else f"{self.where} {self.index}"
        return f"{self.log}: {place}: {self.what}"


@dataclass
class Report:
    """All findings of a run, and how much was looked at. What was found often in one place is counted, not repeated."""

    findings: list[Finding] = field(default_factory=list)
    logs: int = 0
    leaves: int = 0
    checkpoints: int = 0
    anchors: int = 0
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def add(self, finding: Finding) -> None:
        """Keep a finding, or count it if there are many like it."""
        self._seen[finding.log, finding.where] += 1
        if self._seen[finding.log, finding.where] <= SHOWN:
            self.findings.append(finding)

    def surplus(self) -> Iterator[tuple[str, str, int]]:
        """Return log, place and number of the findings that were only counted."""
        for (log, where), count in sorted(self._seen.items()):
            if count > SHOWN:
                yield log, where, count - SHOWN

    def to_json(self) -> dict[str, Any]:
        """Return the members of the JSON report."""
        return {
            "clean": self.clean,
            "logs": self.logs,
            "leaves": self.leaves,
            "checkpoints": self.checkpoints,
            "anchors": self.anchors,
            "findings": [asdict(finding) for finding in self.findings],
            "more": [{"log": log, "where": where, "count": count} for log, where, count in self.surplus()],
        }


@dataclass(frozen=True)
class Scope:
    """A report, seen from one log."""

    report: Report
    site_id: int
    log: str

    def add(self, where: str, index: int | None, what: str) -> None:
        """Report a finding of this log."""
        self.report.add(Finding(self.site_id, self.log, where, index, what))
