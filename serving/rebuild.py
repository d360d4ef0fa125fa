"""`python -m serving.rebuild`: fold the log again and store every state, as after a change of features."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from serving.people import Person
    from serving.states import StateKeeper

CHUNK = 2000
_ROOTS = "SELECT user_key FROM users WHERE merged_into IS NULL AND last_seq > 0 ORDER BY user_no"
_KEPT = "SELECT user_no, owner_no, seq, known_at, state FROM kept_states"


def rebuild(connection: Connection, keeper: StateKeeper) -> int:
    """Store the state that the log gives for everybody, whatever the online store holds; return how many.

    Users who write meanwhile are safe: a state that is not where the log is gets rebuilt when it is next read.
    """
    keys = list(connection.exec_driver_sql(_ROOTS).scalars())
    for start in range(0, len(keys), CHUNK):
        people = _people(connection, keys[start : start + CHUNK])
        keeper.save(people, keeper.from_log(connection, people))
        keeper.write()
    return len(keys)


def unreadable(connection: Connection) -> int:
    """Return of how many ids the state that was kept for forgotten events has another layout than the present one."""
    from features.kept import Kept, is_readable

    return sum(not is_readable(Kept(*row)) for row in connection.exec_driver_sql(_KEPT))


def _people(connection: Connection, keys: Sequence[str]) -> list[Person]:
    from serving.people import People

    people = People(connection)
    people.find(keys)
    return people.known()


def main() -> int:
    """Rebuild all states of the configured home."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TZ", "UTC")
    from serving.settings import settings_of_process

    settings = settings_of_process()
    from features.cache import keep_compiled

    keep_compiled(settings.home)
    from serving.database import database_of_command
    from serving.online import OnlineStates
    from serving.states import StateKeeper

    with (
        database_of_command(settings.database) as database,
        database.connect() as connection,
        closing(OnlineStates(settings.home)) as online,
    ):
        count = rebuild(connection, StateKeeper(online))
        lost = unreadable(connection)
    print(f"{count:,} states rebuilt from the log")
    if lost:
        print(f"{lost:,} of them begin where the log does: what was kept of their older events has another layout")
    return 0


if __name__ == "__main__":
    sys.exit(main())
