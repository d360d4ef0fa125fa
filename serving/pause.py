"""One switch that stops all sending: `python -m serving.pause on|off|status`.

It is a fact in the database, read in the transaction that claims messages: whoever throws it, in whatever process, no
dispatcher takes a message after it is committed. Decisions go on being made and written down; what they want sent
waits.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from features.moments import iso
from serving.driver import driver
from serving.facts import fact, forget_fact, set_fact_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

_PAUSED: Final = "sending_paused"
_PENDING: Final = text("SELECT count(*) FROM outbox WHERE status = 'pending'")


def paused_since(connection: Connection) -> int | None:
    """Return since when nothing is sent, in microseconds of the wall clock; None while messages go out."""
    value = fact(driver(connection), _PAUSED)
    return None if value is None else int(value)


def is_paused(connection: Connection) -> bool:
    """Whether nothing may be sent at present."""
    return paused_since(connection) is not None


def pause(connection: Connection, *, at: int) -> None:
    """Let nothing be sent from the commit on; `at` is the wall clock's moment in microseconds."""
    # Whoever pauses again does not change since when.
    set_fact_once(driver(connection), _PAUSED, str(at))


def resume(connection: Connection) -> None:
    """Let messages go out again, those that waited first."""
    forget_fact(driver(connection), _PAUSED)


def pending(connection: Connection) -> int:
    """Return how many messages wait to be sent."""
    return int(connection.execute(_PENDING).scalar_one())


def main(arguments: Sequence[str] | None = None) -> int:
    """Stop all sending, start it again, or say how it stands; a server that runs obeys within a second."""
    from serving.clock import wall
    from serving.database import database_of_command, for_writing
    from serving.settings import settings_of_process

    parser = argparse.ArgumentParser(prog="python -m serving.pause", description=main.__doc__)
    parser.add_argument("switch", choices=("on", "off", "status"), help="on stops all sending, off starts it again")
    switch = parser.parse_args(arguments).switch
    settings = settings_of_process()
    if not settings.database.exists():
        # Whoever is in a hurry must not believe that another home is at rest.
        sys.stderr.write(
            f"No server ran in {settings.home} yet; one with another OPPORTUNE_HOME does not hear of this.\n"
        )
    with database_of_command(settings.database) as database, for_writing(database).begin() as connection:
        if switch == "on":
            pause(connection, at=wall())
        elif switch == "off":
            resume(connection)
        said = in_words(connection)
    sys.stdout.write(said + "\n")
    return 0


def in_words(connection: Connection) -> str:
    """Say whether messages go out, and how many wait."""
    since, waiting = paused_since(connection), pending(connection)
    state = "Messages go out" if since is None else f"All sending is paused since {iso(since)}"
    return f"{state}; {waiting:,} {'waits' if waiting == 1 else 'wait'} in the outbox."


if __name__ == "__main__":
    sys.exit(main())
