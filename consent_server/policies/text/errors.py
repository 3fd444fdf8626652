"""The one error that reading a policy's source can raise."""

from dataclasses import dataclass


@dataclass
class SourceError(ValueError):
    """A source that cannot be read at all, with the reason in words for the person who sent it.

    `code` is stable and may be translated by a caller: `empty`, `too-large`, `tangled`, `nul`,
    `surrogate`, `encoding`, `format`, `language`, `duplicate-language`, `missing`,
    `not-a-date`, `no-sources`. `offset` is a byte offset in the file, or None.
    """

    code: str
    message: str
    path: str = ""
    offset: int | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message
