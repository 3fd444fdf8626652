"""The key ring: files that only their owner may read, rotation that keeps old receipts verifying."""

import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from itsdangerous import BadSignature

from consent_server.keys import KeyProblem, KeyRing, add_signing_key, create_keys, load_keys
from consent_server.ledger import jws


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_keys(tmp_path / "keys")
    return tmp_path / "keys"


def private_files(folder: Path) -> list[Path]:
    return [
        path for path in folder.rglob("*") if path.is_file() and not path.name.endswith((".pub.pem", ".vkey"))
    ]


def test_private_files_are_for_their_owner_alone(folder: Path) -> None:
    assert len(private_files(folder)) >= 3
    for path in private_files(folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in [folder, folder / "receipts"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_private_file_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    for path in private_files(folder):
        path.chmod(mode)
        with pytest.raises(KeyProblem, match="may be read by others"):
            load_keys(folder)
        path.chmod(0o600)
    load_keys(folder)


def test_making_keys_again_changes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    assert create_keys(folder) == []

    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_missing_secret_is_named_and_made_anew_only_on_demand(folder: Path) -> None:
    (folder / "tokens.secret").unlink()

    with pytest.raises(KeyProblem, match=r"tokens\.secret is missing; run `consent-server init`"):
        load_keys(folder)


@pytest.mark.parametrize("content", [b"", b"short", b"   \n"])
def test_a_secret_that_is_too_short_is_refused(folder: Path, content: bytes) -> None:
    (folder / "identity.secret").write_bytes(content)

    with pytest.raises(KeyProblem, match="too short"):
        load_keys(folder)


def test_a_folder_without_keys_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyProblem, match="consent-server init"):
        load_keys(tmp_path)


def test_a_file_that_is_no_key_is_named(folder: Path) -> None:
    (public,) = (folder / "receipts").glob("*.pub.pem")
    public.write_bytes(b"not a key")

    with pytest.raises(KeyProblem, match=public.name):
        load_keys(folder)


def test_a_key_of_another_kind_is_refused(folder: Path) -> None:
    (public,) = (folder / "receipts").glob("*.pub.pem")
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    public.write_bytes(
        other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )

    with pytest.raises(KeyProblem, match="not an Ed25519 key"):
        load_keys(folder)


def test_halves_that_do_not_belong_together_are_refused(folder: Path) -> None:
    add_signing_key(folder)
    one, other = sorted((folder / "receipts").glob("*.pub.pem"))
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)

    with pytest.raises(KeyProblem, match="does not belong"):
        load_keys(folder)


def signed(ring: KeyRing) -> str:
    return jws.sign(b'{"a":1}', key=ring.receipt_key, log="host/log/x", idx=0)


def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_verifies(folder: Path) -> None:
    before = load_keys(folder)
    old = signed(before)

    add_signing_key(folder)
    after = load_keys(folder)

    assert next(iter(after.receipt_keys)) == before.receipt_key.kid
    assert after.receipt_key.kid != before.receipt_key.kid
    for receipt in (old, signed(after)):
        assert jws.signer(after, jws.parse(receipt)) is not None
    assert jws.signer(before, jws.parse(signed(after))) is None


def test_many_rotations_keep_their_order(folder: Path) -> None:
    for _ in range(12):
        add_signing_key(folder)
        newest = sorted((folder / "receipts").glob("*.pub.pem"))[-1]
        assert load_keys(folder).receipt_key.kid in newest.name


def test_a_retired_key_whose_private_half_is_gone_verifies_but_does_not_sign(folder: Path) -> None:
    old = signed(load_keys(folder))
    (private,) = (path for path in (folder / "receipts").glob("*.pem") if not path.name.endswith(".pub.pem"))
    private.unlink()
    with pytest.raises(KeyProblem, match="no signing key"):
        load_keys(folder)
    add_signing_key(folder)

    ring = load_keys(folder)

    key = jws.signer(ring, jws.parse(old))
    assert key is not None
    with pytest.raises(KeyProblem, match="private half"):
        key.sign(b"x")


def test_secrets_of_sites_and_purposes_differ(folder: Path, tmp_path: Path) -> None:
    create_keys(tmp_path / "other")
    ring, other = load_keys(folder), load_keys(tmp_path / "other")

    secrets = {
        ring.identity_secret("s_a", 1), ring.identity_secret("s_a", 2), ring.identity_secret("s_b", 1),
        other.identity_secret("s_a", 1),
    }  # fmt: skip

    assert len(secrets) == 4
    assert ring.derived("a") != ring.derived("b")
    token: Any = ring.serializer("one").dumps("x")
    assert ring.serializer("one").loads(token) == "x"
    with pytest.raises(BadSignature):
        ring.serializer("another").loads(token)
