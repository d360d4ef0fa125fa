"""`make policy-value`: what each threshold of a trigger would have earned by the ledger, and whether to change it."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from training.process import home_of_process, prepare

MARGIN, CONTACT_COST = 0.3, 0.01


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and judge; ends with 2 where the ledger has nothing of what was asked for."""
    asked = _parser().parse_args(arguments)
    home = home_of_process()
    if not (home / "opportune.db").exists():
        sys.exit(f"opportune: {home / 'opportune.db'} does not exist; there are no decisions yet")
    prepare(home)
    from training.decision_log import Ledger
    from training.policy_value_report import Report

    ledger = Ledger(home / "opportune.db")
    triggers = ledger.triggers if asked.trigger is None else [asked.trigger]
    if not triggers:
        sys.exit("opportune: no trigger has sent or withheld anything by a score yet: there is nothing to judge")
    try:
        found = [ledger.of(each) for each in triggers]
    except LookupError as missing:
        sys.stderr.write(f"opportune: {missing.args[0]}; there are: {', '.join(ledger.triggers) or 'none'}\n")
        sys.exit(2)
    report = Report(home, prices_of(asked, ledger.mean_order), os.environ.get("OPPORTUNE_REGISTRY") or None)
    for line in report.write(found):
        sys.stdout.write(f"{line}\n")


def prices_of(asked: argparse.Namespace, mean_order: float | None) -> Any:
    """Return the prices of a command line (SystemExit: no order has an amount, and none is said)."""
    from training.decisions import Prices

    if asked.order_value is None and mean_order is None:
        sys.exit("opportune: no order has an amount: say what one earns, as in ORDER_VALUE=12")
    order = asked.order_value if asked.order_value is not None else asked.margin * float(mean_order or 0.0)
    return Prices(order, asked.contact_cost, order if asked.unsubscribe_cost is None else asked.unsubscribe_cost)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.policy_value", description=__doc__)
    parser.add_argument("--trigger", help="its name; all of them if not said")
    add_prices(parser)
    return parser


def add_prices(parser: argparse.ArgumentParser) -> None:
    """Let a command line say what things are worth."""
    parser.add_argument("--margin", type=_amount, default=MARGIN, help=f"share of an order that is earned ({MARGIN})")
    parser.add_argument(
        "--order-value", type=_amount, help="what an order earns; the margin of the mean one if not said"
    )
    parser.add_argument("--contact-cost", type=_amount, default=CONTACT_COST, help=f"of a message ({CONTACT_COST})")
    parser.add_argument("--unsubscribe-cost", type=_amount, help="what is lost with a person; an order if not said")


def _amount(text: str) -> float:
    try:
        found = float(json.loads(text))
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount") from error
    if not 0 <= found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of 0 or more")
    return found


if __name__ == "__main__":
    main()
