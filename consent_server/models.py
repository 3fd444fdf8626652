"""All tables in one import, so that the metadata is complete. Slices import their own `models`, never this."""

from consent_server.accounts.models import (
    Account,
    ConsoleSession,
    ExternalIdentity,
    Invitation,
    KnownDevice,
    Membership,
    Passkey,
    RecoveryCode,
    SignInDelay,
    SignInLink,
    TotpSecret,
)
from consent_server.audit.models import AuditEvent
from consent_server.banner.models import BannerBuild, PinnedTag, TagError, TagSighting, WidgetBundle
from consent_server.campaigns.models import Campaign, CampaignLetter, MailBounce, MailRefusal, SubjectMail
from consent_server.consents.models import ConsentRecord, SubjectLink
from consent_server.evidence.models import DayCount, Facet, FacetMark
from consent_server.jobs.models import Job, Lease
from consent_server.ledger.models import Anchor, Log, NamedLog, Receipt, SignedCheckpoint, Tile, Tree
from consent_server.policies.models import Change, Notice, Policy, PolicyVersion, SavedText, Waiver
from consent_server.policies.review_models import Comment, Mention, Review
from consent_server.purposes.models import Cookie, Purpose, Service
from consent_server.reconsent.models import Census
from consent_server.retention.models import Erasure, RetentionMark
from consent_server.sites.models import ApiKey, Site

__all__ = [
    "Account",
    "Anchor",
    "ApiKey",
    "AuditEvent",
    "BannerBuild",
    "Campaign",
    "CampaignLetter",
    "Census",
    "Change",
    "Comment",
    "ConsentRecord",
    "ConsoleSession",
    "Cookie",
    "DayCount",
    "Erasure",
    "ExternalIdentity",
    "Facet",
    "FacetMark",
    "Invitation",
    "Job",
    "KnownDevice",
    "Lease",
    "Log",
    "MailBounce",
    "MailRefusal",
    "Membership",
    "Mention",
    "NamedLog",
    "Notice",
    "Passkey",
    "PinnedTag",
    "Policy",
    "PolicyVersion",
    "Purpose",
    "Receipt",
    "RecoveryCode",
    "RetentionMark",
    "Review",
    "SavedText",
    "Service",
    "SignInDelay",
    "SignInLink",
    "SignedCheckpoint",
    "Site",
    "SubjectLink",
    "SubjectMail",
    "TagError",
    "TagSighting",
    "Tile",
    "TotpSecret",
    "Tree",
    "Waiver",
    "WidgetBundle",
]
