"""Chore: integrate every log that has new leaves, within a poll of the runner."""

import structlog
from flask import current_app

from consent_server import clock
from consent_server.db import db, transaction
from consent_server.jobs.runner import every_poll
from consent_server.ledger.integrate import TreeRefused, dirty_logs, integrate
from consent_server.problems import Problem

log = structlog.get_logger(__name__)


@every_poll
def integrate_logs() -> None:
    """Integrate all dirty logs, each in transactions of its own; one that refuses does not hold up the others."""
    key = current_app.extensions["keys"].checkpoint_key
    waiting = dirty_logs()
    db.session.rollback()
    for name, origin in waiting:
        try:
            more = True
            while more:
                with transaction():
                    more = integrate(name, origin=origin, key=key, now=clock.now()) is not None
        except (TreeRefused, Problem) as error:
            log.error("log not integrated", site=name.site_id, epoch=name.epoch, reason=str(error))
