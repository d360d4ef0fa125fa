"""Profiles, refusals of tracking, and states kept for events that are no longer."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = ("profiles", "refusals", "kept_states")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "profiles",
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("field", sa.String(length=100), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no", "field"),
    )
    op.create_table(
        "refusals",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    op.create_table(
        "kept_states",
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner_no", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.ForeignKeyConstraint(["owner_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in TABLES:
        op.drop_table(table)
