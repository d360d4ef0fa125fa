"""Whether the arms have the sizes they were drawn for, asked as often as one likes.

Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 35 (2022): the Bayes factor of a
Dirichlet–multinomial against the planned shares is a martingale if these are true, so that it ever exceeds 1/p with a
probability of at most p. A χ² test at p < .01 on each of 60 days is wrong in 9 to 10 % of sound experiments.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

Floats = npt.NDArray[np.float64]

CONCENTRATION = 1000.0
"""How closely the alternative lies around the planned shares: a defect of one percentage point is what is sought."""
ALPHA = 0.01


class SampleRatio(NamedTuple):
    """What the sizes of the arms say.

    Attributes:
        counts: Users by arm at the last look.
        expected: The same if the shares were met exactly.
        log_e_value: The largest natural logarithm of the e-value at any look so far.
        found_at: The first look, from 0, at which the shares were refuted; None if never.
    """

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    log_e_value: float
    found_at: int | None

    @property
    def invalid(self) -> bool:
        """Whether the arms cannot be compared."""
        return self.found_at is not None


def log_e_values(counts: npt.ArrayLike, shares: Sequence[float], *, concentration: float = CONCENTRATION) -> Floats:
    """Return the natural logarithm of the e-value at each look.

    Args:
        counts: Users by arm, of shape (…, arms), counted from the beginning.
        shares: Of the arms as planned, above 0, adding up to 1.
        concentration: Of the Dirichlet distribution around the shares.
    """
    found = np.asarray(counts, dtype=np.float64)
    planned = np.asarray(shares, dtype=np.float64)
    prior = concentration * planned
    # Of two whole numbers times the shares: what the multinomial coefficient adds cancels out.
    marginal = gammaln(concentration) - gammaln(concentration + found.sum(axis=-1))
    return np.asarray(marginal + (gammaln(prior + found) - gammaln(prior) - found * np.log(planned)).sum(axis=-1))


def sample_ratio(counts: npt.ArrayLike, shares: Sequence[float], *, alpha: float = ALPHA) -> SampleRatio:
    """Judge the sizes of the arms at all looks so far; `counts` is of shape (looks, arms), one look at least."""
    found = np.atleast_2d(np.asarray(counts, dtype=np.int64))
    logs = log_e_values(found, shares)
    refuted = np.flatnonzero(logs >= -np.log(alpha))
    return SampleRatio(
        counts=tuple(found[-1].tolist()),
        expected=tuple((found[-1].sum() * np.asarray(shares)).tolist()),
        log_e_value=float(logs.max()),
        found_at=int(refuted[0]) if refuted.size else None,
    )
