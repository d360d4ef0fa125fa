"""Which earlier decisions an order counts for, so that sending and withholding can be compared."""

from collections.abc import Sequence
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import Connection, text

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
