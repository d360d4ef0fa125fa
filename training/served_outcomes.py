"""What followed what was served: the orders of its people, and the messages that may have made them."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from features.kinds import Kind
from features.moments import SECOND_US
from training.chains import CHAIN
from training.dataset import Asked, Orders, Points, label
from training.exposure import CARRY_OVER, Influence, influence, read_messages
from training.log import Bools, Ints
from training.served import Served, first_id

_IDS: Final = """
SELECT user_no, coalesce(merged_into, user_no) FROM users
WHERE coalesce(merged_into, user_no) IN (SELECT value FROM json_each(?)) ORDER BY user_no
"""
_ORDERED: Final = f"""
{CHAIN}
SELECT e.user_no, min(e.occurred_at, e.known_at) FROM chain JOIN events e ON e.seq = chain.seq
WHERE e.kind = {int(Kind.ORDER_COMPLETED)} AND e.known_at >= :since AND e.known_at <= :until
"""


class Followed(NamedTuple):
    """What followed each row, of shape (n,).

    Attributes:
        ordered: Whether an order came within the horizon.
        influence: What messages made of the rows.
    """

    ordered: Bools
    influence: Influence


def followed(database: Path, served: Served, horizon: timedelta, *, until_us: int) -> Followed:
    """Return what followed each row of what was served, as far as it was known at a moment.

    Args:
        database: Only read.
        served: Rows whose horizon was over by then.
        horizon: Within which an order counts.
        until_us: The moment.
    """
    since_us = int(served.at.min(initial=until_us))
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        people = json.dumps(np.unique(served.person).tolist())
        numbers = np.array(connection.execute(_IDS, (people,)).fetchall(), dtype=np.int64).reshape(-1, 2)
        asked = {"users": json.dumps(numbers[:, 0].tolist()), "since": since_us, "until": until_us}
        bought = np.array(connection.execute(_ORDERED, asked).fetchall(), dtype=np.int64).reshape(-1, 2)
    found = _orders(numbers, bought)
    points = Points(
        np.searchsorted(numbers[:, 0], served.person), served.at, np.full(len(served), Asked.EVENT, dtype=np.int64)
    )
    labels = label(found, points, horizon, end_us=until_us)
    earliest = first_id(since_us - round(CARRY_OVER.total_seconds() * SECOND_US))
    messages = read_messages(database, numbers[:, 0], found, until_us=until_us, first_id=earliest)
    changed = influence(messages, found, points, labels.next_order, horizon, CARRY_OVER)
    return Followed(labels.ordered, changed)


def _orders(numbers: Ints, bought: Ints) -> Orders:
    """Return the orders of these users, those of one person together.

    Args:
        numbers: Of shape (users, 2): each user, ascending, and whose they are.
        bought: Of shape (orders, 2): who, and when.
    """
    person = np.searchsorted(numbers[:, 0], numbers[:, 1])
    whose = person[np.searchsorted(numbers[:, 0], bought[:, 0])]
    order = np.lexsort((bought[:, 1], whose))
    starts = np.searchsorted(whose[order], np.arange(person.size + 1))
    return Orders(person=person, starts=starts, at=bought[order, 1])
