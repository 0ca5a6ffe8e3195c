"""The tables. Times are seconds since 1970 in UTC; JSON columns hold what the docstrings of leads and outbox say."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Key = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key
Json = JSON(none_as_null=True)
InBytes = Text().with_variant(Text(collation="C"), "postgresql")  # in the order of its bytes, as SQLite's is anyway

form_version = Table(
    "form_version",
    metadata,
    Column("id", Key, primary_key=True),
    Column("form", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("origin", Text, nullable=False),  # file or console
    Column("published_at", Double, nullable=False),
    UniqueConstraint("form", "version"),
)

lead = Table(
    "lead",
    metadata,
    Column("id", Key, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("form", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("received_at", Double, nullable=False),
    Column("answers", Json, nullable=False),
    Column("campaign", Json, nullable=False),
    Column("cleaned", Json, nullable=False),
    Column("consent", Json),
    Column("source", Json, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("quarantine", Json),  # the reasons, while the lead is held as junk
    Column("test", Boolean, nullable=False),
    Column("answer", Text),  # what the visitor was told: "ok" or an error_code
    Column("erased_at", Double),
)
Index("ix_lead_received_at", lead.c.received_at)
Index("ix_lead_form_content_hash_received_at", lead.c.form, lead.c.content_hash, lead.c.received_at)

lead_file = Table(
    "lead_file",
    metadata,
    Column("lead_id", Key, ForeignKey("lead.id", ondelete="CASCADE"), primary_key=True),
    Column("field", Text, primary_key=True),
    Column("filename", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Key, primary_key=True),
    Column("lead_id", Key, ForeignKey("lead.id", ondelete="CASCADE"), nullable=False),
    Column("destination", Text, nullable=False),  # vendor, or also-1 and on
    Column("account", Text, nullable=False),  # form/destination: what pauses as one
    Column("vendor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Double, nullable=False),  # pending: not before; sending: when the lease runs out
    Column("token", Text),  # who holds the lease
    Column("attempts", Integer, nullable=False),
    Column("unsure", Boolean, nullable=False),  # one of our own tries ended unknown
    Column("payload", Json),  # the request, frozen but for the secrets' values
    Column("vendor_lead_id", Text),
    Column("reason", Text),
    Column("error_code", Text),
    Column("settled_at", Double),
    UniqueConstraint("lead_id", "destination"),
)
Index(
    "ix_delivery_open_by_state",
    delivery.c.state,
    delivery.c.due_at,
    sqlite_where=text("state IN ('pending', 'sending')"),
    postgresql_where=text("state IN ('pending', 'sending')"),
)

Index(
    "ix_delivery_open_by_vendor",
    delivery.c.vendor,
    delivery.c.state,
    delivery.c.due_at,
    sqlite_where=text("state IN ('pending', 'sending')"),
    postgresql_where=text("state IN ('pending', 'sending')"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", Key, primary_key=True),
    Column("delivery_id", Key, ForeignKey("delivery.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("trigger", Text, nullable=False),  # visitor, worker or resend
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("code", Text),
    Column("words", Text),
    Column("milliseconds", Integer, nullable=False),
    Column("calls", Json, nullable=False),  # each {request, status, answer}, secrets masked
)
Index("ix_attempt_delivery_id", attempt.c.delivery_id)

account = Table(
    "account",
    metadata,
    Column("account", Text, primary_key=True),
    Column("waiting", Text),  # null, down or misconfigured
    Column("reason", Text),
    Column("words", Text),
    Column("since", Double),
    Column("failures", Integer, nullable=False),
    Column("probes", Integer, nullable=False),
    Column("probe_at", Double),
)

pace = Table(
    "pace",
    metadata,
    Column("vendor", Text, primary_key=True),
    Column("next_at", Double, nullable=False),  # when the next call to it may be made
)

alert = Table(
    "alert",
    metadata,
    Column("cause", Text, primary_key=True),
    Column("mark", Text, nullable=False),  # what changes when the cause is a new one
    Column("sent_at", Double, nullable=False),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Double, nullable=False),
)

# --- the console ---

console_user = Table(
    "console_user",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False, unique=True),  # the name as it is looked for, whatever its letters' case
    Column("role", Text, nullable=False),  # viewer, editor or operator
    Column("password", Text, nullable=False),  # Argon2
    Column("active", Boolean, nullable=False),
    Column("epoch", Integer, nullable=False),  # part of each session: a new one ends them all
    Column("created_at", Double, nullable=False),
)

console_token = Table(
    "console_token",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text),  # null: the first user, who chooses one
    Column("role", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", Double, nullable=False),
    Column("user", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Json, nullable=False),
)
Index("ix_audit_object_id", audit.c.object, audit.c.id)

lead_search = Table(
    "lead_search",
    metadata,
    Column("term", InBytes, primary_key=True),  # its kind, a colon, and the text as it is looked for
    Column("lead_id", Key, ForeignKey("lead.id", ondelete="CASCADE"), primary_key=True),
    sqlite_with_rowid=False,
)
Index("ix_lead_search_lead_id", lead_search.c.lead_id)
Index("ix_lead_form_id", lead.c.form, lead.c.id)
Index("ix_lead_test", lead.c.id, sqlite_where=text("test IS 1"), postgresql_where=text("test IS true"))
Index(
    "ix_lead_quarantined",
    lead.c.id,
    sqlite_where=text("quarantine IS NOT NULL"),
    postgresql_where=text("quarantine IS NOT NULL"),
)
Index("ix_delivery_state_lead_id", delivery.c.state, delivery.c.lead_id)
Index("ix_delivery_vendor_lead_id", delivery.c.vendor, delivery.c.lead_id)

lead_batch = Table(
    "lead_batch",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", Double, nullable=False),
    Column("user", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("lead_ids", Json, nullable=False),
)

chore_progress = Table(
    "chore_progress",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", Key, nullable=False),  # the id of the last row that it has done
)

# --- forms that are changed in the console ---

form_publication = Table(
    "form_publication",
    metadata,
    Column("id", Key, primary_key=True),  # the greatest of a form is what is served
    Column("form", Text, nullable=False),
    Column("version", Text, nullable=False),  # empty where the form was archived
    Column("origin", Text, nullable=False),  # file, console or archive
    Column("at", Double, nullable=False),
    Column("by", Text),  # null: from the folder
)
Index("ix_form_publication_form_id", form_publication.c.form, form_publication.c.id)

form_draft = Table(
    "form_draft",
    metadata,
    Column("form", Text, primary_key=True),
    Column("content", Text),  # null: there is none now, but the revisions go on
    Column("base_version", Text),  # what it began with; null for a form that was never published
    Column("revision", Integer, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("updated_by", Text, nullable=False),
)

# --- numbers ---

visit_count = Table(
    "visit_count",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),  # days since 1970, in UTC
    Column("form", Text, primary_key=True),
    Column("page", Text, primary_key=True),  # host and path
    Column("campaign", Text, primary_key=True),
    Column("what", Text, primary_key=True),  # seen, tried, started, or one of these with a name: refused:lf201
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

snippet_seen = Table(
    "snippet_seen",
    metadata,
    Column("form", Text, primary_key=True),
    Column("page", Text, primary_key=True),  # host and path
    Column("facts", Text, primary_key=True),  # as leadferry.doctor writes them
    Column("first_seen", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
