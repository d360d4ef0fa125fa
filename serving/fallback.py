"""What cannot go out on one channel goes out on the next one that its trigger prefers, under an id of its own.

That is what was refused for good or given up after all attempts, and what is taken back since the address that it would
have gone to bounced: that says nothing of the others. What has expired by then goes out nowhere.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from policy.findings import SUPPRESSION
from policy.guards import BOUNCED
from policy.policy import Policy
from serving import outbox
from serving.message import Message, message_id_of
from serving.recheck import objections
from serving.withdrawal import withdraw

_REFUSED: Final = text(
    "SELECT o.*, d.step FROM json_each(:message_ids) m JOIN outbox o ON o.message_id = m.value"
    " JOIN decisions d ON d.trigger_decision_id = o.trigger_decision_id"
    " WHERE o.trigger IS NOT NULL AND (o.status = 'dead' OR o.status = 'withdrawn' AND EXISTS ("
    "SELECT 1 FROM json_each(o.findings) f WHERE json_extract(f.value, '$[0]') = :guard"
    " AND json_extract(f.value, '$[3]') = :bounced))"
)
# It counts for the caps of the channel that it takes in the end, and once; of whoever was linked since, for those of
# the person.
_COUNT: Final = text(
    "UPDATE OR IGNORE sends SET channel = :channel"
    " WHERE user_no = (SELECT coalesce(merged_into, user_no) FROM users WHERE user_no = :user_no)"
    " AND at = :at AND trigger = :trigger AND channel = :before"
)
FallBack = Callable[[Connection, Sequence[str], int], int]
"""Has refused messages, by their ids, go out otherwise from a moment of the wall clock on; returns how many do."""


@dataclass(frozen=True, slots=True)
class FallingBack:
    """Falls back by the policy of the moment.

    Attributes:
        policy: Returns the present one.
        now: The clock of the events, in microseconds, by which guards are asked.
    """

    policy: Callable[[], Policy]
    now: Callable[[], int]

    def __call__(self, connection: Connection, message_ids: Sequence[str], at: int) -> int:
        """Enqueue what takes the place of refused messages, from `at` (µs of the wall clock) on; return how many."""
        asked = {"message_ids": json.dumps(list(message_ids)), "guard": SUPPRESSION, "bounced": BOUNCED}
        rows = connection.execute(_REFUSED, asked).all()
        return sum(self._take_place(connection, row, at) for row in rows)

    def _take_place(self, connection: Connection, row: Row[Any], at: int) -> bool:
        """Enqueue one message on the first further channel that nothing stands against for good, unless it expired."""
        if row.expires_at is not None and row.expires_at <= at:
            return False
        policy = self.policy()
        for message in _further(policy, row, at):
            outbox.enqueue(connection, [message], at=at)
            found = objections(connection, policy, [message.message_id], at=self.now()).get(message.message_id)
            if found is None or found.until is not None:
                _count(connection, row, message.channel)
                return True
            withdraw(connection, {message.message_id: found})
        return False


def nowhere_else(_connection: Connection, _message_ids: Sequence[str], _at: int) -> int:
    """Let refused messages be."""
    return 0


def _further(policy: Policy, row: Row[Any], at: int) -> Iterator[Message]:
    """Yield the message as each channel would have it that its trigger prefers less."""
    trigger = policy.by_name.get(row.trigger)
    if trigger is None or row.step >= len(trigger.plans):
        return
    envelope = json.loads(row.body)
    data = envelope["data"]
    plans = (each.plans[row.step] for each in (trigger, *trigger.variants.values()))
    routes = (each for plan in plans for each in plan.routes if not each.together and row.channel in each.channels)
    route = next((each for each in routes if each.content == data["content"]), None)
    if route is None:
        return
    for channel in route.channels[route.channels.index(row.channel) + 1 :]:
        body = json.dumps({**envelope, "data": {**data, "channel": channel}}, ensure_ascii=False, separators=(",", ":"))
        yield Message(
            message_id_of(row.trigger_decision_id, channel),
            row.trigger_decision_id,
            route.endpoint,
            body,
            row.due_at,
            None if row.expires_at is None else row.expires_at - at,
            row.user_no,
            row.trigger,
            channel,
        )


def _count(connection: Connection, row: Row[Any], channel: str) -> None:
    sent = {"user_no": row.user_no, "at": row.due_at, "trigger": row.trigger, "before": row.channel}
    connection.execute(_COUNT, {**sent, "channel": channel})
