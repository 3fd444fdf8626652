"""Where each table stands in a distributed database (Citus): spread by site, whole on every node, or on the coordinator.

A decision touches spread tables of one site, which stand together on one node, and reads tables that every node has: one
node commits it alone. `tests/house/test_placements.py` holds every model to this table; `distribution.py` carries it out.
"""

from dataclasses import dataclass
from enum import StrEnum

SPREAD_BY = "site_id"


class Kind(StrEnum):
    """`distributed`: rows stand where their site does. `reference`: a copy on each node. `local`: coordinator only."""

    DISTRIBUTED = "distributed"
    REFERENCE = "reference"
    LOCAL = "local"


@dataclass(frozen=True)
class Placement:
    """Where a table stands, and why there."""

    kind: Kind
    reason: str


def _distributed(reason: str) -> Placement:
    return Placement(Kind.DISTRIBUTED, reason)


def _reference(reason: str) -> Placement:
    return Placement(Kind.REFERENCE, reason)


def _local(reason: str) -> Placement:
    return Placement(Kind.LOCAL, reason)


_SHOWN = "read by every site's banner and changed by staff only"
_STAFF = "read and written by the console only, which works on the coordinator"

PLACEMENTS: dict[str, Placement] = {
    "log": _distributed("its row is locked by every decision of the site"),
    "receipt": _distributed("grows with every decision"),
    "tree": _distributed("moves with the log"),
    "tile": _distributed("grows with the log"),
    "checkpoint": _distributed("grows with the log"),
    "anchor": _distributed("grows with the log"),
    "consent_record": _distributed("one row for each visitor and subject"),
    "subject_link": _distributed("one row for each identified browser"),
    "erasure": _distributed("names places in the log"),
    "retention_mark": _distributed("names a place in the log"),
    "facet": _distributed("grows with the log"),
    "facet_mark": _distributed("names a place in the log"),
    "day_count": _distributed("counts the receipts of one site"),
    "banner_build": _distributed("one row for each banner that the site ever showed"),
    "pinned_tag": _distributed("one row for each tag that the site ever served"),
    "tag_sighting": _distributed("counted by each node for the sites that it serves"),
    "tag_error": _distributed("counted by each node for the sites that it serves"),
    "site": _reference("decisions of every node read it"),
    "log_name": _reference(
        "a name belongs to one log among those of all sites, and says on which node it is"
    ),
    "api_key": _reference("a key says which site it is of, and so cannot be looked up by site"),
    "widget_bundle": _reference("one row for each release, shared by all sites"),
    "policy": _reference(_SHOWN),
    "policy_version": _reference(_SHOWN),
    "notice": _reference(_SHOWN),
    "change": _reference(_SHOWN),
    "waiver": _reference(_SHOWN),
    "purpose": _reference(_SHOWN),
    "service": _reference(_SHOWN),
    "cookie": _reference(_SHOWN),
    "campaign": _local(_STAFF),
    "campaign_letter": _local("sent by the job runner, one after another, whichever site it is of"),
    "mail_refusal": _local("asked for each letter before it is sent"),
    "mail_bounce": _local("asked for each letter before it is sent"),
    "subject_mail": _local("read when a campaign starts, which the coordinator does"),
    "job": _local("one queue for all sites: workers claim the oldest job, whichever site it is of"),
    "census": _local("counted by a job and read by the console, both on the coordinator"),
    "lease": _local("the seat of the one job runner"),
    "audit_event": _local("one list over all sites, in the order in which staff acted"),
    "account": _local(_STAFF),
    "membership": _local(_STAFF),
    "saved_text": _local(_STAFF),
    "review": _local(_STAFF),
    "comment": _local(_STAFF),
    "mention": _local(_STAFF),
    "console_session": _local(_STAFF),
    "sign_in_link": _local(_STAFF),
    "totp_secret": _local(_STAFF),
    "recovery_code": _local(_STAFF),
    "passkey": _local(_STAFF),
    "known_device": _local(_STAFF),
    "sign_in_delay": _local(_STAFF),
    "invitation": _local(_STAFF),
    "external_identity": _local(_STAFF),
}
# Not ours to place: Alembic's own table stays on the coordinator, where migrations run.
UNPLACED = ("alembic_version",)
