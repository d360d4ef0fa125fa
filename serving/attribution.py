"""Which earlier decisions an order counts for, so that sending and withholding can be compared."""

import json
from collections.abc import Sequence
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import Connection, text

from features.events import AMOUNT, PLUS_MINUS, unpack_record
from features.kinds import Kind
from policy.conditions_response import RESPONSES as _WHAT
from policy.quantities import LONGEST_HORIZON, microseconds

if TYPE_CHECKING:
    from serving.log import Appended

_LOOK_BACK_US: Final = microseconds(LONGEST_HORIZON)

# An order after the decision and within its horizon, by when it happened, however late it arrived; the order that asked
# the question is no outcome of the answer. The horizon's label is read here, so that a decision needs no second column
# for its length. Decisions of ids that were linked to this user count as this user's.
_ATTRIBUTE: Final = text(
    "INSERT INTO outcomes (trigger_decision_id, event_seq, kind, value, occurred_at)"
    " SELECT d.trigger_decision_id, :event_seq, 'order', :value, :occurred_at FROM decisions d"
    " WHERE d.user_no IN (SELECT user_no FROM users WHERE user_no = :user_no OR merged_into = :user_no)"
    " AND d.at < :occurred_at AND d.at >= :earliest AND (d.action <> 'hold' OR d.send_probability IS NOT NULL)"
    " AND :occurred_at - d.at <= CAST(substr(d.horizon, 1, length(d.horizon) - 1) AS BIGINT)"
    " * CASE substr(d.horizon, length(d.horizon)) WHEN 'd' THEN 86400000000 ELSE 3600000000 END"
    " ON CONFLICT (trigger_decision_id, event_seq) DO NOTHING"
)

# The events of each id are chained from the last one backwards. Where nothing was decided no chain is followed. Who is
# asked about comes first in each join: else SQLite walks through all that was decided.
_ORDERED_BEFORE: Final = text(
    """
WITH RECURSIVE asked (person, earliest) AS (
    SELECT CAST(key AS INTEGER), value FROM json_each(:asked)
), ids (person, no, earliest) AS (
    SELECT person, person, earliest FROM asked
    UNION ALL
    SELECT person, u.user_no, earliest FROM asked CROSS JOIN users u ON u.merged_into = person
), decided (person, since) AS (
    SELECT person, min(d.at) FROM ids CROSS JOIN decisions d ON d.user_no = no
    WHERE d.at >= earliest AND (d.action <> 'hold' OR d.send_probability IS NOT NULL) GROUP BY person
), chain (person, since, seq) AS (
    SELECT person, since, u.last_seq FROM decided JOIN ids USING (person) CROSS JOIN users u ON u.user_no = no
    UNION ALL
    SELECT person, since, e.prev_seq FROM chain CROSS JOIN events e ON e.seq = chain.seq
    WHERE e.known_at >= since AND e.prev_seq IS NOT NULL
)
SELECT person, e.seq, e.occurred_at, e.record FROM chain CROSS JOIN events e ON e.seq = chain.seq
WHERE e.kind = :kind
"""
)


# Of somebody else's decision nothing is taken to tell.
_RESPOND: Final = text(
    "INSERT INTO outcomes (trigger_decision_id, event_seq, kind, value, occurred_at)"
    " SELECT d.trigger_decision_id, :event_seq, :kind, NULL, :occurred_at FROM decisions d"
    " WHERE d.trigger_decision_id = :decision_id"
    " AND d.user_no IN (SELECT user_no FROM users WHERE user_no = :user_no OR merged_into = :user_no)"
    " ON CONFLICT (trigger_decision_id, event_seq) DO NOTHING"
)
RESPONSES: Final = MappingProxyType(
    {
        **{kind: what for what, kinds in _WHAT.items() for kind in kinds},
        Kind.EMAIL_SPAM: "complained",
        Kind.UNSUBSCRIBED: "unsubscribed",
    }
)
"""Kind of event -> what became of the message that it names, as the ledger says it."""


class Response(NamedTuple):
    """What became of a message, as the log has it.

    Attributes:
        user_no: Whose event; after links, the one they were linked to.
        event_seq: Its position in the log.
        occurred_at: When it happened, in microseconds.
        kind: What became of it.
        decision_id: The decision that the event names.
    """

    user_no: int
    event_seq: int
    occurred_at: int
    kind: str
    decision_id: str


class Order(NamedTuple):
    """A completed order as the log has it.

    Attributes:
        user_no: Whose; after links, the one they were linked to.
        event_seq: Its position in the log.
        occurred_at: When it happened, in microseconds.
        value: Its amount in the shop's currency; None or NaN where it is unknown.
    """

    user_no: int
    event_seq: int
    occurred_at: int
    value: float | None


def attribute(connection: Connection, orders: Sequence[Order]) -> int:
    """Tie orders to the decisions, sent, withheld or left to chance, that they count for; return how many are new.

    Runs in the transaction that logs the orders, after the decisions of the same batch are written. An order counts at
    most once for a decision, however often this is repeated.
    """
    if not orders:
        return 0
    rows = [
        {
            "user_no": each.user_no,
            "event_seq": each.event_seq,
            "occurred_at": each.occurred_at,
            "earliest": each.occurred_at - _LOOK_BACK_US,
            "value": each.value if each.value is not None and isfinite(each.value) else None,
        }
        for each in orders
    ]
    return max(0, connection.execute(_ATTRIBUTE, rows).rowcount)


def order_of(added: "Appended") -> Order:
    """Return the order that an event is."""
    return _order(added.person.no, added.seq, added.happened_at, added.event.record)


def ordered_before(connection: Connection, links: Sequence["Appended"]) -> list[Order]:
    """Return the orders that people made until it was known which of their ids are one.

    Whose decisions they count for is another question then. Runs after the links are written.
    """
    if not links:
        return []
    # A later link of the same person asks for less.
    earliest = {each.person.no: each.known_at - _LOOK_BACK_US for each in reversed(links)}
    asked = {"asked": json.dumps(earliest), "kind": int(Kind.ORDER_COMPLETED)}
    return [_order(*row) for row in connection.execute(_ORDERED_BEFORE, asked)]


def _order(user_no: int, seq: int, occurred_at: int, record: bytes) -> Order:
    numbers = unpack_record(record)
    return Order(user_no, seq, occurred_at, numbers[AMOUNT] * numbers[PLUS_MINUS])


def respond(connection: Connection, responses: Sequence[Response]) -> int:
    """Tie what became of messages to the decisions that they name; return how many ties are new."""
    if not responses:
        return 0
    return max(0, connection.execute(_RESPOND, [each._asdict() for each in responses]).rowcount)


def responses_of(added: "Appended") -> list[Response]:
    """Return what an event says of a message, where it names its decision, and it is no machine that opened it."""
    named = added.event.properties.get("decision_id")
    if not isinstance(named, str) or added.by_machine:
        return []
    return [Response(added.person.no, added.seq, added.happened_at, RESPONSES[added.event.kind], named)]
