"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "api_keys",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    op.create_table(
        "deliveries",
        sa.Column("message_id", sa.String(length=220), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("duration_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "attempt"),
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String(length=220), nullable=False),
        sa.Column("trigger_decision_id", sa.String(length=200), nullable=False),
        sa.Column("endpoint", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("outbox_pending", "outbox", ["status", "endpoint", "next_attempt_at"], unique=False)
    op.create_index("outbox_of_decision", "outbox", ["trigger_decision_id"], unique=False)
    op.create_table(
        "outcomes",
        sa.Column("trigger_decision_id", sa.String(length=200), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("trigger_decision_id", "event_seq"),
    )
    op.create_table(
        "rejects",
        sa.Column("reject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("reject_id"),
    )
    op.create_table(
        "unknown_names",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("nearest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "users",
        sa.Column("user_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_key", sa.String(length=512), nullable=False),
        sa.Column("merged_into", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_known_at", sa.BigInteger(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("excluded", sa.String(length=32), nullable=True),
        sa.Column("unit", sa.String(length=512), nullable=False),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["users.user_no"],
        ),
        sa.PrimaryKeyConstraint("user_no"),
        sa.UniqueConstraint("user_key"),
    )
    op.create_index("users_merged", "users", ["merged_into"], unique=False)
    op.create_table(
        "cooldowns",
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.String(length=100), nullable=False),
        sa.Column("fired_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_no"],
            ["users.user_no"],
        ),
        sa.PrimaryKeyConstraint("user_no", "trigger"),
    )
    op.create_table(
        "decisions",
        sa.Column("trigger_decision_id", sa.String(length=200), nullable=False),
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("user_no", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.String(length=100), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("threshold", sa.Float(), nullable=True),
        sa.Column("horizon", sa.String(length=8), nullable=True),
        sa.Column("arm", sa.String(length=32), nullable=True),
        sa.Column("propensity", sa.Float(), nullable=False),
        sa.Column("model_version", sa.String(length=100), nullable=True),
        sa.Column("policy_version", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_no"],
            ["users.user_no"],
        ),
        sa.PrimaryKeyConstraint("trigger_decision_id"),
    )
    op.create_index("decisions_of_user", "decisions", ["user_no", "at"], unique=False)
    op.create_table(
        "evaluations",
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("user_no", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=True),
        sa.Column("features", sa.LargeBinary(), nullable=True),
        sa.Column("catalogue", sa.String(length=64), nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_no"],
            ["users.user_no"],
        ),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_index("evaluations_of_user", "evaluations", ["user_no", "at"], unique=False)
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_no", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.String(length=100), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("linked_no", sa.BigInteger(), nullable=True),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["linked_no"],
            ["users.user_no"],
        ),
        sa.ForeignKeyConstraint(
            ["user_no"],
            ["users.user_no"],
        ),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("message_id"),
    )
    op.create_index("events_of_user", "events", ["user_no", "seq"], unique=False)


def downgrade() -> None:
    """Drop all tables."""
    for table in (
        "events",
        "evaluations",
        "decisions",
        "cooldowns",
        "users",
        "unknown_names",
        "rejects",
        "outcomes",
        "outbox",
        "facts",
        "deliveries",
        "api_keys",
    ):
        op.drop_table(table)
