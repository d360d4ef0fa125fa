"""What ends a wait, naively: whatever of `cancel_on` happened after what began it, whichever of the two came first."""

from tests.acceptance.naive_conditions import listed


def was_ended(run, events):
    """Whether something that a person did ended a run that is due."""
    ending = listed(run.trigger.get("cancel_on", []))
    later = [each for each in events if each.name in ending and each.at > run.event.at]
    if "inactive_for" in run.trigger:
        # They were seen again since the first event, which is the one that a run is known by.
        later = [each for each in later if each.number > run.event.number]
    about = [named(run.trigger.get("key", "user"), each.properties) for each in later]
    return any(not each or run.key in each for each in about)


def named(what, properties):
    """Return which products or carts an event names; none where it ends the wait for all of them."""
    if what == "user":
        return set()
    parts = [properties, *(properties.get("products", []) if what == "product" else [])]
    return {str(part[f"{what}_id"]) for part in parts if part.get(f"{what}_id")}
