"""Segments: who is in which and since when, when somebody is looked at again, and what changed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = ("segment_members", "segment_looks", "segment_changes")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "segment_members",
        sa.Column("segment", sa.String(length=100), nullable=False),
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("segment", "user_no"),
        sqlite_with_rowid=False,
    )
    op.create_index("segment_members_of_user", "segment_members", ["user_no"])
    op.create_table(
        "segment_looks",
        sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no"),
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index("segment_looks_due", "segment_looks", ["due_at"], sqlite_where=due, postgresql_where=due)
    op.create_table(
        "segment_changes",
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_no", sa.BigInteger(), nullable=False),
        sa.Column("segment", sa.String(length=100), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("entered", sa.Boolean(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("policy_version", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("change_id"),
    )
    op.create_index("segment_changes_of_user", "segment_changes", ["user_no"])


def downgrade() -> None:
    """Drop them."""
    for table in TABLES:
        op.drop_table(table)
