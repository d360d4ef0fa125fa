"""What a person may choose without a login, and what they chose: per purpose and channel, as the guards see it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from policy.guards import TRANSACTIONAL, Guards, Standing, bar
from policy.policy import Policy
from policy.watch import Watch
from serving.driver import driver
from serving.people import People, ids_of
from serving.standings import Standings
from serving.tokens import OptOut

_OWN_CHANNELS: Final = ("email", "sms", "push")
_MARKETING: Final = "marketing"
_LIFT: Final = """
DELETE FROM suppressions WHERE reason = 'unsubscribed' AND channel = ? AND (
    (kind = 'user' AND subject IN (SELECT value FROM json_each(?)))
    OR (kind = 'address' AND subject IN (
        SELECT address FROM addresses WHERE user_no IN (SELECT value FROM json_each(?)))))
"""
_IS_OUT: Final = """
SELECT 1 FROM suppressions WHERE kind = 'user' AND channel = ? AND subject IN (SELECT value FROM json_each(?))
"""


class Choice(NamedTuple):
    """A purpose on a channel, and whether messages of it may be sent to the person."""

    purpose: str
    channel: str
    is_on: bool

    @property
    def name(self) -> str:
        """As consents are named: `marketing:email`."""
        return f"{self.purpose}:{self.channel}"


def standing_of(connection: Connection, key: str) -> Standing:
    """Return what a person said and what stands against them, under all ids that the log knows."""
    people = People(connection)
    people.find([key])
    person = people.get(key)
    if person is None:
        return Standing()
    standings = Standings(connection, Watch(consents=True))
    standings.prepare([person], [], at=0)
    return standings.of(person, until=0)


def choices(standing: Standing, policy: Policy, asked: OptOut) -> list[Choice]:
    """Return what there is to choose: what triggers may send by now, and what the link is about first."""
    offered: defaultdict[tuple[str, str], list[Guards]] = defaultdict(list)
    offered[asked.purpose, asked.channel] = []
    for trigger in policy.triggers:
        if trigger.message_class != TRANSACTIONAL:
            for channel in _OWN_CHANNELS:
                if channel in trigger.channels:
                    offered[trigger.guards.purpose, channel].append(trigger.guards)
    return [_choice(standing, *key, guards or [Guards(purpose=key[0])]) for key, guards in offered.items()]


def is_out(connection: Connection, asked: OptOut) -> bool:
    """Whether somebody has already opted out of what a link is about; that an address bounced says nothing of that."""
    said = standing_of(connection, asked.user_key).consents.get((asked.purpose, asked.channel))
    if said is None or said.granted:
        return False
    to = driver(connection)
    ids = json.dumps(list(ids_of(to, asked.user_key).values()))
    return to.execute(_IS_OUT, (asked.channel, ids)).fetchone() is not None


def emptied(before: Sequence[Choice], wanted: Iterable[str]) -> list[str]:
    """Return the channels on which nothing is wanted any more though something was on: a `no` to all of it."""
    channels = {each.channel for each in before if each.is_on}
    return sorted(channels - {each.channel for each in before if each.name in wanted})


def lift(connection: Connection, key: str, channels: Iterable[str]) -> None:
    """Let somebody who had unsubscribed on these channels, and now agreed again, be written to there."""
    to = driver(connection)
    people = ids_of(to, key)
    ids = json.dumps([key, *people.values()]), json.dumps(list(people))
    to.executemany(_LIFT, [(channel, *ids) for channel in channels])


def _choice(standing: Standing, purpose: str, channel: str, guards: Sequence[Guards]) -> Choice:
    return Choice(
        purpose,
        channel,
        any(bar(each, standing, channel=channel, message_class=_MARKETING) is None for each in guards),
    )
