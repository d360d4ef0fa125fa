"""A trigger as a sentence: what it waits for, what must be so, what it then does, and what keeps it from that."""

from collections.abc import Iterable, Iterator

from policy.arms import CONTROL
from policy.event_names import ANY
from policy.guards import TRANSACTIONAL, Guards
from policy.quantities import in_words, percent
from policy.segments import Segment
from policy.sentences_steps import steps_in_words
from policy.sentences_steps import way as _way
from policy.trigger_fields import Enrol
from policy.triggers import Trigger


def sentence(trigger: Trigger) -> str:
    """Return the whole trigger in words."""
    transactional = trigger.message_class == TRANSACTIONAL
    asked = (
        [] if trigger.when is None else [trigger.when.inner_sentence() if trigger.when.any else trigger.when.sentence()]
    )
    if trigger.uplift is not None:
        asked.append(_uplift(trigger, trigger.uplift))
    elif not transactional and trigger.threshold > 0:
        asked.append(f"the chance of a purchase within {trigger.horizon} is at least {percent(trigger.threshold)}")
    condition = f" if {', and '.join(asked)}" if asked else ""
    said = (
        f"{_occasion(trigger)}, send a {trigger.message_class} message {_way(trigger.plans[0].route)}"
        f"{condition}{_limits(trigger, transactional)}."
    )
    return said[0].upper() + said[1:] + "".join(f" {each}" for each in steps_in_words(trigger))


def sentence_of_segment(segment: Segment) -> str:
    """Return who is in a segment, and who is told of it, in words."""
    told = f"; {segment.notify} is told who enters and who leaves" if segment.notify else ""
    return f"Everybody for whom this is so: {segment.when.sentence()}{told}."


def _uplift(trigger: Trigger, needed: float | str) -> str:
    adds = f"adds at least {percent(needed)}" if isinstance(needed, float) else "pays for itself by what it adds"
    until_then = f"until a model of that is in service, if that chance is at least {percent(trigger.threshold)}"
    return f"it {adds} to the chance of a purchase within {trigger.horizon} ({until_then})"


def _occasion(trigger: Trigger) -> str:
    happens = " or ".join("any event" if each == ANY else each for each in trigger.on)
    happens += f", for each {trigger.key}" if trigger.key != "user" else ""
    without = f", unless {' or '.join(trigger.cancel_on)} happened" if trigger.cancel_on else ""
    if trigger.after is not None:
        return f"{in_words(trigger.after)} after {happens}{without}"
    if trigger.inactive_for is not None:
        return f"when the person was not seen for {in_words(trigger.inactive_for)} after {happens}{without}"
    return f"at {happens}"


def _limits(trigger: Trigger, transactional: bool) -> str:
    about = "to one person" if trigger.key == "user" else f"about one {trigger.key}"
    parts = [trigger.codes.sentence()] if trigger.codes is not None else []
    parts += [f"at most once in {in_words(trigger.cool_down)} {about}"] if trigger.cool_down else []
    if not transactional:
        parts += _held_out(trigger)
        parts += _explored(trigger)
        parts += _guards(trigger.guards, trigger.channels)
        parts += _moment(trigger)
    parts += [] if trigger.live else [_rehearsal(trigger)]
    if trigger.enrol is Enrol.EXISTING:
        parts.append(f"whoever waits already when it begins is enrolled, {trigger.enrol_per_hour:,} an hour at most")
    return "".join(f"; {each}" for each in parts)


def _held_out(trigger: Trigger) -> Iterator[str]:
    if trigger.hold_out.share:
        drawn = f" for the experiment {trigger.experiment}" if trigger.experiment is not None else ""
        yield f"never to the {percent(trigger.hold_out.share)} held out{drawn}"
    if trigger.shared.everybody is not None:
        yield f"never to the {percent(trigger.shared.everybody.share(CONTROL))} held out of everything"


def _explored(trigger: Trigger) -> Iterator[str]:
    if trigger.explore is not None and trigger.explore.below_threshold:
        yield f"drawn in {percent(trigger.explore.below_threshold)} of the cases where the score alone objects"


def _rehearsal(trigger: Trigger) -> str:
    if trigger.rehearses:
        return "really sent to test users only, and for everybody else in dry run"
    return "all of it in dry run, so nothing is sent"


def _moment(trigger: Trigger) -> Iterator[str]:
    if trigger.seeks_an_hour:
        halved = f", its worth halved every {in_words(trigger.half_life)}" if trigger.half_life is not None else ""
        explored = trigger.explored_hours
        drawn = f", {explored.in_words()} of them at any allowed one" if explored.share or explored.then else ""
        day = "their day" if trigger.send == "best_hour" else "everybody's day"
        yield f"at the best hour of {day} within {in_words(trigger.send_within)}{halved}{drawn}"
    elif trigger.send_within:
        yield f"put off where only the moment is wrong, by {in_words(trigger.send_within)} at most"


def _guards(guards: Guards, channels: Iterable[str]) -> Iterator[str]:
    basis = {"opt_in": "only to who agreed to", "legitimate_interest": "not to who objected to"}
    for words in dict.fromkeys(basis.get(guards.asks_for(each)) for each in sorted(channels)):
        if words is not None:
            yield f"{words} {guards.purpose}"
    whole = ("in all", guards.cap), ("on this channel", guards.cap_per_channel), ("of this", guards.cap_per_trigger)
    for of, cap in whole:
        if cap is not None:
            yield f"no more than {cap.count} message{'s' * (cap.count != 1)} {of} within {in_words(cap.window)}"
    if guards.quiet_hours is not None:
        yield f"not between {guards.quiet_hours.start:%H:%M} and {guards.quiet_hours.end:%H:%M} of their day"
    if guards.gap_after_purchase:
        yield f"not within {in_words(guards.gap_after_purchase)} of an order"
    if guards.not_while_browsing:
        yield "not during a visit"
