"""What every guard said of a message: when it was decided on, and where one took it back or put it off at dispatch."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
_TABLES = ("decisions", "outbox")


def upgrade() -> None:
    """Keep it from now on; of earlier decisions the reason alone is known."""
    for table in _TABLES:
        op.add_column(table, sa.Column("findings", sa.Text()))


def downgrade() -> None:
    """Forget it."""
    for table in _TABLES:
        op.drop_column(table, "findings")
