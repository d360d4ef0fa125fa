"""`make retrain`: learn from the log, compare with the champion, promote or refuse, and say so."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from datetime import timedelta

from models.horizon import duration
from training.exposure import CARRY_OVER
from training.process import home_of_process, moment, prepare


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and retrain; ends with 0 whether or not there was enough to learn from."""
    asked = _parser().parse_args(arguments)
    home = home_of_process()
    if not (home / "opportune.db").exists():
        sys.exit(f"opportune: {home / 'opportune.db'} does not exist; import a history first: make import FILE=…")
    prepare(home)
    from training.pipeline import Retraining

    # Once more: what was imported has set filters of its own. The warnings are theirs, not the reader's.
    warnings.simplefilter("ignore")
    registry = os.environ.get("OPPORTUNE_REGISTRY") or None
    Retraining(home, cutoff_us=asked.cutoff, registry=registry, say=_say, carry_over=asked.carry_over).run(
        asked.horizons
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.retrain", description=__doc__)
    parser.add_argument(
        "--horizons", type=_horizons, default=("24h", "7d"), help="hours or days, such as 24h,7d (the default)"
    )
    parser.add_argument(
        "--cutoff", type=moment, help="an ISO 8601 moment after which nothing is known; UTC if not said"
    )
    parser.add_argument(
        "--carry-over",
        type=_duration,
        default=CARRY_OVER,
        help="how long a message changes what people do: 24h if not said",
    )
    return parser


def _duration(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


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
