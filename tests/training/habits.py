"""Logs of people who have hours of their own."""

import numpy as np

from features.kinds import Kind
from tests.features.histories import DAY, HOUR, JULY, MINUTE, Happening
from tests.training.logs import write_log
from training.log import read_log


def seen(who, at, kind=Kind.PRODUCT_VIEWED, *, offset_h=0.0, **fields):
    """A row of a log: somebody did something, which was known at once."""
    return who, Happening(kind, occurred_at=at, known_at=at, utc_offset_s=offset_h * 3600.0, **fields), None


def visits(hours, *, days=60, pace=0.3, views=1, seed=0):
    """Return rows: each of these people, on some days, visits around their own hour, an hour and a half either way."""
    random = np.random.default_rng(seed)
    rows = []
    for number, hour in enumerate(hours):
        for day in range(days):
            if random.random() < pace:
                at = JULY + day * DAY + int((hour + random.normal(0.0, 1.5)) * HOUR)
                rows += [seen(f"p{number}", at + view * MINUTE) for view in range(views)]
    return sorted((each for each in rows if each[1].known_at > JULY), key=lambda row: row[1].known_at)


def on_weekdays(counts):
    """Return counts of shape (n, 24) as those of days of which none was a Saturday or Sunday, of shape (n, 2, 24)."""
    return np.stack([counts, np.zeros_like(counts)], axis=1)


def a_log(folder, rows, **fields):
    """Return rows as a log."""
    folder.mkdir(exist_ok=True)
    return read_log(write_log(folder, rows, **fields))


def some_people(count=160):
    """Half are up by day, some in the evening, some around midnight."""
    return [(11.0, 11.5, 19.0, 0.0)[number % 4] for number in range(count)]
