"""Profiles, and states kept for events that are no longer."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
