"""What must not get worse, whatever else gets better: unsubscriptions and complaints, as one-sided non-inferiority."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from training.evaluate import ONE_SIDED_95
from training.experiment import Units
from training.proportions import Arm


class Standing(StrEnum):
    """Whether a guardrail holds."""

    HOLDS = "holds"
    BROKEN = "broken"
    OPEN = "not yet shown"


class Guardrail(NamedTuple):
    """How much more frequent something may have become.

    Attributes:
        name: What happened: `unsubscribed`, `complained`.
        control: Users, and how many of them it happened to.
        treatment: Likewise.
        margin: By how much of a share it may rise.
        low: One-sided 95 % lower bound of the rise.
        high: The upper one.
    """

    name: str
    control: Arm
    treatment: Arm
    margin: float
    low: float
    high: float

    @property
    def standing(self) -> Standing:
        """Whether it surely stays within the margin, surely does not, or neither."""
        if self.high < self.margin:
            return Standing.HOLDS
        return Standing.BROKEN if self.low > self.margin else Standing.OPEN

    @property
    def sentence(self) -> str:
        """What it comes to, in words."""
        rise = f"between {self.low * 100:+.2f} and {self.high * 100:+.2f} percentage points more {self.name}"
        margin = f"{self.margin * 100:.2f} more are allowed"
        match self.standing:
            case Standing.HOLDS:
                return f"{rise}, where {margin}."
            case Standing.BROKEN:
                return f"{rise}, and only {margin}."
            case Standing.OPEN:
                return f"it is not shown yet that it does no harm: {rise}, and {margin}."


def guardrails(units: Units, arm: int, margins: Mapping[str, float]) -> tuple[Guardrail, ...]:
    """Return what can be said of every guardrail that somebody tells of, for matured users."""
    found = []
    for name, happened in units.guardrails.items():
        both = [Arm(int(np.sum(units.arm == each)), int(np.sum(happened[units.arm == each]))) for each in (0, arm)]
        if min(each.users for each in both) and name in margins:
            low, high = newcombe(both[0], both[1], z=ONE_SIDED_95)
            found.append(Guardrail(name, both[0], both[1], margins[name], low, high))
    return tuple(found)


def newcombe(control: Arm, treatment: Arm, *, z: float) -> tuple[float, float]:
    """Return an interval for the difference of two small rates, the treatment's minus that of control.

    Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven methods",
    Statistics in Medicine 17 (1998), 873–890, method 10: from Wilson's intervals. A control that nothing can happen to,
    since it got no message, adds nothing to it.

    Examples:
        >>> low, high = newcombe(Arm(80, 48), Arm(70, 56), z=1.959964)
        >>> f"{low:.4f} {high:.4f}"
        '0.0524 0.3339'
    """
    (base, base_low, base_high), (rate, low, high) = (_wilson(each, z) for each in (control, treatment))
    rise = rate - base
    return (
        float(rise - np.sqrt((rate - low) ** 2 + (base_high - base) ** 2)),
        float(rise + np.sqrt((high - rate) ** 2 + (base - base_low) ** 2)),
    )


def _wilson(arm: Arm, z: float) -> tuple[float, float, float]:
    """Return the rate and Wilson's limits of it."""
    n, rate = arm.users, arm.conversions / arm.users
    middle, half = rate + z * z / (2 * n), z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return rate, float((middle - half) / (1 + z * z / n)), float((middle + half) / (1 + z * z / n))
