"""Experiments whose arms are of the planned sizes, and such as lost one treated user in ninety, watched day by day."""

from typing import NamedTuple

import numpy as np

from training.sample_ratio import ALPHA, sample_ratio
from verification.bars import Bar

SHARES = (0.1, 0.9)
DEFECT = (0.11, 0.89)
USERS_A_DAY = 1000
DAYS = 60
SOON = 15


class Sizes(NamedTuple):
    """What was seen of arm sizes.

    Attributes:
        runs: Experiments of either kind.
        false_alarms: Sound ones that were called invalid within 60 days.
        found: By defective experiment, the day on which it was called invalid; absent if never within 60.
        chi_square: Sound ones that a χ² test at p < .01 on each day calls invalid.
    """

    runs: int
    false_alarms: int
    found: tuple[int, ...]
    chi_square: int


def watched(runs: int, seed: int) -> Sizes:
    """Simulate both kinds."""
    random = np.random.default_rng(seed)
    sound, defective = (
        random.binomial(USERS_A_DAY, share[1], (runs, DAYS)).cumsum(axis=1) for share in (SHARES, DEFECT)
    )
    total = USERS_A_DAY * np.arange(1, DAYS + 1)
    alarms = [sample_ratio(np.column_stack([total - each, each]), SHARES).found_at for each in sound]
    days = [sample_ratio(np.column_stack([total - each, each]), SHARES).found_at for each in defective]
    z = (sound - SHARES[1] * total) / np.sqrt(total * SHARES[0] * SHARES[1])
    return Sizes(
        runs=runs,
        false_alarms=sum(each is not None for each in alarms),
        found=tuple(each + 1 for each in days if each is not None),
        chi_square=int((np.abs(z) > 2.5758293035489004).any(axis=1).sum()),
    )


def bars(found: Sizes) -> list[Bar]:
    """Return what is promised of them: rarely a false alarm, and the defect found within 15 days in most cases."""
    soon = sum(each <= SOON for each in found.found)
    return [
        Bar("sample-ratio alarms in sound experiments, 60 days", found.false_alarms, found.runs, ALPHA, "most"),
        Bar(".89 instead of .90 found within 15 days", soon, found.runs, 0.5, "least"),
    ]
