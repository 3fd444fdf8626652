"""Let the database itself refuse to change evidence: published versions, receipts, builds, the audit log.

A receipt may only be blanked (erasure): identifiers and payload become NULL, its place and its hash stay.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VERSION = "a published version never changes; publish a correction as a new version"
RECEIPT = "a receipt never changes; it can only be blanked"
KEPT = "this row is evidence and is never changed or deleted"

# A receipt row after an allowed update: all personal columns empty, all others as they were.
BLANKED = """NEW.payload IS NULL AND NEW.visitor_id IS NULL AND NEW.site_id = OLD.site_id
 AND NEW.epoch = OLD.epoch AND NEW.idx = OLD.idx AND NEW.receipt_id = OLD.receipt_id AND NEW.kid = OLD.kid
 AND NEW.issued_at = OLD.issued_at AND NEW.entry = OLD.entry"""
PUBLISHED_PARENT = "(SELECT state FROM policy_version WHERE id = {row}.version_id) = 'published'"
PARTS = ("notice", "change", "waiver")
KEPT_TABLES = ("banner_build", "widget_bundle", "audit_event")


def rules() -> list[tuple[str, str, str, str]]:
    """Return (table, event, condition, message) for every refusal."""
    found = [
        ("policy_version", "UPDATE", "OLD.state = 'published'", VERSION),
        ("policy_version", "DELETE", "OLD.state = 'published'", VERSION),
        ("receipt", "UPDATE", f"NOT ({BLANKED})", RECEIPT),
        ("receipt", "DELETE", "true", RECEIPT),
    ]
    for table in PARTS:
        found.append((table, "INSERT", PUBLISHED_PARENT.format(row="NEW"), VERSION))
        either = f"{PUBLISHED_PARENT.format(row='OLD')} OR {PUBLISHED_PARENT.format(row='NEW')}"
        found.append(
            (table, "UPDATE", either, VERSION)
        )  # nothing leaves a published version, nothing moves in
        found.append((table, "DELETE", PUBLISHED_PARENT.format(row="OLD"), VERSION))
    found += [(table, event, "true", KEPT) for table in KEPT_TABLES for event in ("UPDATE", "DELETE")]
    return found


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table, event, condition, message in rules():
            op.execute(
                f"CREATE TRIGGER keep_{table}_{event.lower()} BEFORE {event} ON {table} WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        return
    for table, event, condition, message in rules():
        name, row = f"keep_{table}_{event.lower()}", "OLD" if event == "DELETE" else "NEW"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
            f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
            f"RETURN {row}; END $$"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, event, _condition, _message in reversed(rules()):
        name = f"keep_{table}_{event.lower()}"
        op.execute(f"DROP TRIGGER {name}" + ("" if sqlite else f" ON {table}"))
        if not sqlite:
            op.execute(f"DROP FUNCTION {name}()")
