"""`make verify-statistics`: simulate, print every promise with what was found, and write the figures to the page."""

import sys
import time

from verification import arm_sizes, asos, hillstrom, page, peeking, retraining

RUNS = 20_000
SEEDS = {"null": 20260101, "planned": 20260102, "past": 20260103, "sizes": 20260104}
"""Said once, before the first run, and not chosen among others."""


def main() -> int:
    """Run everything; 1 if a promise does not hold."""
    begin = time.perf_counter()

    def note(text: str) -> None:
        print(f"{time.perf_counter() - begin:5.0f} s  {text}", file=sys.stderr, flush=True)

    users = peeking.planned_users()
    note(f"{RUNS:,} experiments without effect, {peeking.LOOKS} looks at {users:,} users")
    null = peeking.watched(peeking.World(0.0, users), RUNS, SEEDS["null"])
    note(f"{RUNS:,} with the planned effect")
    planned = peeking.watched(peeking.World(peeking.EFFECT, users), RUNS, SEEDS["planned"])
    note(f"{RUNS:,} without effect, looked at {2 * peeking.LOOKS} times")
    past = peeking.watched(peeking.World(0.0, users, 2 * peeking.LOOKS), RUNS, SEEDS["past"])
    note(f"{RUNS:,} sound and {RUNS:,} defective arms, {arm_sizes.DAYS} days")
    sizes = arm_sizes.watched(RUNS, SEEDS["sizes"])
    note("99 real comparisons, and Hillstrom's counts")
    called = asos.comparisons()
    bars = [*peeking.bars(null, planned, past), *arm_sizes.bars(sizes)]
    page.write("promises", page.bars_table(bars))
    page.write("figures", page.sentences(null, planned, sizes, users))
    page.write("asos", page.asos_table(called))
    page.write("asos calls", page.asos_calls(called))
    page.write("hillstrom", page.hillstrom_table(hillstrom.reproduced()))
    bars += retraining.verified(note)
    for each in bars:
        print(
            f"{'holds ' if each.holds else 'MISSED'}  {each.name}: {each.rate:.2%} (at {each.side} {each.nominal:.0%})"
        )
    print(page.asos_table(called))
    note("done")
    return 0 if all(each.holds for each in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
