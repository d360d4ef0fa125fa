"""The kinds of people whom no challenger may serve worse than the champion: by what they bought, and when they came."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from features.layout import Catalogue
from training.evaluate import Bools, Floats

ORDERS: Final = "orders"
SEEN: Final = ("shopping_age_d", "order_age_d")
"""Days since somebody last looked around the shop, and since they last bought."""
DAY, MONTH = 1.0, 30.0


def segments(rows: Floats, catalogue: Catalogue) -> Mapping[str, Bools]:
    """Return by name which rows, of shape (n, features of the catalogue), are of such people.

    A row is in one of those by orders and in one of those by age; a catalogue without these features has none.
    """
    found: dict[str, Bools] = {}
    names = catalogue.names
    if ORDERS in names:
        orders = rows[:, names.index(ORDERS)]
        found |= {
            "people who never ordered": ~(orders > 0),
            "people who ordered once": (orders > 0) & (orders < 2),
            "people who ordered more often": orders >= 2,
        }
    ages = [rows[:, names.index(each)] for each in SEEN if each in names]
    if ages:
        age = np.min([np.where(np.isnan(each), np.inf, each) for each in ages], axis=0)
        found |= {
            "people seen within a day": age < DAY,
            "people seen within a month": (age >= DAY) & (age < MONTH),
            "people not seen for a month": age >= MONTH,
        }
    return found
