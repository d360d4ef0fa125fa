"""Segments: who is in which, and since when."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
