"""Who is no customer: bots, mail scanners, staff and test users."""

from collections.abc import Mapping
from typing import Any, Final

from features.events import FLAG_BOT, FLAG_MACHINE
from features.kinds import Kind
from features.mapping import EventMapping
from features.message import Message
from features.values import text

MACHINES_DO: Final = frozenset({Kind.EMAIL_OPENED, Kind.EMAIL_CLICKED, Kind.SMS_CLICKED})
"""What machines do in a person's place: mail gateways and previews, before or without anybody looking."""


def by_machine(kind: int, properties: Mapping[str, Any]) -> bool:
    """Whether a machine did it and not the person; such an event is kept, and nothing reacts to it."""
    return properties.get("machine") is True and kind in MACHINES_DO


def suspicions(
    message: Message, kind: Kind, ids: tuple[str | None, ...], mapping: EventMapping
) -> tuple[int, str | None]:
    """Return the flags for bots and machines, and why the user is excluded, if so."""
    agent = message.fields.get("userAgent") or message.context.get("userAgent")
    bot = scanner = False
    if agent is not None:
        bot, scanner = mapping.agent(text(agent, "context.userAgent", 4096) or "")
    flags = FLAG_BOT if bot else 0
    if kind in MACHINES_DO:
        marked = any(message.properties.get(each) is True for each in mapping.machine_fields)
        # A scanner that fetches a link is not a visit by a robot: the person stays a person.
        return (FLAG_MACHINE if marked or scanner or bot else 0), None
    if bot or not mapping.excludes_people:
        return flags, "bot" if bot else None
    return flags, mapping.excluded_person(ids, _email(message))


def _email(message: Message) -> str | None:
    for where in (message.traits, message.context.get("traits"), message.properties):
        email = where.get("email") if type(where) is dict else None
        if type(email) is str:
            return email
    return None
