"""Messages that may have changed what a row is to predict: which rows to leave out, and what the others stand for.

A model of intent says what people do by themselves. A row whose person was sent a message that may have changed the
outcome is left out; one whose person was drawn to get none stands for those, by the inverse of that chance (Horvitz and
Thompson 1952; over several draws as in Robins, Hernán and Brumback 2000). A message that comes after the order that is
to be predicted changes nothing, and counts for nothing: rows must not be left out for what followed from their outcome.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from features.moments import SECOND_US
from training.dataset import Orders, Points
from training.log import Ints

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

CARRY_OVER: Final = timedelta(hours=24)
"""How long a message may go on changing what people do. A choice: most of who answers does so within a day."""
MOST_WEIGHT: Final = 50.0
"""What one row stands for at most, as where policies are valued (Cole and Hernán 2008 on cutting weights)."""
# What is transactional has neither an arm nor a chance: no draw could have withheld it. What might have been sent and
# was held by chance, as below the threshold where that is explored, counts as withheld. Rows from before the ledger
# kept the probability of sending have that of what happened.
_DRAWN = """
SELECT user_no, at, action = 'send', action = 'hold' AND arm IS NULL,
    CASE action WHEN 'send' THEN coalesce(send_probability, propensity)
        ELSE 1.0 - coalesce(send_probability, 1.0 - propensity) END,
    CASE json_extract(draws, '$.everybody') WHEN 'control' THEN 'everybody'
        ELSE coalesce('salt:' || json_extract(draws, '$.salt'), 'trigger:' || trigger) END
FROM decisions
WHERE trigger_decision_id >= :first AND at <= :until AND reason <> 'put_off'
    AND (send_probability > 0 OR (action <> 'hold' AND arm IS NOT NULL))
ORDER BY at
"""


@dataclass(frozen=True)
class Messages:
    """Messages that were sent, or withheld by chance, sorted by person and moment; arrays of shape (m,).

    Attributes:
        person: As `Orders.person` has it.
        at: When that was decided, in microseconds.
        sent: Whether it was sent.
        chance: Of what happened.
        draw: Equal where one draw decided of both: whoever is held out of an experiment stays so.
    """

    person: Ints
    at: Ints
    sent: Bools
    chance: Floats
    draw: Ints

    def __len__(self) -> int:
        return int(self.at.size)


class Influenced(NamedTuple):
    """How many rows messages changed.

    Attributes:
        left_out: For messages that were sent.
        certain: Of these, for messages that nobody was ever held out of, so that no other row stands for them.
        weighted: Kept, and standing for others besides themselves.
        most: What one row stands for at most.
        effective: How many rows of equal weight would say as much (Kish 1965); None where none was weighted.
    """

    left_out: int = 0
    certain: int = 0
    weighted: int = 0
    most: float = 1.0
    effective: int | None = None

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        if not self.left_out and not self.weighted:
            return "no message changed what followed"
        words = f"{self.left_out:,} rows left out, since a message may have changed what followed"
        if self.certain:
            words += f" ({self.certain:,} of them of messages without a hold-out: nobody stands for these)"
        if self.effective is None:
            return f"{words}; none was withheld"
        stand = f"{self.weighted:,} stand for them, each for {self.most:.0f} at most"
        return f"{words}; {stand}: all that are left are worth {self.effective:,} of equal weight"


NOTHING_SENT: Final = Influenced()


class Influence(NamedTuple):
    """What messages made of rows.

    Attributes:
        kept: Which rows no sent message may have changed, of shape (n,).
        weight: What each row stands for; 1 where no message was withheld.
        certain: Which were left out for messages that nobody was held out of.
    """

    kept: Bools
    weight: Floats
    certain: Bools

    def told(self) -> Influenced:
        """Return how many rows are concerned."""
        weight = self.weight[self.kept]
        weighted = int((weight > 1).sum())
        return Influenced(
            left_out=int((~self.kept).sum()),
            certain=int(self.certain.sum()),
            weighted=weighted,
            most=float(weight.max(initial=1.0)),
            effective=round(float(weight.sum() ** 2 / (weight**2).sum())) if weighted else None,
        )

    def of(self, rows: Bools) -> "Influence":
        """Return the same of some of the rows."""
        return Influence(self.kept[rows], self.weight[rows], self.certain[rows])


def read_messages(database: Path, user_nos: Ints, found: Orders, *, until_us: int, first_id: str = "") -> Messages:
    """Return the messages of a SQLite database to some of its users, as far as was decided until a moment.

    Args:
        database: Only read.
        user_nos: Whose; ascending.
        found: Who of these is one person with whom.
        until_us: The moment.
        first_id: Decisions with ids before it are passed by; they sort like their moments.
    """
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(_DRAWN, {"until": until_us, "first": first_id}).fetchall()
    users = set(user_nos.tolist())
    # Whoever is not asked about, came or was erased since then is passed by.
    known = [each for each in rows if each[0] in users]
    user_no, at, sent, anew, chance, names = zip(*known, strict=True) if known else ((),) * 6
    draw = np.unique(np.array(names, dtype=np.str_), return_inverse=True)[1].astype(np.int64)
    # What is explored is drawn at each decision anew; the others are drawn once for a user.
    once = ~np.array(anew, dtype=np.bool_)
    draw = np.where(once, draw, -1 - np.arange(draw.size))
    person = found.person[np.searchsorted(user_nos, np.array(user_no, dtype=np.int64))]
    moments = np.array(at, dtype=np.int64)
    order = np.lexsort((moments, person))
    return Messages(
        person=person[order],
        at=moments[order],
        sent=np.array(sent, dtype=np.bool_)[order],
        chance=np.array(chance, dtype=np.float64)[order],
        draw=draw[order],
    )


def influence(
    messages: Messages, found: Orders, points: Points, next_order: Ints, horizon: timedelta, carry_over: timedelta
) -> Influence:
    """Return what messages in (at - carry-over, at + horizon], and before the order that is predicted, made of points.

    Args:
        messages: Of everybody.
        found: Who is one person with whom.
        points: Decision points.
        next_order: Of each the moment of the first order after it, in microseconds; -1 if there is none.
        horizon: Of the prediction.
        carry_over: How long a message goes on changing what people do.
    """
    kept, weight, certain = np.ones(len(points), np.bool_), np.ones(len(points)), np.zeros(len(points), np.bool_)
    if not len(messages):
        return Influence(kept, weight, certain)
    row, message = _pairs(messages, found, points, next_order, horizon, carry_over)
    sent = messages.sent[message]
    kept[row[sent]] = False
    certain[row[sent & (messages.chance[message] >= 1.0)]] = True
    row, message = row[~sent], message[~sent]
    if row.size:
        # Of one draw, seen several times, the smallest chance, once.
        order = np.lexsort((messages.draw[message], row))
        row, draw, chance = row[order], messages.draw[message][order], messages.chance[message][order]
        first = np.flatnonzero(np.diff(row, prepend=-1) | np.diff(draw, prepend=draw[0] - 1))
        logs = np.log(np.minimum.reduceat(chance, first))
        weight = np.minimum(np.exp(-np.bincount(row[first], weights=logs, minlength=len(points))), MOST_WEIGHT)
    return Influence(kept, weight, certain)


def _pairs(
    messages: Messages, found: Orders, points: Points, next_order: Ints, horizon: timedelta, carry_over: timedelta
) -> tuple[Ints, Ints]:
    """Return each row beside each message that may have changed its outcome, by their places."""
    width, before = (round(each.total_seconds() * SECOND_US) for each in (horizon, carry_over))
    starts = np.searchsorted(messages.person, np.arange(found.person.size + 1))
    mine = Orders(person=found.person, starts=starts, at=messages.at)
    end = points.at + width
    # Up to, and not including, the order.
    until = np.where((next_order >= 0) & (next_order <= end), next_order - 1, end)
    first = mine.place(points.user, points.at - before)
    counts = np.maximum(mine.place(points.user, until) - first, 0)
    row = np.repeat(np.arange(len(points)), counts)
    beyond = np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return row, first[row] + beyond
