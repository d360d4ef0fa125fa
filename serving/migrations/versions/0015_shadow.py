"""What a challenger would have said of what was scored."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make room for it; of evaluations of before, no challenger said anything."""
    op.add_column("evaluations", sa.Column("shadow", sa.Text()))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("evaluations", "shadow")
