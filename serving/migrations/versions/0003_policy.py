"""What the policy remembers: timers, consent, suppression, what was sent, and who was erased."""

revision = "0003"
down_revision = "0002"

TABLES: tuple[str, ...] = ()


def upgrade() -> None:
    """Create the tables."""


def downgrade() -> None:
    """Drop the tables."""
