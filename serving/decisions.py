"""Why did this user get what they got, or nothing? Read from the ledger, newest first, in words."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, text

from features.moments import to_moment, zone
from policy.answers import Recorded, answers
from policy.findings import UPLIFT
from policy.findings_in_words import all_in_words
from policy.reasons import Action, Reason
from serving.contract_reads import DecisionExplained, DecisionsAnswer, DrawsExplained, Evaluation
from serving.cursors import cursor, read_cursor
from serving.deliveries import explained, messages_of
from serving.draws import unpack as unpack_draws
from serving.driver import driver
from serving.errors import NoSuchUser
from serving.findings import unpack
from serving.people import ids_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

# The events of each id are chained from the last one backwards.
_EVALUATIONS = text(
    "WITH RECURSIVE chain (seq) AS ("
    " SELECT last_seq FROM users WHERE user_no IN :persons"
    " UNION ALL SELECT e.prev_seq FROM chain JOIN events e ON e.seq = chain.seq"
    "), found (decision_id) AS ("
    " SELECT v.decision_id FROM chain JOIN evaluations v ON v.event_seq = chain.seq"
    " UNION ALL SELECT decision_id FROM evaluations WHERE user_no IN :persons AND event_seq IS NULL"
    ") SELECT v.decision_id, v.at, v.scores, v.models, e.name"
    " FROM found JOIN evaluations v USING (decision_id) LEFT JOIN events e ON e.seq = v.event_seq"
    " WHERE v.at < :at OR (v.at = :at AND v.decision_id < :decision_id)"
    " ORDER BY v.at DESC, v.decision_id DESC LIMIT :most"
).bindparams(bindparam("persons", expanding=True))
# A decision's own id begins with that of its evaluation and a full stop; what follows a full stop is a slash.
_DECISIONS = text(
    "SELECT d.* FROM json_each(:decision_ids) v"
    " JOIN decisions d ON d.trigger_decision_id > v.value || '.' AND d.trigger_decision_id < v.value || '/'"
    " ORDER BY d.trigger"
)


def decisions_of(connection: Connection, user_key: str, *, limit: int, before: str | None) -> DecisionsAnswer:
    """Return one page of what was decided for a user, newest first.

    Args:
        connection: Of the database.
        user_key: The user's id, or `anonymous:<id>`.
        limit: Most evaluations to return.
        before: The `next` of the page before; None for the first page.

    Raises:
        NoSuchUser: The log holds nothing of this user.
        InvalidField: `before` is none that was given out.
    """
    persons = list(ids_of(driver(connection), user_key))
    if not persons:
        raise NoSuchUser(field="user_id")
    at, decision_id = read_cursor(before)
    asked = {"persons": persons, "at": at, "decision_id": decision_id, "most": limit + 1}
    rows = connection.execute(_EVALUATIONS, asked).all()
    page = rows[:limit]
    made = _decisions(connection, [row.decision_id for row in page])
    return DecisionsAnswer(
        user_id=user_key,
        evaluations=[_evaluation(row, made[row.decision_id]) for row in page],
        next=cursor(page[-1].at, page[-1].decision_id) if len(rows) > limit else None,
    )


def _decisions(connection: Connection, decision_ids: Sequence[str]) -> dict[str, list[DecisionExplained]]:
    made: dict[str, list[DecisionExplained]] = defaultdict(list)
    rows = connection.execute(_DECISIONS, {"decision_ids": json.dumps(list(decision_ids))}).all()
    messages = messages_of(connection, [row.trigger_decision_id for row in rows if row.action == Action.SEND.value])
    for row in rows:
        made[row.decision_id].append(
            DecisionExplained(
                decision_id=row.trigger_decision_id,
                trigger=row.trigger,
                action=row.action,
                reason=row.reason,
                in_words=_explained(row),
                guards=explained(answers(_recorded(row))),
                score=row.score,
                threshold=row.threshold,
                horizon=row.horizon,
                arm=row.arm,
                propensity=row.propensity,
                arm_probability=row.arm_probability,
                send_probability=row.send_probability,
                draws=_drawn(row),
                model_version=row.model_version,
                policy_version=row.policy_version,
                step=row.step,
                due_at=None if row.due_at is None else to_moment(row.due_at),
                channels=row.channels.split(",") if row.channels else [],
                messages=messages.get(row.trigger_decision_id, []),
            ),
        )
    return made


def _drawn(row: Row[Any]) -> DrawsExplained | None:
    drawn = unpack_draws(row.draws)
    if drawn is None:
        return None
    place = zone(drawn.timezone) if drawn.timezone is not None else None
    hour = None if place is None else to_moment(row.at).astimezone(place).hour
    told = msgspec.structs.asdict(drawn) | {"eligible_hours": list(drawn.eligible_hours)}
    return DrawsExplained(**told, local_hour=hour)


def _recorded(row: Row[Any]) -> Recorded:
    said = unpack(row.findings)
    found = [each for each in said if each.guard != UPLIFT]
    measured = next((each for each in said if each.guard == UPLIFT), None)
    drawn = unpack_draws(row.draws)
    explored = None if drawn is None else drawn.explored
    asked = (row.score, row.threshold, row.horizon)
    return Recorded(Reason(row.reason), found, row.step, *asked, row.arm, explored, measured)


def _explained(row: Row[Any]) -> str:
    """Return why, what each guard said, and when it is asked again, as sentences."""
    again = "" if row.due_at is None else f"It asks again at {to_moment(row.due_at):%Y-%m-%d %H:%M} UTC."
    said = (Reason(row.reason).sentence, all_in_words(unpack(row.findings)), again)
    return " ".join(each for each in said if each)


def _evaluation(row: Row[Any], made: list[DecisionExplained]) -> Evaluation:
    return Evaluation(
        decision_id=row.decision_id,
        at=to_moment(row.at),
        event=row.name,
        intent=json.loads(row.scores),
        models=json.loads(row.models),
        decisions=made,
        in_words=_in_words(row.name, made),
    )


def _in_words(event: str | None, made: list[DecisionExplained]) -> str:
    if made:
        return " ".join(f"{each.trigger}: {_with_messages(each)}" for each in made)
    if event is None:
        return "A plain question for a score: only events and timers make triggers decide."
    return f"No trigger waits for {event}."


def _with_messages(made: DecisionExplained) -> str:
    return " ".join([made.in_words, *(each.in_words for each in made.messages)])
