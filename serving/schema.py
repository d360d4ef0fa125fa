"""The tables: log, ledger, outbox and what is known of each user; moments are integer microseconds since the epoch.

An index by user would have a page somewhere else rewritten for each event, which costs more than the event itself. So
each event says which one of its user came before it, from `users.last_seq` back to the first, and what was evaluated
for an event is found by its position; only what no event brought, and what fired, is indexed by user.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

# SQLite gives row ids only to columns declared exactly INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


users = Table(
    "users",
    metadata,
    Column("user_no", RowId, primary_key=True),
    Column("user_key", String(512), nullable=False, unique=True),
    Column("merged_into", BigInteger, ForeignKey("users.user_no")),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_known_at", BigInteger, nullable=False),
    Column("timezone", String(64)),
    Column("excluded", String(32)),
    Column("unit", String(512), nullable=False),
    Index("users_merged", "merged_into"),
)

events = Table(
    "events",
    metadata,
    Column("seq", RowId, primary_key=True),
    Column("user_no", BigInteger, ForeignKey("users.user_no"), nullable=False),
    Column("message_id", String(100), nullable=False, unique=True),
    Column("known_at", BigInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("origin", String(16), nullable=False),
    Column("linked_no", BigInteger, ForeignKey("users.user_no")),
    Column("record", LargeBinary, nullable=False),
    Column("payload", Text, nullable=False),
    Column("prev_seq", BigInteger),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("decision_id", String(64), primary_key=True),
    Column("user_no", BigInteger, ForeignKey("users.user_no"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("event_seq", BigInteger),
    Column("features", LargeBinary),
    Column("catalogue", String(64), nullable=False),
    Column("scores", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("answered_at", BigInteger, nullable=False),
    _partial("evaluations_of_event", "event_seq", where="event_seq IS NOT NULL"),
    _partial("evaluations_asked_for", "user_no", "at", where="event_seq IS NULL"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("trigger_decision_id", String(200), primary_key=True),
    Column("decision_id", String(64), nullable=False),
    Column("user_no", BigInteger, ForeignKey("users.user_no"), nullable=False),
    Column("trigger", String(100), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("event_seq", BigInteger, nullable=False),
    Column("action", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("score", Float),
    Column("threshold", Float),
    Column("horizon", String(8)),
    Column("arm", String(32)),
    Column("propensity", Float, nullable=False),
    Column("model_version", String(100)),
    Column("policy_version", String(64), nullable=False),
    Column("step", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger),
    Column("channels", String(80)),
    _partial("decisions_fired", "user_no", "at", where="action <> 'hold'"),
)

cooldowns = Table(
    "cooldowns",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("key", String(256), primary_key=True),
    Column("trigger", String(100), primary_key=True),
    Column("fired_at", BigInteger, nullable=False),
)

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
    Index("outbox_pending", "status", "endpoint", "next_attempt_at"),
    Index("outbox_of_decision", "trigger_decision_id"),
    Index("outbox_of_user", "user_no", "status"),
    _partial("outbox_by_provider", "provider_id", where="provider_id IS NOT NULL"),
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

outcomes = Table(
    "outcomes",
    metadata,
    Column("trigger_decision_id", String(200), primary_key=True),
    Column("event_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("value", Float),
    Column("occurred_at", BigInteger, nullable=False),
)

rejects = Table(
    "rejects",
    metadata,
    Column("reject_id", RowId, primary_key=True),
    Column("received_at", BigInteger, nullable=False),
    Column("source", String(200), nullable=False),
    Column("place", String(200), nullable=False),
    Column("field", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
)

unknown_names = Table(
    "unknown_names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seen", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("nearest", Text),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("scopes", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)

timers = Table(
    "timers",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("trigger", String(100), primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("key", String(256), primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("armed_at", BigInteger, nullable=False),
    Column("event_seq", BigInteger, nullable=False),
    Column("first_at", BigInteger),
    Column("last_decision_id", String(200)),
    Column("last_at", BigInteger),
    Index("timers_due", "due_at"),
    sqlite_with_rowid=False,
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("erased_at", BigInteger, nullable=False),
)

send_counts = Table(
    "send_counts",
    metadata,
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("claimed", Integer, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("purpose", String(80), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("granted", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("source", String(32), nullable=False),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("subject", String(512), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
)

addresses = Table(
    "addresses",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("address", String(320), primary_key=True),
    Index("addresses_of_users", "address"),
)

sends = Table(
    "sends",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("trigger", String(100), primary_key=True),
    Column("channel", String(16), primary_key=True),
)

profiles = Table(
    "profiles",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("field", String(100), primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

kept_states = Table(
    "kept_states",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("owner_no", BigInteger, ForeignKey("users.user_no")),
    Column("seq", BigInteger, nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Column("state", LargeBinary),
)
"""What is left of the events of an id that the log forgot: the state they folded to, or whose id it had become."""

reports = Table(
    "reports",
    metadata,
    Column("report_id", String(100), primary_key=True),
    Column("source", String(100), nullable=False),
    Column("name", String(256), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("machine", Boolean, nullable=False),
)
"""What was told about nobody whom the log knows, without a word of who it was."""

segment_members = Table(
    "segment_members",
    metadata,
    Column("segment", String(100), primary_key=True),
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("since", BigInteger, nullable=False),
    Index("segment_members_of_user", "user_no"),
    sqlite_with_rowid=False,
)

segment_looks = Table(
    "segment_looks",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("looked_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    _partial("segment_looks_due", "due_at", where="due_at IS NOT NULL"),
)

segment_changes = Table(
    "segment_changes",
    metadata,
    Column("change_id", RowId, primary_key=True),
    Column("user_no", BigInteger, ForeignKey("users.user_no"), nullable=False),
    Column("segment", String(100), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("entered", Boolean, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("policy_version", String(64), nullable=False),
    Index("segment_changes_of_user", "user_no"),
)

products = Table(
    "products",
    metadata,
    Column("product_id", String(256), primary_key=True),
    Column("name", Text),
    Column("price", Float),
    Column("currency", String(3)),
    Column("image_url", Text),
    Column("url", Text),
    Column("category", Text),
    Column("stock", BigInteger),
    Column("attributes", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

renderings = Table(
    "renderings",
    metadata,
    Column("message_id", String(220), primary_key=True),
    Column("content", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""What messages said when they were first put into words, so that a retry says the same."""
