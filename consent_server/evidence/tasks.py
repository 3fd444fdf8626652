"""Chore: keep facets and daily counts close behind the logs, without keeping other chores waiting."""

import time

from consent_server.db import db, transaction
from consent_server.evidence.projecting import BATCH, behind, project
from consent_server.jobs.runner import every_poll

SECONDS_A_POLL = 0.2
EVERY_SECONDS = 5.0  # few receipts at a time would rewrite the newest block again and again
_looked = float("-inf")


@every_poll
def project_receipts() -> None:
    """Read what came since; after a long absence for a fifth of a second a poll, until it is done."""
    global _looked
    begun = time.monotonic()
    if begun - _looked < EVERY_SECONDS:
        return
    if catch_up(until=begun + SECONDS_A_POLL):
        _looked = begun


def catch_up(*, until: float = float("inf")) -> bool:
    """Read all logs to their ends and return True, or stop at this instant of the monotonic clock and return False."""
    waiting = behind()
    db.session.rollback()
    for site_id, epoch in waiting:
        read = BATCH
        while read == BATCH:
            if time.monotonic() >= until:
                return False
            with transaction():
                read = project(site_id, epoch)
    return True
