"""Two people have saved one draft: which sections differ, who has changed each, and the text that a person makes of both. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from consent_server.policies.text.parts import digest_of

Take = Literal["saved", "mine", "both", ""]
TAKES: tuple[Take, ...] = ("saved", "mine", "both")


@dataclass(frozen=True)
class Step:
    """A stretch of a text: the same in both (`saved` is `mine`), or what each person made of it.

    `take` is what is meant to stay: the side that was changed where only one was, "" where both were.
    """

    saved: str
    mine: str
    take: Take
    same: bool = False


def merge(base: frozenset[str], mine: Sequence[str], saved: Sequence[str]) -> list[Step]:
    """Return the two texts stretch by stretch.

    Args:
        base: the digests of the parts that the person of `mine` had begun with; empty where nobody knows.
        mine: the parts of the text that could not be saved.
        saved: the parts of the text that is saved now.
    """
    ours, theirs = ([digest_of(part) for part in parts] for parts in (mine, saved))
    steps = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
        one, other = "\n\n".join(saved[i1:i2]), "\n\n".join(mine[j1:j2])
        if tag == "equal":
            steps.append(Step(one, other, "saved", same=True))
        else:
            steps.append(Step(one, other, _take(base, set(ours[j1:j2]), set(theirs[i1:i2]))))
    return steps


def merged(steps: Sequence[Step], takes: Mapping[int, str], written: Mapping[int, str]) -> str | None:
    """Return the text as a person has chosen, or None while a stretch has no choice.

    Args:
        steps: the stretches.
        takes: by stretch, what shall stay; for others what `merge` means.
        written: by stretch, what the person has made of their own text on the way.
    """
    pieces = []
    for at, step in enumerate(steps):
        take = takes.get(at, step.take) if not step.same else "saved"
        if take not in TAKES:
            return None
        mine = written.get(at, step.mine)
        pieces += [step.saved] if take in ("saved", "both") else []
        pieces += [mine] if take in ("mine", "both") else []
    return "\n\n".join(piece for piece in pieces if piece.strip())


def _take(base: frozenset[str], ours: set[str], theirs: set[str]) -> Take:
    # Somebody has changed a stretch who has parts that the base has not, or lacks one of the base that the other kept.
    mine = not base or bool(ours - base) or bool((theirs & base) - ours)
    saved = not base or bool(theirs - base) or bool((ours & base) - theirs)
    if mine and saved:
        return ""
    return "mine" if mine else "saved"
