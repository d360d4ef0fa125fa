"""What differs between arms that chance made: it was not there before the draw, or no chance drew."""

import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.stats import chi2_contingency, ttest_ind

from training.experiment import Floats, Units, Words

RARE = 1e-4
"""How rarely any column at all may be taken for one of the time after the draw that is none."""
LEAST = 2


def balanced(units: Units) -> tuple[Units, tuple[str, ...]]:
    """Return units without the covariates and groups that differ between their arms, and the names of these.

    Adjusting for what a treatment changes takes its effect away (Rosenbaum, "The consequences of adjustment for a
    concomitant variable that has been affected by the treatment", JRSS A 147 (1984), 656–666). What it changes little
    cannot be told from chance and stays.
    """
    level = RARE / max(1, len(units.covariates) + len(units.groups))
    numbers = {name: min(_of_numbers(units, each), default=1.0) for name, each in units.covariates.items()}
    words = {name: _of_words(units, each) for name, each in units.groups.items()}
    differing = tuple(name for name, p_value in (numbers | words).items() if p_value < level)
    kept = replace(
        units,
        covariates={name: each for name, each in units.covariates.items() if name not in differing},
        groups={name: each for name, each in units.groups.items() if name not in differing},
    )
    return kept, differing


def _of_numbers(units: Units, values: Floats) -> Iterator[float]:
    """Yield how likely chance makes such a difference to control: of the mean, and of how often there is a value."""
    known = np.isfinite(values)
    for arm in range(1, len(units.arms)):
        base, treated = (values[known & (units.arm == each)] for each in (0, arm))
        if min(base.size, treated.size) >= LEAST:
            yield _welch(base, treated) * (len(units.arms) - 1)
    yield _of_words(units, known.astype(np.str_))


def _welch(base: Floats, treated: Floats) -> float:
    with warnings.catch_warnings():
        # Where all of an arm are alike there is no spread, and no number.
        warnings.simplefilter("ignore")
        found = float(ttest_ind(base, treated, equal_var=False).pvalue)
    if np.isfinite(found) and np.ptp(base) + np.ptp(treated) > 0:
        return found
    if base[0] == treated[0]:
        return 1.0
    return float(chi2_contingency([[base.size, 0], [0, treated.size]]).pvalue)


def _of_words(units: Units, words: Words) -> float:
    values, place = np.unique(words, return_inverse=True)
    counts = np.zeros((len(units.arms), values.size))
    np.add.at(counts, (units.arm, place), 1)
    counts = counts[counts.sum(axis=1) > 0]
    if min(counts.shape) < LEAST:
        return 1.0
    return float(chi2_contingency(counts).pvalue)
