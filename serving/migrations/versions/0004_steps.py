"""Messages of several steps, and such that are put off."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
