"""How many users an experiment needs, and what is planned for it where its owner did not say."""

from collections.abc import Sequence

import numpy as np
from tea_tasting.aggr import Aggregates
from tea_tasting.metrics import Mean

from training.experiment import Units

POWER = 0.8
EFFECT = 0.2
"""Of the conversion rate: what is worth noticing if nobody says."""
FIRST_USERS = 1000
"""Of the matured users that a plan is calculated from where none was made."""


def users_needed(
    rate: float, shares: Sequence[float], *, effect: float = EFFECT, power: float = POWER, alpha: float = 0.05
) -> int:
    """Return how many users of all arms together show an effect with this power at one look at the end.

    Args:
        rate: Conversion rate, in (0, 1).
        shares: Of the arms, control first; the smallest treatment decides.
        effect: As a share of the rate, or of those who do not convert where these are fewer.
        power: In (0, 1).
        alpha: Two-sided.

    Raises:
        ValueError: The rate or the effect leaves nothing to find.
    """
    if not 0 < rate < 1 or effect == 0:
        raise ValueError(f"a conversion rate of {rate} and an effect of {effect} leave nothing to plan for")
    smallest, treatments = min(shares[1:]), len(shares) - 1
    # Nine in ten cannot become a fifth more: then the tenth that does not convert can become a fifth less.
    sought = effect * min(rate, 1.0 - rate)
    metric = Mean(
        "converted",
        alpha=alpha / treatments,
        power=power,
        ratio=smallest / shares[0],
        effect_size=sought,
        use_t=False,
    )
    # The variance half-way between the two rates stands for both.
    middle = rate + sought / 2.0
    found = metric.solve_power_from_aggregates(
        Aggregates(count_=1, mean_={"converted": middle}, var_={"converted": middle * (1 - middle)}), "n_obs"
    )
    return int(np.ceil(found[0].n_obs / (shares[0] + smallest)))


def users_planned(units: Units, shares: Sequence[float] | None, *, effect: float = EFFECT) -> int:
    """Return a plan for those who made none, from the conversion rate of all arms together.

    That rate does not tell which arm is better, so that a plan made from it leaves the error where it is (Friede and
    Kieser, "Sample size recalculation in internal pilot study designs: a review", Biometrical Journal 48 (2006),
    537–555); and only of the first users, so that it stays the same as more come.
    """
    if units.matured_at is None:
        return len(units)
    first = units.converted[np.argsort(units.matured_at, kind="stable")][:FIRST_USERS]
    first = first[: int(units.matured.sum())]
    # One more of each, so that a rate of 0 or 1 among the first few stays a plan.
    rate = (float(first.sum()) + 1.0) / (first.size + 2.0)
    counts = np.bincount(units.arm)
    counts = counts[counts > 0]
    return users_needed(rate, shares or (counts / counts.sum()).tolist(), effect=effect)
