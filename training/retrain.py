"""`make retrain`: learn from the log, compare with the champion, promote or refuse, and say so."""

import argparse
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from models.horizon import duration
from training.exposure import CARRY_OVER
from training.process import alone, home_of_process, moment, prepare


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and retrain; ends with 0 whether or not there was enough to learn from."""
    asked = command_line(arguments)
    home = home_of_process()
    if not (home / "opportune.db").exists():
        sys.exit(f"opportune: {home / 'opportune.db'} does not exist; import a history first: make import FILE=…")
    prepare(home)
    # So that what is half done is tidied up, and its run ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Before the imports, which take seconds: whoever is refused need not wait for them.
        with alone(home):
            _retrain(home, asked)
    except KeyboardInterrupt:
        sys.exit("opportune: the retraining was stopped before its end")


def _retrain(home: Path, asked: argparse.Namespace) -> None:
    from training.pipeline import Retraining

    # Once more: what was imported has set filters of its own. The warnings are theirs, not the reader's.
    warnings.simplefilter("ignore")
    registry = os.environ.get("OPPORTUNE_REGISTRY") or None
    retraining = Retraining(home, cutoff_us=asked.cutoff, registry=registry, say=_say, carry_over=asked.carry_over)
    retraining.run(asked.horizons)


def command_line(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was asked for; ends the process, and says why, where that cannot be meant."""
    parser = argparse.ArgumentParser(prog="python -m training.retrain", description=__doc__)
    parser.add_argument(
        "--horizons", type=_horizons, default=("24h", "7d"), help="hours or days, such as 24h,7d (the default)"
    )
    parser.add_argument(
        "--cutoff", type=moment, help="an ISO 8601 moment after which nothing is known; UTC if not said"
    )
    add_carry_over(parser)
    return parser.parse_args(arguments)


def add_carry_over(parser: argparse.ArgumentParser) -> None:
    """Let a command line say how long a message goes on changing what people do."""
    parser.add_argument(
        "--carry-over",
        type=said_duration,
        default=CARRY_OVER,
        help="how long a message changes what people do: 24h if not said",
    )


def said_duration(text: str) -> timedelta:
    """Return a duration of the command line."""
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write hours or days, as in 24h or 7d") from error


def _horizons(text: str) -> tuple[str, ...]:
    labels = tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    try:
        for each in labels:
            duration(each)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not labels:
        raise argparse.ArgumentTypeError("name at least one, as in 24h")
    return labels


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
