"""Learned segments: cut-offs of orders and clusters of behaviour, from everybody as they are at the end of the log."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from features.catalog import CATALOGUE
from features.fold import fold, read_rows
from features.moments import DAY_US
from models.learned_segments import (
    CLUSTERS,
    FURTHEST,
    RFM_FEATURES,
    SCORES,
    Centres,
    LearnedSegments,
    RfmCuts,
    logarithms,
)
from models.segments_bundle import columns_of
from training.clustering import cluster
from training.dataset import orders
from training.log import Floats, Ints, Log
from training.segment_names import BEHAVIOUR, apart, names_of
from training.windows import TooLittleHistory

MOST_PEOPLE: Final = 20_000
"""More tell no more of cut-offs and centres; drawn evenly from larger logs."""
MOST_CLUSTERED: Final = 4_000
LEAST_BUYERS: Final = 100
LEAST_PEOPLE: Final = 200
FOLLOWED_D: Final = 7
_COLUMNS: Final = {name: place for place, name in enumerate(CATALOGUE.names)}


@dataclass(frozen=True)
class Group:
    """One learned segment, as a report shows it.

    Attributes:
        family: `rfm` or `clusters`.
        name: What a policy calls it.
        people: How many of those looked at are in it.
        share: Of all of them.
        judged: How many were in it a week before the end of the log.
        order_rate: Which share of these ordered within that week; None where nobody was in it.
        apart: What sets it apart, in standard deviations, the most first; empty for `rfm`.
    """

    family: str
    name: str
    people: int
    share: float
    judged: int
    order_rate: float | None
    apart: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Learned:
    """What one training came to.

    Attributes:
        model: What goes into service.
        groups: Its segments; those in which nobody is are among them.
        people: How many were looked at.
        buyers: How many of these had bought.
        strengths: Prediction strength by number of clusters.
        reason: Why there are so many clusters, or none.
        gone: Names of clusters that were in service before and are not any more.
    """

    model: LearnedSegments
    groups: tuple[Group, ...]
    people: int
    buyers: int
    strengths: dict[int, float]
    reason: str
    gone: tuple[str, ...]


def learn(log: Log, *, before: LearnedSegments | None = None, lineage: dict[str, Any] | None = None) -> Learned:
    """Return the segments of everybody at the end of a log; `before` are those in service.

    Raises:
        TooLittleHistory: There are too few people.
    """
    refuse_few(log)
    end = log.span[1]
    _, rows = people(log, end)
    bought = rows[:, _COLUMNS["orders"]] > 0
    rfm = cuts(rows[bought][:, [_COLUMNS[each] for each in RFM_FEATURES]])
    clusters, strengths, reason = behaviour(rows, before=None if before is None else before.clusters)
    model = LearnedSegments("", rfm, clusters, columns_of(clusters), lineage or {})
    old = () if before is None or before.clusters is None else before.clusters.names
    return Learned(
        model=model,
        groups=_groups(log, model, rows, end),
        people=len(rows),
        buyers=int(bought.sum()),
        strengths=strengths,
        reason=reason,
        gone=tuple(sorted(set(old) - set(() if clusters is None else clusters.names))),
    )


def refuse_few(log: Log) -> None:
    """Raise TooLittleHistory where a log has too few people, at its end, to learn segments from."""
    if (found := known(log, log.span[1]).size) < LEAST_PEOPLE:
        raise TooLittleHistory(f"too few people to learn segments from: {found}, and {LEAST_PEOPLE} are needed")


def known(log: Log, at_us: int) -> Ints:
    """Return who was known at a moment (µs), as indices of the log's users.

    Bots, staff and tests are left out; ids that were linked by then are one person.
    """
    user = np.arange(len(log.user_keys))
    at = np.full(user.size, at_us, dtype=np.int64)
    return np.flatnonzero((log.last_rows(user, at) >= 0) & ~log.excluded & (log.owners(user, at) == user))


def people(log: Log, at_us: int, *, most: int = MOST_PEOPLE, seed: int = 0) -> tuple[Ints, Floats]:
    """Return who was `known` at a moment (µs), as many as `most`, and their features then, (n, n_features)."""
    chosen = known(log, at_us)
    if chosen.size > most:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, most, replace=False))
    at = np.full(chosen.size, at_us, dtype=np.int64)
    last = log.last_rows(chosen, at)
    order = np.argsort(last, kind="stable")
    return chosen[order], read_rows(fold(log.arrays, last[order]), at)


def cuts(buyers: Floats) -> RfmCuts | None:
    """Return what parts the fifths of buyers, given `RFM_FEATURES` of each, (n, 3); None where they are too few.

    The cut-offs are values that somebody has, so that equal people are never parted.
    """
    if len(buyers) < LEAST_BUYERS:
        return None
    fifths = np.arange(1, SCORES) / SCORES
    age, number, revenue = buyers.T
    found = (np.quantile(each, fifths, method="inverted_cdf") for each in (age, number, revenue))
    return RfmCuts(*found)


def behaviour(
    rows: Floats, *, before: Centres | None = None, seed: int = 0
) -> tuple[Centres | None, dict[int, float], str]:
    """Return the clusters of feature rows, the prediction strengths by their number, and why there are so many."""
    if len(rows) < LEAST_PEOPLE:
        return None, {}, f"{len(rows)} people are too few to find clusters in"
    logs = logarithms(rows[:, [_COLUMNS[each] for each in BEHAVIOUR]])
    spread = logs.std(axis=0)
    varies = spread > 0
    features = tuple(name for name, kept in zip(BEHAVIOUR, varies.tolist(), strict=True) if kept)
    if not features:
        return None, {}, "nobody differs from anybody in what they do"
    mean, spread = logs[:, varies].mean(axis=0), spread[varies]
    points = np.clip((logs[:, varies] - mean) / spread, -FURTHEST, FURTHEST)
    chosen = np.random.default_rng(seed).permutation(len(points))[:MOST_CLUSTERED]
    found = cluster(points[chosen], seed=seed)
    if not len(found.centres):
        return None, found.strengths, found.reason
    names = names_of(found.centres, mean, spread, features, before)
    return Centres(features, mean, spread, found.centres, tuple(names)), found.strengths, found.reason


def _groups(log: Log, model: LearnedSegments, rows: Floats, end: int) -> tuple[Group, ...]:
    since = end - FOLLOWED_D * DAY_US
    earlier, then = people(log, since)
    ordered = orders(log).count(earlier, np.full(earlier.size, since), np.full(earlier.size, end)) > 0
    centres = model.clusters
    sets_apart = (
        {} if centres is None else dict(zip(centres.names, apart(centres.centres, centres.features), strict=True))
    )
    found = []
    for family, names in model.families.items():
        now, before = (np.array(model.of_rows(each, family), dtype=np.str_) for each in (rows, then))
        for name in names:
            inside, was = now == name, before == name
            rate = float(ordered[was].mean()) if was.any() else None
            words = tuple(sets_apart.get(name, ())) if family == CLUSTERS else ()
            count = int(inside.sum())
            found.append(Group(family, name, count, count / len(rows), int(was.sum()), rate, words))
    return tuple(found)
