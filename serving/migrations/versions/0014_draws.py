"""What was drawn for a decision, and orders that follow whatever was left to chance."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make room for the draws of a decision; those of before keep what they had."""
    op.add_column("decisions", sa.Column("arm_probability", sa.Float()))
    op.add_column("decisions", sa.Column("send_probability", sa.Float()))
    op.add_column("decisions", sa.Column("draws", sa.Text()))
    _followed("action <> 'hold' OR send_probability IS NOT NULL")


def downgrade() -> None:
    """Take it away."""
    _followed("action <> 'hold'")
    for each in ("draws", "send_probability", "arm_probability"):
        op.drop_column("decisions", each)


def _followed(where: str) -> None:
    op.drop_index("decisions_fired", "decisions")
    condition = sa.text(where)
    op.create_index(
        "decisions_fired", "decisions", ["user_no", "at"], sqlite_where=condition, postgresql_where=condition
    )
