"""Read policy sources from folders and files: one file per language."""

import codecs
import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from consent_server.policies.text.canonical import MAX_BYTES, Format
from consent_server.policies.text.errors import SourceError
from consent_server.policies.text.languages import language_tag

FORMATS: dict[str, Format] = {".md": "markdown", ".markdown": "markdown", ".txt": "plain"}

# UTF-32 first: its little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-.*)?")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One language's text, decoded but otherwise as the file has it."""

    language: str
    format: Format
    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class Sources(Sequence[SourceFile]):
    """The files, in order of language, and notes on what was left aside."""

    files: tuple[SourceFile, ...]
    notes: tuple[str, ...] = ()

    @overload
    def __getitem__(self, at: int) -> SourceFile: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[SourceFile]: ...
    def __getitem__(self, at: int | slice) -> SourceFile | Sequence[SourceFile]:
        return self.files[at]

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[SourceFile]:
        return iter(self.files)


@dataclass(frozen=True, slots=True)
class DatedSources:
    """The state of a policy on a day; `name` is the folder's whole name."""

    date: datetime.date
    name: str
    sources: Sources


def read_sources(paths: Iterable[str | Path]) -> Sources:
    """Read files, or the files directly in folders, one for each language.

    The language is the last part of the name before the suffix: `zh-CN.md`, `privacy.en.txt`,
    `zh_cn.markdown`. In a folder, files of other kinds are left aside and named in `notes`; a file
    that was named outright must be readable. Hidden files are passed over.

    Raises:
        SourceError: a file is missing, of an unknown kind or language, not valid UTF-8 (or UTF-16
            or UTF-32 with a byte order mark), too large; or a language comes twice, or none at all.
    """
    found: dict[str, SourceFile] = {}
    notes: list[str] = []
    for path in map(Path, paths):
        for source in _read_folder(path, notes) if path.is_dir() else [_read_named(path)]:
            if other := found.get(source.language):
                message = f"{source.language} is already given by {other.path}"
                raise SourceError("duplicate-language", message, path=str(source.path))
            found[source.language] = source
    if not found:
        where = ", ".join(map(str, paths)) if isinstance(paths, Sequence) else ""
        message = "no policy text here; expected files such as zh-CN.md or en.txt"
        raise SourceError("no-sources", message, path=where)
    return Sources(tuple(found[language] for language in sorted(found)), tuple(notes))


def read_history(folder: str | Path) -> list[DatedSources]:
    """Read the dated states of a policy: one subfolder each, named `YYYY-MM-DD` or `YYYY-MM-DD-anything`.

    They come in order of date. Of two on the same day nothing but the name tells which came first,
    so they come in order of name; number them (`2024-04-15-1-…`) where it matters.

    Raises:
        SourceError: the folder is missing, a subfolder is not named by a date, there is none, or a
            file in one cannot be read (see `read_sources`).
    """
    root = Path(folder)
    if not root.is_dir():
        raise SourceError("missing", "no such folder", path=str(root))
    folders = (path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    states = [DatedSources(_date_of(path), path.name, read_sources([path])) for path in folders]
    if not states:
        message = "no dated folders here; expected folders such as 2024-04-15"
        raise SourceError("no-sources", message, path=str(root))
    return sorted(states, key=lambda state: (state.date, state.name))


def decode(data: bytes, *, path: str = "") -> str:
    """Return the text of a file's bytes: UTF-8, or what a byte order mark announces.

    Raises:
        SourceError: the bytes are too many or not valid; names the file and the byte offset.
    """
    if len(data) > 2 * MAX_BYTES:  # UTF-16 may take twice the room; the text itself is measured later
        raise SourceError("too-large", f"{len(data):,} bytes; a text may have at most {MAX_BYTES:,}", path)
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        offset = error.start + (3 if encoding == "utf-8-sig" else 0)
        name = encoding.upper().removesuffix("-SIG")
        message = f"not valid {name}: byte 0x{data[offset]:02X} at offset {offset}; save the file as UTF-8"
        raise SourceError("encoding", message, path, offset) from error
    if "\0" in text:
        offset = data.index(b"\0")
        hint = " (UTF-16 without a byte order mark?)" if encoding == "utf-8" else ""
        raise SourceError("nul", f"NUL byte at offset {offset}{hint}; save the file as UTF-8", path, offset)
    return text


def _read_folder(folder: Path, notes: list[str]) -> Iterator[SourceFile]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file() and path.suffix.lower() in FORMATS and _language_of(path):
            yield _read_named(path)
        else:
            notes.append(f"{path.name} was left aside: {_reason(path)}")


def _reason(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    if path.suffix.lower() not in FORMATS:
        return f"not one of {', '.join(FORMATS)}"
    return "its name does not end in a language, as zh-CN.md or privacy.en.md do"


def _read_named(path: Path) -> SourceFile:
    if not path.is_file():
        raise SourceError("missing", "no such file", path=str(path))
    text_format = FORMATS.get(path.suffix.lower())
    if text_format is None:
        raise SourceError("format", f"not one of {', '.join(FORMATS)}", path=str(path))
    language = _language_of(path)
    if language is None:
        raise SourceError("language", _reason(path), path=str(path))
    return SourceFile(language, text_format, path, decode(path.read_bytes(), path=str(path)))


def _language_of(path: Path) -> str | None:
    return language_tag(path.stem.rpartition(".")[2])


def _date_of(path: Path) -> datetime.date:
    match = _DATED.fullmatch(path.name)
    try:
        return datetime.date.fromisoformat(match.group(1) if match else "")
    except ValueError as error:
        message = "the folder's name does not begin with a date (YYYY-MM-DD)"
        raise SourceError("not-a-date", message, path=str(path)) from error
