"""How long a site keeps receipts."""

from datetime import datetime

from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.problems import InvalidInput
from consent_server.sites.models import Site


def set_retention(site: Site, days: int, *, now: datetime, actor: str) -> None:
    """Set after how many days from a consent's expiry its receipt is erased.

    Raises:
        InvalidInput: shorter than a consent's lifetime: then a refusal could be asked about again although its
            evidence is gone.
    """
    if days < site.consent_days:
        raise InvalidInput(
            f"Consents of this site live {site.consent_days} days; keep their receipts at least as long.",
            errors={"retention_days": [days]},
        )
    before, site.retention_days = site.retention_days, days
    db.session.flush()
    audit.record(
        "retention.set", actor=actor, now=now, site_id=site.id, target=site.key, before=before, after=days
    )
