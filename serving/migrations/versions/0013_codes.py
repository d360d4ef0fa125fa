"""Discount codes by pool, and who was given which."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make room for codes and for those who hold them."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "codes",
        sa.Column("code_id", number, primary_key=True),
        sa.Column("code", sa.String(200), nullable=False, unique=True),
        sa.Column("pool", sa.String(100), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("handed_at", sa.BigInteger()),
    )
    unclaimed = sa.text("handed_at IS NULL")
    op.create_index(
        "codes_left", "codes", ["pool", "expires_at", "code_id"], sqlite_where=unclaimed, postgresql_where=unclaimed
    )
    op.create_table(
        "code_holders",
        sa.Column("code", sa.String(200), primary_key=True),
        sa.Column("pool", sa.String(100), nullable=False),
        sa.Column("user_no", sa.BigInteger(), sa.ForeignKey("users.user_no"), nullable=False),
        sa.Column("trigger", sa.String(100), nullable=False),
        sa.Column("key", sa.String(256), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("code_holders_of_event", "code_holders", ["event_seq"])
    op.create_index("code_holders_of_user", "code_holders", ["user_no"])


def downgrade() -> None:
    """Take both away."""
    op.drop_table("code_holders")
    op.drop_table("codes")
