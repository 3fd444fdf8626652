"""The draft that a page of the console works on, and the version that it would be for those who have decided."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from consent_server.policies import drafting, proposing
from consent_server.policies.facts import Change, VersionFacts
from consent_server.policies.models import Policy, PolicyVersion
from consent_server.purposes.service import freeze
from consent_server.sites.models import Site


@dataclass(frozen=True)
class Draft:
    """A draft with what it belongs to."""

    site: Site
    policy: Policy
    version: PolicyVersion

    @property
    def names(self) -> dict[str, str]:
        """What addresses of its pages need."""
        return {"site_key": self.site.key, "policy_key": self.policy.key}

    @property
    def is_asked(self) -> bool:
        """Whether the banner asks about this policy; a site's other documents are texts."""
        return self.site.policy_id == self.policy.id


def load_draft(site_key: str, policy_key: str) -> Draft:
    """Return the policy's draft.

    Raises:
        UnknownSite, UnknownPolicy: as their names say.
        NotFound: there is no draft now.
    """
    return Draft(*drafting.draft_at(site_key, policy_key))


def candidate_of(draft: Draft, number: str, changes: Sequence[Change]) -> VersionFacts:
    """Return what the re-consent rule would know of the draft, published under this number with these changes."""
    additional = tuple(p["key"] for p in freeze(draft.site) if p["function"] == "additional")
    return VersionFacts(number, tuple(changes), additional)


def purpose_texts(draft: Draft, before: PolicyVersion | None) -> dict[str, Mapping[str, Any]]:
    """Return texts by purpose: those of now, and those that the version before still had."""
    return proposing.purpose_texts(draft.version, draft.site, before)


def seen_of(draft: Draft) -> str:
    """Return a hash of all that publishing would freeze, so that nobody decides on what they have not seen."""
    waivers = [[waiver.fingerprint, waiver.reason] for waiver in draft.version.waivers]
    facts = [draft.version.id, draft.version.revision, waivers, freeze(draft.site)]
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def require_seen(draft: Draft, seen: str | None) -> None:
    """Refuse a decision on something else than the person has looked at.

    Raises:
        DraftChanged: the draft or its purposes are not what the page showed.
    """
    if seen != seen_of(draft):
        raise drafting.DraftChanged("Something has changed since you opened this page. Look at it again.")
