"""Each event names the one before it of its user; indexes by user only for what that does not find."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Replace three indexes that each event had to write to."""
    op.add_column("events", sa.Column("prev_seq", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE events SET prev_seq ="
        " (SELECT max(p.seq) FROM events p WHERE p.user_no = events.user_no AND p.seq < events.seq)"
    )
    op.drop_index("events_of_user", "events")
    op.drop_index("evaluations_of_user", "evaluations")
    op.drop_index("decisions_of_user", "decisions")
    _create_partial("evaluations_of_event", "evaluations", ["event_seq"], "event_seq IS NOT NULL")
    _create_partial("evaluations_asked_for", "evaluations", ["user_no", "at"], "event_seq IS NULL")
    _create_partial("decisions_fired", "decisions", ["user_no", "at"], "action <> 'hold'")


def downgrade() -> None:
    """Put the indexes back."""
    op.drop_index("decisions_fired", "decisions")
    op.drop_index("evaluations_asked_for", "evaluations")
    op.drop_index("evaluations_of_event", "evaluations")
    op.create_index("decisions_of_user", "decisions", ["user_no", "at"])
    op.create_index("evaluations_of_user", "evaluations", ["user_no", "at"])
    op.create_index("events_of_user", "events", ["user_no", "seq"])
    op.drop_column("events", "prev_seq")


def _create_partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
