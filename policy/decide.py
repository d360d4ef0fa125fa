"""The decision: a pure function of a trigger and what is known at a moment, that always has a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from policy.arms import CONTROL
from policy.guards import TRANSACTIONAL, Standing, bar, hindrance
from policy.reasons import FIRED, Action, Reason
from policy.triggers import Trigger
from policy.view import View

# Bound once: looking up a member of an enumeration is slow in Python 3.11.
_HOLD, _CONTROL, _SEND = Action.HOLD, Action.CONTROL, Action.SEND
_NO_SCORE, _BELOW_THRESHOLD = Reason.NO_SCORE, Reason.BELOW_THRESHOLD
_NOTHING_KNOWN = Standing()
TEST_USER: Final = "test"
"""Why somebody is excluded whom the mapping lists as a test user."""


@dataclass(slots=True)
class Facts:
    """What is known of one user when an event asks; the same for all triggers that react to it.

    Attributes:
        unit: What the arms are drawn for: the key of the earliest id of this person, which linking ids never changes.
        at: Moment of the question, in microseconds.
        event_at: When the event happened, in microseconds.
        scores: Probability of a purchase by horizon label; None or NaN where there is no answer.
        last_fired: `Trigger.cool_down_key` -> when it last fired for this user, in microseconds; absent if never.
        excluded: Why this user gets no messages (`bot`, `staff`, `test`); None for everybody else.
        standing: What the guards look at; None where nothing is known, which is no consent either.
        view: What conditions look at; None where no trigger has one.
    """

    unit: str
    at: int
    event_at: int
    scores: Mapping[str, float | None]
    last_fired: Mapping[str, int]
    excluded: str | None = None
    standing: Standing | None = None
    view: View | None = None


class Verdict(NamedTuple):
    """What one trigger decided for one user at one moment.

    Attributes:
        action: Send, withhold for comparison, or hold back.
        reason: Why.
        arm: Where the user was drawn to; None when something else decided before the draw.
        propensity: Probability of this action under the whole policy, in (0, 1].
        score: The probability that was looked at; None where there is none.
        threshold: What it was compared with.
    """

    action: Action
    reason: Reason
    arm: str | None
    propensity: float
    score: float | None
    threshold: float

    @property
    def fired(self) -> bool:
        """Whether the trigger now cools down for this user; a withheld message counts like a sent one."""
        return self.reason in FIRED


def decide(trigger: Trigger, facts: Facts) -> Verdict:
    """Decide one trigger for one user at one moment.

    The first objection is the reason, in this order: excluded, stale or expired, suppressed, no consent, no score,
    below the threshold, cooling down, condition not met, bought recently, still browsing, capped, quiet hours, dry run.
    The hold-out is asked last, so that both arms hold users of the same kind. A transactional message asks neither
    score nor hold-out, nor any guard but suppression. Takes a few microseconds.
    """
    score = facts.scores.get(trigger.horizon)
    held = _objection(trigger, facts, score)
    if held is not None:
        return Verdict(_HOLD, held, None, 1.0, score, trigger.threshold)
    if trigger.message_class == TRANSACTIONAL:
        return Verdict(_SEND, Reason.SENT, None, 1.0, score, trigger.threshold)
    arm, probability = trigger.split.assign(facts.unit)
    if not probability > 0:
        raise AssertionError(f"trigger {trigger.name}: an arm of probability {probability} was drawn")
    if arm == CONTROL:
        return Verdict(_CONTROL, Reason.CONTROL, arm, probability, score, trigger.threshold)
    return Verdict(_SEND, Reason.SENT, arm, probability, score, trigger.threshold)


def _objection(trigger: Trigger, facts: Facts, score: float | None) -> Reason | None:
    """Return the first reason not to fire, or None."""
    if facts.excluded is not None and not (trigger.rehearses and facts.excluded == TEST_USER):
        return Reason.EXCLUDED_USER
    if facts.at - facts.event_at > trigger.stale_after_us:
        return Reason.EXPIRED if trigger.waits else Reason.STALE_EVENT
    standing = facts.standing or _NOTHING_KNOWN
    barred = bar(trigger.guards, standing, channel=trigger.channel, message_class=trigger.message_class)
    if barred is not None:
        return barred
    marketing = trigger.message_class != TRANSACTIONAL
    if marketing and (unlikely := _doubt(trigger, score)):
        return unlikely
    fired_at = facts.last_fired.get(trigger.cool_down_key)
    if fired_at is not None and facts.at - fired_at < trigger.cool_down_us:
        return Reason.COOLING_DOWN
    # Only now, since it may have to look through the log.
    if trigger.when is not None and (facts.view is None or not trigger.when.holds(facts.view)):
        return Reason.CONDITION_NOT_MET
    if marketing:
        hindered = hindrance(trigger.guards, standing, channel=trigger.channel, trigger=trigger.name, at=facts.at)
        if hindered is not None:
            return hindered
    # Whoever is excluded came this far only as a test user of a trigger for these.
    return None if trigger.live or facts.excluded is not None else Reason.DRY_RUN


def _doubt(trigger: Trigger, score: float | None) -> Reason | None:
    """Return why the score does not speak for sending, or None."""
    if score is None or score != score:
        return _NO_SCORE
    return _BELOW_THRESHOLD if score < trigger.threshold else None
