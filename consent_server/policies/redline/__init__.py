"""What changed between two versions of a text, word by word, and what kind of change it seems to be. Pure.

`redline_versions` is the way in: it compares every language of two versions and proposes types; `draft_summary` words what a
person has confirmed.
"""

from consent_server.policies.redline.proposals import Suggestion, propose
from consent_server.policies.redline.sections import SectionRedline, TextChange, redline_sections
from consent_server.policies.redline.summary import Bullet, draft_summary
from consent_server.policies.redline.versions import VersionRedline, redline_versions
from consent_server.policies.redline.words import Piece, redline

__all__ = [
    "Bullet",
    "Piece",
    "SectionRedline",
    "Suggestion",
    "TextChange",
    "VersionRedline",
    "draft_summary",
    "propose",
    "redline",
    "redline_sections",
    "redline_versions",
]
