r"""How receipts' payloads and consent records' states lie in the database: packed to a quarter and less.

A packed value is, in this order:

- one byte, the number of its format: 1 for payloads, 2 for states, 0 for what is kept as it is;
- one byte, the length of the label, and the label: of a decision its policy version, so that SQL can look for it;
- a raw deflate stream (RFC 1951) with the format's preset dictionary. In its text UUIDs, hashes, nonces and instants
  are one byte each, a mark;
- what the marks stand for, one after the other: their hexadecimal or decimal digits, two to a byte;
- four bytes, the CRC-32 of all before: a changed bit of a deflate stream may leave its text as it was.

What begins with `{` is as earlier versions stored it: the text itself. Hashes and signatures are always over the text.
A dictionary never changes; another one gets a number of its own.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

from consent_server.problems import Problem

PLAIN, PAYLOAD, STATE = 0, 1, 2
LONGEST = 2**24  # bytes; what is as long is not packed, so that no row unpacks to more
CRC_BYTES = 4
# The likeliest last: what is near costs least.
DICTIONARIES = {
    PAYLOAD: b'"api","delta","frame","preferences""expire""withdraw""dnt""gpc":true"custom""reject_all":"denied"'
    b'zh-CN","functional"personalization"statistics"{"action":"accept_all","asked":["analytics","maps","marketing"],'
    b'"banner_build":"\2","choices":{"analytics":"granted","maps":"granted","marketing":"granted"},"decided_at":"\4",'
    b'"expires_at":"\4","issued_at":"\4","language":"en","layer":"banner","nonce":"\1","policy":"privacy",'
    b'"policy_sha256":"\2","policy_version":"1.0","receipt_id":"\3","schema":"consent-receipt/1",'
    b'"signals":{"dnt":false,"gpc":false},"site":"","text_sha256":"\2","visitor_id":"\3"}',
    STATE: b'0123456789"denied","withdraw","expire","gpc","dnt","custom","reject_all","functional":{"personalization":{'
    b'"statistics":{"preferences":{"seen":"2.01.1{"purposes":{"analytics":{"at":177000,"by":"accept_all","choice":'
    b'"granted","until":18000,"version":"1.0"},"maps":{"at":177000,"by":"accept_all","choice":"granted","until":18000,'
    b'"version":"1.0"},"marketing":{"at":17,"by":"accept_all","choice":"granted","until":18,"version":"1.0"}},'
    b'"version":"1.0"}',
}
_WINDOW, _MEMORY = -11, 3  # 2 KiB hold a dictionary and a text; small states of zlib are quickly copied
_LABEL = re.compile(rb'"policy_version":"([0-9.]{1,32})"')
_DIGITS = re.compile(
    rb':"([0-9a-f]{32}(?:[0-9a-f]{32})?|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
    rb'|2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)"'
)
_MARKS = {32: b':"\1"', 64: b':"\2"', 36: b':"\3"', 24: b':"\4"'}  # by the length of what each stands for
_MARK, _ALL = re.compile(rb"[\1-\4]"), b"\1\2\3\4"
# Making one takes longer than copying one.
_COMPRESSORS = {
    number: zlib.compressobj(6, zlib.DEFLATED, _WINDOW, _MEMORY, zdict=dictionary)
    for number, dictionary in DICTIONARIES.items()
}


class Unreadable(Problem, ValueError):
    """A stored value is none that was ever packed: the row was changed, or the disk lost something."""

    slug, status = "unreadable-row", HTTPStatus.INTERNAL_SERVER_ERROR
    title = "A stored row cannot be read"

    def __init__(self, why: str = "It is not what was packed.") -> None:
        super().__init__(f"{why} `consent-server ledger fsck` finds the row.")


def pack(text: bytes, number: int) -> bytes:
    """Return a text as it is stored.

    Args:
        text: a JSON object; anything else is kept as it is, behind the number 0.
        number: the format, `PAYLOAD` or `STATE`.
    """
    if text[:1] != b"{" or len(text) >= LONGEST or len(text.translate(None, _ALL)) < len(text):
        return sealed(bytes((PLAIN, 0)) + text)
    head, taken = split(text, number)
    return sealed(head + digits_of(taken))


def split(text: bytes, number: int) -> tuple[bytes, list[bytes]]:
    """Return how a packed text begins, up to the end of its stream, and what the marks in it stand for."""
    parts = _DIGITS.split(text)
    taken = parts[1::2]
    parts[1::2] = [_MARKS[len(each)] for each in taken]
    compressor = _COMPRESSORS[number].copy()
    stream = compressor.compress(b"".join(parts)) + compressor.flush()
    return start(_label(text), number) + stream, taken


def is_taken(text: bytes) -> bool:
    """Tell whether a mark stands for this text where it is the value of a member."""
    return _DIGITS.fullmatch(b':"%b"' % text) is not None


def start(label: bytes, number: int = PAYLOAD) -> bytes:
    """Return how all packed values of this format and label begin; with a label longer than 255 bytes none does."""
    return bytes((number, min(len(label), 255))) + label


def unpack(stored: bytes) -> bytes:
    """Return the text of a stored value.

    Raises:
        Unreadable: it is none.
    """
    if stored[:1] == b"{":
        return stored
    check(stored)
    number = stored[0]
    if number == PLAIN:
        return stored[2:-CRC_BYTES]
    if number not in DICTIONARIES:
        raise Unreadable(f"It is in format {number}, which this version does not know.")
    return _filled(*_inflated(stored))


def check(stored: bytes) -> None:
    """Look whether a packed value is as it was sealed.

    Raises:
        Unreadable: it is not.
    """
    body = stored[:-CRC_BYTES]
    if len(body) < 2 or zlib.crc32(body).to_bytes(CRC_BYTES, "big") != stored[-CRC_BYTES:]:
        raise Unreadable


def head_of(stored: bytes) -> bytes | None:
    """Return how a stored value begins, up to the end of its stream: all that it says but for what its marks stand for.

    None of what is not packed. No packed value begins with the whole head of another one that says something else.

    Raises:
        Unreadable: the stream is none.
    """
    if stored[0] not in DICTIONARIES:
        return None
    _, digits = _inflated(stored)
    return stored[: len(stored) - CRC_BYTES - len(digits)]


def _inflated(stored: bytes) -> tuple[bytes, bytes]:
    """Return a packed value's text with marks, and what they stand for."""
    stream = zlib.decompressobj(_WINDOW, DICTIONARIES[stored[0]])
    try:
        text = stream.decompress(stored[2 + stored[1] : -CRC_BYTES], LONGEST)
    except zlib.error as error:
        raise Unreadable from error
    if not stream.eof:
        raise Unreadable
    return text, stream.unused_data


def sealed(body: bytes) -> bytes:
    """Return a packed value with the CRC-32 at its end."""
    return body + zlib.crc32(body).to_bytes(CRC_BYTES, "big")


def _label(text: bytes) -> bytes:
    found = _LABEL.search(text)
    return found[1] if found else b""


def digits_of(taken: Sequence[bytes]) -> bytes:
    """Return the digits of what marks stand for, two to a byte."""
    # Of an instant the 2 of the millennium stays behind: the other digits are sixteen.
    whole = b"".join([each[1:] if len(each) == 24 else each for each in taken])
    return bytes.fromhex(whole.translate(None, b"-:T.Z").decode())


def _filled(text: bytes, digits: bytes) -> bytes:
    """Put back what the marks stand for."""
    left, place = digits.hex(), 0

    def put_back(mark: re.Match[bytes]) -> bytes:
        nonlocal place
        size, written = _SHAPES[mark[0]]
        place += size
        return written(left[place - size : place]).encode()

    whole = _MARK.sub(put_back, text)
    if place != len(left):
        raise Unreadable
    return whole


def _uuid(h: str) -> str:
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def _instant(d: str) -> str:
    return f"2{d[:3]}-{d[3:5]}-{d[5:7]}T{d[7:9]}:{d[9:11]}:{d[11:13]}.{d[13:]}Z"


# By mark: how many digits it stands for, and how they are written.
_SHAPES: dict[bytes, tuple[int, Callable[[str], str]]] = {
    b"\1": (32, str),
    b"\2": (64, str),
    b"\3": (32, _uuid),
    b"\4": (16, _instant),
}


class PackedBytes(TypeDecorator[bytes]):
    """A payload, packed in the database."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Pack."""
        return None if value is None else pack(value, PAYLOAD)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Unpack; raises `Unreadable`."""
        return None if value is None else unpack(value)


class PackedJson(TypeDecorator[Any]):
    """A state, as JSON with sorted keys, packed in the database."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Serialise and pack."""
        return None if value is None else pack_json(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """Unpack and parse; raises `Unreadable`."""
        return None if value is None else unpack_json(value)


def pack_json(value: Any) -> bytes:
    """Return a state as it is stored."""
    return pack(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), STATE)


def unpack_json(stored: bytes) -> Any:
    """Return a stored state.

    Raises:
        Unreadable: it is none.
    """
    return orjson.loads(unpack(stored))
