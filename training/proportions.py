"""Two conversion rates: their difference, and what is to be believed of it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

GRID = 2001
"""Points of the integration for each rate; its density is smooth over many of them."""
FARTHEST = 10.0
"""Standard deviations of a rate beyond which there is nothing to integrate."""


class Arm(NamedTuple):
    """Users of one arm whose window is over, and how many of them converted in it."""

    users: int
    conversions: int

    @property
    def rate(self) -> float | None:
        """The share that converted; None where there are no users."""
        return self.conversions / self.users if self.users else None


class Difference(NamedTuple):
    """The conversion rate of the treatment minus that of control, at each look.

    Attributes:
        estimate: In shares, so .01 is one percentage point.
        error: Its standard error.
    """

    estimate: Floats
    error: Floats


class Belief(NamedTuple):
    """What a flat prior makes of the counts; a description that decides nothing.

    Attributes:
        better: Probability that the treatment's rate is the higher one.
        loss_if_shipped: Conversions per user that are lost, on average, if it is shipped and worse.
        loss_if_kept: The same if control is kept and the treatment is better.
    """

    better: float
    loss_if_shipped: float
    loss_if_kept: float


def difference(
    users: tuple[npt.ArrayLike, npt.ArrayLike], conversions: tuple[npt.ArrayLike, npt.ArrayLike]
) -> Difference:
    """Return the difference of two rates with one success and one failure added to each arm.

    Agresti and Caffo, "Simple and effective confidence intervals for proportions and differences of proportions result
    from adding two successes and two failures", The American Statistician 54 (2000), 280–288.

    Args:
        users: Of control and of the treatment: numbers, or arrays over looks.
        conversions: Likewise.

    Examples:
        >>> found = difference((998, 998), (99, 129))
        >>> print(f"{found.estimate:.3f} ± {found.error:.4f}")
        0.030 ± 0.0143
    """
    control, treatment = (np.asarray(each, dtype=np.float64) + 2.0 for each in users)
    base, rate = ((np.asarray(each) + 1.0) / n for each, n in zip(conversions, (control, treatment), strict=True))
    error = np.sqrt(base * (1.0 - base) / control + rate * (1.0 - rate) / treatment)
    return Difference(np.asarray(rate - base), np.asarray(error))


def belief(control: Arm, treatment: Arm) -> Belief:
    """Return what is to be believed of two rates beforehand thought equally likely to be anything in (0, 1).

    P(T > C) is the integral of C's distribution over T's; the expected loss E[max(C − T, 0)] that of T's distribution
    times the probability that C lies above. The points are those of both rates: a few users know theirs within tenths,
    millions within millionths.
    """
    # Seconds to import, and only whoever describes pays for it.
    from scipy.stats import beta

    shapes = [(each.conversions + 1, each.users - each.conversions + 1) for each in (control, treatment)]
    rates = tuple(beta(*each) for each in shapes)
    at = np.unique(np.concatenate([_points(*each) for each in shapes]))
    below_control, below_treatment = (each.cdf(at) for each in rates)
    return Belief(
        better=float(np.diff(below_treatment) @ (below_control[1:] + below_control[:-1]) / 2.0),
        loss_if_shipped=float(np.trapezoid(below_treatment * (1.0 - below_control), at)),
        loss_if_kept=float(np.trapezoid(below_control * (1.0 - below_treatment), at)),
    )


def _points(converted: int, not_converted: int) -> Floats:
    """Return points of the rates that these, each with one more, leave likely."""
    both = converted + not_converted
    # Not SciPy's deviation, which is wrong from ten millions on.
    deviation = np.sqrt(converted / both * not_converted / both / (both + 1))
    ends = np.clip(converted / both + FARTHEST * deviation * np.array([-1.0, 1.0]), 0.0, 1.0)
    return np.linspace(ends[0], ends[1], GRID)
