"""Tables as comma-separated values, as spreadsheets read them: with the mark of UTF-8, and no cell runs as a formula."""

import csv
from collections.abc import Iterable
from typing import IO, Any

ENCODING = "utf-8-sig"  # with its mark, or spreadsheets take UTF-8 for something else
# What a formula begins with; East Asian spreadsheets take the wide forms too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: text is guarded by an apostrophe, a number stays one."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def write(file: IO[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write rows to a text file that leaves line ends alone."""
    csv.writer(file).writerows([safe(cell) for cell in row] for row in rows)
