"""DuckDB: one statement that joins each decision point with the person's past and sums with FILTER."""

from collections.abc import Iterable
from math import log as ln
from pathlib import Path

import duckdb

from benchmarks.backfills.comparable import ACTIVE, COMPARABLE, SESSION_GAP_US, SOURCES, VISITS, tallies
from features.declare import Age, AtMoment, Declaration, Moment, Ratio, Sender, Sum, Tally
from features.kinds import Kind

AGE_S = "(points.asked_at - log.occurred_at) / 1e6"
LOCAL_S = "(asked_at / 1e6 + utc_offset_s)"
DAY_ANGLE = f"(2 * pi() * fmod({LOCAL_S}, 86400) / 86400)"
WEEK_ANGLE = f"(2 * pi() * fmod(floor({LOCAL_S} / 86400) + 3, 7) / 7)"
MOMENTS = {
    Moment.HOUR_SIN: f"sin({DAY_ANGLE})",
    Moment.HOUR_COS: f"cos({DAY_ANGLE})",
    Moment.WEEKDAY_SIN: f"sin({WEEK_ANGLE})",
    Moment.WEEKDAY_COS: f"cos({WEEK_ANGLE})",
    Moment.TENURE_D: "(asked_at - first_active) / 86400e6",
}


def write(log: Path, points: Path, to: Path) -> None:
    """Write the comparable features of each of the `points` (point, user, seq, asked_at) as Parquet, in their order."""
    connection = duckdb.connect()
    connection.execute(f"COPY ({statement(log, points)}) TO '{to}' (FORMAT parquet)")
    connection.close()


def statement(log: Path, points: Path) -> str:
    """Return the query over two Parquet files."""
    sums = [f"{_sum(tally)} AS {name}" for tally, name in tallies().items()]
    ages = [f"{_last(each.kinds)} AS last_{each.name}" for each in COMPARABLE if isinstance(each, Age)]
    return f"""
    WITH log AS ({_log(log)}),
    past AS (
        SELECT points.point, any_value(points.asked_at) AS asked_at, arg_max(log.utc_offset_s, log.seq) AS utc_offset_s,
               min(log.occurred_at) FILTER (log.active) AS first_active,
               {", ".join([*sums, *ages])}
        FROM '{points}' AS points JOIN log ON log."user" = points."user" AND log.seq <= points.seq
        GROUP BY points.point
    )
    SELECT {", ".join(f"{_feature(each)} AS {each.name}" for each in COMPARABLE)} FROM past ORDER BY point"""


def _log(log: Path) -> str:
    visit = f"kind IN ({_listed(VISITS)}) AND NOT machine"
    return f"""
        SELECT *, kind IN ({_listed(ACTIVE)}) AND NOT machine AS active,
               ({visit}) AND coalesce(occurred_at - lag(occurred_at) OVER visits > {SESSION_GAP_US}, true) AS began
        FROM '{log}'
        WINDOW visits AS (PARTITION BY "user", {visit} ORDER BY seq)"""


def _sum(tally: Tally) -> str:
    chosen = "log.began" if tally.sessions else f"log.kind IN ({_listed(tally.kinds)})"
    if tally.sender != Sender.ANYBODY:
        chosen += " AND log.machine" if tally.sender == Sender.MACHINE else " AND NOT log.machine"
    value = f"log.{SOURCES[tally.source]}"
    if tally.half_life is not None:
        value += f" * exp(-{AGE_S} * {ln(2) / tally.half_life.total_seconds()!r})"
    return f"coalesce(sum({value}) FILTER ({chosen}), 0)"


def _last(kinds: Iterable[Kind]) -> str:
    return f"max(log.occurred_at) FILTER (log.kind IN ({_listed(kinds)}) AND NOT log.machine)"


def _feature(each: Declaration) -> str:
    names = tallies()
    match each:
        case Sum():
            return names[each.of]
        case Ratio():
            return f"CASE WHEN {names[each.to]} > 1e-12 THEN {names[each.of]} / {names[each.to]} END"
        case Age():
            return f"(asked_at - last_{each.name}) / 86400e6"
        case AtMoment():
            return MOMENTS[each.fact]
        case _:
            raise TypeError(each.name)


def _listed(kinds: Iterable[Kind]) -> str:
    return ", ".join(str(int(kind)) for kind in sorted(kinds))
