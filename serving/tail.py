"""Watch events arrive: `python -m serving.tail` prints what is accepted, what is refused, and names nobody knows."""

import argparse
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from features.kinds import NAMES, Kind, fold_name
from features.moments import iso
from serving.settings import settings_of_process

_EVENTS = """
SELECT e.seq, e.received_at, u.user_key, e.kind, e.name, e.origin
FROM events e JOIN users u USING (user_no) WHERE e.seq > ? ORDER BY e.seq DESC LIMIT ?
"""
_REJECTS = """
SELECT reject_id, received_at, source, place, field, reason
FROM rejects WHERE reject_id > ? ORDER BY reject_id DESC LIMIT ?
"""
_UNKNOWN = "SELECT name, seen, last_at, nearest FROM unknown_names WHERE last_at >= ? ORDER BY last_at, name"
_POLL_S = 0.5
_MOST = 200
_KINDS = tuple(Kind)


@dataclass
class Seen:
    """How far somebody has watched: positions in the tables, and how often each unknown name had been seen."""

    events: int = 0
    rejects: int = 0
    unknown_at: int = 0
    unknown: dict[str, int] = field(default_factory=dict)


def news(connection: sqlite3.Connection, seen: Seen, most: int = _MOST) -> list[str]:
    """Return a line for each thing that happened after `seen`, which moves on.

    What exceeds `most` of a sort is only counted. What senders wrote cannot steer the terminal.
    """
    lines = [*_accepted(connection, seen, most), *_rejected(connection, seen, most), *_unknown(connection, seen)]
    return [line if line.isprintable() else repr(line)[1:-1] for line in lines]


def _accepted(connection: sqlite3.Connection, seen: Seen, most: int) -> Iterator[str]:
    rows = connection.execute(_EVENTS, (seen.events, most)).fetchall()
    if not rows:
        return
    yield from _left_out(rows[-1][0] - seen.events - 1, "accepted")
    for _, at, user, kind, name, origin in reversed(rows):
        past = "" if origin == "live" else f"  ({origin})"
        yield f"{_clock(at)} accepted  {user}  {_named(_KINDS[kind], name)}{past}"
    seen.events = rows[0][0]


def _named(kind: Kind, name: str) -> str:
    ours = NAMES[kind]
    return name if kind is Kind.OTHER or fold_name(name) == fold_name(ours) else f"{ours}, sent as {name!r}"


def _rejected(connection: sqlite3.Connection, seen: Seen, most: int) -> Iterator[str]:
    rows = connection.execute(_REJECTS, (seen.rejects, most)).fetchall()
    if not rows:
        return
    yield from _left_out(rows[-1][0] - seen.rejects - 1, "rejected")
    for _, at, source, place, name, reason in reversed(rows):
        where = " ".join(part for part in (source, place) if part)
        yield f"{_clock(at)} rejected  {where}  {name}{': ' if name else ''}{reason}"
    seen.rejects = rows[0][0]


def _unknown(connection: sqlite3.Connection, seen: Seen) -> Iterator[str]:
    for name, count, at, nearest in connection.execute(_UNKNOWN, (seen.unknown_at,)).fetchall():
        if seen.unknown.get(name) != count:
            hint = f"; the nearest known name is {nearest!r}" if nearest else ""
            yield f"{_clock(at)} unknown   {name!r}, seen {count:,} times, kept as activity{hint}"
        seen.unknown[name] = count
        seen.unknown_at = max(seen.unknown_at, at)


def _left_out(count: int, word: str) -> list[str]:
    return [f"… {count:,} more {word}"] if count > 0 else []


def _clock(at: int) -> str:
    return iso(at)[:19].replace("T", " ")


def _open(database: Path) -> sqlite3.Connection:
    """Open the database to read, never to write (sqlite3.OperationalError where there is none)."""
    return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)


def _start(connection: sqlite3.Connection, last: int) -> Seen:
    """Return where to begin, so that the last few events and rejects are shown first."""
    tables = (("events", "seq"), ("rejects", "reject_id"))
    newest = [connection.execute(f"SELECT coalesce(max({key}), 0) FROM {table}").fetchone()[0] for table, key in tables]
    return Seen(*(max(0, each - last) for each in newest))


def main() -> int:
    """Print the last few things that happened, then whatever happens, until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m serving.tail", description=__doc__)
    parser.add_argument("--last", type=int, default=10, help="how many of the past to begin with (10)")
    parser.add_argument("--once", action="store_true", help="do not wait for more")
    arguments = parser.parse_args()
    database = settings_of_process().database
    try:
        with closing(_open(database)) as connection:
            seen = _start(connection, arguments.last)
            while True:
                for line in news(connection, seen):
                    sys.stdout.write(line + "\n")
                sys.stdout.flush()
                if arguments.once:
                    return 0
                time.sleep(_POLL_S)
    except sqlite3.OperationalError as error:
        sys.stderr.write(f"{database}: {error}; start the service or import a history first\n")
        return 1
    except sqlite3.DatabaseError as error:
        sys.stderr.write(f"{database} cannot be read: {error}\n")
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
