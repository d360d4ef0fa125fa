"""`make retrain-loop`: retrain whenever the last retraining is a while ago, in the foreground, until told to stop."""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from training import retrain
from training.lineage import iso, iso_now
from training.process import home_of_process

EVERY = timedelta(days=7)
AGAIN = timedelta(hours=1)
"""So soon after a retraining that failed, or that another one kept out, the next is tried."""
NAP_S = 60.0
"""A machine that was asleep notices within a minute that the hour has come."""
STOPS_WITHIN_S = 60.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Retrain when it is due, again and again; ends with 0 when told to stop, by SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m training.retrain_loop",
        description=__doc__,
        epilog="What else is said is said to the retraining.",
    )
    parser.add_argument("--every", type=retrain.said_duration, default=EVERY, help="such as 12h or 7d (the default)")
    asked, passed_on = parser.parse_known_args(arguments)
    # What a retraining would refuse is refused now, and not next week.
    retrain.command_line(passed_on)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        _loop(home_of_process(), asked.every, passed_on)
    _say("stopped")


def _loop(home: Path, every: timedelta, passed_on: Sequence[str]) -> None:
    due = due_at(home, every)
    while True:
        if due > time.time():
            _say(f"the next retraining is due at {iso(round(due * 1e6))}")
        while (left := due - time.time()) > 0:
            time.sleep(min(left, NAP_S))
        due = time.time() + every.total_seconds()
        if code := _retrained(passed_on):
            due = time.time() + min(every, AGAIN).total_seconds()
            _say(f"the retraining FAILED, with {code}: what is in service stays in service")


def due_at(home: Path, every: timedelta) -> float:
    """Return when a home is to be retrained next, in seconds since the epoch: 0 if it never was."""
    try:
        return (home / "retrain" / "summary.json").stat().st_mtime + every.total_seconds()
    except FileNotFoundError:
        return 0.0


def _retrained(passed_on: Sequence[str]) -> int:
    """Retrain in a process of its own, so that nothing that befalls it befalls the loop; return what it ended with."""
    command = [sys.executable, "-m", "training.retrain", *passed_on]
    # In a session of its own: what a terminal tells everybody it hears once, from here, and tidies up.
    with subprocess.Popen(command, start_new_session=True) as child:  # noqa: S603 - a module of this project
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOPS_WITHIN_S)
            child.kill()
            raise


def _say(line: str) -> None:
    sys.stdout.write(f"{iso_now()} {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
