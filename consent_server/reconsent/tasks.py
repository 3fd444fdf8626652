"""Jobs: sweep all records of a site after a publication, look at single ones again, and count them before one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import func, select

from consent_server import clock
from consent_server.consents import records
from consent_server.consents.models import ConsentRecord
from consent_server.db import db, transaction
from consent_server.jobs.runner import Progress, handles
from consent_server.policies.published import site_view
from consent_server.policies.publishing import SWEEP
from consent_server.reconsent import census, service
from consent_server.sites.models import Site


@handles(SWEEP)
def sweep(site_id: int, version_id: int, cursor: Any, done: int) -> Iterator[Progress]:
    """Flag every record that the site's published versions touch, a batch a transaction.

    A newer version published meanwhile is taken into account at once; its own sweep then finds nothing to change.
    """
    after = tuple(cursor) if cursor else None
    total = _count(site_id)
    while True:
        with transaction():
            site = site_view(db.session.get_one(Site, site_id).key)
            after, seen = service.flag_batch(site, after, now=clock.now())
        done += seen
        yield Progress(list(after) if after else None, done, max(total, done))
        if after is None:
            return


@handles(records.EVALUATE)
def evaluate(site_id: int, holders: Sequence[tuple[str, str]], cursor: Any, done: int) -> Iterator[Progress]:
    """Compute the flags of single records anew."""
    with transaction():
        site = site_view(db.session.get_one(Site, site_id).key)
        for kind, holder in sorted(map(tuple, holders)):  # the sweep's order, so that the two never deadlock
            record = db.session.get(ConsentRecord, (site_id, kind, holder), with_for_update=True)
            if record is not None:
                service.flag(site, record, now=clock.now())
    yield Progress(None, len(holders), len(holders))


@handles(census.COUNT)
def count(site_id: int, cursor: Any, done: int) -> Iterator[Progress]:
    """Count the records of a site, alike ones together. A run that was interrupted begins anew: it has kept nothing."""
    taken_at, total = clock.now(), _count(site_id)
    found: Counter[census.Alike] = Counter()
    after: census.Place | None = ("", "")
    while after is not None:
        with transaction():
            after, _seen = census.add_batch(found, site_id, after, now=taken_at)
            if after is None:
                census.keep(site_id, found, taken_at=taken_at)
        yield Progress(None, found.total(), max(total, found.total()))


def _count(site_id: int) -> int:
    return (
        db.session.scalar(
            select(func.count()).select_from(ConsentRecord).where(ConsentRecord.site_id == site_id)
        )
        or 0
    )
