"""Whether the gate lets through what it should, and keeps a shop that is retrained every week from drifting."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from verification import contests, page, weekly
from verification.bars import Bar
from verification.contests import PLANTED, Said
from verification.runs import Runs
from verification.weekly import Week

RUNS, SHOPS = 1_000, 5
SEED, SHOP_SEED = 20_260_301, 20_260_401
"""Said once, before the first run; the seeds of the others follow."""


def verified(runs: Runs) -> list[Bar]:
    """Return what is promised with what was found, and write it to the page."""
    found = {}
    for name, planted in PLANTED.items():
        runs.note(f"{RUNS:,} challengers that are {name}")
        found[name] = list(runs.of(partial(contests.said, planted), range(SEED, SEED + RUNS)))
    runs.note(f"{SHOPS} shops, retrained {weekly.WEEKS} times")
    seeds = range(SHOP_SEED, SHOP_SEED + SHOPS)
    shops = dict(zip(seeds, runs.of(weekly.lived, seeds), strict=True))
    bars = [*contests.bars(found), weekly.bar(list(shops.values()))]
    page.write("gate promises", page.bars_table(bars))
    page.write("gate rules", rules_table(found))
    page.write("weekly retrainings", weeks_table(shops))
    return bars


def rules_table(found: Mapping[str, Sequence[Said]]) -> str:
    """Return how far apart the models were, and which rule was the first to refuse a refresh."""
    rules = sorted({each.broken for its in found.values() for each in its if each.broken is not None})
    head = ("challenger", "standard error of the difference", "correlation of losses", "orders", "promoted",
            *(f"refused by {each}" for each in rules))  # fmt: skip
    return page.table(head, (_cells(name, its, rules) for name, its in found.items()))


def _cells(name: str, its: Sequence[Said], rules: Sequence[str]) -> tuple[str, ...]:
    error, correlation, positives = np.mean([(each.error, each.correlation, each.positives) for each in its], axis=0)
    broken = Counter(each.broken for each in its)
    counts = (f"{broken[each]:,}" for each in (None, *rules))
    return name, f"{error:.2%}", f"{correlation:.3f}", f"{positives:,.0f}", *counts


def weeks_table(shops: Mapping[int, Sequence[Week]]) -> str:
    """Return how each shop fared: true log-losses beside the first champion's."""
    head = ("seed", "promoted", "champion at worst", "champion at the end", "worst challenger")
    rows = [
        (
            str(seed),
            f"{sum(each.promoted for each in its)} of {len(its)}",
            f"{weekly.drift(its):+.2%}",
            f"{its[-1].champion:+.2%}",
            f"{max(each.challenger for each in its):+.2%}",
        )
        for seed, its in shops.items()
    ]
    return page.table(head, rows)
