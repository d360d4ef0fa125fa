"""Bounds for looking repeatedly: O'Brien–Fleming-type error spending at whatever information times the looks had.

Lan and DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 70 (1983), 659–663; the integration is
that of Armitage, McPherson and Rowe, "Repeated significance tests on accumulating data", JRSS A 132 (1969), 235–244.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

Floats = npt.NDArray[np.float64]

FARTHEST = 8.0
"""Standard deviations beyond which no probability is left that matters."""
HIGHEST_BOUND = 38.0
"""Beyond it the normal tail is no longer a number."""
STEPS_A_DEVIATION = 8
MOST_NODES = 4001


def spent(time: float, *, alpha: float = 0.05) -> float:
    """Return how much of a two-sided error `alpha` may be spent by an information time in (0, 1]."""
    return 4.0 * float(ndtr(ndtri(alpha / 4) / np.sqrt(min(time, 1.0))))


def bounds(times: Sequence[float], *, alpha: float = 0.05) -> Floats:
    """Return the critical values of |z| at looks, of shape (looks,), so that all looks together err with `alpha`.

    Args:
        times: Information at each look as a share of what is planned, rising, in (0, 1]; the last may lie beyond 1 and
            counts as 1.
        alpha: Two-sided error of all looks together, in (0, 1).

    Raises:
        ValueError: The times do not rise, are not above 0, or more than the last reaches 1.

    Examples:
        >>> [round(each, 3) for each in bounds((0.2, 0.4, 0.6, 0.8, 1.0)).tolist()]
        [4.877, 3.357, 2.68, 2.29, 2.031]
    """
    clipped = tuple(min(float(each), 1.0) for each in times)
    if any(later <= earlier for earlier, later in zip((0.0, *clipped), clipped, strict=False)):
        raise ValueError(f"information times must rise within (0, 1]: {list(times)}")
    return np.array(_bounds(clipped, alpha))


@lru_cache(maxsize=4096)
def _bounds(times: tuple[float, ...], alpha: float) -> tuple[float, ...]:
    found: list[float] = []
    nodes, weighted = np.zeros(1), np.ones(1)
    before = 0.0
    for look, time in enumerate(times):
        width = np.sqrt(time - before)
        spend = spent(time, alpha=alpha) - (spent(before, alpha=alpha) if look else 0.0)
        found.append(_bound(nodes, weighted, width, np.sqrt(time), spend))
        following = np.sqrt(times[look + 1] - time) if look + 1 < len(times) else width
        nodes, weighted = _going_on(nodes, weighted, width, found[-1] * np.sqrt(time), min(width, following))
        before = time
    return tuple(found)


def _bound(nodes: Floats, weighted: Floats, width: float, scale: float, spend: float) -> float:
    """Return the critical value that exactly `spend` of those who came this far exceed, on either side."""

    def too_much(bound: float) -> float:
        return 2.0 * float(ndtr((nodes - bound * scale) / width) @ weighted) - spend

    return HIGHEST_BOUND if too_much(HIGHEST_BOUND) >= 0 else float(brentq(too_much, 0.0, HIGHEST_BOUND, xtol=1e-10))


def _going_on(nodes: Floats, weighted: Floats, width: float, edge: float, detail: float) -> tuple[Floats, Floats]:
    """Return nodes within the bounds, and the density of the score there times Simpson's weights."""
    reach = min(edge, FARTHEST)
    half = min(int(np.ceil(reach * STEPS_A_DEVIATION / detail)), MOST_NODES // 2)
    grid, step = np.linspace(-reach, reach, 2 * half + 1, retstep=True)
    away = (grid[:, None] - nodes[None, :]) / width
    density = np.exp(-0.5 * away**2) @ weighted / (width * np.sqrt(2.0 * np.pi))
    simpson = np.ones(grid.size)
    simpson[1:-1] = np.where(np.arange(1, grid.size - 1) % 2, 4.0, 2.0)
    return grid, density * simpson * float(step) / 3.0
