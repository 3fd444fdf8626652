"""Make all tables: accounts, sites, purposes, policies, banner builds, ledger, consent records, jobs, audit.

Instants are stored with their zone where the engine has one; JSON is text with sorted keys (see `consent_server/db.py`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.Text()


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("disabled_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("target", sa.String(length=128), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_at"), "audit_event", ["at"], unique=False)
    op.create_index(op.f("ix_audit_event_site_id"), "audit_event", ["site_id"], unique=False)
    op.create_table(
        "consent_record",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder_kind", sa.String(length=8), nullable=False),
        sa.Column("holder", sa.String(length=128), nullable=False),
        sa.Column("state", JSON, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("flag", sa.String(length=4), nullable=True),
        sa.Column("flag_version_id", sa.Integer(), nullable=True),
        sa.Column("flag_purposes", JSON, nullable=True),
        sa.Column("flagged_at", INSTANT, nullable=True),
        sa.CheckConstraint("flag in ('ask', 'tell')", name=op.f("ck_consent_record_flag")),
        sa.CheckConstraint(
            "holder_kind in ('visitor', 'subject')", name=op.f("ck_consent_record_holder_kind")
        ),
        sa.PrimaryKeyConstraint("site_id", "holder_kind", "holder", name=op.f("pk_consent_record")),
    )
    op.create_index(
        "ix_consent_record_flagged",
        "consent_record",
        ["site_id", "flag"],
        unique=False,
        sqlite_where=sa.text("flag is not null"),
        postgresql_where=sa.text("flag is not null"),
    )
    op.create_table(
        "job",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("arguments", JSON, nullable=False),
        sa.Column("dedup", sa.String(length=128), nullable=True),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", INSTANT, nullable=True),
        sa.Column("cursor", JSON, nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint("state in ('queued', 'running', 'done', 'failed')", name=op.f("ck_job_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("dedup", name=op.f("uq_job_dedup")),
    )
    op.create_index(op.f("ix_job_site_id"), "job", ["site_id"], unique=False)
    op.create_index(op.f("ix_job_state_due_at"), "job", ["state", "due_at"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "receipt",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("visitor_id", sa.Uuid(), nullable=True),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("entry", sa.LargeBinary(length=32), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "epoch", "idx", name=op.f("pk_receipt")),
        sa.UniqueConstraint("site_id", "receipt_id", name=op.f("uq_receipt_site_id_receipt_id")),
    )
    op.create_index(op.f("ix_receipt_site_id_visitor_id"), "receipt", ["site_id", "visitor_id"], unique=False)
    op.create_table(
        "site",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("origins", JSON, nullable=False),
        sa.Column("languages", JSON, nullable=False),
        sa.Column("region_profile", sa.String(length=8), nullable=False),
        sa.Column("consent_days", sa.Integer(), nullable=False),
        sa.Column("theme", JSON, nullable=False),
        sa.Column("texts", JSON, nullable=False),
        sa.Column("policy_id", sa.Integer(), nullable=True),
        sa.Column("identity_generation", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("region_profile in ('opt_in', 'opt_out')", name=op.f("ck_site_region_profile")),
        sa.CheckConstraint("consent_days between 1 and 730", name=op.f("ck_site_consent_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("key", name=op.f("uq_site_key")),
    )
    op.create_table(
        "subject_link",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("visitor_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("linked_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "visitor_id", name=op.f("pk_subject_link")),
    )
    op.create_index(
        op.f("ix_subject_link_site_id_subject"), "subject_link", ["site_id", "subject"], unique=False
    )
    op.create_table(
        "widget_bundle",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_widget_bundle")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("site_id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_api_key_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
    )
    op.create_index(op.f("ix_api_key_site_id"), "api_key", ["site_id"], unique=False)
    op.create_table(
        "banner_build",
        sa.Column("site_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("bundle", sa.LargeBinary(length=32), nullable=False),
        sa.Column("configuration", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["bundle"], ["widget_bundle.sha256"], name=op.f("fk_banner_build_bundle")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_banner_build_site_id")),
        sa.PrimaryKeyConstraint("site_id", "sha256", name=op.f("pk_banner_build")),
    )
    op.create_table(
        "console_session",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", ROW_ID, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_console_session_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_console_session")),
    )
    op.create_index(op.f("ix_console_session_account_id"), "console_session", ["account_id"], unique=False)
    op.create_table(
        "log",
        sa.Column("site_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state in ('open', 'sealed', 'forked')", name=op.f("ck_log_state")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_log_site_id")),
        sa.PrimaryKeyConstraint("site_id", "epoch", name=op.f("pk_log")),
        sa.UniqueConstraint("origin", name=op.f("uq_log_origin")),
        sa.UniqueConstraint("name", name=op.f("uq_log_name")),
    )
    op.create_table(
        "policy",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("site_id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("title", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_policy_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_policy_site_id_key")),
    )
    op.create_table(
        "purpose",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("site_id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("function", sa.String(length=12), nullable=False),
        sa.Column("consent_kind", sa.String(length=12), nullable=False),
        sa.Column("legal_basis", sa.String(length=40), nullable=False),
        sa.Column("texts", JSON, nullable=False),
        sa.CheckConstraint(
            "consent_kind in ('general', 'explicit', 'separate', 'written', 'guardian')",
            name=op.f("ck_purpose_consent_kind"),
        ),
        sa.CheckConstraint("function in ('basic', 'additional')", name=op.f("ck_purpose_function")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_purpose_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purpose")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_purpose_site_id_key")),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", ROW_ID, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_sign_in_link_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_link")),
    )
    op.create_index(op.f("ix_sign_in_link_account_id"), "sign_in_link", ["account_id"], unique=False)
    op.create_table(
        "policy_version",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("policy_id", ROW_ID, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("major", sa.Integer(), nullable=True),
        sa.Column("minor", sa.Integer(), nullable=True),
        sa.Column("elsewhere", sa.Boolean(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("snapshot", sa.Text(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("published_by", sa.String(length=254), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(state = 'published') = (major is not null)", name=op.f("ck_policy_version_numbered")
        ),
        sa.CheckConstraint(
            "(state = 'published') = (sha256 is not null)", name=op.f("ck_policy_version_hashed")
        ),
        sa.CheckConstraint("state in ('draft', 'published')", name=op.f("ck_policy_version_state")),
        sa.ForeignKeyConstraint(["policy_id"], ["policy.id"], name=op.f("fk_policy_version_policy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_version")),
        sa.UniqueConstraint(
            "policy_id", "major", "minor", name=op.f("uq_policy_version_policy_id_major_minor")
        ),
    )
    op.create_index(op.f("ix_policy_version_policy_id"), "policy_version", ["policy_id"], unique=False)
    op.create_index(
        "uq_policy_version_draft",
        "policy_version",
        ["policy_id"],
        unique=True,
        sqlite_where=sa.text("state = 'draft'"),
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.create_table(
        "service",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("purpose_id", ROW_ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("provider", sa.String(length=200), nullable=False),
        sa.Column("privacy_url", sa.String(length=500), nullable=False),
        sa.Column("texts", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["purpose_id"], ["purpose.id"], name=op.f("fk_service_purpose_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service")),
        sa.UniqueConstraint("purpose_id", "key", name=op.f("uq_service_purpose_id_key")),
    )
    op.create_table(
        "change",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("effect", sa.String(length=16), nullable=False),
        sa.Column("purposes", JSON, nullable=True),
        sa.Column("renamed_from", sa.String(length=40), nullable=True),
        sa.Column("summary", JSON, nullable=False),
        sa.Column("classified_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.String(length=254), nullable=True),
        sa.CheckConstraint(
            "effect in ('patch', 'minor', 'major_notice', 'major_consent')", name=op.f("ck_change_effect")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["policy_version.id"], name=op.f("fk_change_version_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
    )
    op.create_index(op.f("ix_change_version_id"), "change", ["version_id"], unique=False)
    op.create_table(
        "cookie",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("service_id", ROW_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("pattern", sa.Boolean(), nullable=False),
        sa.Column("store", sa.String(length=16), nullable=False),
        sa.Column("party", sa.String(length=8), nullable=False),
        sa.Column("lifetime", sa.String(length=20), nullable=False),
        sa.Column("texts", JSON, nullable=False),
        sa.CheckConstraint("party in ('first', 'third')", name=op.f("ck_cookie_party")),
        sa.CheckConstraint(
            "store in ('cookie', 'local_storage', 'session_storage')", name=op.f("ck_cookie_store")
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_cookie_service_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cookie")),
        sa.UniqueConstraint("service_id", "store", "name", name=op.f("uq_cookie_service_id_store_name")),
    )
    op.create_table(
        "notice",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("format", sa.String(length=12), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("format in ('markdown', 'plain')", name=op.f("ck_notice_format")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["policy_version.id"], name=op.f("fk_notice_version_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("version_id", "language", name=op.f("uq_notice_version_id_language")),
    )
    op.create_table(
        "waiver",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("version_id", ROW_ID, nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("waived_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["policy_version.id"], name=op.f("fk_waiver_version_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
    )
    op.create_index(op.f("ix_waiver_version_id"), "waiver", ["version_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_waiver_version_id"), table_name="waiver")
    op.drop_table("waiver")
    op.drop_table("notice")
    op.drop_table("cookie")
    op.drop_index(op.f("ix_change_version_id"), table_name="change")
    op.drop_table("change")
    op.drop_table("service")
    op.drop_index(
        "uq_policy_version_draft",
        table_name="policy_version",
        sqlite_where=sa.text("state = 'draft'"),
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.drop_index(op.f("ix_policy_version_policy_id"), table_name="policy_version")
    op.drop_table("policy_version")
    op.drop_index(op.f("ix_sign_in_link_account_id"), table_name="sign_in_link")
    op.drop_table("sign_in_link")
    op.drop_table("purpose")
    op.drop_table("policy")
    op.drop_table("log")
    op.drop_index(op.f("ix_console_session_account_id"), table_name="console_session")
    op.drop_table("console_session")
    op.drop_table("banner_build")
    op.drop_index(op.f("ix_api_key_site_id"), table_name="api_key")
    op.drop_table("api_key")
    op.drop_table("widget_bundle")
    op.drop_index(op.f("ix_subject_link_site_id_subject"), table_name="subject_link")
    op.drop_table("subject_link")
    op.drop_table("site")
    op.drop_index(op.f("ix_receipt_site_id_visitor_id"), table_name="receipt")
    op.drop_table("receipt")
    op.drop_table("lease")
    op.drop_index(op.f("ix_job_state_due_at"), table_name="job")
    op.drop_index(op.f("ix_job_site_id"), table_name="job")
    op.drop_table("job")
    op.drop_index(
        "ix_consent_record_flagged",
        table_name="consent_record",
        sqlite_where=sa.text("flag is not null"),
        postgresql_where=sa.text("flag is not null"),
    )
    op.drop_table("consent_record")
    op.drop_index(op.f("ix_audit_event_site_id"), table_name="audit_event")
    op.drop_index(op.f("ix_audit_event_at"), table_name="audit_event")
    op.drop_table("audit_event")
    op.drop_table("account")
