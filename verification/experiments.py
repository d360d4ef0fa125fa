"""What reports of experiments promise: looks, bounds, arm sizes, and what they say of published data."""

from verification import arm_sizes, asos, hillstrom, page, peeking
from verification.arm_sizes import Sizes
from verification.bars import Bar
from verification.peeking import Tally, World
from verification.runs import Runs

RUNS = 20_000
SEEDS = {"null": 20260101, "planned": 20260102, "past": 20260103, "sizes": 20260104}
"""Said once, before the first run, and not chosen among others."""


def verified(runs: Runs) -> list[Bar]:
    """Return what is promised with what was found, and write it to the page."""
    users = peeking.planned_users()
    runs.note(f"{RUNS:,} experiments without effect, {RUNS:,} with the planned one, {RUNS:,} looked at past the plan")
    null, planned, past = runs.of(
        _watched,
        [
            (World(0.0, users), SEEDS["null"]),
            (World(peeking.EFFECT, users), SEEDS["planned"]),
            (World(0.0, users, 2 * peeking.LOOKS), SEEDS["past"]),
        ],
    )
    runs.note(f"{RUNS:,} sound and {RUNS:,} defective arms, {arm_sizes.DAYS} days")
    sizes = arm_sizes.watched(RUNS, SEEDS["sizes"])
    runs.note("99 real comparisons, and Hillstrom's counts")
    called = asos.comparisons()
    bars = [*peeking.bars(null, planned, past), *arm_sizes.bars(sizes)]
    page.write("promises", page.bars_table(bars))
    page.write("figures", sentences(null, planned, sizes, users))
    page.write("asos", asos.rules_table(called))
    page.write("asos calls", asos.calls_table(called))
    page.write("hillstrom", hillstrom.effects_table(hillstrom.reproduced()))
    return bars


def _watched(world: tuple[World, int]) -> Tally:
    return peeking.watched(world[0], RUNS, world[1])


def sentences(null: Tally, planned: Tally, sizes: Sizes, users: int) -> str:
    """Return what else was seen, in sentences."""
    soon = sorted(sizes.found)
    half = soon[len(soon) // 2] if soon else None
    used = sum(planned.saved) / len(planned.saved) if planned.saved else float("nan")
    return (
        f"Planned were {users:,} users. A fixed test at each look calls {null.naive / null.runs:.1%} of the "
        "experiments without effect, where it is only asked from 20 conversions in each arm on "
        f"{null.naive_enough / null.runs:.1%}. Experiments with the planned effect that ended with a verdict had used "
        f"{used:.0%} of the planned users on average. A χ² test of the arm sizes at p < .01 on each of 60 days calls "
        f"{sizes.chi_square / sizes.runs:.1%} of sound experiments invalid. The defect was found by day {half} in half "
        f"of the defective ones, and within 60 days in {len(soon) / sizes.runs:.1%}.\n"
    )
