"""Rows of the ledger that a challenger scored in shadow, with what followed: what a report may judge it by."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from features.catalog import CATALOGUE
from models.horizon import duration
from training.baselines import Logistic
from training.dataset import Asked, Points, label, orders
from training.decision_log import features_of
from training.exposure import Influenced, influence, read_messages
from training.folds import FOLDS
from training.gate import Judged
from training.log import read_log
from training.segments import segments

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

READ_AT_ONCE = 20_000
_SCORED = """
SELECT user_no, at, shadow ->> :score_of, scores ->> :horizon, models ->> :horizon,
    CASE catalogue WHEN :catalogue THEN features END
FROM evaluations WHERE shadow ->> :model_of = :challenger AND shadow ->> :score_of IS NOT NULL ORDER BY decision_id
"""
_SINCE = """
SELECT count(*) FROM evaluations WHERE scores ->> :horizon IS NOT NULL AND decision_id >= (
    SELECT min(decision_id) FROM evaluations WHERE shadow ->> :model_of = :challenger)
"""


class Pair(NamedTuple):
    """Who is compared.

    Attributes:
        horizon: Of both.
        challenger: name/version.
        champion: name/version; None where the rule is in service.
        since_us: The last moment that either learned from, in microseconds.
    """

    horizon: str
    challenger: str
    champion: str | None
    since_us: int


@dataclass(frozen=True)
class Shadowed:
    """What the ledger tells of a challenger.

    Attributes:
        judged: Matured rows after everything that either learned from, whose outcome no message changed.
        challenger: What it said of every row that both scored, matured or not, of shape (n,).
        champion: The same of the champion.
        ledger: Rows with a score since the challenger began.
        only_challenger: Rows that another champion scored, or none.
        unusable: Rows of bots and staff, of what is forgotten or was learned from, and without features of today.
        immature: Rows whose horizon is not over yet.
        messages: What messages made of the matured ones.
    """

    judged: Judged
    challenger: Floats
    champion: Floats
    ledger: int
    only_challenger: int
    unusable: int
    immature: int
    messages: Influenced


class _Rows(NamedTuple):
    user_no: Ints
    at: Ints
    challenger: Floats
    champion: Floats
    logistic: Floats
    known: Bools
    groups: Mapping[str, Bools]


def read_shadowed(database: Path, pair: Pair, logistic: Logistic, carry_over: timedelta) -> Shadowed:
    """Return the rows that a challenger scored beside its champion.

    Args:
        database: Of a home; only read, while a server may go on.
        pair: Who is compared.
        logistic: The reference that was learned with the challenger.
        carry_over: How long a message goes on changing what people do.
    """
    log = read_log(database)
    rows, ledger, others = _read(database, pair, logistic)
    bought, width = orders(log), duration(pair.horizon)
    user = np.minimum(np.searchsorted(log.user_nos, rows.user_no), max(len(log.user_nos) - 1, 0))
    # Whoever came or was erased since the log was read is passed by.
    usable = rows.known & (rows.at > max(pair.since_us, log.begins_at))
    if user.size:
        usable &= (log.user_nos[user] == rows.user_no) & ~log.excluded[user]
    points = Points(user[usable], rows.at[usable], np.full(int(usable.sum()), Asked.EVENT, dtype=np.int64))
    followed = label(bought, points, width, end_us=log.span[1])
    messages = read_messages(database, log.user_nos, bought, until_us=log.span[1])
    changed = influence(messages, bought, points, followed.next_order, width, carry_over)
    told = changed.of(followed.matured).told()
    kept = followed.matured & changed.kept
    chosen = np.flatnonzero(usable)[kept]
    judged = Judged(
        challenger=rows.challenger[chosen],
        champion=None if pair.champion is None else rows.champion[chosen],
        references={"logistic regression": rows.logistic[chosen]},
        ordered=followed.ordered[kept],
        user=bought.person[points.user[kept]],
        segments={name: inside[chosen] for name, inside in rows.groups.items()},
        weight=changed.weight[kept] if told.weighted else None,
        fold=np.arange(chosen.size) * FOLDS // max(chosen.size, 1),
    )
    return Shadowed(
        judged=judged,
        challenger=rows.challenger,
        champion=rows.champion,
        ledger=ledger,
        only_challenger=others,
        unusable=int((~usable).sum()),
        immature=int((~followed.matured).sum()),
        messages=told,
    )


def _read(database: Path, pair: Pair, logistic: Logistic) -> tuple[_Rows, int, int]:
    """Return the rows that both scored by their moments, how many have a score, and how many the challenger alone."""
    asked = {
        "horizon": f'$."{pair.horizon}"',
        "score_of": f'$."{pair.horizon}".score',
        "model_of": f'$."{pair.horizon}".model',
        "challenger": pair.challenger,
        "catalogue": CATALOGUE.fingerprint,
    }
    parts, others = [_part([], logistic)], 0
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        ledger = int(connection.execute(_SINCE, asked).fetchone()[0])
        cursor = connection.execute(_SCORED, asked)
        while found := cursor.fetchmany(READ_AT_ONCE):
            both = [each for each in found if each[3] is not None and pair.champion in (None, each[4])]
            others += len(found) - len(both)
            parts.append(_part(both, logistic))
    return _joined(parts), ledger, others


def _part(found: Sequence[tuple[Any, ...]], logistic: Logistic) -> _Rows:
    """Return what is needed of rows; their features, which take the most memory, are let go of."""
    user_no, at, challenger, champion, _, packed = zip(*found, strict=True) if found else ((),) * 6
    features = features_of(packed)
    return _Rows(
        user_no=np.array(user_no, dtype=np.int64),
        at=np.array(at, dtype=np.int64),
        challenger=np.array(challenger, dtype=np.float64),
        champion=np.array(champion, dtype=np.float64),
        logistic=logistic.predict(features[:, [CATALOGUE.names.index(each) for each in logistic.features]]),
        known=np.array([each is not None for each in packed], dtype=np.bool_),
        groups=segments(features, CATALOGUE),
    )


def _joined(parts: Sequence[_Rows]) -> _Rows:
    """Return the rows of all parts in the order of their moments."""
    columns = [np.concatenate(each) for each in zip(*(part[:-1] for part in parts), strict=True)]
    groups = {name: np.concatenate([part.groups[name] for part in parts]) for name in parts[0].groups}
    order = np.argsort(columns[1], kind="stable")
    user_no, at, challenger, champion, logistic, known = (each[order] for each in columns)
    return _Rows(
        user_no, at, challenger, champion, logistic, known, {name: each[order] for name, each in groups.items()}
    )
