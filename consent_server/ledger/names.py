"""The names of logs: which site and epoch a name or an origin belongs to.

A name comes from outside, in an address or in a receipt's header, and must belong to one log among those of all sites.
The logs themselves are spread by site, where no constraint can see two sites at once; so names have a table of their
own, small enough to stand on every node.
"""

from sqlalchemy import select

from consent_server.db import db
from consent_server.ledger.models import Log, NamedLog

MOST_NAMES = 10_000
_places: dict[str, tuple[int, int]] = {}


def open_log(site_id: int, *, host: str, name: str, epoch: int = 1) -> Log:
    """Make a log; its origin is its address without the scheme, which is what C2SP recommends."""
    origin = f"{host}/log/{name}"
    db.session.add(NamedLog(name=name, origin=origin, site_id=site_id, epoch=epoch))
    opened = Log(site_id=site_id, epoch=epoch, name=name, origin=origin, state="open", size=0)
    db.session.add(opened)
    db.session.flush()
    return opened


def log_named(name: str) -> Log | None:
    """Return the log of this name, or None."""
    return _log(db.session.get(NamedLog, name))


def place_of(name: str) -> tuple[int, int] | None:
    """Return site and epoch of the log of this name, or None. A name is given once and for all, so it is remembered."""
    found = _places.get(name)
    if found is None:
        row = db.session.get(NamedLog, name)
        if row is None:
            return None
        if len(_places) >= MOST_NAMES:
            _places.clear()
        found = _places[name] = (row.site_id, row.epoch)
    return found


def forget() -> None:
    """Empty the memory of names: for tests, which roll back."""
    _places.clear()


def log_of_origin(origin: str) -> Log | None:
    """Return the log of this origin, as a receipt's header or a checkpoint states it, or None."""
    return _log(db.session.scalar(select(NamedLog).where(NamedLog.origin == origin)))


def _log(found: NamedLog | None) -> Log | None:
    return None if found is None else db.session.get(Log, (found.site_id, found.epoch))
