"""Messages not yet delivered, what they say, and what became of each attempt."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from serving.schema.definitions import metadata, partial

outbox = Table(
    "outbox",
    metadata,
    Column("message_id", String(220), primary_key=True),
    Column("trigger_decision_id", String(200), nullable=False),
    Column("endpoint", String(100), nullable=False),
    Column("body", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("last_error", Text),
    Column("expires_at", BigInteger),
    Column("user_no", BigInteger),
    Column("trigger", String(100)),
    Column("channel", String(16)),
    Column("attempts_before", Integer, nullable=False, server_default="0"),
    Column("provider_id", String(200)),
    Column("findings", Text),
    Index("outbox_pending", "status", "endpoint", "next_attempt_at"),
    Index("outbox_of_decision", "trigger_decision_id"),
    Index("outbox_of_user", "user_no", "status"),
    partial("outbox_by_provider", "provider_id", where="provider_id IS NOT NULL"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("message_id", String(220), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("status_code", Integer),
    Column("error", Text),
    Column("duration_us", BigInteger, nullable=False),
)

renderings = Table(
    "renderings",
    metadata,
    Column("message_id", String(220), primary_key=True),
    Column("content", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""What messages said when they were first put into words, so that a retry says the same."""

send_counts = Table(
    "send_counts",
    metadata,
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("claimed", Integer, nullable=False),
)
