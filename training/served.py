"""What was served of late, as the ledger keeps it: features as scored, scores, and by which models."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Final

import numpy as np

from features.catalog import CATALOGUE
from training.log import Bools, Floats, Ints
from training.occasions import NO_EVENT

MOST_ROWS: Final = 20_000
"""Of more rows so many are looked at, chosen evenly: they tell a change as small as matters."""
# Ids sort like the moments at which they were given out, so a time is a range of the table's own index. Whoever is
# excluded is in no model. Of a person under several ids all rows are one person's.
_COUNT: Final = "SELECT count(*) FROM evaluations WHERE decision_id >= :since AND decision_id < :until"
_SERVED: Final = """
SELECT coalesce(u.merged_into, u.user_no), e.at, coalesce(v.kind, :no_event), e.scores, e.models, e.event_seq IS NULL,
    CASE WHEN e.catalogue = :catalogue THEN e.features END
FROM evaluations e JOIN users u ON u.user_no = e.user_no LEFT JOIN events v ON v.seq = e.event_seq
WHERE e.rowid IN (
    SELECT rowid FROM evaluations WHERE decision_id >= :since AND decision_id < :until AND rowid % :every = 0
) AND u.excluded IS NULL
ORDER BY e.decision_id
"""


@dataclass(frozen=True)
class Served:
    """Rows of a time, in the order in which they were answered; arrays of shape (n,) but for `features`.

    Attributes:
        person: Their numbers in the tables; after links, those of whom they were linked to.
        at: As of which moment, in microseconds.
        kind: Of the event that asked; `NO_EVENT` where it was none, or is not kept any more.
        kept: Whether features, and what event asked, are known as they were.
        features: Of shape (n, features of the catalogue); NaN where they are not kept, or meant something else then.
        scores: By horizon; NaN where there was none.
        models: By horizon, the name and version behind the score.
    """

    person: Ints
    at: Ints
    kind: Ints
    kept: Bools
    features: Floats
    scores: dict[str, Floats]
    models: dict[str, list[str]]

    def __len__(self) -> int:
        return int(self.at.size)

    def by(self, horizon: str, model: str) -> Bools:
        """Return which rows have a score of this model for a horizon."""
        if horizon not in self.scores:
            return np.zeros(len(self), dtype=np.bool_)
        return np.array([each == model for each in self.models[horizon]], dtype=np.bool_) & ~np.isnan(
            self.scores[horizon]
        )


def first_id(moment_us: int) -> str:
    """Return what the ids of all that was evaluated at a moment, or later, are not less than."""
    return f"{max(moment_us, 0):013x}"


def read_served(connection: sqlite3.Connection, *, since_us: int, until_us: int, most: int = MOST_ROWS) -> Served:
    """Return what was answered in [since, until), or about `most` of it, chosen evenly."""
    window = {"since": first_id(since_us), "until": first_id(until_us)}
    (count,) = connection.execute(_COUNT, window).fetchone()
    every = max(1, -(-count // most))
    rows = connection.execute(
        _SERVED, {**window, "every": every, "no_event": NO_EVENT, "catalogue": CATALOGUE.fingerprint}
    ).fetchall()
    person, at, kind, said, models, unasked, packed = zip(*rows, strict=True) if rows else ((),) * 7
    scores, names = [json.loads(each) for each in said], [json.loads(each) for each in models]
    horizons = sorted({horizon for each in scores for horizon in each})
    nothing = np.full(CATALOGUE.n_features, np.nan).tobytes()
    # An event that is forgotten leaves an evaluation behind that says nothing of its kind.
    kept = [
        each is not None and (found >= 0 or alone) for each, found, alone in zip(packed, kind, unasked, strict=True)
    ]
    return Served(
        person=np.array(person, dtype=np.int64),
        at=np.array(at, dtype=np.int64),
        kind=np.array(kind, dtype=np.int64),
        kept=np.array(kept, dtype=np.bool_),
        features=np.frombuffer(b"".join(each or nothing for each in packed)).reshape(-1, CATALOGUE.n_features),
        scores={
            each: np.array([np.nan if row.get(each) is None else row[each] for row in scores], dtype=np.float64)
            for each in horizons
        },
        models={each: [str(row.get(each, "")) for row in names] for each in horizons},
    )
