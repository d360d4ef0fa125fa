"""Messages of several steps and on several channels, and such that are put off."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Let timers know their step and what went before, decisions their step, moment and channels."""
    op.add_column("decisions", sa.Column("step", sa.Integer(), server_default="0", nullable=False))
    op.add_column("decisions", sa.Column("due_at", sa.BigInteger(), nullable=True))
    op.add_column("decisions", sa.Column("channels", sa.String(length=80), nullable=True))
    waiting = "SELECT user_no, trigger, 0, key, due_at, armed_at, event_seq, NULL, NULL, NULL FROM before"
    _rebuild("timers", _create_timers, waiting)
    _rebuild("cooldowns", _create_cooldowns, "SELECT user_no, '', trigger, fired_at FROM before")
    _rebuild("sends", _create_sends, "SELECT user_no, at, trigger, channel FROM before")


def downgrade() -> None:
    """Forget steps and keys, and what waits for a step."""
    for name in ("channels", "due_at", "step"):
        op.drop_column("decisions", name)
    first = "SELECT user_no, trigger, key, due_at, armed_at, event_seq FROM before WHERE step = 0"
    _rebuild("timers", lambda: _create_timers(steps=False), first)
    latest = "SELECT user_no, trigger, max(fired_at) FROM before GROUP BY user_no, trigger"
    _rebuild("cooldowns", lambda: _create_cooldowns(keys=False), latest)
    one = "SELECT user_no, at, trigger, min(channel) FROM before GROUP BY user_no, at, trigger"
    _rebuild("sends", lambda: _create_sends(channels=False), one)


def _rebuild(table: str, create: Callable[[], None], rows: str) -> None:
    """Make a table anew from the rows of the one before, since SQLite changes no primary key."""
    if table == "timers":
        op.drop_index("timers_due", "timers")
    op.rename_table(table, "before")
    create()
    op.execute(f"INSERT INTO {table} {rows}")
    op.drop_table("before")
    if table == "timers":
        op.create_index("timers_due", "timers", ["due_at"])


def _create_timers(*, steps: bool = True) -> None:
    step: list[sa.Column[Any]] = [sa.Column("step", sa.Integer(), autoincrement=False, nullable=False)][: int(steps)]
    run: list[sa.Column[Any]] = [
        sa.Column("first_at", sa.BigInteger(), nullable=True),
        sa.Column("last_decision_id", sa.String(length=200), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
    ]
    op.create_table(
        "timers",
        _user(),
        sa.Column("trigger", sa.String(length=100), nullable=False),
        *step,
        sa.Column("key", sa.String(length=256), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("armed_at", sa.BigInteger(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        *run[: 3 * int(steps)],
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no", "trigger", *(["step"] if steps else []), "key"),
        sqlite_with_rowid=False,
    )


def _create_cooldowns(*, keys: bool = True) -> None:
    key = [sa.Column("key", sa.String(length=256), nullable=False)] if keys else []
    op.create_table(
        "cooldowns",
        _user(),
        *key,
        sa.Column("trigger", sa.String(length=100), nullable=False),
        sa.Column("fired_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no", *(["key"] if keys else []), "trigger"),
    )


def _create_sends(*, channels: bool = True) -> None:
    op.create_table(
        "sends",
        _user(),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["user_no"], ["users.user_no"]),
        sa.PrimaryKeyConstraint("user_no", "at", "trigger", *(["channel"] if channels else [])),
    )


def _user() -> sa.Column[Any]:
    return sa.Column("user_no", sa.BigInteger(), autoincrement=False, nullable=False)
