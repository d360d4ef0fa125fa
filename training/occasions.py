"""Why a person was looked at: after which kind of event, or how long after the last one.

Whoever has just filled a cart differs from whoever is looked at by night, and which of them a policy asks about says
nothing of the people. So rows are compared with rows of the same occasion.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from features.catalog import CATALOGUE
from features.kinds import Kind
from training.log import Floats, Ints

Words = npt.NDArray[np.str_]

NO_EVENT: Final = -1
"""In place of a kind: somebody, or a timer, asked."""
_AGES_D: Final = ("order_age_d", "view_age_d", "shopping_age_d", "checkout_age_d")
_AGES_H: Final = ("cart_idle_h",)
_SINCE: Final = (("asked within an hour", 1 / 24), ("asked within a day", 1.0), ("asked within a week", 7.0),
                 ("asked within a month", 30.0), ("asked later", np.inf))  # fmt: skip


def occasions(kind: Ints, features: Floats) -> Words:
    """Return the occasion of each row, in words.

    Args:
        kind: Of the event after which a row was read; `NO_EVENT` where it was none.
        features: Of shape (n, features of the catalogue).
    """
    limits = np.array([limit for _, limit in _SINCE])
    names = np.array([name for name, _ in _SINCE])
    asked = names[np.minimum(np.searchsorted(limits, _since_d(features)), names.size - 1)]
    of_kind = {int(each): Kind(each).name.lower() for each in np.unique(kind[kind >= 0])}
    return np.array(
        [of_kind[each] if each >= 0 else words for each, words in zip(kind.tolist(), asked.tolist(), strict=True)],
        dtype=np.str_,
    )


def _since_d(features: Floats) -> Floats:
    """Return the days since each did anything; infinite where nothing is known."""
    found = np.full(len(features), np.inf)
    for names, day in ((_AGES_D, 1.0), (_AGES_H, 24.0)):
        for name in names:
            if name in CATALOGUE.names:
                found = np.fmin(found, features[:, CATALOGUE.names.index(name)] / day)
    return found
