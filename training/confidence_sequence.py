"""An interval that holds at all moments together, planned or not: the asymptotic confidence sequence.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences", Annals of Statistics 52 (2024), 2613–2640: Theorem 2.2 and the choice of rho in its section 2.3.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def half_widths(errors: npt.ArrayLike, counts: npt.ArrayLike, *, planned: int, alpha: float = 0.05) -> Floats:
    """Return half the width of the sequence at each look, of the shape of `errors`.

    Args:
        errors: Standard error of the estimate at each look.
        counts: Users, of both arms together, that it rests upon; at least 1.
        planned: The number of users at which the sequence is tightest.
        alpha: Error of all moments together, in (0, 1).
    """
    rate = np.asarray(counts, dtype=np.float64) * tuning(planned, alpha=alpha) ** 2
    stretched = 2.0 * (rate + 1.0) / rate * np.log(np.sqrt(rate + 1.0) / alpha)
    return np.asarray(np.asarray(errors, dtype=np.float64) * np.sqrt(stretched))


def tuning(planned: int, *, alpha: float = 0.05) -> float:
    """Return rho, the parameter that makes the sequence tightest at `planned` users."""
    log = -2.0 * np.log(alpha)
    return float(np.sqrt((log + np.log(log + 1.0)) / planned))
