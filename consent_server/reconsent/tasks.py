"""Jobs: sweep all records of a site after a publication, and look at single ones again."""

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
from consent_server.reconsent import service
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


def _count(site_id: int) -> int:
    return (
        db.session.scalar(
            select(func.count()).select_from(ConsentRecord).where(ConsentRecord.site_id == site_id)
        )
        or 0
    )
