"""Learned segments that a test makes up, and feature rows to put into them."""

import numpy as np

from features.catalog import CATALOGUE
from models.learned_segments import Centres, LearnedSegments, RfmCuts
from models.segments_bundle import columns_of, write

CUTS = RfmCuts(np.array([10.0, 20, 30, 40]), np.array([1.0, 1, 2, 4]), np.array([20.0, 40, 60, 80]))
CENTRES = Centres(
    features=("views_hl7d", "orders_hl90d"),
    mean=np.array([1.0, 0.5]),
    spread=np.array([0.7, 0.3]),
    centres=np.array([[1.5, -1.0], [-0.5, 0.25]]),
    names=("many-views-few-orders", "few-views-many-orders"),
)


def segments(*, rfm=CUTS, clusters=CENTRES, version="1", lineage=None):
    return LearnedSegments(version, rfm, clusters, columns_of(clusters), lineage or {})


def a_bundle(directory, **fields):
    """Write a bundle and return where it is."""
    write(directory, segments(**fields), created_at="2026-01-01T00:00:00Z")
    return directory


def row(**values):
    """Return a feature row of somebody of whom nothing but this is known."""
    found = np.full(CATALOGUE.n_features, np.nan)
    for name, value in values.items():
        found[CATALOGUE.names.index(name)] = value
    return found


def buyer(age, orders, revenue):
    return row(order_age_d=age, orders=orders, revenue=revenue)


def some_rows(count, seed=0):
    random = np.random.default_rng(seed)
    found = random.lognormal(1.0, 1.5, (count, CATALOGUE.n_features))
    found[random.random(found.shape) < 0.2] = np.nan
    return found
