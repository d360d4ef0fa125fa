"""What the policy remembers: timers, consent, suppression, what was sent, and who was erased."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = ("tombstones", "send_counts", "timers", "consents", "suppressions", "addresses", "sends")


def upgrade() -> None:
    """Create the tables; let messages expire."""
    op.add_column("outbox", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "tombstones",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    op.create_table(
        "send_counts",
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("claimed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("slot"),
    )
    op.create_table(
        "timers",
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=256), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("armed_at", sa.BigInteger(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no", "trigger", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("timers_due", "timers", ["due_at"])
    _create_standing()


def downgrade() -> None:
    """Drop the tables, and what messages were given."""
    op.drop_column("outbox", "expires_at")
    for table in TABLES:
        op.drop_table(table)


def _create_standing() -> None:
    op.create_table(
        "consents",
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no", "purpose", "channel"),
    )
    op.create_table(
        "suppressions",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=512), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "channel"),
    )
    op.create_table(
        "addresses",
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no", "address"),
    )
    op.create_index("addresses_of_users", "addresses", ["address"])
    op.create_table(
        "sends",
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no", "at", "trigger"),
    )
