"""Pandas as it is usually written: group by person, and compute each point's features from the history so far."""

import numpy as np
import pandas as pd

from benchmarks.backfills.comparable import COMPARABLE, SOURCES, tallies, with_sessions
from features.declare import Age, AtMoment, Moment, Ratio, Sender, Sum, Tally

DAY_US = 86_400e6


def features(table: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Return the comparable features of each decision point, in the order of `points` (user, seq, asked_at)."""
    asked = dict(iter(points.reset_index(drop=True).groupby("user")))
    rows = {}
    for user, history in with_sessions(table).groupby("user"):
        if user in asked:
            for index, seq, asked_at in zip(asked[user].index, asked[user].seq, asked[user].asked_at, strict=True):
                rows[index] = as_of(history[history.seq <= seq], asked_at)
    return pd.DataFrame.from_dict(rows, orient="index").sort_index()


def as_of(known: pd.DataFrame, at: int) -> dict[str, float]:
    """Return one person's features from the events `known` at a moment (µs)."""
    age_s = (at - known.occurred_at) / 1e6
    sums = {tally: _sum(known, age_s, tally) for tally in tallies()}
    row = {}
    for each in COMPARABLE:
        match each:
            case Sum():
                row[each.name] = sums[each.of]
            case Ratio():
                row[each.name] = sums[each.of] / sums[each.to] if sums[each.to] > 1e-12 else np.nan
            case Age():
                chosen = known.kind.isin([int(kind) for kind in each.kinds]) & ~known.machine
                row[each.name] = (at - known.occurred_at[chosen].max()) / DAY_US
            case AtMoment():
                row[each.name] = _moment(known, at, each.fact)
    return row


def _sum(known: pd.DataFrame, age_s: "pd.Series[float]", tally: Tally) -> float:
    chosen = known.began if tally.sessions else known.kind.isin([int(kind) for kind in tally.kinds])
    if tally.sender != Sender.ANYBODY:
        chosen = chosen & (known.machine == (tally.sender == Sender.MACHINE))
    value = known[SOURCES[tally.source]][chosen]
    if tally.half_life is not None:
        value = value * np.exp2(-age_s[chosen] / tally.half_life.total_seconds())
    return float(value.sum())


def _moment(known: pd.DataFrame, at: int, fact: Moment) -> float:
    local_s = at / 1e6 + known.utc_offset_s.iloc[-1]
    if fact == Moment.TENURE_D:
        return float((at - known.occurred_at[known.active].min()) / DAY_US)
    day = 2 * np.pi * (local_s % 86_400) / 86_400
    week = 2 * np.pi * ((local_s // 86_400 + 3) % 7) / 7
    angle = day if fact in (Moment.HOUR_SIN, Moment.HOUR_COS) else week
    return float(np.sin(angle) if fact in (Moment.HOUR_SIN, Moment.WEEKDAY_SIN) else np.cos(angle))
