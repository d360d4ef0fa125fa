"""`make report`: judge the experiments of the ledger, or one that was run elsewhere, and say what to do."""

import argparse
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from models.horizon import duration
from policy.quantities import read_share
from training.process import home_of_process, prepare

if TYPE_CHECKING:
    from training.experiments import Found

MOST_LOOKS = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and report; 0 whatever the verdicts, 1 where there is nothing to judge."""
    asked = _parser().parse_args(arguments)
    home = home_of_process()
    prepare(home)
    from policy.source import PolicyRefused
    from training.experiment import NoExperiment

    try:
        judged = [_report(found, home) for found in _found(asked, home)]
    except (NoExperiment, PolicyRefused) as refused:
        sys.stderr.write(f"report: {refused}\n")
        return 1
    return 0 if any(judged) else 1


def _report(found: "Callable[[], Found]", home: Path) -> bool:
    """Report on one experiment; False where it cannot be judged, which is said."""
    from training.experiment import NoExperiment

    try:
        units, plan, notes = found()
        # MLflow takes seconds to import, and where there is nothing to judge nobody waits for it.
        from training.experiment_record import record, write
        from training.experiment_report import judge

        warnings.simplefilter("ignore")
        report = judge(units, plan, notes)
    except NoExperiment as refused:
        sys.stderr.write(f"report: {refused}\n")
        return False
    directory = home / "report" / re.sub(r"[^\w.-]+", "-", plan.name)
    page = write(report, directory)
    for each in report.judged:
        sys.stdout.write(f"{plan.name}: {each.comparison.verdict.sentence}\n")
    for note in report.notes:
        sys.stdout.write(f"  {note}\n")
    run = record(report, directory, home, os.environ.get("OPPORTUNE_REGISTRY") or None)
    sys.stdout.write(f"  {page}; MLflow run {run}\n")
    sys.stdout.flush()
    return True


def _found(asked: argparse.Namespace, home: Path) -> "Iterator[Callable[[], Found]]":
    """Yield what finds each experiment asked for: that one cannot be judged is no reason to leave out the others."""
    from training.experiment_table import Columns
    from training.experiments import of_ledger, of_table, open_book, wanted_by

    wanted = wanted_by(asked)
    if asked.file is None:
        book = open_book(home / "opportune.db", Path(os.environ.get("OPPORTUNE_TRIGGERS") or "triggers.yaml"))
        for name in book.members if wanted.experiment is None else (wanted.experiment,):
            yield partial(of_ledger, wanted, book, name)
    else:
        columns = Columns(asked.arm, asked.outcome, asked.revenue, asked.at, asked.control, asked.ignore)
        yield partial(of_table, wanted, asked.file, columns, asked.shares)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.ab_report", description=__doc__)
    parser.add_argument("--experiment", help="which one of the ledger (default: all); what to call that of a file")
    plan = parser.add_argument_group("the plan, where the policy file does not say it")
    plan.add_argument("--users", type=_count, help="users of all arms together at the last look")
    plan.add_argument("--effect", type=_share, help="the change of the conversion rate worth noticing, such as 20%%")
    plan.add_argument("--window", type=_window, help="how long an order counts, such as 24h or 7d")
    plan.add_argument("--looks", type=_looks, help="most looks until then, 1 to 30")
    plan.add_argument("--cap", type=_cap, help="what one user's revenue counts at most")
    table = parser.add_argument_group("an experiment that was run elsewhere")
    table.add_argument("--file", type=Path, help="a table, CSV or Parquet, with a row for each user")
    table.add_argument("--arm", default="arm", help="column of the arm")
    table.add_argument("--outcome", default="outcome", help="column that says whether the user converted: 0 or 1")
    table.add_argument("--revenue", help="column of what the user spent")
    table.add_argument("--at", help="column of the moment at which the user was drawn")
    table.add_argument("--control", help="which arm is control")
    table.add_argument("--shares", type=_shares, help="how users were drawn, such as control=1,treatment=9")
    table.add_argument("--ignore", type=_names, default=(), help="columns of the time after the draw")
    return parser


def _count(text: str) -> int:
    found = int(text) if text.isdecimal() else 0
    if found < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of users")
    return found


def _looks(text: str) -> int:
    found = int(text) if text.isdecimal() else 0
    if not 1 <= found <= MOST_LOOKS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of looks from 1 to {MOST_LOOKS}")
    return found


def _cap(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount above 0")
    return found


def _share(text: str) -> float:
    try:
        found = read_share(text) if text.endswith("%") else float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not isinstance(found, float) or not 0 < found <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share such as 20%")
    return found


def _window(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _names(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _shares(text: str) -> dict[str, float]:
    found = {}
    for each in _names(text):
        name, _, share = each.rpartition("=")
        try:
            found[name.strip()] = float(share)
        except ValueError:
            found[name.strip()] = 0.0
        if not name or not found[name.strip()] > 0:
            raise argparse.ArgumentTypeError(f"{each!r} is no share of an arm: write control=1,treatment=9")
    return found


if __name__ == "__main__":
    sys.exit(main())
