"""What a change of a site's settings takes away, in words; a person confirms exactly these before it happens."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from consent_server.screens import language_name
from consent_server.sites.models import Site


def dangers(site: Site, wanted: Mapping[str, Any]) -> list[str]:
    """Return what would be lost or begin to run, a sentence for each.

    Args:
        site: as it is.
        wanted: its checked fields as they would be, with `retention_days`.
    """
    found = []
    gone = [each for each in site.languages if each not in wanted["languages"]]
    if gone and site.policy_id is not None:
        names = ", ".join(language_name(each) for each in gone)
        found.append(
            _("No longer offered: %(languages)s. What was published and agreed to in it stays and can still be read.",
              languages=names)
        )  # fmt: skip
    lost = [each for each in site.origins if each not in wanted["origins"]]
    if lost:
        found.append(_("Pages of %(origins)s can no longer store choices.", origins=", ".join(lost)))
    if (site.region_profile, wanted["region_profile"]) == ("opt_in", "opt_out"):
        found.append(_("Optional purposes run before a choice. The law of your visitors must allow that."))
    if wanted["retention_days"] < site.retention_days:
        found.append(
            _("Receipts that are older than that are erased within a day. Nothing brings them back.")
        )
    return found


def fingerprint(sentences: Sequence[str]) -> str:
    """Return what a confirmation names, so that it confirms nothing else."""
    return hashlib.sha256("\n".join(sentences).encode()).hexdigest()[:32]
