"""What a policy leaves to chance, naively: who is held out, and which decisions are explored."""

from hashlib import blake2b

from tests.acceptance.naive_conditions import share


def number(salt, unit):
    """Return the first 64 bits of a keyed hash, as a number in [0, 2^64)."""
    key = blake2b(salt.encode(), digest_size=32).digest()
    return int.from_bytes(blake2b(unit.encode(), digest_size=8, key=key).digest(), "big")


def is_among(said, salt, unit):
    """Whether the number of a user lies in the share that is held out."""
    said = said if isinstance(said, dict) else {"share": said}
    return number(said.get("salt", salt), unit) < round(share(said.get("share", "10%")) * 2**64)


def is_held_out(trigger, policy, unit):
    """Whether a user is held out of everything, or by the trigger, if its experiment has them."""
    experiment = trigger.get("experiment", trigger["name"])
    out_of_all = "hold_out" in policy and is_among(policy["hold_out"], "everybody", unit)
    elsewhere = any(experiment != layered(each, unit) for each in policy.get("layers", []) if experiment in parts(each))
    return out_of_all or (not elsewhere and is_among(trigger.get("hold_out", {}), experiment, unit))


def parts(layer):
    """Return the experiments of a layer with their shares."""
    said = layer["experiments"]
    if isinstance(said, list):
        return dict.fromkeys(said, 1 / len(said))
    return {name: share(each) for name, each in said.items()}


def layered(layer, unit):
    """Return the experiment of a layer that a user is in, or None."""
    found, end = number(f"layer {layer['name']}", unit), 0.0
    for name, part in parts(layer).items():
        end += part
        if found < min(round(end * 2**64), 2**64):
            return name
    return None


def explored_share(trigger, policy):
    """Return in which share of the decisions that are below the threshold something is tried."""
    return share(trigger.get("explore", policy.get("explore", {})).get("below_threshold", "0%"))


def is_explored(trigger, policy, unit, at):
    """Whether the number of a user at a moment lies in that share."""
    found = number(f"below the threshold of {trigger['name']}", f"{unit} at {at}")
    return found < round(explored_share(trigger, policy) * 2**64)
