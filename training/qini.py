"""How well a ranking puts those first whom a message changes: the Qini curve and coefficient (Radcliffe 2007)."""

from collections.abc import Mapping

import numpy as np

from training.decisions import Bools, Floats, Ints
from training.off_policy import Interval, interval

PER_CENT = 100.0
RESAMPLES = 500


class Ranked:
    """Rows in the order of a ranking, so that many weights can be looked at in the same order."""

    def __init__(self, ranking: Floats, treated: Bools, outcome: Bools) -> None:
        """Sort the rows, all of shape (n,), the highest ranks first; all were treated by the same chance."""
        self._order = np.argsort(-ranking, kind="stable")
        # Equal ones come together.
        self._ends = np.append(np.flatnonzero(np.diff(ranking[self._order])), ranking.size - 1)
        self._treated = treated[self._order].astype(np.float64)
        self._came = outcome[self._order].astype(np.float64)

    def curve(self, weight: Floats) -> tuple[Floats, Floats]:
        """Return shares of the people, the highest ranks first, and what treating so many gains, from (0, 0) on.

        The gain is the outcomes of the treated less those of the untreated, scaled to as many, per treated person in
        all. Each row counts as often as `weight` says, of shape (n,).
        """
        once = weight[self._order]
        acted, came = once * self._treated, once * self._came
        everybody, sent = np.cumsum(once)[self._ends], np.cumsum(acted)[self._ends]
        all_came, sent_came = np.cumsum(came)[self._ends], np.cumsum(came * self._treated)[self._ends]
        held = everybody - sent
        gain = sent_came - (all_came - sent_came) * np.divide(sent, held, out=np.zeros_like(sent), where=held > 0)
        return np.append(0.0, everybody / everybody[-1]), np.append(0.0, gain / sent[-1])

    def qini(self, weight: Floats) -> float:
        """Return the coefficient, in percentage points."""
        share, gain = self.curve(weight)
        return PER_CENT * float(np.trapezoid(gain, share) - gain[-1] / 2)


def qini(ranking: Floats, treated: Bools, outcome: Bools) -> float:
    """Return the area between the curve and that of a random order, in percentage points; by chance it is 0."""
    return Ranked(ranking, treated, outcome).qini(np.ones(ranking.size))


def resampled_qinis(
    rankings: Mapping[str, Floats], treated: Bools, outcome: Bools, user: Ints, *, seed: int = 0
) -> dict[str, Floats]:
    """Return the coefficient of each ranking over people drawn again, the same ones for all, of shape (500,)."""
    people, place = np.unique(user, return_inverse=True)
    drawn = np.random.default_rng([seed, 71])
    ranked = {name: Ranked(each, treated, outcome) for name, each in rankings.items()}
    found = np.empty((RESAMPLES, len(ranked)))
    for each in range(RESAMPLES):
        weight = np.bincount(drawn.integers(0, people.size, people.size), minlength=people.size)[place].astype(float)
        found[each] = [ranking.qini(weight) for ranking in ranked.values()]
    return dict(zip(ranked, found.T, strict=True))


def compared(
    rankings: Mapping[str, Floats], to: str, treated: Bools, outcome: Bools, user: Ints, *, level: float, seed: int = 0
) -> tuple[dict[str, Interval], dict[str, Interval]]:
    """Return each ranking's coefficient (95 %) and, at `level`, how far it is above that of `to`, with intervals."""
    whole = {name: qini(each, treated, outcome) for name, each in rankings.items()}
    drawn = resampled_qinis(rankings, treated, outcome, user, seed=seed)
    alone = {name: interval(whole[name], drawn[name]) for name in rankings}
    others = [name for name in rankings if name != to]
    return alone, {name: interval(whole[name] - whole[to], drawn[name] - drawn[to], level) for name in others}
