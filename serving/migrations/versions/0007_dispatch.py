"""What the dispatcher has to know of a message to ask the guards again: whose it is, of which trigger and channel."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns, and fill them in: until now every message went out by webhook."""
    op.add_column("outbox", sa.Column("user_no", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("trigger", sa.String(length=100), nullable=True))
    op.add_column("outbox", sa.Column("channel", sa.String(length=16), nullable=True))
    op.create_index("outbox_of_user", "outbox", ["user_no", "status"])
    op.execute(
        "UPDATE outbox SET (user_no, trigger, channel) = (SELECT d.user_no, d.trigger, 'webhook' FROM decisions d"
        " WHERE d.trigger_decision_id = outbox.trigger_decision_id)"
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("outbox_of_user", "outbox")
    for column in ("channel", "trigger", "user_no"):
        op.drop_column("outbox", column)
