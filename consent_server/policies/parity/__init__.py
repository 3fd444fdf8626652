"""Do the languages of a policy say the same? Pure rules that explain themselves; see docs/parity.md.

`check` is the way in for one version, `check_history` for versions in order.
"""

from consent_server.policies.parity.check import Report, check, check_history, compare
from consent_server.policies.parity.findings import RULES, Finding, Place
from consent_server.policies.parity.waivers import BadWaiver, Waiver, read_waivers

__all__ = [
    "RULES",
    "BadWaiver",
    "Finding",
    "Place",
    "Report",
    "Waiver",
    "check",
    "check_history",
    "compare",
    "read_waivers",
]
