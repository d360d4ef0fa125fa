"""What a model said before its calibrator."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make room for it; of evaluations of before it follows from features and model."""
    op.add_column("evaluations", sa.Column("raw_scores", sa.Text()))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("evaluations", "raw_scores")
