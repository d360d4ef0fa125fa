"""Which rows of which tables are somebody's: the one place that erasure and export both ask.

A table belongs to a person by the first of the columns below that it has, so a new table that names its user, or a
decision of theirs, is found without being entered here. A test holds every other table to be nobody's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Table

from features.events import ANONYMOUS_PREFIX
from serving.driver import Driver
from serving.people import ids_of
from serving.schema import metadata

NOBODYS: Final = frozenset(
    {
        "rejects",
        "unknown_names",
        "api_keys",
        "facts",
        "tombstones",
        "send_counts",
        "refusals",
        "reports",
        "products",
        "codes",
    }
)
"""Tables without a person's key. What rejects say of somebody is found by their text: `serving.mentions`."""

_OWN: Final = {"events": "seq", "evaluations": "decision_id", "decisions": "trigger_decision_id"}
"""Large tables have no index by user: their rows are followed to, each from the one before."""

_BY: Final = ("user_no", "user_key", "trigger_decision_id", "message_id")
_EVENTS: Final = """
WITH RECURSIVE chain (seq) AS (
    SELECT last_seq FROM users WHERE user_no IN (SELECT value FROM json_each(?))
    UNION ALL SELECT e.prev_seq FROM chain JOIN events e ON e.seq = chain.seq
) SELECT e.seq FROM chain JOIN events e ON e.seq = chain.seq ORDER BY e.seq
"""
_EVALUATIONS: Final = """
SELECT decision_id FROM evaluations WHERE event_seq IN (SELECT value FROM json_each(?))
UNION
SELECT decision_id FROM evaluations WHERE event_seq IS NULL AND user_no IN (SELECT value FROM json_each(?))
"""
# A decision's id begins with that of its evaluation.
_DECISIONS: Final = """
SELECT d.trigger_decision_id FROM json_each(?) v
JOIN decisions d ON d.trigger_decision_id >= v.value || '.' AND d.trigger_decision_id < v.value || '/'
"""
_MESSAGES: Final = "SELECT message_id FROM outbox WHERE user_no IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything by which rows are somebody's: the values of each column that points to them, by its name."""

    key: str
    values: Mapping[str, Sequence[Any]]

    @property
    def keys(self) -> Sequence[str]:
        """Every id they are known under, as the log has it; the one that was asked about in any case."""
        return self.values["user_key"]

    @property
    def numbers(self) -> Sequence[int]:
        """Their numbers in `users`; empty for somebody whom the log does not know."""
        return self.values["user_no"]

    @property
    def ids(self) -> list[str]:
        """Their ids as events carry them."""
        return [each.removeprefix(ANONYMOUS_PREFIX) for each in self.keys]


def trace(driver: Driver, key: str) -> Trace:
    """Find everything that is of the person behind a key, under all ids that were linked to it."""
    people = ids_of(driver, key)
    numbers = sorted(people)
    seqs = _column(driver, _EVENTS, numbers)
    evaluations = _column(driver, _EVALUATIONS, seqs, numbers)
    decisions = _column(driver, _DECISIONS, evaluations)
    return Trace(
        key,
        {
            "user_no": numbers,
            "user_key": sorted({key, *people.values()}),
            "seq": seqs,
            "decision_id": evaluations,
            "trigger_decision_id": decisions,
            "message_id": _column(driver, _MESSAGES, numbers),
        },
    )


def _column(driver: Driver, statement: str, *values: Sequence[Any]) -> list[Any]:
    return [row[0] for row in driver.execute(statement, [json.dumps(each) for each in values]).fetchall()]


class Holding(NamedTuple):
    """A table with what is somebody's: its column that says whose, which values of a `Trace` that has, which rows."""

    table: str
    column: str
    of: str
    rows: str = "1"

    @property
    def source(self) -> str:
        """The rows of which somebody's are, as SQL from FROM on; its one parameter is a JSON list of values."""
        return f"FROM {self.table} WHERE {self.column} IN (SELECT value FROM json_each(?)) AND {self.rows}"


REJECTS: Final = Holding("rejects", "reject_id", "reject_id")
"""Of what `Mentions.rejects` finds."""


def holding(table: Table) -> Holding | None:
    """Return how a table's rows are somebody's; None for a table that is nobody's."""
    if table.name in NOBODYS:
        return None
    if table.name == "suppressions":
        # Those of an address stay: whoever asked not to be written to must not be forgotten to have asked.
        return Holding("suppressions", "subject", "user_key", "kind = 'user'")
    column = _OWN.get(table.name) or next((each for each in _BY if each in table.columns), None)
    return None if column is None else Holding(str(table.name), column, column)


def holdings() -> list[Holding]:
    """Return each table that holds what is somebody's; what depends on others first."""
    found = (holding(table) for table in reversed(metadata.sorted_tables))
    return [each for each in found if each is not None]
