"""The ledger, and what decides besides it: what cools down, what was sent lately, what waits."""

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from serving.schema.definitions import metadata, partial

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
    Column("shadow", Text),
    Column("raw_scores", Text),
    partial("evaluations_of_event", "event_seq", where="event_seq IS NOT NULL"),
    partial("evaluations_asked_for", "user_no", "at", where="event_seq IS NULL"),
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
    Column("findings", Text),
    Column("arm_probability", Float),
    Column("send_probability", Float),
    Column("draws", Text),
    partial("decisions_fired", "user_no", "at", where="action <> 'hold' OR send_probability IS NOT NULL"),
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

cooldowns = Table(
    "cooldowns",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("key", String(256), primary_key=True),
    Column("trigger", String(100), primary_key=True),
    Column("fired_at", BigInteger, nullable=False),
)

sends = Table(
    "sends",
    metadata,
    Column("user_no", BigInteger, ForeignKey("users.user_no"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("trigger", String(100), primary_key=True),
    Column("channel", String(16), primary_key=True),
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
