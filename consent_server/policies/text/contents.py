"""Find the table of contents that a page's text begins with, so that it is not read as sections."""

from difflib import SequenceMatcher

from consent_server.policies.text.plain_lines import Line

_TITLES = frozenset({"contents", "tableofcontents", "index", "目录", "目錄", "索引"})
_SHORTEST = 3
_SIMILAR = 0.5
_LOOKS = 5  # of how many lines with an entry's number the words are compared


def find_contents(lines: list[Line]) -> range | None:
    """Return the indices of the lines that list the headings, or None.

    A run of at least three numbered lines is a table of contents if most of its numbers come again
    below it with much the same words. Words alone would not do: pages word the two a little apart.
    """
    start = next((at for at, line in enumerate(lines) if _entry(line)), None)
    if start is None:
        return None
    end = start
    seen: set[tuple[str, tuple[int, ...]]] = set()
    while end < len(lines) and (key := _entry(lines[end])) is not None and key not in seen:
        seen.add(key)
        end += 1
    if end - start < _SHORTEST or not _comes_again(lines[start:end], lines[end:]):
        return None
    if start > 0 and "".join(lines[start - 1].text.lower().split()).rstrip(":：") in _TITLES:
        start -= 1
    return range(start, end)


def similar(one: str, other: str) -> bool:
    """Return whether two headings are much the same."""
    return SequenceMatcher(None, one[:200].casefold(), other[:200].casefold()).ratio() >= _SIMILAR


def _entry(line: Line) -> tuple[str, tuple[int, ...]] | None:
    if line.marker is None:
        return None
    return (line.marker.style, line.marker.parts) if line.marker.parts else (line.text, ())


def _comes_again(entries: list[Line], below: list[Line]) -> bool:
    again: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for line in below:
        if (key := _entry(line)) is not None and line.marker is not None:
            again.setdefault(key, []).append(line.marker.rest)
    hits = 0
    for entry in entries:
        key = _entry(entry)
        words = entry.marker.rest if entry.marker else ""
        hits += key is not None and any(similar(words, other) for other in again.get(key, [])[:_LOOKS])
    return hits * 2 > len(entries)
