"""An experiment that was run elsewhere: a table with a row for each user, as CSV or Parquet."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.moments import DAY_US
from training.experiment import CONTROL, Bools, Floats, Ints, NoExperiment, Units

MOST_GROUPS = 20
"""More values than this in a column of words are names, and split nobody."""
FEWEST_ARMS = 2


class Columns(NamedTuple):
    """Which columns of a table say what; those that are not named are covariates (numbers) or groups (words).

    Attributes:
        arm: The arm of each user.
        outcome: Whether the user converted: 0 or 1, or true or false.
        revenue: What the user spent; None if the table does not say.
        at: When the user was drawn, and the outcome belongs to the same row whenever it came; None likewise.
        control: Which value of `arm` is control; None for `control`, or the first in the alphabet.
        ignored: Columns that say something of the time after the draw, so that they explain nothing.
    """

    arm: str = "arm"
    outcome: str = "outcome"
    revenue: str | None = None
    at: str | None = None
    control: str | None = None
    ignored: tuple[str, ...] = ()


def read_table(path: Path) -> pd.DataFrame:
    """Return the table of a CSV (also compressed) or Parquet file.

    Raises:
        NoExperiment: There is none, or it cannot be read.
    """
    if not path.exists():
        raise NoExperiment(f"{path}: there is no such file")
    try:
        return pd.read_parquet(path) if path.suffix in (".parquet", ".pq") else pd.read_csv(path)
    except (ValueError, OSError, UnicodeDecodeError) as error:
        raise NoExperiment(f"{path}: cannot be read as a table: {error}") from error


def units_of(table: pd.DataFrame, columns: Columns) -> Units:
    """Return the users of a table.

    Raises:
        NoExperiment: A column is missing, an outcome is neither 0 nor 1, an arm or a moment is empty.
    """
    asked = [each for each in (columns.arm, columns.outcome, columns.revenue, columns.at) if each is not None]
    missing = [each for each in (*asked, *columns.ignored) if each not in table.columns]
    if missing:
        raise NoExperiment(f"the table has no column {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    arms, arm = _arms(table[columns.arm], columns)
    at = None if columns.at is None else _moments(table[columns.at], columns.at)
    # All outcomes are there, so the day is over: the last look is at the midnight that ends it.
    until = None if at is None else (int(at.max()) // DAY_US + 1) * DAY_US
    measures = {} if columns.revenue is None else {"revenue": _numbers(table[columns.revenue], columns.revenue)}
    others = table.drop(columns=[*asked, *columns.ignored])
    numeric = [name for name in others if pd.api.types.is_numeric_dtype(others[name])]
    found = Units(
        arms=arms,
        arm=arm,
        at=at,
        matured_at=at,
        converted=_converted(table[columns.outcome], columns.outcome),
        measures=measures,
        covariates={str(name): others[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in numeric},
        groups={
            str(name): others[name].fillna("").astype(str).to_numpy(dtype=np.str_)
            for name in others
            if name not in numeric and others[name].nunique() <= MOST_GROUPS
        },
        until=until,
    )
    return found if at is None else found.take(np.argsort(at, kind="stable"))


def _arms(column: "pd.Series[str]", columns: Columns) -> tuple[tuple[str, ...], Ints]:
    empty = np.flatnonzero(column.isna())
    if empty.size:
        raise NoExperiment(f"row {int(empty[0]) + 1}: {columns.arm} is empty")
    words = column.astype(str)
    names = sorted(words.unique().tolist())
    if not names:
        raise NoExperiment("the table has no rows")
    control = columns.control or (CONTROL if CONTROL in names else names[0])
    if control not in names:
        raise NoExperiment(f"{columns.arm} is never {control}; it is {', '.join(names[:10])}")
    if not FEWEST_ARMS <= len(names) <= MOST_GROUPS:
        raise NoExperiment(f"{columns.arm} has {len(names)} values, and an experiment has 2 to {MOST_GROUPS} arms")
    arms = (control, *(each for each in names if each != control))
    return arms, words.map({each: i for i, each in enumerate(arms)}).to_numpy(dtype=np.int64)


def _converted(column: "pd.Series[float]", name: str) -> Bools:
    numbers = _numbers(column, name)
    wrong = np.flatnonzero(~np.isin(numbers, (0.0, 1.0)))
    if wrong.size:
        row = int(wrong[0])
        raise NoExperiment(f"row {row + 1}: {name} is {column.iloc[row]}, and must be 0 or 1")
    return numbers.astype(np.bool_)


def _numbers(column: "pd.Series[float]", name: str) -> Floats:
    found = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~np.isfinite(found))
    if wrong.size:
        row = int(wrong[0])
        raise NoExperiment(f"row {row + 1}: {name} is {column.iloc[row]}, and must be a number")
    return found


def _moments(column: "pd.Series[str]", name: str) -> Ints:
    if pd.api.types.is_numeric_dtype(column):
        raise NoExperiment(f"row 1: {name} is {column.iloc[0]}, and must be an ISO 8601 moment")
    found = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601" if column.dtype == object else None)
    wrong = np.flatnonzero(found.isna())
    if wrong.size:
        row = int(wrong[0])
        raise NoExperiment(f"row {row + 1}: {name} is {column.iloc[row]}, and must be an ISO 8601 moment")
    return found.dt.tz_localize(None).to_numpy(dtype="datetime64[us]").astype(np.int64)
