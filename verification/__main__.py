"""`make verify-statistics`: simulate, print every promise with what was found, and write the figures to the pages."""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from verification import closed_loop, experiments, hour_values, policy_values, retraining, uplifts
from verification.bars import Bar
from verification.runs import Runs

Parts = Mapping[str, Callable[[Runs], list[Bar]]]
PARTS: Parts = {
    "experiments": experiments.verified,
    "policy-value": policy_values.verified,
    "uplift": uplifts.verified,
    "hour-value": hour_values.verified,
    "retraining": retraining.verified,
    "closed-loop": closed_loop.verified,
}


def main(arguments: Sequence[str] | None = None, parts: Parts = PARTS) -> int:
    """Run one part or all; 1 if a promise does not hold."""
    parser = argparse.ArgumentParser(prog="python -m verification", description=__doc__)
    parser.add_argument("--part", choices=parts, help="all of them if not said")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args(arguments)
    begin = time.perf_counter()

    def note(text: str) -> None:
        print(f"{time.perf_counter() - begin:5.0f} s  {text}", file=sys.stderr, flush=True)

    missed = 0
    for name in [asked.part] if asked.part else parts:
        note(name)
        for each in parts[name](Runs(asked.processes, note)):
            missed += not each.holds
            said = f"{each.rate:.2%} (at {each.side} {each.nominal:.0%})"
            print(f"{'holds ' if each.holds else 'MISSED'}  {each.name}: {said}", flush=True)
    note("done")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
