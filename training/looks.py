"""What is seen of an experiment at each look: counts, bounds, and intervals that allow for having looked before."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.moments import DAY_US
from training.confidence_sequence import half_widths
from training.experiment import ENOUGH_CONVERSIONS, Plan, Units
from training.proportions import Arm, difference
from training.spending import bounds

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Look(NamedTuple):
    """One look at two arms.

    Attributes:
        at: Its moment in microseconds; None for a table that knows no moments.
        control: Users and conversions.
        treatment: Likewise.
        time: Information: matured users as a share of those planned.
        estimate: The treatment's conversion rate minus that of control, Agresti and Caffo's.
        error: Its standard error.
        bound: What |z| must reach at this look; None where it was not one of the planned looks: too few conversions, or
            the last look was before.
        low: Lower end of the interval that covers the truth at all planned looks together; None likewise.
        high: Its upper end.
        always_low: Lower end of the interval that holds at every moment, planned or not.
        always_high: Its upper end.
        past: Whether the plan was fulfilled at a look before: then the interval for all moments is the only valid one.
    """

    at: int | None
    control: Arm
    treatment: Arm
    time: float
    estimate: float
    error: float
    bound: float | None
    low: float | None
    high: float | None
    always_low: float
    always_high: float
    past: bool = False

    @property
    def is_planned(self) -> bool:
        """Whether the error that may be spent on it allows for a verdict."""
        return self.bound is not None

    @property
    def is_last(self) -> bool:
        """Whether it is the last of the planned looks."""
        return self.is_planned and self.time >= 1.0

    @property
    def is_better(self) -> bool:
        """Whether it says that the treatment is better: by its bound, or past the plan by the other interval."""
        if self.low is not None:
            return self.low > 0
        return self.past and self.has_enough and self.always_low > 0

    @property
    def is_worse(self) -> bool:
        """Whether it says that control is better."""
        if self.high is not None:
            return self.high < 0
        return self.past and self.has_enough and self.always_high < 0

    @property
    def has_enough(self) -> bool:
        """Whether either arm has the conversions without which nothing is said."""
        return min(self.control.conversions, self.treatment.conversions) >= ENOUGH_CONVERSIONS


class Moments(NamedTuple):
    """When to look: moments in microseconds, rising, and which of them are due by the plan, both of shape (looks,)."""

    at: Ints
    due: Bools


def moments(units: Units, plan: Plan) -> Moments:
    """Return when to look: at midnights (UTC), and at present.

    A look is due on the first day on which another share of 1/`looks` of the planned users has matured since the last
    one, so that there are `looks` at most until the plan is fulfilled, however fast users come; the present is looked
    at besides. Who was drawn and when decides about that, and never what followed.
    """
    none = Moments(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_))
    if units.matured_at is None or units.until is None:
        return none
    matured = np.sort(units.matured_at)
    matured = matured[matured <= units.until]
    if not matured.size:
        return none
    days = np.arange(matured[0] // DAY_US + 1, units.until // DAY_US + 1, dtype=np.int64) * DAY_US
    step, seen, found = plan.users / plan.looks, 0, []
    for day, count in zip(days.tolist(), np.searchsorted(matured, days, side="right").tolist(), strict=True):
        if count - seen >= step or seen < plan.users <= count:
            found.append(day)
            seen = count
    at = np.array(sorted({*found, units.until}), dtype=np.int64)
    return Moments(at, np.isin(at, found))


def counted(units: Units, arm: int, at: Ints) -> tuple[Ints, Ints]:
    """Return matured users of an arm and their conversions at each moment, of the shape of `at`."""
    mine = units.arm == arm
    if units.matured_at is None:
        return np.array([mine.sum()]), np.array([(mine & units.converted).sum()])
    order = np.argsort(units.matured_at[mine], kind="stable")
    matured, converted = units.matured_at[mine][order], units.converted[mine][order]
    users = np.searchsorted(matured, at, side="right")
    return users.astype(np.int64), np.concatenate([[0], np.cumsum(converted)])[users].astype(np.int64)


def looks(
    users: tuple[Ints, Ints],
    conversions: tuple[Ints, Ints],
    planned: int,
    *,
    at: Sequence[int | None],
    alpha: float = 0.05,
    planned_looks: Bools | None = None,
) -> list[Look]:
    """Return what is seen of two arms at each look.

    Args:
        users: Matured users of control and of the treatment, each of shape (looks,).
        conversions: Theirs.
        planned: Users of both arms at the last planned look.
        at: The moments of the looks.
        alpha: Error of all looks together.
        planned_looks: Which of them were due; all if not said.
    """
    times = (users[0] + users[1]) / planned
    enough = np.minimum(*conversions) >= ENOUGH_CONVERSIONS
    before = np.concatenate([[0.0], times[:-1]])
    due = enough & (before < 1.0) & (times > before)
    if planned_looks is not None:
        due &= planned_looks
    critical = np.full(times.size, np.nan)
    critical[due] = bounds(times[due].tolist(), alpha=alpha)
    found = difference(users, conversions)
    always = half_widths(found.error, np.maximum(users[0] + users[1], 1), planned=planned, alpha=alpha)
    half = critical * found.error
    return [
        Look(
            at=at[i],
            control=Arm(int(users[0][i]), int(conversions[0][i])),
            treatment=Arm(int(users[1][i]), int(conversions[1][i])),
            time=float(times[i]),
            estimate=float(found.estimate[i]),
            error=float(found.error[i]),
            bound=float(critical[i]) if due[i] else None,
            low=float(found.estimate[i] - half[i]) if due[i] else None,
            high=float(found.estimate[i] + half[i]) if due[i] else None,
            always_low=float(found.estimate[i] - always[i]),
            always_high=float(found.estimate[i] + always[i]),
            past=bool(before[i] >= 1.0),
        )
        for i in range(times.size)
    ]
