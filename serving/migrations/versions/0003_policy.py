"""What the policy remembers: timers, consent, suppression, what was sent, and who was erased."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = ("tombstones", "send_counts", "timers")


def upgrade() -> None:
    """Create the tables."""
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
    )
    op.create_index("timers_due", "timers", ["due_at"])


def downgrade() -> None:
    """Drop the tables."""
    for table in TABLES:
        op.drop_table(table)
