"""Whether a treatment works differently for some: interactions, whose intervals allow for the number of groups."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from training.experiment import ENOUGH_CONVERSIONS, Bools, Units
from training.proportions import Arm, difference


class Subgroup(NamedTuple):
    """The effect in one group of users, and how much it differs from that in all others.

    Attributes:
        by: What users are split by.
        value: Which of them these are.
        control: Users and conversions.
        treatment: Likewise.
        effect: Difference of the conversion rates in the group; None where an arm has too few conversions.
        interaction: That minus the difference among all others; None where either is.
        low: Lower end of the interval of the interaction, corrected for the number of groups.
        high: Its upper end.
        effect_low: Lower end of the interval of the effect, at the same level.
        effect_high: Its upper end.
    """

    by: str
    value: str
    control: Arm
    treatment: Arm
    effect: float | None
    interaction: float | None
    low: float | None
    high: float | None
    effect_low: float | None
    effect_high: float | None

    @property
    def differs(self) -> bool:
        """Whether the effect is surely another one than elsewhere."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def subgroups(units: Units, arm: int, *, alpha: float = 0.05) -> list[Subgroup]:
    """Return every group of matured users for one treatment; intervals are Bonferroni's, so that all hold together."""
    pair = units.take((units.arm == 0) | (units.arm == arm))
    rows = [
        (by, str(value), words == value)
        for by, words in pair.groups.items()
        for value in np.unique(words[words != ""]).tolist()
    ]
    z = float(norm.isf(alpha / (2 * max(len(rows), 1))))
    return [_subgroup(pair, arm, by, value, inside, z) for by, value, inside in rows]


def _subgroup(pair: Units, arm: int, by: str, value: str, inside: Bools, z: float) -> Subgroup:
    cells = [_arms(pair, arm, mask) for mask in (inside, ~inside)]
    found = [
        difference((cell[0].users, cell[1].users), (cell[0].conversions, cell[1].conversions))
        if min(each.conversions for each in cell) >= ENOUGH_CONVERSIONS
        else None
        for cell in cells
    ]
    here, elsewhere = found
    control, treatment = cells[0]
    if here is None:
        return Subgroup(by, value, control, treatment, None, None, None, None, None, None)
    effect, half = float(here.estimate), z * float(here.error)
    if elsewhere is None:
        return Subgroup(by, value, control, treatment, effect, None, None, None, effect - half, effect + half)
    apart = effect - float(elsewhere.estimate)
    wide = z * float(np.hypot(here.error, elsewhere.error))
    bounds = (apart - wide, apart + wide, effect - half, effect + half)
    return Subgroup(by, value, control, treatment, effect, apart, *bounds)


def _arms(pair: Units, arm: int, mask: Bools) -> tuple[Arm, Arm]:
    return _counted(pair, mask & (pair.arm == 0)), _counted(pair, mask & (pair.arm == arm))


def _counted(pair: Units, mask: Bools) -> Arm:
    return Arm(int(mask.sum()), int((mask & pair.converted).sum()))
