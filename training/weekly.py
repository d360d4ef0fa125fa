"""Each trigger week by week: how many of those it wrote to ordered, and of those withheld by chance, if anybody was."""

import sqlite3
from dataclasses import dataclass
from typing import Final, NamedTuple

from features.moments import DAY_US, SECOND_US
from models.horizon import duration
from training.dataset import LATE
from training.proportions import Arm, difference
from training.served import first_id

WEEK_US: Final = 7 * DAY_US
WEEKS: Final = 4
LEAST_PEOPLE: Final = 20
"""Of each arm; fewer give an interval that says nothing."""
NOBODY: Final = Arm(0, 0)
TWO_SIDED_95: Final = 1.959963984540054
# What was explored is below the threshold, and tells of what the trigger does there. Whoever comes to a later step has
# not bought by then, in either arm; and where arms hold, or put off, people count in their arm all the same.
_DECIDED: Final = """
SELECT d.trigger, d.at, coalesce(u.merged_into, u.user_no), d.action <> 'control' AND d.arm IS NOT 'control', d.horizon,
    d.event_seq, d.reason = 'put_off',
    EXISTS (SELECT 1 FROM outcomes o WHERE o.trigger_decision_id = d.trigger_decision_id AND o.kind = 'order'
        AND o.occurred_at <= :at)
FROM decisions d JOIN users u ON u.user_no = d.user_no
WHERE d.trigger_decision_id >= :since AND d.trigger_decision_id < :until AND d.step = 0
    AND (d.action <> 'hold' OR d.arm IS NOT NULL) AND u.excluded IS NULL
    AND NOT coalesce(json_extract(d.draws, '$.explored'), 0)
ORDER BY d.trigger_decision_id
"""


class Effect(NamedTuple):
    """What sending changed: the share that ordered of those written to, less that of those withheld."""

    estimate: float
    low: float
    high: float


@dataclass
class Week:
    """One trigger in one week. People count once, as of their first decision in it.

    Attributes:
        trigger: Its name.
        since: The moment at which the week begins, in microseconds.
        sent: Written to, or in an arm that is, and how many of them ordered within the horizon.
        withheld: By chance, and how many of them ordered.
        too_early: People whose horizon is not over yet; they are in neither.
    """

    trigger: str
    since: int
    sent: Arm = NOBODY
    withheld: Arm = NOBODY
    too_early: int = 0

    @property
    def effect(self) -> Effect | None:
        """What sending changed, with a 95 % interval; None where too few were withheld to say."""
        if min(self.sent.users, self.withheld.users) < LEAST_PEOPLE:
            return None
        found = difference((self.withheld.users, self.sent.users), (self.withheld.conversions, self.sent.conversions))
        estimate, margin = float(found.estimate), TWO_SIDED_95 * float(found.error)
        return Effect(estimate, estimate - margin, estimate + margin)

    @property
    def words(self) -> str:
        """Say what may be concluded."""
        early = [f"{self.too_early:,} too early"] if self.too_early else []
        if not self.sent.users and not self.withheld.users:
            return "; ".join(early)
        found = self.effect
        if found is not None:
            said = f"effect {found.estimate:+.1%} [{found.low:+.1%}, {found.high:+.1%}]"
        elif self.withheld.users:
            said = f"no effect told: {self.withheld.users} withheld, {LEAST_PEOPLE} needed"
        else:
            said = "no effect told: nobody is held out"
        return "; ".join([said, *early])


def weeks(connection: sqlite3.Connection, *, at_us: int, count: int = WEEKS) -> list[Week]:
    """Return the weeks that end now, by trigger and then in order of time; those without a decision are left out."""
    since_us = at_us - count * WEEK_US
    window = {"since": first_id(since_us), "until": first_id(at_us), "at": at_us}
    found: dict[tuple[str, int], Week] = {}
    seen: set[tuple[str, int, int]] = set()
    put_off: set[tuple[str, int]] = set()
    for trigger, at, person, is_sent, horizon, event, waits, ordered in connection.execute(_DECIDED, window):
        if (trigger, event) in put_off:
            continue
        if waits:
            put_off.add((trigger, event))
        begun = since_us + (at - since_us) // WEEK_US * WEEK_US
        if (trigger, begun, person) in seen:
            continue
        seen.add((trigger, begun, person))
        week = found.setdefault((trigger, begun), Week(trigger, begun))
        if at + round((duration(horizon) + LATE).total_seconds() * SECOND_US) > at_us:
            week.too_early += 1
        elif is_sent:
            week.sent = _and_one(week.sent, ordered)
        else:
            week.withheld = _and_one(week.withheld, ordered)
    return [found[key] for key in sorted(found)]


def _and_one(arm: Arm, ordered: int) -> Arm:
    return Arm(arm.users + 1, arm.conversions + ordered)
