"""Which triggers wait: what arms their timers, what makes these pointless, and what a timer is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.event_names import by_event, of_event
from policy.runs import EVERYTHING
from policy.triggers import Policy, Trigger

Reacting = Mapping[int | str, tuple[Trigger, ...]]
"""Kind of event, or folded name of one without a kind -> triggers, in the file's order."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The waiting triggers of a policy, by what they react to.

    Attributes:
        arming: Those that an event lets begin to wait.
        cancelling: Those that an event lets wait no longer.
        by_name: All of them.
    """

    arming: Reacting
    cancelling: Reacting
    by_name: Mapping[str, Trigger]

    def armed_by(self, kind: int, name: str) -> tuple[Trigger, ...]:
        """Return the triggers that begin to wait with this event."""
        return of_event(self.arming, kind, name)

    def cancelled_by(self, kind: int, name: str) -> tuple[Trigger, ...]:
        """Return the triggers that this event makes pointless."""
        return of_event(self.cancelling, kind, name)


def timing(policy: Policy) -> Timing:
    """Return the waiting triggers of a policy."""
    waiting = [each for each in policy.triggers if each.waits]
    return Timing(
        arming=by_event((event, each) for each in waiting for event in each.on),
        cancelling=by_event((event, each) for each in waiting for event in each.cancel_on),
        by_name={each.name: each for each in waiting},
    )


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
