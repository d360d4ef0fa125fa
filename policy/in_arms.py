"""The decision of a trigger whose experiment has arms: by the rules of the user's arm, beside those of all others.

Whoever at least one arm would write to enters the experiment, in the arm they were drawn into, and is logged in it even
where this one holds the message: what is compared then are people of the same kind, whatever the arms ask for.
"""

from policy.assignment import landing
from policy.decide import Facts, Verdict, decide
from policy.draws import Draws
from policy.runs import AT_ONCE, Run
from policy.triggers import Trigger


def decide_in_arm(trigger: Trigger, facts: Facts, run: Run = AT_ONCE) -> tuple[Trigger, Verdict]:
    """Return the trigger as it is in the arm of a user, and what it decides there; one without arms as it is."""
    if not trigger.arms:
        return trigger, decide(trigger, facts, run)
    place = trigger.place(facts.unit)
    mine = trigger.variants.get(place.arm or "", trigger)
    verdict = decide(mine, facts, run)
    if not (trigger.live or facts.excluded is not None):
        return mine, verdict
    sends = sum(chance for each, chance in trigger.ways if _goes(decide(each, facts, run)))
    if not sends > 0:
        return mine, verdict
    hour = None if verdict.draws is None else verdict.draws.hour
    draws = Draws(sends, place.probability, None, place.of_everybody, place.is_out, hour)
    return mine, verdict._replace(arm=place.arm, propensity=landing(trigger.shared, place), draws=draws)


def _goes(verdict: Verdict) -> bool:
    """Whether a message goes out by the rules of one arm, now or later, but for a hold-out."""
    return verdict.fired or verdict.due_at is not None
