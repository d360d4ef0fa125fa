"""Four folds of an expanding window: what a challenger would have said, had it been retrained before each of them.

A champion is judged as it is, on rows after everything it learned from. A challenger that was refitted to all rows
cannot be: it has seen them. So the rows are split by time into four, and before each the challenger's recipe (features,
parameters, number of trees) is refitted to all rows whose outcome was known by then, a horizon before the fold begins.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.calibration import sigmoid
from training import gate
from training.baselines import Logistic
from training.fit import Rows, log_odds, refit
from training.learning import Learned
from training.windows import Windows

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FOLDS = 4


@dataclass(frozen=True)
class Contested:
    """Rows that neither champion nor challenger learned from, and what the challenger said of them.

    Attributes:
        rows: Every feature of the catalogue, in order of time.
        challenger: Probabilities, of shape (n,).
        logistic: Those of the logistic regression, learned likewise.
        fold: In which fold each row is, of shape (n,).
    """

    rows: Rows
    challenger: Floats
    logistic: Floats
    fold: Ints

    def beside(self, champion: Floats, segments: Mapping[str, Bools] | None = None) -> gate.Judged:
        """Return what the gate asks for: these rows, what the champion says of them, and who must not pay."""
        return gate.Judged(
            challenger=self.challenger,
            champion=champion,
            references={"logistic regression": self.logistic},
            ordered=self.rows.ordered,
            user=self.rows.user,
            segments=segments or {},
            weight=self.rows.weight,
            fold=self.fold,
        )


def contested(rows: Rows, learned: Learned, windows: Windows, catalogue: tuple[str, ...], since_us: int) -> Contested:
    """Return what the challenger said of the rows later than a moment, of shape (0,) where there are none.

    Args:
        rows: All matured ones, every feature of the catalogue.
        learned: The challenger.
        windows: In which it was learned; their horizon is the gap.
        catalogue: Names of the columns of `rows`.
        since_us: The last moment that the champion learned from, in microseconds.
    """
    if not learned.refitted:
        return _as_judged(learned, since_us)
    # Where the number of trees was chosen nothing is judged either.
    begins = max((windows.calibrate or windows.test).start, since_us + 1)
    fresh = rows.at >= begins
    asked = rows.columns([catalogue.index(each) for each in learned.features])
    fold, challenger, logistic = np.empty(len(rows), np.int64), np.empty(len(rows)), np.empty(len(rows))
    for number, (before, inside) in enumerate(_parts(rows.at, fresh, windows.gap)):
        known, shown, names = asked.where(before), asked.where(inside), list(learned.features)
        fold[inside] = number
        challenger[inside] = sigmoid(
            log_odds(refit(known, learned.booster.num_trees(), learned.parameters, names), shown)
        )
        logistic[inside] = Logistic.fit(known, names).predict(shown.features)
    return Contested(rows.where(fresh), challenger[fresh], logistic[fresh], fold[fresh])


def _as_judged(learned: Learned, since_us: int) -> Contested:
    """Return the rows of the test window: a model with a calibrator stays as it was before them."""
    judged = learned.judged
    fresh = judged.rows.at > since_us
    found = np.empty(int(fresh.sum()), np.int64)
    for number, part in enumerate(np.array_split(np.arange(found.size), FOLDS)):
        found[part] = number
    return Contested(judged.rows.where(fresh), judged.predicted[fresh], judged.logistic[fresh], found)


def _parts(at: Ints, fresh: Bools, gap_us: int) -> Iterator[tuple[Bools, Bools]]:
    """Yield, for each fold, which rows were known a horizon before it, and which are in it."""
    for part in np.array_split(np.flatnonzero(fresh), FOLDS):
        if part.size:
            inside = np.zeros(at.size, np.bool_)
            inside[part] = True
            yield at <= at[part[0]] - gap_us, inside
