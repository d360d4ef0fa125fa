"""Pandas as an expert writes it: join each decision point with the person's past, weigh, group, sum."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.backfills.comparable import COMPARABLE, SOURCES, tallies, with_sessions_and_gaps
from features.declare import Age, AtMoment, Gap, GapFact, Moment, Ratio, Sender, Sum, Tally
from features.kinds import Kind

DAY_US = 86_400e6


def features(table: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Return the comparable features of each decision point, in the order of `points` (user, seq, asked_at)."""
    points = points.reset_index(drop=True).rename_axis("point").reset_index()
    past = points.merge(with_sessions_and_gaps(table), on="user", suffixes=("_asked", ""))
    past = past[past.seq <= past.seq_asked]
    past = past.assign(age_s=(past.asked_at - past.occurred_at) / 1e6)
    sums = {tally: _sum(past, tally, points.index) for tally in tallies()}
    ages = _ages(past, points)
    gaps = _gaps(past, points)
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
            case Gap():
                columns[each.name] = gaps[each.fact]
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


def _gaps(past: pd.DataFrame, points: pd.DataFrame) -> "dict[GapFact, pd.Series[float]]":
    orders = past[past.kind == Kind.ORDER_COMPLETED]
    grouped = orders.occurred_at.groupby(orders.point)
    first, last = grouped.min().reindex(points.index), grouped.max().reindex(points.index)
    count = grouped.size().reindex(points.index, fill_value=0)
    squares = (orders.gap_d**2).groupby(orders.point).sum().reindex(points.index)
    mean_d = ((last - first) / DAY_US / (count - 1)).where(count >= 2)
    spread = np.sqrt((squares / (count - 1) - mean_d**2).clip(lower=0.0))
    return {
        GapFact.MEAN_D: mean_d,
        GapFact.SPREAD_D: spread,
        GapFact.RELATIVE: (points.asked_at - last) / DAY_US / mean_d,
    }


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
