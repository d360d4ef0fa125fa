"""Which triggers wait: what arms their timers, what makes these pointless, and what a timer is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from features.kinds import fold_name
from policy.caps import Sent
from policy.decide import Verdict
from policy.departure import sends_to
from policy.event_names import ANY, by_event, of_key
from policy.guards import TRANSACTIONAL
from policy.policy import Policy
from policy.reasons import Reason
from policy.runs import AT_ONCE, EVERYTHING, Run, Waiting
from policy.triggers import Trigger
from policy.view import SentMessage


class Reaction(NamedTuple):
    """The triggers of a policy that an event concerns, in the file's order.

    Attributes:
        deciding: Those that decide at once, by priority.
        arming: Those that it lets begin to wait.
        cancelling: Those that it lets wait no longer.
    """

    deciding: tuple[Trigger, ...] = ()
    arming: tuple[Trigger, ...] = ()
    cancelling: tuple[Trigger, ...] = ()


NO_REACTION: Final = Reaction()


@dataclass(frozen=True, slots=True)
class Timing:
    """The triggers of a policy that may wait, and what lets them.

    Attributes:
        reactions: Kind of event, or folded name of one without a kind -> the triggers that it concerns.
        by_name: All of them, those too that wait only for a better moment, or for their next step.
    """

    reactions: Mapping[int | str, Reaction]
    by_name: Mapping[str, Trigger]

    def of(self, name: str, step: int) -> Trigger | None:
        """Return the trigger of a timer; None where the policy holds none of that name, or no such step of it."""
        found = self.by_name.get(name)
        return found if found is not None and step <= len(found.steps) else None

    def reaction_to(self, kind: int, name: str) -> Reaction:
        """Return the triggers that an event concerns; its name counts only where it has no kind of its own."""
        found = self.reactions.get(kind or fold_name(name))
        return found or (NO_REACTION if kind else self.reactions.get(ANY, NO_REACTION))


def timing(policy: Policy) -> Timing:
    """Return the triggers of a policy that may wait."""
    waiting = [each for each in policy.triggers if each.waits or each.goes_on]
    arming = by_event((event, each) for each in waiting if each.waits for event in each.on)
    # Only what waits can be cancelled: a trigger that cannot has no `cancel_on`.
    found = policy.index, arming, policy.recalling
    return Timing(
        reactions={key: Reaction(*(of_key(each, key) for each in found)) for key in set().union(*found)},
        by_name={each.name: each for each in waiting},
    )


def follows(trigger: Trigger, run: Run, verdict: Verdict, *, at: int, decision_id: str) -> Waiting | None:
    """Return what a trigger waits for after a decision; None where that is all.

    A step that fired lets the next one wait, and so does one whose condition did not hold; any other objection ends the
    sequence. A decision that was put off is made again, at the same step.
    """
    if verdict.due_at is not None:
        first_at = at if run.first_at is None else run.first_at
        return Waiting(run._replace(is_due=True, first_at=first_at), verdict.due_at)
    passes = verdict.fired or (run.step > 0 and verdict.reason is Reason.CONDITION_NOT_MET)
    if not passes or run.step == len(trigger.steps):
        return None
    message = SentMessage(decision_id, at) if verdict.fired else run.message
    return Waiting(Run(run.step + 1, run.key, True, None, message), at + trigger.steps[run.step].after_us)


def to_come(trigger: Trigger, step: int, due_at: int, *, excluded: str | None) -> tuple[Sent, ...]:
    """Return what a decision that was put off counts for caps at its moment, in microseconds, if it fires then.

    That is on each channel of several together, else on the first; nothing where caps do not count it.
    """
    if trigger.message_class == TRANSACTIONAL or not sends_to(trigger, excluded):
        return ()
    route = trigger.plans[step].route
    return tuple(Sent(due_at, each, trigger.name) for each in route.channels[: None if route.together else 1])


def run_of(trigger: Trigger, payload: Mapping[str, Any]) -> Run | None:
    """Return the run of a trigger that an event lets decide at once; None where it does not say what it is about."""
    if trigger.key == "user":
        return AT_ONCE
    key = key_of(trigger, payload.get("properties", {}))
    return None if key is None else Run(key=key)


def key_of(trigger: Trigger, properties: Mapping[str, Any]) -> str | None:
    """Return what a timer of this trigger is for; None where the event does not say which cart or product."""
    if trigger.key == "user":
        return EVERYTHING
    found = properties.get(f"{trigger.key}_id")
    return str(found) if found is not None and found != "" else None


def keys_ended(trigger: Trigger, properties: Mapping[str, Any]) -> frozenset[str] | None:
    """Return for which keys an event ends the waiting; None for all of them.

    An order ends what waits for the products it names, or for its cart; one that names none ends everything, since a
    message too few costs less than one about what was just bought.
    """
    if trigger.key == "user":
        return None
    if trigger.key == "product":
        lines = properties.get("products")
        listed = lines if isinstance(lines, list | tuple) else ()
        found = [each.get("product_id") for each in listed if isinstance(each, Mapping)]
        found.append(properties.get("product_id"))
    else:
        found = [properties.get("cart_id")]
    named = frozenset(str(each) for each in found if each is not None and each != "")
    return named or None
