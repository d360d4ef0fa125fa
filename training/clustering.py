"""Clusters that would be found again: k-means, and how many of them the data carry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.cluster import KMeans

from training.log import Floats, Ints

LARGEST: Final = 10
STRONG: Final = 0.8
"""Tibshirani & Walther (2005) take the largest k whose prediction strength is at least 0.8 or 0.9."""
SPLITS: Final = 5
CLOUDS: Final = 99
"""Clouds without structure that clusters are compared with: being tighter than all of them has p = 0.01."""
STARTS: Final = 4
LEAST_SHARE: Final = 0.02
"""A cluster of fewer of the people is no segment."""


@dataclass(frozen=True)
class Clustering:
    """What was found in a cloud of points.

    Attributes:
        centres: Of shape (k, d); none where nothing was stable.
        strengths: Prediction strength by k, from 2 on.
        reason: Why it is this many, in a sentence.
    """

    centres: Floats
    strengths: dict[int, float]
    reason: str


def cluster(points: Floats, *, seed: int = 0) -> Clustering:
    """Return the largest number of clusters, up to ten, that is found again in halves of the points and is no accident.

    Halves agree too well where a cloud is merely long: cutting it across its length is stable, and means nothing. So
    the clusters must also be tighter than those of clouds of the same covariance without structure (Liu et al. 2008).

    Args:
        points: Of shape (n, d), standardised.
        seed: The same points and seed give the same clusters.
    """
    drawn = np.random.default_rng(seed)
    largest = min(LARGEST, len(np.unique(points, axis=0)))
    strengths = {k: strength(points, k, drawn) for k in range(2, largest + 1)}
    strong = [k for k, found in strengths.items() if found >= STRONG]
    for k in reversed(strong):
        fitted = _fit(points, k, seed)
        if np.bincount(fitted.labels_, minlength=k).min() < LEAST_SHARE * len(points):
            continue
        if is_tight(points, float(fitted.inertia_), k, drawn):
            said = f"{k} clusters are found again in halves of the people (prediction strength {strengths[k]:.2f})"
            return Clustering(np.asarray(fitted.cluster_centers_, dtype=np.float64), strengths, said)
    best = max(strengths.values(), default=0.0)
    why = (
        f"no number of clusters is found again in halves of the people (prediction strength {best:.2f} at most, "
        f"{STRONG} is needed)"
        if not strong
        else "clusters are no tighter than those of a cloud without structure, or hold too few people"
    )
    return Clustering(np.empty((0, points.shape[1])), strengths, why)


def strength(points: Floats, k: int, drawn: np.random.Generator) -> float:
    """Return the prediction strength of k clusters, from 0 to 1 (Tibshirani & Walther 2005, equation 2.1).

    The points are halved; of the pairs that share a cluster of one half, it is the share that also share one by the
    centres of the other, in the worst cluster; the mean over several halvings.
    """
    found = []
    for _ in range(SPLITS):
        order = drawn.permutation(len(points))
        seed = int(drawn.integers(1 << 31))
        one, other = (_fit(points[part], k, seed) for part in np.array_split(order, 2))
        judged = points[np.array_split(order, 2)[1]]
        found.append(_worst(other.labels_, one.predict(judged), k))
    return float(np.mean(found))


def _worst(own: Ints, predicted: Ints, k: int) -> float:
    table = np.zeros((k, k))
    np.add.at(table, (own, predicted), 1.0)
    size = table.sum(axis=1)
    if size.min() < 2.0:
        return 0.0
    together = (table * (table - 1.0)).sum(axis=1)
    return float((together / (size * (size - 1.0))).min())


def is_tight(points: Floats, inertia: float, k: int, drawn: np.random.Generator) -> bool:
    """Whether no normal cloud of the same covariance and size has k clusters of so little inertia, of all drawn."""
    values, vectors = np.linalg.eigh(np.cov(points.T).reshape(points.shape[1], -1))
    shape = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    for _ in range(CLOUDS):
        cloud = drawn.standard_normal(points.shape) @ shape
        # What is to be compared are shares of the same whole.
        whole = _inertia_of_one(points) / _inertia_of_one(cloud)
        if float(_fit(cloud, k, int(drawn.integers(1 << 31))).inertia_) * whole <= inertia:
            return False
    return True


def _inertia_of_one(points: Floats) -> float:
    return float(((points - points.mean(axis=0)) ** 2).sum())


def _fit(points: Floats, k: int, seed: int) -> KMeans:
    return KMeans(k, n_init=STARTS, random_state=seed, max_iter=100).fit(points)


def matched(old: Sequence[str], apart: Floats, own_gap: Floats) -> list[str | None]:
    """Return for each new centre the name of the old one that it goes on, None where it is new.

    Args:
        old: Names of the old centres.
        apart: Distances of old to new centres, of shape (old, new).
        own_gap: Of each new centre, how far away the nearest other new one is; it goes on an old centre that is nearer
            than half of that, so that no other could be meant.
    """
    from scipy.optimize import linear_sum_assignment

    names: list[str | None] = [None] * apart.shape[1]
    for row, column in zip(*linear_sum_assignment(apart), strict=True):
        if apart[row, column] < own_gap[column] / 2.0:
            names[column] = old[row]
    return names
