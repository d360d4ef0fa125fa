"""`make health`: whether what is served is still what was learned, and whether anything stands still."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from training.process import home_of_process, moment, prepare

FILE = "health.json"
"""Below the home: what the server reads."""
LOWEST_PRIORITY = 19
MINUTE_S, LOOK_EVERY_S, LONGEST_S = 60.0, 0.5, 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Look and say it; 0 however it stands, 1 only where it cannot be told."""
    asked = _parser().parse_args(arguments)
    home = home_of_process()
    database = home / "opportune.db"
    if not database.exists():
        return _refused(f"{database} does not exist; start the server or import a history first")
    if asked.every is not None:
        return _again_and_again(asked.every)
    prepare(home)
    from training.health_json import as_json
    from training.health_report import health, present
    from training.health_table import lines

    try:
        found = health(home, days=asked.days, at_us=present(database) if asked.at is None else asked.at)
    except sqlite3.DatabaseError as error:
        return _refused(f"{database} cannot be read: {error}")
    if asked.write:
        _replace(home / FILE, json.dumps(as_json(found), allow_nan=False) + "\n")
    elif asked.json:
        sys.stdout.write(json.dumps(as_json(found), indent=2, allow_nan=False) + "\n")
    else:
        sys.stdout.write("\n".join(lines(found, shutil.get_terminal_size((120, 24)).columns)) + "\n")
    return 0


def _again_and_again(every_min: float) -> int:
    """Look every so many minutes, for the server that started this, until it is gone or says so.

    Each time in a process that is gone afterwards: this one stays small, and can be forked in no time.
    """
    parent = os.getppid()
    # Beside a server: it goes first.
    os.nice(LOWEST_PRIORITY)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    command = [sys.executable, "-m", "training.health", "--write"]
    due = time.monotonic() + every_min * MINUTE_S
    while os.getppid() == parent:
        if time.monotonic() >= due:
            due = time.monotonic() + every_min * MINUTE_S
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(command, check=False, timeout=LONGEST_S)  # noqa: S603 - our own module
        time.sleep(LOOK_EVERY_S)
    return 0


def _refused(words: str) -> int:
    sys.stderr.write(f"opportune: {words}\n")
    return 1


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old one or the new one, never half of either."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.health", description=__doc__)
    parser.add_argument("--days", type=_days, default=7.0, help="how far back (default: 7)")
    parser.add_argument("--at", type=moment, help="as of which ISO 8601 moment (default: now)")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--write", action="store_true", help=f"write {FILE} below the home and print nothing")
    parser.add_argument("--every", type=float, metavar="MINUTES", help="write it again and again, beside a server")
    return parser


def _days(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= 366:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days from 0 to 366")
    return found


if __name__ == "__main__":
    sys.exit(main())
