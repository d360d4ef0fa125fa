"""`make shadow-report`: whether the version that scores in shadow may be promoted, by what it said of live traffic."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from models.horizon import REGISTERED
from training.process import home_of_process, prepare
from training.retrain import add_carry_over


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and judge; ends with 0 whatever the verdict, with 1 where nobody scores in shadow."""
    asked = _parser().parse_args(arguments)
    if not asked.model.startswith(REGISTERED):
        sys.exit(f"opportune: {asked.model} is no model of intent: only those score in shadow")
    home = home_of_process()
    if not (home / "opportune.db").exists():
        sys.exit(f"opportune: {home / 'opportune.db'} does not exist; nothing was scored yet")
    prepare(home)
    from training.shadow_report import NothingInShadow, ShadowReport

    # Once more: what was imported has set filters of its own. The warnings are theirs, not the reader's.
    warnings.simplefilter("ignore")
    report = ShadowReport(home, asked.model, asked.carry_over, os.environ.get("OPPORTUNE_REGISTRY") or None)
    try:
        for line in report.write():
            sys.stdout.write(f"{line}\n")
    except NothingInShadow as nothing:
        sys.exit(f"opportune: {nothing}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.shadow", description=__doc__)
    parser.add_argument("model", help="as registered, such as opportune-intent-24h")
    add_carry_over(parser)
    return parser


if __name__ == "__main__":
    main()
