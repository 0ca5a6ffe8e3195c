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
    "ix_delivery_open",
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
