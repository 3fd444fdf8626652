"""Where anchors go beyond the file: a git repository, and an HTTP address. Each returns what the other side answered."""

import os
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from consent_server.ledger.anchor_file import Head

GIT_PATIENCE = timedelta(seconds=30)
HTTP_PATIENCE = timedelta(seconds=5)
BRANCH = "anchors"
_WHO = ("-c", "user.name=consent-server", "-c", "user.email=anchors@localhost", "-c", "commit.gpgsign=false")


class NotAnchored(Exception):
    """The sink did not acknowledge; it is tried again."""


def push(remote: str, folder: Path, heads: Sequence[Head]) -> str:
    """Commit each log's checkpoint as a file to a repository of our own, push it, and return the commit's hash.

    Args:
        remote: address or path of the repository that is pushed to; its branch `anchors` only ever grows.
        folder: where our own repository is kept; it may be lost, then it is fetched again.
        heads: the newest checkpoints.

    Raises:
        NotAnchored: git is missing, or the other side refused.
    """
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _git(folder, "init", "--quiet", f"--initial-branch={BRANCH}")
    if _git(folder, "ls-remote", "--heads", remote, BRANCH):
        _git(folder, "fetch", "--quiet", remote, BRANCH)
        _git(folder, "reset", "--quiet", "--hard", "FETCH_HEAD")
    for head in heads:
        path = folder / (urllib.parse.quote(head.origin, safe="") + ".checkpoint")
        path.write_text(head.note, encoding="utf-8", newline="")
    _git(folder, "add", "--all")
    _git(folder, *_WHO, "commit", "--quiet", "--allow-empty", "--message", _message(heads))
    _git(folder, "push", "--quiet", remote, f"HEAD:refs/heads/{BRANCH}")
    return _git(folder, "rev-parse", "HEAD").strip()


def post(url: str, head: Head) -> str:
    """Post a checkpoint's note and return the status; 2xx is the acknowledgement.

    Raises:
        NotAnchored: any other answer, or none.
    """
    request = urllib.request.Request(  # noqa: S310 - the operator's own setting, which admits http and https only
        url, data=head.note.encode(), headers={"Content-Type": "text/plain; charset=utf-8"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=HTTP_PATIENCE.total_seconds()) as answer:  # noqa: S310 - as above
            return str(answer.status)
    except (OSError, ValueError) as error:  # HTTPError and URLError are OSErrors
        raise NotAnchored(
            f"no acknowledgement: {type(error).__name__} {getattr(error, 'code', '')}"
        ) from error


def _message(heads: Sequence[Head]) -> str:
    return "checkpoints\n\n" + "\n".join(f"{head.origin} {head.size} {head.root.hex()}" for head in heads)


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    # Started from a hook, git hands down whose repository it is; ours is another.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the only foreign word is the operator's own setting
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_PATIENCE.total_seconds(),
            env=environment | {"GIT_TERMINAL_PROMPT": "0"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotAnchored(f"git {arguments[0]}: {type(error).__name__}") from error
    if done.returncode:
        # The address may hold a password, and git repeats the address.
        said = " ".join(word for word in done.stderr.split() if "://" not in word)
        raise NotAnchored(f"git {arguments[0]}: {said[:300]}")
    return done.stdout
