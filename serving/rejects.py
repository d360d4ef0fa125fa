"""Events that could not be used, kept with the reason, and the names of events that nobody knows."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert

from serving.schema import rejects


@dataclass(frozen=True, slots=True)
class Reject:
    """An event that was set aside: when (µs), who sent it, where in their request it stood, what is wrong with it."""

    received_at: int
    source: str
    place: str
    field: str
    reason: str
    body: str


def keep_rejects(connection: Connection, refused: Sequence[Reject]) -> None:
    """Write down what was set aside."""
    if refused:
        connection.execute(
            insert(rejects),
            [
                {
                    "received_at": each.received_at,
                    "source": each.source[:200],
                    "place": each.place[:200],
                    "field": each.field,
                    "reason": each.reason,
                    "body": each.body,
                }
                for each in refused
            ],
        )
