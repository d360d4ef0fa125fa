"""What came of it: what the ledger says was decided, beside what the receivers really got."""

import json
import sqlite3
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from demo.carts.people import visitor_of
from demo.carts.post import Mail
from demo.receiver import Receipt

_ANONYMOUS: Final = "anonymous:"
_DECISIONS: Final = """
SELECT coalesce(m.user_key, u.user_key), d.trigger_decision_id, d.trigger, d.step, d.event_seq, d.at, d.action, d.reason
FROM decisions d JOIN users u ON u.user_no = d.user_no LEFT JOIN users m ON m.user_no = u.merged_into
ORDER BY d.at, d.trigger_decision_id
"""
_MESSAGES: Final = "SELECT message_id, trigger_decision_id, status, last_error FROM outbox"
_KEPT: Final = "SELECT count(*) FROM events WHERE message_id IN (SELECT value FROM json_each(?))"
_REJECTED: Final = "SELECT count(*) FROM rejects"
_RESPONSES: Final = "SELECT kind, count(DISTINCT trigger_decision_id) FROM outcomes WHERE kind <> 'order' GROUP BY kind"


class Decision(NamedTuple):
    """One decision, and whose it is."""

    visitor: str
    decision_id: str
    trigger: str
    step: int
    event_seq: int
    at: int
    action: str
    reason: str


class Arrived(NamedTuple):
    """A message as one of the receivers got it; `at` in seconds since the epoch."""

    message_id: str
    visitor: str
    channel: str
    at: float


@dataclass(frozen=True)
class Ledger:
    """What the service wrote down.

    Attributes:
        decisions: All, in the order of time.
        messages: Decision, status and error of each message, by its id.
        responses: Of how many decisions the ledger knows that somebody opened the message, clicked, and so on.
    """

    decisions: Sequence[Decision]
    messages: Mapping[str, tuple[str, str, str | None]]
    responses: Mapping[str, int]

    @classmethod
    def read(cls, database: Path) -> "Ledger":
        """Read it."""
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return cls(
                [Decision(_visitor(row[0]), *row[1:]) for row in connection.execute(_DECISIONS)],
                {row[0]: (row[1], row[2], row[3]) for row in connection.execute(_MESSAGES)},
                dict(connection.execute(_RESPONSES).fetchall()),
            )

    def of(self, action: str) -> list[Decision]:
        """Return the decisions that came to this."""
        return [each for each in self.decisions if each.action == action]

    @property
    def held(self) -> dict[str, int]:
        """How many decisions came to nothing, by reason; those that something cancelled apart."""
        reasons = Counter(each.reason for each in self.of("hold") if each.reason != "cancelled")
        return dict(sorted(reasons.items()))

    @property
    def cancelled(self) -> int:
        """How many waits and messages an order ended."""
        withdrawn = sum((error or "").startswith("cancelled") for _, _, error in self.messages.values())
        return withdrawn + sum(each.reason == "cancelled" for each in self.decisions)

    def left_behind(self, trigger: str) -> int:
        """Return how often something was left in a cart until the trigger's wait was over."""
        first = (each for each in self.decisions if each.trigger == trigger and each.step == 0)
        return len({each.event_seq for each in first if each.reason != "cancelled"})


def arrivals(mails: Iterable[Mail], receipts: Iterable[Receipt]) -> list[Arrived]:
    """Return everything that the mail server and the receiver of webhooks got, repeated ones too, in order of time."""
    found = [Arrived(each.message_id, visitor_of(each.to), "email", each.at) for each in mails]
    for each in receipts:
        data = json.loads(each.body)["data"]
        whose = visitor_of(data["user_id"] or data["anonymous_id"])
        found.append(Arrived(each.message_id, whose, "webhook", each.at))
    return sorted(found, key=lambda each: each.at)


def sent_after(went: Mapping[str, float], arrived: Iterable[Arrived]) -> int:
    """Return how many messages came for somebody after the service had confirmed that they want none."""
    return sum(each.at > went[each.visitor] for each in arrived if each.visitor in went)


def sent_twice(arrived: Sequence[Arrived], decision_of: Callable[[str], object]) -> int:
    """Return how many messages came again: under the same id, or under another for the same decision."""
    return len(arrived) - len({decision_of(each.message_id) for each in arrived})


def delays(arrived: Iterable[Arrived], handed_over: Sequence[float]) -> list[float]:
    """Return how long before each message came the events were handed over that it followed, in seconds.

    Args:
        arrived: The messages.
        handed_over: The moments at which events were handed over, ascending, in seconds since the epoch; each stretch
            of them ends before the next begins.
    """
    return [each.at - handed_over[bisect_right(handed_over, each.at) - 1] for each in arrived]


def told(database: Path, message_ids: Sequence[str], refused: int) -> dict[str, int]:
    """Return what became of the events that an SDK sent: how many are in the log, how many were rejected."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        kept = connection.execute(_KEPT, (json.dumps(message_ids),)).fetchone()[0]
        rejected = connection.execute(_REJECTED).fetchone()[0]
    return {"accepted": kept, "rejected": refused + rejected, "sent_again": len(message_ids) - len(set(message_ids))}


def undelivered(ledger: Ledger, arrived: Iterable[Arrived]) -> dict[str, int]:
    """Return how many decisions to send came to nothing after all, by what the service says of their last message."""
    came = {ledger.messages[each.message_id][0] for each in arrived}
    # What the outbox says begins with the reason.
    last = {each: (error or status).partition(": ")[0] for each, status, error in ledger.messages.values()}
    ends = Counter(last[each.decision_id] for each in ledger.of("send") if each.decision_id not in came)
    return dict(ends.most_common())


def p99(seconds: Sequence[float]) -> float | None:
    """Return the 99th percentile to the millisecond; None of nothing."""
    return round(float(np.percentile(seconds, 99)), 3) if seconds else None


def _visitor(key: str) -> str:
    return visitor_of(key.removeprefix(_ANONYMOUS))
