"""People whose hours are known, and models of send hours."""

import numpy as np

from models.circle import kernel
from models.send_hour import SIGMA_H, SendHourModel


def a_day(*peaks):
    """Return 24 shares with peaks (hour, weight), each a few hours wide, on a low floor."""
    found = np.full(24, 0.1)
    for hour, weight in peaks:
        found += weight * kernel(2.5)[hour]
    return found / found.sum()


EVERYBODY = a_day((11, 3.0), (18, 5.0))
OWLS = a_day((0, 6.0))


def a_model(**fields):
    """Return a model of people who are up by day; of the cohorts and shares that are given instead."""
    given = {"cohorts": EVERYBODY[None, :], "shares": np.ones(1), "strength": 5.0, "events_per_visit": 1.0}
    basics = {"name": "opportune-send-hour", "version": "1", "sigma_h": SIGMA_H, "lineage": {}}
    return SendHourModel(**{**basics, **given, **fields})


def counted(hours):
    """Return how often each hour of the day occurs, of shape (24,)."""
    return np.bincount(np.asarray(hours, dtype=np.int64) % 24, minlength=24).astype(np.float64)


def drawn(random, centre, spread_h, count):
    """Return the counts of moments around an hour, on a clock that has no end."""
    return counted(np.floor(random.normal(centre, spread_h, count)))
