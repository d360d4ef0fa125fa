"""The published effects of Hillstrom's e-mail challenge of 2008, from its counts, through the code of the reports.

64,000 customers were randomised over an e-mail with men's merchandise, one with women's, and none. Kevin Hillstrom,
"The MineThatData E-Mail Analytics And Data Mining Challenge", 2008. The data are not part of this project;
these counts are.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from training.experiment import Plan, Units
from training.experiment_report import judge
from training.fixed_horizon import Estimate
from verification.page import table

ARMS = ("none", "men's", "women's")
USERS = (21306, 21307, 21387)
COUNTS = {"visit": (2262, 3894, 3238), "conversion": (122, 267, 189)}


class Published(NamedTuple):
    """A published difference to those who got no e-mail, in percentage points, with its 95 % interval."""

    effect: float
    low: float
    high: float


PUBLISHED = {
    ("visit", "men's"): Published(7.66, 7.00, 8.32),
    ("visit", "women's"): Published(4.52, 3.89, 5.16),
    ("conversion", "men's"): Published(0.681, 0.500, 0.861),
    ("conversion", "women's"): Published(0.311, 0.150, 0.472),
}


def units(outcome: str) -> Units:
    """Return a unit for each customer, as the counts have them."""
    arm = np.repeat(np.arange(len(ARMS)), USERS)
    converted = np.concatenate([np.arange(n) < hits for n, hits in zip(USERS, COUNTS[outcome], strict=True)])
    return Units(arms=ARMS, arm=arm, at=None, matured_at=None, converted=converted)


def reproduced() -> dict[tuple[str, str], Estimate]:
    """Return the effects by outcome and e-mail; intervals are those of one comparison, as published."""
    plan = Plan(name="hillstrom", users=sum(USERS), shares=(1 / 3, 1 / 3, 1 / 3))
    return {
        (outcome, each.comparison.arm): each.ending.primary[0]
        for outcome in COUNTS
        for each in judge(units(outcome), plan).judged
        if each.ending is not None
    }


def effects_table(found: Mapping[tuple[str, str], Estimate]) -> str:
    """Return the published effects beside the reproduced ones."""
    rows = [
        (
            f"{arm} e-mail, {outcome}",
            f"{said.effect:+.3f} ({said.low:.3f} to {said.high:.3f})",
            f"{100 * ours.effect:+.3f} ({100 * ours.low:.3f} to {100 * ours.high:.3f})",
        )
        for (outcome, arm), said in PUBLISHED.items()
        for ours in [found[(outcome, arm)]]
        if ours.low is not None and ours.high is not None
    ]
    return table(("", "published, percentage points", "here"), rows)
