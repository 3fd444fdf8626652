"""The history of a draft's texts: what each person saved in each language, kept until the draft is published or discarded.

What one person writes within `TOGETHER` is one saved text while only the editor saves it; what somebody saves by a
button stays as it is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Select, delete, select

from consent_server.db import db
from consent_server.policies import trail
from consent_server.policies.models import Notice, PolicyVersion, SavedText
from consent_server.problems import NotFound

TOGETHER: Final = timedelta(minutes=10)


class UnknownSavedText(NotFound):
    slug = "unknown-saved-text"
    title = "The draft's history has no such text"


def record(
    draft: PolicyVersion,
    notice: Notice,
    *,
    kind: str,
    now: datetime,
    actor: str,
    brought_from: int | None = None,
) -> None:
    """Add what a draft says now in one language to its history, or to what the same person has just written.

    Call it in the transaction that saves the text, once the draft's revision is this transaction's own.

    Args:
        draft: the draft.
        notice: its text.
        kind: `opened`, `saved`, `autosaved`, or `brought_back`.
        now: the instant of the save.
        actor: who saves.
        brought_from: the number of the text that was brought back.
    """
    newest = newest_of(draft, notice.language)
    if kind == "autosaved" and newest is not None and _goes_on(newest, actor, now):
        newest.format, newest.source, newest.sha256 = notice.format, notice.source, notice.sha256
        newest.saved_at = now
        return
    db.session.add(
        SavedText(
            version_id=draft.id,
            language=notice.language,
            number=1 if newest is None else newest.number + 1,
            kind=kind,
            format=notice.format,
            source=notice.source,
            sha256=notice.sha256,
            saved_by=actor,
            begun_at=now,
            saved_at=now,
            brought_from=brought_from,
        )
    )
    db.session.flush()


def keep(draft: PolicyVersion, language: str, *, now: datetime, actor: str) -> None:
    """Keep what the editor saved by itself as it is, since a person has pressed the button on that very text."""
    newest = newest_of(draft, language)
    if newest is None or newest.kind != "autosaved":
        return
    newest.kind = "saved"
    trail.note(draft, "policies.keep_text", actor=actor, now=now, language=language, number=newest.number)


def texts_of(draft: PolicyVersion, language: str) -> Sequence[SavedText]:
    """Return what was saved in a language, the newest first; the texts themselves are not read yet."""
    return db.session.scalars(_of(draft, language)).all()


def newest_of(draft: PolicyVersion, language: str) -> SavedText | None:
    """Return what was saved last in a language, or None."""
    return db.session.scalar(_of(draft, language).limit(1))


def text_of(draft: PolicyVersion, language: str, number: int) -> SavedText:
    """Return one saved text.

    Raises:
        UnknownSavedText: the history has none of this number.
    """
    found = next((each for each in texts_of(draft, language) if each.number == number), None)
    if found is None:
        raise UnknownSavedText("The page of the draft's history lists those that there are.")
    return found


def forget(draft: PolicyVersion) -> None:
    """Drop a draft's history: what it became is a published version, which keeps its own text."""
    db.session.execute(delete(SavedText).where(SavedText.version_id == draft.id))


def _goes_on(newest: SavedText, actor: str, now: datetime) -> bool:
    return (
        newest.kind == "autosaved"
        and newest.saved_by == actor
        and timedelta() <= now - newest.begun_at < TOGETHER
    )


def _of(draft: PolicyVersion, language: str) -> Select[SavedText]:
    return (
        select(SavedText)
        .where(SavedText.version_id == draft.id, SavedText.language == language)
        .order_by(SavedText.number.desc())
    )
