"""Orders by the shop's own id, so that one that is told again is known."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
_ORDER_ID = "CAST(json_extract(payload, '$.properties.order_id') AS TEXT)"
_COMPLETED = sa.text("kind = 17")


def upgrade() -> None:
    """Find the orders of the log; those that it holds twice stay so."""
    op.create_index(
        "orders_by_id", "events", [sa.text(_ORDER_ID)], sqlite_where=_COMPLETED, postgresql_where=_COMPLETED
    )


def downgrade() -> None:
    """Find none."""
    op.drop_index("orders_by_id", "events")
