"""What stands against a message in the instant at which it would go out: the guards of its trigger, asked once more.

The score, the condition and the cool-down were answered when it was decided on; they are not asked again.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec.structs import replace

from policy.caps import Sent
from policy.decide import TEST_USER
from policy.findings import Finding, of_channel
from policy.guards import SESSION_GAP_US, TRANSACTIONAL, Standing, bar, counted, hindrance, next_allowed
from policy.reasons import Reason
from policy.triggers import Trigger

_LOOK_AGAIN_US: Final = 60_000_000


class Departed(NamedTuple):
    """Another message to the same person that went out, or is about to; moments in microseconds."""

    decided_at: int
    at: int
    channel: str
    trigger: str


class Departing(NamedTuple):
    """A message that is about to go out.

    Attributes:
        trigger: Its trigger, by the present policy; None where that has no such trigger any more.
        channel: How it goes out, which was settled by the decision.
        decided_at: When it was decided on, in microseconds.
        excluded: Why its user gets no messages, or None.
        is_cancelled: Whether something of `cancel_on` happened since.
        beside: What else went out to its user lately, or is about to: late ones crowd, whenever they were decided on.
    """

    trigger: Trigger | None
    channel: str
    decided_at: int
    excluded: str | None = None
    is_cancelled: bool = False
    beside: tuple[Departed, ...] = ()


class Objection(NamedTuple):
    """Why a message must not go out now.

    Attributes:
        reason: Why.
        until: Until when, in microseconds; None where that is for good.
        findings: What each guard said then; empty where something else than a guard objects.
    """

    reason: Reason
    until: int | None = None
    findings: tuple[Finding, ...] = ()


def objection(message: Departing, standing: Standing, *, at: int) -> Objection | None:
    """Return what stands against a message at a moment in microseconds, or None.

    The caps count what was decided before it alone: whatever came later gives way to it. What they would let through
    by that, and not by when messages really go out, waits until there is room.
    """
    trigger = message.trigger
    if trigger is None or not sends_to(trigger, message.excluded):
        return Objection(Reason.POLICY_CHANGED)
    if message.excluded is not None and not trigger.rehearses:
        return Objection(Reason.EXCLUDED_USER)
    if message.is_cancelled:
        return Objection(Reason.CANCELLED)
    barred = bar(trigger.guards, standing, channel=message.channel, message_class=trigger.message_class)
    if barred is not None:
        return Objection(barred, None, of_channel(trigger, standing, message.channel, at))
    if trigger.message_class == TRANSACTIONAL:
        return None
    earlier = replace(standing, sends=_before(standing.sends, message.decided_at)) if standing.sends else standing
    found = hindrance(trigger.guards, earlier, channel=message.channel, trigger=trigger.name, at=at)
    if found is not None:
        return Objection(found, _end(found, trigger, standing, at), of_channel(trigger, earlier, message.channel, at))
    return _crowded(message, trigger, earlier, at) if message.beside and trigger.guards.caps else None


def _crowded(message: Departing, trigger: Trigger, earlier: Standing, at: int) -> Objection | None:
    """Return until when a message waits since others left late, or are leaving; None where there is room."""
    late = {(each.decided_at, each.channel, each.trigger) for each in message.beside}
    in_time = [each for each in earlier.sends if each not in late]
    departed = [Sent(each.at, each.channel, each.trigger) for each in message.beside]
    crowd = replace(earlier, sends=[*in_time, *departed])
    caps = [*counted(trigger.guards, crowd, message.channel, trigger.name)]
    if not any(cap.is_used_up(sends, at) for _, cap, sends in caps):
        return None
    until = max(cap.free_from(sends, at) for _, cap, sends in caps)
    if any(each.at >= at for each in message.beside):
        # Whether these arrive is known soon.
        until = min(until, at + _LOOK_AGAIN_US)
    return Objection(Reason.CAPPED, until, of_channel(trigger, crowd, message.channel, at))


def sends_to(trigger: Trigger, excluded: str | None) -> bool:
    """Whether a trigger sends to people like this one, given why they get no messages, if so."""
    return trigger.live or (trigger.rehearses and excluded == TEST_USER)


def _before(sends: Iterable[Sent], moment: int) -> list[Sent]:
    return [each for each in sends if each.at < moment]


def _end(reason: Reason, trigger: Trigger, standing: Standing, at: int) -> int | None:
    """Return when a hindrance is over by itself; a purchase or a used-up cap takes the message back instead."""
    if reason is Reason.QUIET_HOURS:
        return next_allowed(trigger.guards, standing, at)
    if reason is Reason.STILL_BROWSING and standing.last_event_at is not None:
        return standing.last_event_at + SESSION_GAP_US
    return None
