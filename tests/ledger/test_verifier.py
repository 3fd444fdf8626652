"""The stand-alone verifier: one file, the standard library and `cryptography`, nothing of this project, no network."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent_server import verifier
from consent_server.ledger.published_keys import key_file
from consent_server.ledger.tasks import integrate_logs
from tests import make

NEEDED = ("cryptography", "cffi", "_cffi_backend", "pycparser")


@pytest.fixture
def downloads(app: Flask, client: FlaskClient, tmp_path: Path) -> Path:
    """A folder with what a visitor or regulator downloads: receipt, proof, keys."""
    site = make.ready_site("analytics", "maps")
    for _ in range(6):
        make.decide(client, site)
    receipt = make.decide(client, site)
    make.decide(client, site)
    integrate_logs()
    (tmp_path / "receipt.jws").write_text(receipt["receipt"] + "\n")
    proof = client.get(f"/log/{site.key}/proof/{receipt['log_index']}.tlog-proof").text
    (tmp_path / "receipt.tlog-proof").write_text(proof, encoding="utf-8", newline="")
    (tmp_path / "keys.json").write_text(json.dumps(key_file(app.extensions["keys"])))
    return tmp_path


def check(folder: Path, *names: str) -> int:
    return verifier.main(["--keys", str(folder / "keys.json"), *(str(folder / name) for name in names)])


def test_a_downloaded_receipt_verifies_in_an_interpreter_without_the_project_or_network(
    downloads: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(verifier.__file__, alone / "verifier.py")
    packages = Path(next(p for p in sys.path if p.endswith("site-packages")))
    for path in packages.iterdir():
        if path.name.split(".")[0] in NEEDED:
            (alone / path.name).symlink_to(path)
    no_network = "import socket; socket.socket = None; socket.create_connection = None; "
    program = (
        f"import sys; sys.path.insert(0, {str(alone)!r}); {no_network}import verifier; "
        "assert 'consent_server' not in sys.modules; sys.exit(verifier.main(sys.argv[1:]))"
    )

    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            program,
            "--keys",
            "keys.json",
            "receipt.jws",
            "receipt.tlog-proof",
        ],
        cwd=downloads,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "log         right: entry 10 of 12" in done.stdout  # two keys, a version, a banner; then decisions
    assert "kind        a visitor's decision" in done.stdout
    assert '"analytics": "granted"' in done.stdout or "choices" in done.stdout


def test_a_receipt_alone_verifies(downloads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(downloads, "receipt.jws") == 0
    assert "signature   right" in capsys.readouterr().out


def test_a_thousand_of_a_thousand_one_bit_changes_are_refused(
    downloads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(1000)
    names = ("receipt.jws", "receipt.tlog-proof")
    assert check(downloads, *names) == 0
    originals = {name: (downloads / name).read_bytes() for name in names}
    accepted = []
    for _ in range(1000):
        name = rng.choice(names)
        changed = bytearray(originals[name])
        bit = rng.randrange(len(changed) * 8)
        changed[bit // 8] ^= 1 << bit % 8
        (downloads / name).write_bytes(changed)
        if check(downloads, *names) == 0:
            accepted.append((name, bit))
        (downloads / name).write_bytes(originals[name])
    capsys.readouterr()

    assert accepted == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("receipt.jws", ""),
        ("receipt.jws", "a.b"),
        ("receipt.jws", "e30.e30.e30"),
        ("receipt.tlog-proof", ""),
        ("receipt.tlog-proof", "c2sp.org/tlog-proof@v1"),
    ],
)
def test_what_is_not_a_receipt_or_proof_is_refused_without_a_crash(
    downloads: Path, name: str, text: str
) -> None:
    (downloads / name).write_text(text)

    assert check(downloads, "receipt.jws", "receipt.tlog-proof") == 1


def test_a_proof_of_another_log_is_refused(downloads: Path, app: Flask, client: FlaskClient) -> None:
    other = make.ready_site("analytics")
    for _ in range(8):
        make.decide(client, other)
    integrate_logs()
    (downloads / "keys.json").write_text(json.dumps(key_file(app.extensions["keys"])))
    foreign = client.get(f"/log/{other.key}/proof/6.tlog-proof").text
    (downloads / "receipt.tlog-proof").write_text(foreign, encoding="utf-8", newline="")

    assert check(downloads, "receipt.jws", "receipt.tlog-proof") == 1


def test_missing_files_and_arguments_exit_with_2(downloads: Path) -> None:
    assert check(downloads, "nowhere.jws") == 2
    assert verifier.main([]) == 2


def test_the_verifier_imports_nothing_of_the_project_and_is_short() -> None:
    source = Path(verifier.__file__).read_text()

    assert "consent_server" not in source
    assert len(source.splitlines()) <= 200
