"""What happens to a version, as the audit log keeps it: every row names the version in the same way."""

from datetime import datetime
from typing import Any

from consent_server.audit import service as audit
from consent_server.policies.models import PolicyVersion


def target_of(version: PolicyVersion) -> str:
    """Return what the audit log calls a version or draft."""
    return f"policy-version:{version.id}"


def note(version: PolicyVersion, action: str, *, actor: str, now: datetime, **detail: Any) -> None:
    """Add one row on a version or draft in the caller's transaction."""
    audit.record(
        action, actor=actor, now=now, site_id=version.policy.site_id, target=target_of(version), **detail
    )
