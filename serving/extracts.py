"""What a CRM or a warehouse is told: scores, segments, decisions and profiles, in pages that begin where one ended.

Each page is read by itself: memory stays bounded, whoever reads slowly keeps nobody waiting, and who is erased
meanwhile is in no later page. Whoever was never identified has an `anonymous_id` and no `user_id`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from features.events import ids_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Engine as Database

AT_ONCE: Final = 1000
END_US: Final = 16**13 - 1
"""Later than every moment, and still thirteen digits of a decision's id (the year 2112)."""
_WHO: Final = "coalesce(p.user_key, u.user_key) AS user_key"
_PERSON: Final = "JOIN users u ON u.user_no = {of}.user_no LEFT JOIN users p ON p.user_no = u.merged_into"
# Ids sort like the moments that they begin with, in hexadecimal.
_SCORES: Final = f"""
SELECT v.decision_id AS cursor, {_WHO}, v.decision_id, v.at, e.name AS event, v.scores, v.models
FROM evaluations v {_PERSON.format(of="v")} LEFT JOIN events e ON e.seq = v.event_seq
WHERE v.decision_id > :after AND v.decision_id >= :first AND v.decision_id < :end
ORDER BY v.decision_id LIMIT :most
"""
_DECISIONS: Final = f"""
SELECT d.trigger_decision_id AS cursor, {_WHO}, d.trigger_decision_id AS decision_id, d.at, d.trigger, d.step,
d.action, d.reason, d.score, d.threshold, d.horizon, d.arm, d.propensity, d.model_version, d.policy_version, d.due_at,
d.channels
FROM decisions d {_PERSON.format(of="d")}
WHERE d.trigger_decision_id > :after AND d.trigger_decision_id >= :first AND d.trigger_decision_id < :end
ORDER BY d.trigger_decision_id LIMIT :most
"""
_SEGMENTS: Final = f"""
SELECT json_array(m.segment, m.user_no) AS cursor, {_WHO}, m.segment, m.since
FROM segment_members m {_PERSON.format(of="m")}
WHERE (m.segment, m.user_no) > (json_extract(:after, '$[0]'), json_extract(:after, '$[1]'))
AND m.since >= :first_at AND m.since < :end_at ORDER BY m.segment, m.user_no LIMIT :most
"""
# As messages are addressed: the newest of each kind.
_ADDRESS: Final = """
(SELECT a.address FROM addresses a WHERE a.user_no = u.user_no AND (instr(a.address, '@') > 0) = {mail}
ORDER BY a.rowid DESC LIMIT 1)
"""
_PROFILES: Final = f"""
SELECT * FROM (
SELECT u.user_no, CAST(u.user_no AS TEXT) AS cursor, u.user_key, u.timezone, {_ADDRESS.format(mail=1)} AS email,
{_ADDRESS.format(mail=0)} AS phone, (SELECT max(f.at) FROM profiles f WHERE f.user_no = u.user_no) AS updated_at,
(SELECT json_group_object(f.field, json(f.value)) FROM profiles f WHERE f.user_no = u.user_no AND f.value <> 'null')
AS traits FROM users u WHERE u.merged_into IS NULL AND u.user_no > CAST(:after AS INTEGER) ORDER BY u.user_no)
WHERE (traits <> '{{}}' OR email IS NOT NULL OR phone IS NOT NULL OR timezone IS NOT NULL)
AND coalesce(updated_at, 0) >= :first_at AND coalesce(updated_at, 0) < :end_at ORDER BY user_no LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Extract:
    """One of the tables.

    Attributes:
        name: What it is called.
        columns: Its columns in order, and what is in each: `text`, `number`, `count` or `moment` (µs since the epoch).
        start: What a first page comes after.
        grows: Whether rows are only added, at its end: whoever has read so far need not read that again.
        is_narrow: Whether every row has room in a webhook.
    """

    name: str
    columns: Mapping[str, str]
    start: str
    grows: bool
    statement: str
    rows: Callable[[Mapping[str, Any]], Iterator[dict[str, Any]]]
    is_narrow: bool = True


def _one(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield _named(row)


def _by_horizon(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each horizon that was answered."""
    models = json.loads(row["models"])
    for horizon, score in json.loads(row["scores"]).items():
        if score is not None:
            yield {**_named(row), "horizon": horizon, "score": score, "model_version": models.get(horizon)}


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    user_id, anonymous_id = ids_behind(row["user_key"])
    return {**row, "user_id": user_id, "anonymous_id": anonymous_id}


_PEOPLE: Final = {"user_id": "text", "anonymous_id": "text"}
EXTRACTS: Final[Mapping[str, Extract]] = {
    each.name: each
    for each in (
        Extract(
            "scores",
            {"decision_id": "text", **_PEOPLE, "at": "moment", "event": "text", "horizon": "text"}
            | {"score": "number", "model_version": "text"},
            "",
            True,
            _SCORES,
            _by_horizon,
        ),
        Extract("segments", {"segment": "text", **_PEOPLE, "since": "moment"}, '["", 0]', False, _SEGMENTS, _one),
        Extract(
            "decisions",
            {"decision_id": "text", **_PEOPLE, "at": "moment", "trigger": "text", "step": "count", "action": "text"}
            | {"reason": "text", "score": "number", "threshold": "number", "horizon": "text", "arm": "text"}
            | {"propensity": "number", "model_version": "text", "policy_version": "text", "due_at": "moment"}
            | {"channels": "text"},
            "",
            True,
            _DECISIONS,
            _one,
        ),
        Extract(
            "profiles",
            {**_PEOPLE, "email": "text", "phone": "text", "timezone": "text", "updated_at": "moment", "traits": "text"},
            "0",
            False,
            _PROFILES,
            _one,
            is_narrow=False,
        ),
    )
}
"""Every table that can be had, by its name."""


def read(
    database: Database, extract: Extract, *, first: int = 0, end: int = END_US, after: str | None = None
) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Yield pages of rows, each with what a page after it would come after.

    Args:
        database: Of the ledger.
        extract: Which table.
        first: The moment from which on, in microseconds: of the decision or score, or since when somebody is in a
            segment.
        end: The moment until which, itself not included.
        after: What came with the last row that is known already.
    """
    cursor = extract.start if after is None else after
    asked = {"first": f"{first:013x}", "end": f"{end:013x}", "first_at": first, "end_at": end, "most": AT_ONCE}
    while True:
        with database.connect() as connection:
            rows = connection.exec_driver_sql(extract.statement, {**asked, "after": cursor}).mappings().all()
        if not rows:
            return
        cursor = rows[-1]["cursor"]
        yield [
            (row["cursor"], {name: said[name] for name in extract.columns})
            for row in map(dict, rows)
            for said in extract.rows(row)
        ]
