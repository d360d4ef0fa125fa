"""Pandas as an expert writes it: join each decision point with the person's past, weigh, group, sum."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.backfills.comparable import COMPARABLE, SOURCES, tallies, with_sessions
from features.declare import Age, AtMoment, Moment, Ratio, Sender, Sum, Tally

DAY_US = 86_400e6


def features(table: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Return the comparable features of each decision point, in the order of `points` (user, seq, asked_at)."""
    points = points.reset_index(drop=True).rename_axis("point").reset_index()
    past = points.merge(with_sessions(table), on="user", suffixes=("_asked", ""))
    past = past[past.seq <= past.seq_asked]
    past = past.assign(age_s=(past.asked_at - past.occurred_at) / 1e6)
    sums = {tally: _sum(past, tally, points.index) for tally in tallies()}
    ages = _ages(past, points)
    moments = _moments(past, points)
    columns: dict[str, pd.Series[float]] = {}
    for each in COMPARABLE:
        match each:
            case Sum():
                columns[each.name] = sums[each.of]
            case Ratio():
                columns[each.name] = (sums[each.of] / sums[each.to]).where(sums[each.to] > 1e-12)
            case Age():
                columns[each.name] = ages(past.kind.isin([int(kind) for kind in each.kinds]) & ~past.machine)
            case AtMoment():
                columns[each.name] = moments[each.fact]
    return pd.DataFrame(columns)


def _sum(past: pd.DataFrame, tally: Tally, points: pd.Index) -> "pd.Series[float]":
    chosen = past.began if tally.sessions else past.kind.isin([int(kind) for kind in tally.kinds])
    if tally.sender != Sender.ANYBODY:
        chosen = chosen & (past.machine == (tally.sender == Sender.MACHINE))
    rows = past[chosen]
    value = rows[SOURCES[tally.source]]
    if tally.half_life is not None:
        value = value * np.exp2(-rows.age_s / tally.half_life.total_seconds())
    return value.groupby(rows.point).sum().reindex(points, fill_value=0.0)


def _ages(past: pd.DataFrame, points: pd.DataFrame) -> "Callable[[pd.Series[bool]], pd.Series[float]]":
    def age(chosen: "pd.Series[bool]") -> "pd.Series[float]":
        last = past.occurred_at[chosen].groupby(past.point[chosen]).max().reindex(points.index)
        return (points.asked_at - last) / DAY_US

    return age


def _moments(past: pd.DataFrame, points: pd.DataFrame) -> "dict[Moment, pd.Series[float]]":
    offset_s = past.utc_offset_s.groupby(past.point).last().reindex(points.index)
    local_s = points.asked_at / 1e6 + offset_s
    first = past.occurred_at[past.active].groupby(past.point[past.active]).min().reindex(points.index)
    day = 2 * np.pi * (local_s % 86_400) / 86_400
    week = 2 * np.pi * ((local_s // 86_400 + 3) % 7) / 7
    return {
        Moment.HOUR_SIN: np.sin(day),
        Moment.HOUR_COS: np.cos(day),
        Moment.WEEKDAY_SIN: np.sin(week),
        Moment.WEEKDAY_COS: np.cos(week),
        Moment.TENURE_D: (points.asked_at - first) / DAY_US,
    }
