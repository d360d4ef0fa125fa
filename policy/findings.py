"""What every guard of a trigger said of a message, and what it looked at; a decision alone needs the first objection.

Asked where everything but the guards spoke for sending, or where they were what objected. On a channel on which nothing
may be sent at all, the moment is not asked about.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from policy.caps import Sent
from policy.channels import Route, unhindered
from policy.decide import NOTHING_KNOWN, Facts, Verdict, pending_beside
from policy.guards import (
    TRANSACTIONAL,
    Consent,
    Guards,
    Standing,
    bought_recently,
    counted,
    disturbance,
    is_browsing,
    quiet_zone,
    suffices,
    suppression,
    word,
)
from policy.reasons import Reason
from policy.runs import Run
from policy.triggers import Trigger

Fact = str | float | bool | None
SUPPRESSION: Final = "suppression"
UPLIFT: Final = "uplift"
_BEFORE_THE_GUARDS: Final = frozenset(
    {
        Reason.EXCLUDED_USER,
        Reason.STALE_EVENT,
        Reason.EXPIRED,
        Reason.EXITED,
        Reason.NO_SCORE,
        Reason.BELOW_THRESHOLD,
        Reason.COOLING_DOWN,
        Reason.CONDITION_NOT_MET,
        Reason.CANCELLED,
        Reason.POLICY_CHANGED,
    }
)
"""What ends the asking before all guards were asked, or makes asking pointless."""


class Finding(NamedTuple):
    """What one guard said of a message.

    Attributes:
        guard: Its field in the policy file; `suppression`, `best_hour` and `pending`, which is told of only where
            it objects, have none of their own. `uplift` tells what a trigger went by that goes by uplift, where a
            model tells it.
        channel: The channel that it is about; None where it is the same for all.
        objection: Why it speaks against the message; None where it does not.
        facts: What it looked at; which facts in which order follows from the guard. Moments and durations are in
            microseconds.
    """

    guard: str
    channel: str | None
    objection: Reason | None
    facts: tuple[Fact, ...] = ()


def findings(trigger: Trigger, facts: Facts, run: Run, verdict: Verdict) -> tuple[Finding, ...]:
    """Return what the guards said of a message that a trigger decided on, in the order in which they are asked.

    To be asked with the facts of the decision, before its own message counts. Empty where there is nothing to tell
    but that nothing is suppressed, and where something before the guards decided; what a trigger that goes by uplift
    went by stands before all else in any case.
    """
    measured = () if trigger.uplift is None else (_measured(verdict),)
    route = verdict.route
    if route is None or verdict.reason in _BEFORE_THE_GUARDS:
        return measured
    return (*measured, *_of_guards(trigger, facts, run, verdict, route))


def _measured(verdict: Verdict) -> Finding:
    score, threshold = verdict.score, verdict.threshold
    if score is None or score != score:
        return Finding(UPLIFT, None, Reason.NO_SCORE, (verdict.by_uplift, None, threshold))
    objection = Reason.BELOW_THRESHOLD if score < threshold else None
    return Finding(UPLIFT, None, objection, (verdict.by_uplift, score, threshold))


def _of_guards(trigger: Trigger, facts: Facts, run: Run, verdict: Verdict, route: Route) -> tuple[Finding, ...]:
    standing = facts.standing or NOTHING_KNOWN
    if not (trigger.is_guarded or standing.suppressed):
        return ()
    if len(route.channels) == 1:
        found = of_channel(trigger, standing, route.channels[0], facts.at)
    else:
        found = tuple(dict.fromkeys(_on_all(trigger, standing, route, facts.at)))
    if trigger.send_within_us:
        found += tuple(_of_moments(trigger, facts, run, verdict, route))
    return found if any(each.objection or each.guard != SUPPRESSION for each in found) else ()


def of_channel(trigger: Trigger, standing: Standing, channel: str, at: int) -> tuple[Finding, ...]:
    """Return what the guards say of a message on one channel at a moment in microseconds."""
    barring = tuple(_barring(trigger, standing, channel))
    if trigger.message_class == TRANSACTIONAL or any(each.objection for each in barring):
        return barring
    return (*barring, *_hindering(trigger.guards, standing, channel, trigger.name, at))


def _on_all(trigger: Trigger, standing: Standing, route: Route, at: int) -> Iterator[Finding]:
    """Yield what is found on each channel; of several together each counts for the caps of those after it."""
    one_by_one = route.together and len(route.channels) > 1
    for channel in route.channels:
        found = of_channel(trigger, standing, channel, at)
        yield from (_of_its_own(each, channel) for each in found) if one_by_one else found
        if one_by_one and not any(each.objection for each in found):
            standing = replace(standing, sends=[*standing.sends, Sent(at, channel, trigger.name)])


def _of_its_own(found: Finding, channel: str) -> Finding:
    return found._replace(channel=channel) if found.guard in {"cap", "cap_per_trigger"} else found


def _barring(trigger: Trigger, standing: Standing, channel: str) -> Iterator[Finding]:
    against = suppression(standing, channel, trigger.message_class)
    yield (
        Finding(SUPPRESSION, channel, None)
        if against is None
        else Finding(SUPPRESSION, channel, Reason.SUPPRESSED, (against,))
    )
    basis = trigger.guards.asks_for(channel)
    if trigger.message_class != TRANSACTIONAL and basis is not Consent.NONE:
        said = word(standing, trigger.guards.purpose, channel)
        given = (None, None) if said is None else (said.granted, said.at)
        objection = None if suffices(basis, said) else Reason.NO_CONSENT
        yield Finding("consent", channel, objection, (trigger.guards.purpose, basis.value, *given))


def _hindering(guards: Guards, standing: Standing, channel: str, trigger: str, at: int) -> Iterator[Finding]:
    if guards.gap_us:
        bought = bought_recently(guards, standing, at)
        facts = (guards.gap_us, standing.last_order_at) if bought else (guards.gap_us,)
        yield Finding("gap_after_purchase", None, Reason.BOUGHT_RECENTLY if bought else None, facts)
    if guards.not_while_browsing:
        found = (Reason.STILL_BROWSING, (standing.last_event_at,)) if is_browsing(standing, at) else (None, ())
        yield Finding("not_while_browsing", None, *found)
    for name, cap, sends in counted(guards, standing, channel, trigger):
        used, of = cap.used(sends, at), channel if name == "cap_per_channel" else None
        yield Finding(name, of, Reason.CAPPED if used >= cap.count else None, (used, cap.count, cap.window_us))
    if guards.quiet_hours:
        zone = quiet_zone(guards.quiet_hours, standing)
        hours = (*guards.quiet_hours.clock, None if zone is None else zone.key)
        yield Finding("quiet_hours", None, disturbance(guards.quiet_hours, zone, at), hours)


def _of_moments(trigger: Trigger, facts: Facts, run: Run, verdict: Verdict, route: Route) -> Iterator[Finding]:
    """Yield whether what is pending stands against this moment, and whether the hour alone put a message off."""
    standing = facts.standing or NOTHING_KNOWN
    free = tuple(each for each in route.channels if not any(f.objection for f in _barring(trigger, standing, each)))
    if not free or trigger.message_class == TRANSACTIONAL:
        return
    of = route, free, trigger.guards, standing
    found = () if verdict.channels else unhindered(*of, trigger=trigger.name, at=facts.at)
    pending = pending_beside(trigger, run, facts) if found else ()
    if pending and not unhindered(*of, trigger=trigger.name, at=facts.at, pending=pending):
        found = ()
        yield Finding("pending", None, Reason.CAPPED)
    # The best one is sought once.
    if trigger.seeks_an_hour and run.first_at is None:
        yield Finding("best_hour", None, Reason.PUT_OFF if found else None)
