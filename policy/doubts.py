"""What a policy may say, but can hardly mean: the impossible, the shadowed and the unguarded."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from features.activity import SESSION_GAP, VISITS
from features.kinds import NAMES, Kind
from policy.bounds import Interval, Subject, interval, subject
from policy.conditions import Condition
from policy.event_names import ANY, EVENT_KINDS
from policy.guards import TRANSACTIONAL
from policy.policy import Policy
from policy.quantities import in_words
from policy.segments import Segment
from policy.shadows import Above
from policy.triggers import Trigger

_AT_ALL = Interval(low=1)
_AN_INSTANT = timedelta(seconds=1)
"""Whatever happens takes a moment to arrive, and a timer is looked at a moment after it is due."""


def doubts(policy: Policy) -> list[str]:
    """Return a sentence for each doubt, in the file's order; none is an error."""
    found = [f"segment {each.name} {why}" for each in policy.segments for why in (*_empty(each), *_unsure([each.when]))]
    above = Above()
    for trigger in policy.triggers:
        about = [
            *impossible(trigger),
            *_never_in_time(trigger),
            *_impossible_steps(trigger),
            *_idle(trigger),
            *_unsure(trigger.conditions),
            *_shadowed(above.shadowing(trigger)),
            *_unguarded(trigger),
        ]
        found += [f"trigger {trigger.name} {each}" for each in about]
        above.add(trigger)
    return found


def impossible(trigger: Trigger) -> Iterator[str]:
    """Yield why a trigger can never fire, or why a part of its condition never matters."""
    transactional = trigger.message_class == TRANSACTIONAL
    explores = trigger.exploration is not None
    goes_by_score = not (transactional or explores or trigger.asks_uplift)
    if trigger.threshold == 1 and goes_by_score:
        yield "never fires: its threshold is 100 %, and no probability is that high"
    known: dict[Subject, Interval] = {}
    if goes_by_score and trigger.threshold < 1:
        known[("intent", trigger.horizon)] = Interval(low=trigger.threshold)
    if not trigger.waits and len(trigger.on) == 1:
        known |= dict.fromkeys(_own_counts(trigger.when, trigger.on[0]), _AT_ALL)
    if trigger.when is not None and (why := _contradiction(trigger.when, known)):
        yield f"never fires: nothing is both {why}"
    if (
        not (trigger.waits or trigger.send_within)
        and trigger.when is not None
        and any(map(_is_since_now, _all_parts(trigger.when)))
    ):
        yield "asks what happened since its own event, but decides at once: it needs after or inactive_for"


def _never_in_time(trigger: Trigger) -> Iterator[str]:
    """Yield why the moment at which a trigger decides is always a wrong one."""
    if trigger.max_event_age < _AN_INSTANT:
        yield "never fires: max_event_age leaves an event no time to arrive"
    if (trigger.waits or trigger.goes_on) and trigger.expires_after < _AN_INSTANT:
        yield "never decides what waited: expires_after leaves it no time after its moment"
    if trigger.message_class == TRANSACTIONAL:
        return
    latest, guards = timedelta(microseconds=trigger.waits_us) + trigger.send_within, trigger.guards
    if guards.not_while_browsing and latest < SESSION_GAP and all(map(_is_of_a_visit, trigger.on)):
        yield f"never fires: {in_words(latest)} after an event of a visit that visit is not over"
    if latest < (guards.gap_after_purchase or timedelta(0)) and set(trigger.on) == {NAMES[Kind.ORDER_COMPLETED]}:
        yield "never fires: its own event begins the gap_after_purchase, which is longer than it waits"


def _is_of_a_visit(event: str) -> bool:
    return event != ANY and VISITS[EVENT_KINDS.get(event, Kind.OTHER)]


def _impossible_steps(trigger: Trigger) -> Iterator[str]:
    for number, plan in enumerate(trigger.plans[1:], 1):
        asked = () if plan.when is None else (plan.when,)
        if plan.threshold == 1 and trigger.message_class != TRANSACTIONAL and trigger.exploration is None:
            yield f"never fires at step {number}: its threshold is 100 %, and no probability is that high"
        for together in [(*asked, when) for when, _ in plan.branches] or [asked]:
            if together and (why := _contradiction(Condition(all=together), {})):
                yield f"never goes one way of step {number}: nothing is both {why}"


def _idle(trigger: Trigger) -> Iterator[str]:
    if trigger.send_within and trigger.send == "now" and not trigger.guards.forbid_moments:
        yield "puts nothing off: send_within is for moments that caps, quiet hours, orders or visits forbid"
    if trigger.message_class == TRANSACTIONAL and trigger.send_within:
        yield "puts nothing off: a transactional message goes out at once"


def _unsure(conditions: Iterable[Condition]) -> Iterator[str]:
    """Yield what is asked of the best hour that nobody's is, as long as only the prior answers."""
    for part in (each for condition in conditions for each in _all_parts(condition)):
        if part.send_hour is not None and part.send_hour.needs_a_model:
            yield f"asks that “{part.sentence()}”, which never holds until a send-hour model is in service"


def _empty(segment: Segment) -> Iterator[str]:
    """Yield why nobody can ever be in a segment."""
    if why := _contradiction(segment.when, {}):
        yield f"has nobody in it: nothing is both {why}"


def _contradiction(condition: Condition, known: dict[Subject, Interval]) -> str | None:
    """Return the part of a condition that cannot hold together with the others, if all of it must hold."""
    if condition.any is not None:
        found = [_contradiction(each, dict(known)) for each in condition.any]
        return found[0] if all(found) else None
    if condition.all is not None:
        return next(filter(None, (_contradiction(each, known) for each in condition.all)), None)
    about = subject(condition)
    if about is None:
        return None
    before = known.get(about, Interval())
    known[about] = before.both(interval(condition))
    return f"“{condition.sentence()}” and what else is asked of it" if known[about].is_empty else None


def _shadowed(other: Trigger | None) -> Iterator[str]:
    if other is not None:
        yield f"is shadowed by {other.name}: whenever it would fire, {other.name} would, to the same person"


def _unguarded(trigger: Trigger) -> Iterator[str]:
    if not trigger.live or trigger.message_class == TRANSACTIONAL:
        return
    for channel in sorted(trigger.channels - {"webhook"}):
        if not trigger.guards.caps:
            yield f"is unguarded: it sends marketing by {channel} without a cap"
        if trigger.guards.quiet_hours is None:
            yield f"is unguarded: it sends marketing by {channel} without quiet hours"


def _all_parts(condition: Condition) -> Iterator[Condition]:
    yield condition
    for each in condition.parts:
        yield from _all_parts(each)


def _is_since_now(condition: Condition) -> bool:
    return condition.not_since is not None and condition.not_since.since is None


def _own_counts(condition: Condition | None, event: str) -> Iterator[Subject]:
    """Yield what counts the asking event itself, which is there once at least."""
    for each in _all_parts(condition) if condition is not None else ():
        count, about = each.count, subject(each)
        if count and about and count.event == event and not (count.same or count.where or count.within == timedelta(0)):
            yield about
