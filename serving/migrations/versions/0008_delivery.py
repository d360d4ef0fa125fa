"""What delivering over several channels has to remember: a provider's id of a message, and that it is tried anew."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; so far no message has either."""
    op.add_column("outbox", sa.Column("attempts_before", sa.Integer(), server_default="0", nullable=False))
    op.add_column("outbox", sa.Column("provider_id", sa.String(length=200), nullable=True))
    named = sa.text("provider_id IS NOT NULL")
    op.create_index("outbox_by_provider", "outbox", ["provider_id"], sqlite_where=named, postgresql_where=named)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("outbox_by_provider", "outbox")
    for column in ("provider_id", "attempts_before"):
        op.drop_column("outbox", column)
