"""`make uplift`: learn whom the message of a trigger persuades, where the ledger shows that going by it earns more."""

import argparse
import os
import sys
from collections.abc import Sequence

from training.policy_value import add_prices, prices_of
from training.process import home_of_process, prepare


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, judge and learn; ends with 2 where the ledger has nothing of the trigger."""
    parser = argparse.ArgumentParser(prog="python -m training.uplift_learning", description=__doc__)
    parser.add_argument("trigger", help="its name")
    add_prices(parser)
    asked = parser.parse_args(arguments)
    home = home_of_process()
    if not (home / "opportune.db").exists():
        sys.exit(f"opportune: {home / 'opportune.db'} does not exist; there are no decisions yet")
    prepare(home)
    from training.decision_log import Ledger
    from training.lineage import lineage
    from training.registry import Registry
    from training.uplift_recording import EXPERIMENT, record

    ledger = Ledger(home / "opportune.db")
    try:
        found = ledger.of(asked.trigger)
    except LookupError as missing:
        sys.stderr.write(f"opportune: {missing.args[0]}; there are: {', '.join(ledger.triggers) or 'none'}\n")
        sys.exit(2)
    prices = prices_of(asked, ledger.mean_order)
    sys.stdout.write(f"{prices.in_words}\n")
    registry = Registry(home, os.environ.get("OPPORTUNE_REGISTRY") or None, experiment=EXPERIMENT)
    origin = lineage(ledger.log, until_us=ledger.log.span[1], cutoff_us=None)
    for line in record(found, prices, registry, lineage=origin):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
