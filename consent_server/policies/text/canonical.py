"""The canonical form of a source: the bytes whose hash a receipt names.

Canonical text is Unicode NFC; lines end in LF; no line ends in white space, save that in Markdown
two or more spaces before a line that is not blank (a hard line break) stay as exactly two; no
blank line at either end; exactly one LF at the end; a leading byte order mark is dropped. Making a
canonical text canonical changes nothing. A text is refused when it is empty, holds NUL or half a
surrogate pair, or is longer than `MAX_BYTES` in UTF-8.
"""

import hashlib
import re
import unicodedata
from typing import Literal

from consent_server.policies.text.errors import SourceError
from consent_server.policies.text.warnings import Code, TextWarning

Format = Literal["markdown", "plain"]

MAX_BYTES = 2 * 1024 * 1024

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")

# These never change what a reader should see. The marks left out (U+200C, U+200D, U+200E, U+200F,
# U+061C) shape honest Persian, Arabic, Hebrew and Indic text, so they are told but kept.
_HIDDEN = re.compile(
    "[\u00ad\u180e\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f"
    "\u202a-\u202e\u2066-\u2069\x00-\x08\x0e-\x1f\x7f-\x9f]"
)


def canonical(source: str, *, text_format: Format) -> str:
    """Return the canonical form of `source`.

    Raises:
        SourceError: the text is empty, too large, or holds NUL or a lone surrogate.
    """
    _refuse_unreadable(source)
    text = _LINE_ENDS.sub("\n", source.removeprefix("\ufeff"))
    lines = unicodedata.normalize("NFC", text).split("\n")
    ends = [line.rstrip() for line in lines]
    if text_format == "markdown":
        following = [*ends[1:], ""]
        ends = [
            f"{end}  " if end and after and line.endswith("  ") else end
            for line, end, after in zip(lines, ends, following, strict=True)
        ]
    body = "\n".join(ends).strip("\n")
    if not body.strip() or not visible(body).strip():
        raise SourceError("empty", "the text is empty")
    return body + "\n"


def sha256_of(text: str) -> str:
    """Return the SHA-256 of a canonical text's UTF-8 bytes, in lower-case hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def visible(text: str) -> str:
    """Return `text` without the characters that hide, reorder or control and show nothing."""
    return _HIDDEN.sub("", text)


def character_warnings(text: str) -> list[TextWarning]:
    """Return a warning for each kind of invisible or reordering character, at its first line."""
    kinds: tuple[tuple[Code, re.Pattern[str], str], ...] = (
        ("bidi_control", BIDI, "characters that change the direction of text"),
        ("invisible_character", INVISIBLE, "characters that cannot be seen"),
        ("control_character", CONTROL, "control characters"),
    )
    found = []
    for code, pattern, words in kinds:
        hits = list(pattern.finditer(text))
        if hits:
            names = ", ".join(sorted({f"U+{ord(hit.group()):04X}" for hit in hits}))
            line = text.count("\n", 0, hits[0].start()) + 1
            message = f"{len(hits)} {words}: {names}"
            found.append(TextWarning(code, "", message, line=line, detail=names))
    return found


def _refuse_unreadable(source: str) -> None:
    nul = source.find("\0")
    if nul >= 0:
        line = source.count("\n", 0, nul) + 1
        raise SourceError("nul", f"NUL character in line {line}; the file is not plain text")
    try:
        size = len(source.encode())
    except UnicodeEncodeError as error:
        line = source.count("\n", 0, error.start) + 1
        raise SourceError("surrogate", f"half a character (lone surrogate) in line {line}") from error
    if size > MAX_BYTES:
        raise SourceError("too-large", f"{size:,} bytes; a text may have at most {MAX_BYTES:,} (2 MiB)")
