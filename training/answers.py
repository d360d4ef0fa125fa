"""Messages that went out, by the ledger and the outbox, and whether the person answered: what send hours learn from.

An answer is a click of a person (not of a machine) on the message, or the begin of a visit or an order within 24 hours.
What goes on with a visit that was under way is none: whoever is sent to while they are there would answer to anything.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from features.advance import SESSION_GAP_US
from features.fold import fold
from features.habits import read_hours
from features.layout import UTC_OFFSET
from features.moments import DAY_US, HOUR_US, SECOND_US, zone
from models.circle import HOURS
from models.days import is_weekend
from training.habits import happened_at, is_activity
from training.log import Bools, Floats, Ints, Log
from training.send_response import Sends

WITHIN_US: Final = DAY_US
"""How long after a message an answer counts."""
LATE_US: Final = HOUR_US
"""How much later than it happened an answer may become known."""
MOST_SENDS: Final = 200_000
"""The last ones; more tell no more of hours."""
_AT_ONCE: Final = 20_000

# In a replay messages are delivered on the wall's clock; on that of the events it was when they were due.
_SENT: Final = """
SELECT d.trigger_decision_id, d.user_no, p.timezone,
    MIN(CASE WHEN e.origin = 'replay' THEN d.at ELSE o.delivered_at END) AS went_out,
    d.trigger, d.event_seq, d.step, d.at
FROM decisions d JOIN outbox o ON o.trigger_decision_id = d.trigger_decision_id
JOIN users u ON u.user_no = d.user_no JOIN users p ON p.user_no = COALESCE(u.merged_into, u.user_no)
LEFT JOIN events e ON e.seq = d.event_seq
WHERE d.action = 'send' AND o.status = 'delivered' AND o.delivered_at IS NOT NULL
GROUP BY d.trigger_decision_id ORDER BY went_out DESC, d.trigger_decision_id LIMIT :most
"""
# The hour is drawn when a message is put off; what then goes out at that hour was drawn there.
_DRAWN: Final = """
SELECT user_no, trigger, event_seq, step, COALESCE(due_at, at), json_extract(draws, '$.hour_probability') AS chance,
    json_extract(draws, '$.eligible_hours')
FROM decisions WHERE draws IS NOT NULL AND chance IS NOT NULL ORDER BY at
"""
_CLICKED: Final = """
SELECT trigger_decision_id, occurred_at FROM outcomes WHERE kind IN ('clicked', 'tapped')
"""


def read_sends(database: Path, log: Log) -> Sends:
    """Return the messages whose time to be answered is over by the end of a log, in order of time, and the answers.

    Args:
        database: A SQLite database, which is only read.
        log: Its log, which tells who came back, and what people had done before.
    """
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(_SENT, {"most": MOST_SENDS}).fetchall()[::-1]
        drawn = connection.execute(_DRAWN).fetchall()
        clicks = connection.execute(_CLICKED).fetchall()
    known = {int(each) for each in log.user_nos[~log.excluded]}
    rows = [each for each in rows if each[1] in known and each[3] + WITHIN_US + LATE_US <= log.span[1]]
    at = np.array([each[3] for each in rows], dtype=np.int64)
    user = np.searchsorted(log.user_nos, np.array([each[1] for each in rows], dtype=np.int64))
    histories, offset_s = _known(log, log.owners(user, at), at)
    answered = _came_back(log, user, at) | _clicked([each[0] for each in rows], at, clicks)
    final = log.owners(user, np.full(user.size, log.span[1], dtype=np.int64))
    hour, weekend = _local_times(at, [each[2] for each in rows], offset_s)
    chances, eligible = _chances(rows, drawn)
    return Sends(final, at, hour, histories, answered, chances, weekend, eligible)


def _chances(rows: Sequence[tuple[Any, ...]], drawn: Sequence[tuple[Any, ...]]) -> tuple[Floats, Bools]:
    """Return how likely the hour of each message was, of shape (n,), and of which hours it was one, (n, 24).

    NaN where it did not go out in the hour that was drawn for it.
    """
    told = {each[:4]: each[4:] for each in drawn}
    found, eligible = np.full(len(rows), np.nan), np.ones((len(rows), HOURS), dtype=np.bool_)
    for row, (_, user_no, _, _, trigger, event_seq, step, at) in enumerate(rows):
        due_at, chance, hours = told.get((user_no, trigger, event_seq, step), (at + 1, None, None))
        if 0 <= at - due_at < HOUR_US and chance is not None:
            found[row] = chance
            if hours:
                eligible[row] = np.isin(np.arange(HOURS), json.loads(hours))
    return found, eligible


def _known(log: Log, users: Ints, at: Ints) -> tuple[Floats, Floats]:
    """Return what each person had done by then in each hour, and by how many seconds their clock was ahead of UTC."""
    last = log.last_rows(users, at)
    histories, offset_s = np.zeros((at.size, 24)), np.zeros(at.size)
    told = np.flatnonzero(last >= 0)
    told = told[np.argsort(last[told], kind="stable")]
    for begin in range(0, told.size, _AT_ONCE):
        part = told[begin : begin + _AT_ONCE]
        rows, place = np.unique(last[part], return_inverse=True)
        states = fold(log.arrays, rows)[place]
        histories[part] = read_hours(states, at[part])
        offset_s[part] = np.nan_to_num(states[:, UTC_OFFSET])
    return histories, offset_s


def _came_back(log: Log, user: Ints, at: Ints) -> Bools:
    """Return whether a visit of each person began within the time after a moment."""
    end = np.full(len(log.user_keys), log.span[1], dtype=np.int64)
    owner = log.owners(np.arange(len(log.user_keys)), end)
    seen = is_activity(log)
    who, moment = owner[log.arrays.user[seen]], happened_at(log)[seen]
    order = np.lexsort((moment, who))
    who, moment = who[order], moment[order]
    begins = np.ones(who.size, dtype=np.bool_)
    begins[1:] = (who[1:] != who[:-1]) | (moment[1:] - moment[:-1] >= SESSION_GAP_US)
    who, moment = who[begins], moment[begins]
    # People one after the other, each with all of time (in seconds) to themselves: one search finds what follows.
    wide = (log.span[1] + 2 * WITHIN_US) // SECOND_US
    begun, asked = who * wide + moment // SECOND_US, owner[user] * wide + at // SECOND_US
    after, until = (np.searchsorted(begun, each, side="right") for each in (asked, asked + WITHIN_US // SECOND_US))
    found: Bools = until > after
    return found


def _clicked(decisions: Sequence[str], at: Ints, clicks: Sequence[tuple[str, int]]) -> Bools:
    place = {each: row for row, each in enumerate(decisions)}
    found = np.zeros(len(decisions), dtype=np.bool_)
    for decision, moment in clicks:
        row = place.get(decision)
        if row is not None and 0 <= moment - at[row] <= WITHIN_US:
            found[row] = True
    return found


def _local_times(at: Ints, zones: Sequence[str | None], offset_s: Floats) -> tuple[Ints, Bools]:
    """Return the hour on the clock of each person, and whether it was a weekend there.

    By their zone, else by what their events said.
    """
    known: dict[str | None, ZoneInfo | None] = {each: None if each is None else zone(each) for each in set(zones)}

    def shown(moment: Any, name: str | None, ahead_s: float) -> datetime:
        return datetime.fromtimestamp(moment / 1e6, known[name] or timezone(timedelta(seconds=ahead_s)))

    found = [shown(*each) for each in zip(at.tolist(), zones, offset_s.tolist(), strict=True)]
    hours = np.array([each.hour for each in found], dtype=np.int64)
    return hours, np.array([is_weekend(each) for each in found], dtype=np.bool_)
