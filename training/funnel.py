"""What became of each trigger's decisions: held and why, sent, delivered, opened, clicked, followed by an order."""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from features.suspicion import MACHINES_DO
from training.chains import CHAIN
from training.served import first_id

STAGES: Final = ("decided", "withheld", "sent", "delivered", "opened", "clicked", "ordered", "unsubscribed")
"""From decision to order; of what was sent, but for the first two."""
_ENDED: Final = """
SELECT trigger, action, reason, count(*) FROM decisions
WHERE trigger_decision_id >= :since AND trigger_decision_id < :until GROUP BY 1, 2, 3
"""
_HANDED_OVER: Final = """
SELECT d.trigger, o.status, count(DISTINCT d.trigger_decision_id)
FROM decisions d JOIN outbox o ON o.trigger_decision_id = d.trigger_decision_id
WHERE d.trigger_decision_id >= :since AND d.trigger_decision_id < :until AND d.action = 'send' GROUP BY 1, 2
"""
# What machines did is in no outcome.
_FOLLOWED: Final = """
SELECT d.trigger, CASE o.kind WHEN 'order' THEN 'ordered' WHEN 'tapped' THEN 'clicked' ELSE o.kind END AS stage,
    count(DISTINCT d.trigger_decision_id)
FROM decisions d JOIN outcomes o ON o.trigger_decision_id = d.trigger_decision_id
WHERE d.trigger_decision_id >= :since AND d.trigger_decision_id < :until AND d.action = 'send'
    AND o.kind <> 'delivered' AND o.occurred_at <= :at
GROUP BY 1, 2
"""
_SENT_TO: Final = """
SELECT trigger_decision_id, trigger, user_no FROM decisions
WHERE trigger_decision_id >= :since AND trigger_decision_id < :until AND action = 'send'
"""
_BY_MACHINE: Final = f"""
{CHAIN}
SELECT DISTINCT json_extract(e.payload, '$.properties.decision_id') FROM chain JOIN events e ON e.seq = chain.seq
WHERE e.kind IN ({", ".join(str(int(each)) for each in sorted(MACHINES_DO))}) AND e.known_at >= :since
    AND e.known_at <= :at AND json_extract(e.payload, '$.properties.machine') = 1
"""


@dataclass(frozen=True)
class Funnel:
    """One trigger in a time.

    Attributes:
        trigger: Its name.
        stages: How many decisions came to each of `STAGES`; what a message came to by people alone.
        machines: Decisions whose message a machine opened, or followed a link of.
        undelivered: Decisions to send that are not delivered, by where their message stands.
        held: Decisions that sent nothing, by reason.
    """

    trigger: str
    stages: Counter[str] = field(default_factory=Counter)
    machines: int = 0
    undelivered: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)


def funnels(connection: sqlite3.Connection, *, since_us: int, at_us: int) -> list[Funnel]:
    """Return what became of what was decided in [since, at], by trigger."""
    window = {"since": first_id(since_us), "until": first_id(at_us + 1), "at": at_us}
    machines = _machines(connection, window, since_us)
    found: dict[str, Funnel] = {}
    for trigger, action, reason, count in connection.execute(_ENDED, window):
        its = found.setdefault(trigger, Funnel(trigger, machines=machines[trigger]))
        its.stages["decided"] += count
        if action == "hold":
            its.held[reason] += count
        else:
            its.stages["sent" if action == "send" else "withheld"] += count
    for trigger, status, count in connection.execute(_HANDED_OVER, window):
        if status == "delivered":
            found[trigger].stages["delivered"] = count
        else:
            found[trigger].undelivered[status] = count
    for trigger, stage, count in connection.execute(_FOLLOWED, window):
        found[trigger].stages[stage] += count
    return sorted(found.values(), key=lambda each: each.trigger)


def _machines(connection: sqlite3.Connection, window: dict[str, object], since_us: int) -> Counter[str]:
    """Return by trigger how many decisions had a message that a machine opened, or followed a link of."""
    sent = connection.execute(_SENT_TO, window).fetchall()
    asked = {"users": json.dumps(sorted({user for _, _, user in sent})), "since": since_us, "at": window["at"]}
    by_machine = {row[0] for row in connection.execute(_BY_MACHINE, asked)} if sent else set()
    return Counter(trigger for decision, trigger, _ in sent if decision in by_machine)
