"""C2SP's formats byte for byte: the specification's own examples, and everything that must be refused."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent_server.ledger import merkle, notes, proofs, tiles

VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ORIGIN = "consent.example/s_1"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = notes.NoteKey(ORIGIN, PRIVATE.public_key())


def test_the_example_key_of_the_specification_has_its_id_and_text() -> None:
    key = notes.parse_vkey(VKEY)

    assert key.key_id.hex() == "530d903a"
    assert key.vkey() == VKEY


def test_the_example_note_of_the_specification_opens() -> None:
    assert notes.open_note(NOTE, [notes.parse_vkey(VKEY)]) == "This is an example message.\n"


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("example message", "exemple message"),
        NOTE.replace("Uw2QOkn8", "Uw2QOkn9"),
        NOTE[:-1],
        NOTE.replace("— ", "- "),
        NOTE.replace("\n\n", "\n"),
        NOTE + NOTE.split("\n\n")[1].replace("Uw2QOkn8", "Uw2QOkn9"),
        "",
    ],
)
def test_a_changed_note_does_not_open(note: str) -> None:
    with pytest.raises(notes.BadNote):
        notes.open_note(note, [notes.parse_vkey(VKEY)])


def test_a_note_of_an_unknown_key_does_not_open_and_an_unknown_cosignature_does_no_harm() -> None:
    stranger = "— witness.example mJirIkljAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

    assert notes.open_note(NOTE + stranger, [notes.parse_vkey(VKEY)])
    with pytest.raises(notes.BadNote, match="no known key"):
        notes.open_note(NOTE, [KEY])


@pytest.mark.parametrize(
    "vkey", ["", "a+b", VKEY.replace("530d903a", "530d903b"), VKEY[:-4], VKEY.replace("Aeky", "Beky")]
)
def test_a_damaged_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(notes.BadNote):
        notes.parse_vkey(vkey)


def checkpoint(size: int, root: bytes, origin: str = ORIGIN) -> str:
    return notes.sign_note(notes.Checkpoint(origin, size, root).text(), [(ORIGIN, PRIVATE)])


def test_a_checkpoint_survives_the_round_trip() -> None:
    root = merkle.leaf_hash(b"x")

    assert notes.open_checkpoint(checkpoint(1, root), [KEY], origin=ORIGIN) == notes.Checkpoint(
        ORIGIN, 1, root
    )


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(notes.BadNote):
        notes.open_checkpoint(checkpoint(1, merkle.leaf_hash(b"x"), "other/log"), [KEY], origin=ORIGIN)


@pytest.mark.parametrize(
    "text", ["a\n01\nAAAA\n", "a\n1\n", "a\n1\nAAAA\n", "\n1\n\n", "a\n-1\nx\n", "a\n1\nx\nextra\n"]
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(notes.BadNote):
        notes.parse_checkpoint(text)


@pytest.mark.parametrize(
    ("n", "path"), [(0, "000"), (999, "999"), (1000, "x001/000"), (1_234_067, "x001/x234/067")]
)
def test_tile_paths_are_those_of_the_specification(n: int, path: str) -> None:
    address = tiles.TileAddress(3, n)

    assert address.path() == f"tile/3/{path}"
    assert tiles.parse_path(f"3/{path}") == address
    assert tiles.parse_path(f"entries/{path}.p/7") == tiles.TileAddress(None, n, 7)


@pytest.mark.parametrize(
    "path",
    [
        "0/1",
        "0/0001",
        "00/000",
        "64/000",
        "0/x000/001",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/",
        "0/",
        "x/000",
    ],
)
def test_a_tile_path_written_otherwise_is_refused(path: str) -> None:
    assert tiles.parse_path(path) is None


@pytest.mark.parametrize(
    ("level", "n", "size", "width"),
    [
        (0, 273, 70_000, 112),
        (0, 272, 70_000, 256),
        (1, 1, 70_000, 17),
        (2, 0, 70_000, 1),
        (0, 0, 256, 256),
        (1, 0, 256, 1),
        (0, 1, 256, 0),
    ],
)
def test_partial_widths_are_those_of_the_specification(level: int, n: int, size: int, width: int) -> None:
    assert tiles.partial_width(level, n, size) == width


def test_a_proof_shows_that_the_entry_is_in_the_log_and_nothing_else() -> None:
    entries = [bytes([i]) * 32 for i in range(5)]
    edge, complete = merkle.Frontier().extend(merkle.leaf_hash(entry) for entry in entries)
    subtrees = {(level, index): digest for level, index, digest in complete}
    hashes = merkle.proof(merkle.inclusion_path(3, 5), lambda level, index: subtrees[level, index])
    text = proofs.render(3, hashes, checkpoint(5, edge.root()))

    proof, found = proofs.verify(text, entry=entries[3], keys=[KEY], origin=ORIGIN)

    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 3\n")
    assert (proof.index, found.size) == (3, 5)
    for wrong in (
        lambda: proofs.verify(text, entry=entries[2], keys=[KEY], origin=ORIGIN),
        lambda: proofs.verify(
            text.replace("index 3", "index 2"), entry=entries[3], keys=[KEY], origin=ORIGIN
        ),
        lambda: proofs.verify(text, entry=entries[3], keys=[KEY], origin="other/log"),
        lambda: proofs.verify(text.replace("@v1", "@v2"), entry=entries[3], keys=[KEY], origin=ORIGIN),
    ):
        with pytest.raises(proofs.BadProof):
            wrong()
