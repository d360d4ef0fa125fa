"""How often what was recommended is what was bought next, beside recommending everybody what is popular."""

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from models.neighbours import JUST_BOUGHT_DAYS, MOST_SEEDS, RECOMMENDED, Neighbours, popular_only
from training.baskets import Baskets
from training.co_occurrence import learn

WINDOW_SHARE: Final = 0.2
LONGEST_WINDOW_DAYS: Final = 30
MOST_PEOPLE: Final = 5_000
LOOK_BACK_DAYS: Final = 90
MOST_VIEWED: Final = 10
"""Products last looked at, which a message shows by themselves and does not recommend."""


class HitRate(NamedTuple):
    """What came of it on a window that nothing was learned from.

    Attributes:
        people: Who ordered in the window something that could have been recommended to them.
        learned: Share of them of whose first such order RECOMMENDED products held one, by neighbours.
        popular: The same by popularity alone.
    """

    people: int
    learned: float
    popular: float

    @property
    def neighbours_help(self) -> bool:
        """Whether neighbours hit at least as often as popularity."""
        return self.people > 0 and self.learned >= self.popular


class _Case(NamedTuple):
    """Somebody who ordered: what was known of them the day before, and what they bought."""

    seeds: list[str]
    excluded: frozenset[str]
    bought: frozenset[str]


def hit_rate(baskets: Baskets) -> HitRate:
    """Learn from all but the last days, a fifth of them and LONGEST_WINDOW_DAYS at most, and judge by these.

    Everybody's first order of the window counts, with what they did in the LOOK_BACK_DAYS before that day. As in a
    message, what was bought in the last JUST_BOUGHT_DAYS and what was viewed last are not recommended; the stock of the
    past is not known, and so plays no part.
    """
    first, last = int(baskets.day.min()), int(baskets.day.max())
    starts = last + 1 - min(LONGEST_WINDOW_DAYS, int((last + 1 - first) * WINDOW_SHARE))
    learned = learn(baskets.where(baskets.day < starts))
    return judged(learned, baskets, starts)


def judged(learned: Neighbours, baskets: Baskets, starts: int) -> HitRate:
    """Return how often neighbours and popularity hit, on a window that starts on a day since the epoch."""
    cases = list(islice(_cases(baskets, starts), MOST_PEOPLE))
    if not cases:
        return HitRate(0, 0.0, 0.0)
    shares = [np.mean([_hits(each, case) for case in cases]) for each in (learned, popular_only(learned))]
    return HitRate(len(cases), *map(float, shares))


def _hits(known: Neighbours, case: _Case) -> bool:
    free = (each for each in known.ranked(case.seeds) if each not in case.excluded)
    return not case.bought.isdisjoint(islice(free, RECOMMENDED))


def _cases(baskets: Baskets, starts: int) -> Iterator[_Case]:
    ordered = np.unique(baskets.person[baskets.bought & (baskets.day >= starts)])
    begins = np.searchsorted(baskets.person, ordered)
    ends = np.searchsorted(baskets.person, ordered, side="right")
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        case = _case(baskets, slice(begin, end), starts)
        if case.bought:
            yield case


def _case(baskets: Baskets, lines: slice, starts: int) -> _Case:
    day, product, bought = baskets.day[lines], baskets.product[lines], baskets.bought[lines]
    on = day[bought & (day >= starts)].min()
    before = np.flatnonzero((day < on) & (day >= on - LOOK_BACK_DAYS))[::-1]
    newest = before[np.argsort(-day[before], kind="stable")]
    viewed = list(dict.fromkeys(product[newest[~bought[newest]]].tolist()))[:MOST_VIEWED]
    just_bought = product[bought & (day < on) & (day >= on - JUST_BOUGHT_DAYS)].tolist()

    def named(places: list[int]) -> list[str]:
        return [baskets.products[each] for each in dict.fromkeys(places)]

    excluded = frozenset(named([*viewed, *just_bought]))
    then = frozenset(named(product[bought & (day == on)].tolist()))
    return _Case(named(product[newest].tolist())[:MOST_SEEDS], excluded, then - excluded)
