"""Chore: integrate every log that has new leaves, and anchor what was signed, within a poll of the runner."""

import structlog
from flask import current_app

from consent_server import clock
from consent_server.db import db, transaction
from consent_server.jobs.runner import every_poll
from consent_server.ledger import boot
from consent_server.ledger.anchors import anchor_new
from consent_server.ledger.integrate import TreeRefused, dirty_logs, integrate
from consent_server.problems import Problem

log = structlog.get_logger(__name__)


@every_poll
def integrate_logs() -> None:
    """Integrate all dirty logs, each in transactions of its own; one that refuses does not hold up the others."""
    key = current_app.extensions["keys"].checkpoint_key
    waiting = dirty_logs()
    db.session.rollback()
    signed = []
    for name, origin, size in waiting:
        try:
            boot.refuse_if_it_went_back(name, origin, now=clock.now())
            reached = 0
            # No further than it was at this poll: a busy log always has a new leaf, and a checkpoint for each few would
            # cost more than storing them.
            while reached < size:
                with transaction():
                    checkpoint = integrate(name, origin=origin, key=key, now=clock.now())
                if checkpoint is None:
                    break
                reached = checkpoint.size
            signed.append(name)
        except (TreeRefused, Problem) as error:
            log.error("log not integrated", site=name.site_id, epoch=name.epoch, reason=str(error))
    anchor_new(signed, now=clock.now())
