"""An index for the claims of one vendor"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state IN ('pending', 'sending')")
JUNK = sa.text("quarantine IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_delivery_sending", "delivery")
    op.drop_index("ix_delivery_open", "delivery")
    op.create_index(
        "ix_delivery_open_by_state", "delivery", ["state", "due_at"], sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index(
        "ix_delivery_open_by_vendor",
        "delivery",
        ["vendor", "state", "due_at"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )

    # --- the console's users, and the search over leads ---
    op.create_table(
        "console_user",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_user")),
        sa.UniqueConstraint("folded", name=op.f("uq_console_user_folded")),
    )
    op.create_table(
        "console_token",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_console_token")),
    )
    op.create_table(
        "audit",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_object_id", "audit", ["object", "id"])
    op.create_table(
        "lead_search",
        sa.Column("term", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("lead_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_lead_search_lead_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("term", "lead_id", name=op.f("pk_lead_search")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_lead_search_lead_id", "lead_search", ["lead_id"])
    op.create_index("ix_lead_form_id", "lead", ["form", "id"])
    op.create_index(
        "ix_lead_test", "lead", ["id"], sqlite_where=sa.text("test IS 1"), postgresql_where=sa.text("test IS true")
    )
    op.create_index("ix_lead_quarantined", "lead", ["id"], sqlite_where=JUNK, postgresql_where=JUNK)
    op.create_index("ix_delivery_state_lead_id", "delivery", ["state", "lead_id"])
    op.create_index("ix_delivery_vendor_lead_id", "delivery", ["vendor", "lead_id"])
    op.create_table(
        "lead_batch",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("lead_ids", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_batch")),
    )
    op.create_table(
        "chore_progress",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", KEY, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chore_progress")),
    )

    # --- forms that are changed in the console ---
    op.create_table(
        "form_publication",
        sa.Column("id", KEY, nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_publication")),
    )
    op.create_index("ix_form_publication_form_id", "form_publication", ["form", "id"])
    op.execute(
        "INSERT INTO form_publication (id, form, version, origin, at) "
        "SELECT id, form, version, origin, published_at FROM form_version"
    )
    if op.get_bind().dialect.name == "postgresql":  # the next number comes after those just taken over
        op.execute(
            "SELECT setval(pg_get_serial_sequence('form_publication', 'id'), "
            "(SELECT coalesce(max(id), 0) + 1 FROM form_version), false)"
        )
    op.create_table(
        "form_draft",
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("base_version", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("form", name=op.f("pk_form_draft")),
    )

    # --- the numbers ---
    op.create_table(
        "visit_count",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "form", "page", "campaign", "what", name=op.f("pk_visit_count")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snippet_seen",
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.Double(), nullable=False),
        sa.Column("last_seen", sa.Double(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("form", "page", "facts", name=op.f("pk_snippet_seen")),
        sqlite_with_rowid=False,
    )
