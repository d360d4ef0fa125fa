"""What a policy leaves to chance, naively: who is held out, and which decisions are explored."""

from hashlib import blake2b

from tests.acceptance.naive_conditions import share


def number(salt, unit):
    """Return the first 64 bits of a keyed hash, as a number in [0, 2^64)."""
    key = blake2b(salt.encode(), digest_size=32).digest()
    return int.from_bytes(blake2b(unit.encode(), digest_size=8, key=key).digest(), "big")


def is_held_out(trigger, unit):
    """Whether the number of a user lies in the share that is held out."""
    said = trigger.get("hold_out", {})
    said = said if isinstance(said, dict) else {"share": said}
    salt = said.get("salt", trigger.get("experiment", trigger["name"]))
    return number(salt, unit) < round(share(said.get("share", "10%")) * 2**64)


def explored_share(trigger, policy):
    """Return in which share of the decisions that are below the threshold something is tried."""
    return share(trigger.get("explore", policy.get("explore", {})).get("below_threshold", "0%"))


def is_explored(trigger, policy, unit, at):
    """Whether the number of a user at a moment lies in that share."""
    found = number(f"below the threshold of {trigger['name']}", f"{unit} at {at}")
    return found < round(explored_share(trigger, policy) * 2**64)
