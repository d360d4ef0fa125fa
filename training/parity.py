"""`make parity`: recompute every served feature vector from the log, through Feast, and report each difference."""

import csv
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from training.process import home_of_process, prepare

if TYPE_CHECKING:
    from training.log import Floats, Ints, Log

COMPARED_AT_ONCE = 100_000
SHOWN = 20
EVALUATIONS = """
SELECT user_no, at, features, catalogue FROM evaluations ORDER BY user_no, at
"""


class Difference(NamedTuple):
    """One value that was not served as the log says it should have been; `nan` is "no answer"."""

    user: str
    moment: str
    feature: str
    served: float
    recomputed: float


@dataclass
class Parity:
    """What was compared.

    Attributes:
        rows: Served feature vectors that were recomputed.
        mismatches: Those of them that differ in at least one bit; every NaN counts as the same.
        by_feature: How many values of each feature differ.
        pruned: Vectors that retention has removed, and so not compared.
        other_catalogue: Vectors served under another catalogue, and so not compared.
        forgotten: Vectors as of a moment before what the log still holds, and so not compared.
    """

    rows: int = 0
    mismatches: int = 0
    by_feature: Counter[str] = field(default_factory=Counter)
    pruned: int = 0
    other_catalogue: int = 0
    forgotten: int = 0

    def summary(self) -> dict[str, int]:
        """Return the figures of a demonstration's summary."""
        return {"rows": self.rows, "mismatches": self.mismatches}


def compare(database: Path, *, report: Callable[[Difference], object] = lambda _: None) -> Parity:
    """Recompute every feature vector of the ledger as of its moment, and call `report` with each difference."""
    from training.log import read_log

    found = Parity()
    log = read_log(database)
    for user_nos, at, served in _served(database, found):
        there = at >= log.begins_at
        found.forgotten += int((~there).sum())
        if there.any():
            _compare(log, user_nos[there], at[there], served[there], found, report)
    return found


def _served(database: Path, found: Parity) -> "Iterator[tuple[Ints, Ints, Floats]]":
    """Yield user numbers, moments and feature vectors, so many at once; count what is skipped."""
    import numpy as np

    from features.catalog import CATALOGUE

    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        cursor = connection.execute(EVALUATIONS)
        while rows := cursor.fetchmany(COMPARED_AT_ONCE):
            kept = [row for row in rows if row[2] is not None and row[3] == CATALOGUE.fingerprint]
            pruned = sum(row[2] is None for row in rows)
            found.pruned += pruned
            found.other_catalogue += len(rows) - len(kept) - pruned
            if kept:
                numbers = np.array([row[:2] for row in kept], dtype=np.int64)
                features = np.frombuffer(b"".join(row[2] for row in kept)).reshape(len(kept), CATALOGUE.n_features)
                yield numbers[:, 0], numbers[:, 1], features


def _compare(
    log: "Log",
    user_nos: "Ints",
    at: "Ints",
    served: "Floats",
    found: Parity,
    report: Callable[[Difference], object],
) -> None:
    import numpy as np

    from features.catalog import CATALOGUE
    from training.offline import asked, historical_features, write_states

    users = np.searchsorted(log.user_nos, user_nos)
    with tempfile.TemporaryDirectory() as scratch:
        path = write_states(log, users, at, Path(scratch))
        recomputed = historical_features(path, asked(log, users, at))
    same = (served.view(np.int64) == recomputed.view(np.int64)) | (np.isnan(served) & np.isnan(recomputed))
    found.rows += len(served)
    found.mismatches += int((~same.all(axis=1)).sum())
    for row, column in np.argwhere(~same):
        name = CATALOGUE.names[column]
        found.by_feature[name] += 1
        moment = datetime.fromtimestamp(at[row] / 1e6, UTC).isoformat()
        values = float(served[row, column]), float(recomputed[row, column])
        report(Difference(log.user_keys[users[row]], moment, name, *values))


def main() -> None:
    """Compare the ledger below OPPORTUNE_HOME; ends with 1 if anything differs."""
    home = home_of_process()
    database = home / "opportune.db"
    if not database.exists():
        sys.exit(f"opportune: {database} does not exist; there is nothing to compare yet")
    prepare(home)
    differences = home / "parity.csv"
    with differences.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Difference._fields)
        found = compare(database, report=writer.writerow)
    _say(found, differences)
    sys.exit(1 if found.mismatches else 0)


def _say(found: Parity, differences: Path) -> None:
    lines = [f"{found.rows:,} served feature vectors recomputed from the log: {found.mismatches:,} differ"]
    if found.pruned:
        lines.append(f"{found.pruned:,} were not compared: retention has removed them")
    if found.other_catalogue:
        lines.append(f"{found.other_catalogue:,} were not compared: they were served under another catalogue")
    if found.forgotten:
        lines.append(f"{found.forgotten:,} were not compared: the log has forgotten what was known then")
    lines += [f"  {name}: {count:,}" for name, count in found.by_feature.most_common(SHOWN)]
    if found.mismatches:
        lines.append(f"every difference: {differences}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
