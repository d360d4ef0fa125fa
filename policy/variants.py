"""The same policy with something changed: all of it live, or one trigger alone."""

from policy.assignment import ALONE
from policy.copies import changed
from policy.holding import HoldOut
from policy.policy import Policy
from policy.trigger_fields import Mode
from policy.triggers import Trigger


def live(trigger: Trigger, *, hold_out: bool = True) -> Trigger:
    """Return the trigger as it were if it were live; without a hold-out, whoever is in it gets the message, too."""
    kept = trigger.hold_out if hold_out else HoldOut(share=0.0, salt=trigger.hold_out.salt)
    found = changed(trigger, mode=Mode.LIVE, hold_out=kept)
    return found if hold_out else found.told(None, ALONE)


def all_live(policy: Policy) -> Policy:
    """Return the policy with every trigger live."""
    return changed(policy, triggers=tuple(map(live, policy.triggers)))


def alone(policy: Policy, trigger: Trigger) -> Policy:
    """Return the policy with this trigger in place of all of its own."""
    return changed(policy, triggers=(trigger,))
