"""When each person was last on a visit: what is done to them, or happens in their mailbox, is none."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Take whatever was last heard of each person for a visit."""
    op.add_column("users", sa.Column("last_seen_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute("UPDATE users SET last_seen_at = last_known_at")


def downgrade() -> None:
    """Forget it."""
    op.drop_column("users", "last_seen_at")
