"""Signed notes and checkpoints, byte for byte as C2SP has them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint). Pure.

A note is text that ends in a newline, an empty line, and signature lines `— name base64(key id ‖ signature)`.
A checkpoint is a note of three lines: the log's origin, its size, its root in base64.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"  # the signature type, from the table in signed-note
MAX_NOTE_CHARS = 100_000  # far above 16 signatures, which every reader must take


class BadNote(Exception):
    """The text is not a note, or no known key signed it; the message says which."""


@dataclass(frozen=True)
class NoteKey:
    """An Ed25519 key under a name. Name and `key_id` together identify it."""

    name: str
    public: Ed25519PublicKey

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name ‖ LF ‖ type ‖ public key)."""
        raw = self.public.public_bytes_raw()
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + raw).digest()[:4]

    def vkey(self) -> str:
        """The key as text: `name+hex(key id)+base64(type ‖ public key)`."""
        material = base64.b64encode(ED25519 + self.public.public_bytes_raw()).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True)
class Checkpoint:
    """A log's size and root at one moment."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the note text, without signatures."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_vkey(text: str) -> NoteKey:
    """Return the key of a verifier key text.

    Raises:
        BadNote: not of the form, not Ed25519, or the key id does not belong to the key.
    """
    parts = text.strip().split("+", 2)
    try:
        name, key_id, material = parts[0], bytes.fromhex(parts[1]), base64.b64decode(parts[2], validate=True)
        key = NoteKey(name, Ed25519PublicKey.from_public_bytes(material[1:]))
    except (IndexError, ValueError) as error:
        raise BadNote("not a verifier key") from error
    if material[:1] != ED25519 or key.key_id != key_id or not _is_name(name):
        raise BadNote("not an Ed25519 verifier key, or its id is another key's")
    return key


def sign_note(text: str, signers: Iterable[tuple[str, Ed25519PrivateKey]]) -> str:
    """Return the note of a text, signed by each (name, key)."""
    lines = []
    for name, private in signers:
        key_id = NoteKey(name, private.public_key()).key_id
        lines.append(f"— {name} {base64.b64encode(key_id + private.sign(text.encode())).decode()}\n")
    return text + "\n" + "".join(lines)


def open_note(note: str, keys: Sequence[NoteKey]) -> str:
    """Return the text of a note that at least one of the keys signed.

    Signatures of unknown keys are ignored; a wrong one of a known key condemns the whole note.

    Raises:
        BadNote: malformed, not signed by any of the keys, or a known key's signature is wrong.
    """
    if len(note) > MAX_NOTE_CHARS or any(ord(c) < 0x20 and c != "\n" for c in note):
        raise BadNote("too long, or with control characters")
    text, separator, block = note.rpartition("\n\n")
    if not separator or not block.endswith("\n"):
        raise BadNote("no signature lines")
    text += "\n"
    signed = False
    for line in block[:-1].split("\n"):
        name, key_id, signature = _signature(line)
        for key in keys:
            if key.name == name and key.key_id == key_id:
                _verify(key, text, signature)
                signed = True
    if not signed:
        raise BadNote("no known key signed it")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint of an opened note's text.

    Raises:
        BadNote: not three lines of origin, size and root.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise BadNote("a checkpoint has three lines: origin, size, root")
    size = lines[1]
    if not size.isascii() or not size.isdigit() or (size != "0" and size.startswith("0")):
        raise BadNote("the size is not a plain decimal number")
    root = _base64(lines[2])
    if len(root) != hashlib.sha256().digest_size:
        raise BadNote("the root is not a SHA-256 hash")
    return Checkpoint(lines[0], int(size), root)


def open_checkpoint(note: str, keys: Sequence[NoteKey], *, origin: str) -> Checkpoint:
    """Return the checkpoint that a key of the log signed under the log's own name.

    Raises:
        BadNote: as in `open_note` and `parse_checkpoint`, or of another log.
    """
    found = parse_checkpoint(open_note(note, [key for key in keys if key.name == origin]))
    if found.origin != origin:
        raise BadNote(f"a checkpoint of {found.origin}, not of {origin}")
    return found


def _signature(line: str) -> tuple[str, bytes, bytes]:
    if not line.startswith("— "):
        raise BadNote("a signature line begins with an em dash")
    name, _, encoded = line[2:].partition(" ")
    blob = _base64(encoded)
    if not _is_name(name) or len(blob) < 5:
        raise BadNote("a signature line is malformed")
    return name, blob[:4], blob[4:]


def _verify(key: NoteKey, text: str, signature: bytes) -> None:
    try:
        key.public.verify(signature, text.encode())
    except InvalidSignature as error:
        raise BadNote(f"the signature of {key.name} is wrong") from error


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(c.isspace() for c in name)


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BadNote("not base64") from error
    if base64.b64encode(data).decode() != text:
        raise BadNote("not canonical base64")
    return data
