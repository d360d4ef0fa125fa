"""Who is in which arm: a salted hash of the user, so that nobody has to remember and nobody ever changes sides."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import Final, NamedTuple

CONTROL: Final = "control"
TREATMENT: Final = "treatment"

_SPAN: Final = 1 << 64


class Assignment(NamedTuple):
    """An arm, and the probability with which a user lands in it."""

    arm: str
    probability: float


@dataclass(frozen=True, slots=True)
class Split:
    """A division of all users into arms; build it with `split`.

    Attributes:
        key: 32 bytes made of the salt; another salt gives an independent division.
        parts: Upper ends (exclusive) in the hash's range of 0 to 2^64, with the arm below each.
    """

    key: bytes
    parts: tuple[tuple[int, Assignment], ...]

    def assign(self, unit: str) -> Assignment:
        """Return the arm of a randomisation unit: always the same one, whatever else happens."""
        drawn = _number(self.key, unit)
        for end, assignment in self.parts:
            if drawn < end:
                return assignment
        raise AssertionError("the parts of a split cover the whole range")

    def share(self, arm: str) -> float:
        """Return the share of an arm; 0 for one that nobody is in."""
        return next((each.probability for _, each in self.parts if each.arm == arm), 0.0)


def key_of(salt: str) -> bytes:
    """Return 32 bytes made of a salt."""
    return blake2b(salt.encode(), digest_size=32).digest()


def uniform(key: bytes, unit: str) -> float:
    """Return the number in [0, 1) that a unit always draws with a key of `key_of`."""
    return (_number(key, unit) >> 11) / (1 << 53)


def _number(key: bytes, unit: str) -> int:
    return int.from_bytes(blake2b(unit.encode(), digest_size=8, key=key).digest(), "big")


def split(salt: str, shares: Mapping[str, float]) -> Split:
    """Divide all users into arms by their shares; an arm with a share of 0 gets nobody.

    Growing the first arm moves users from the second into it and nobody else, so a hold-out can be widened.

    Raises:
        ValueError: The shares do not add up to 1, or one is negative.
    """
    if min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError(f"the shares of the arms must add up to 1: {dict(shares)}")
    filled = {arm: share for arm, share in shares.items() if share > 0}
    ends = [round(end * _SPAN) for end in accumulate(filled.values())]
    ends[-1] = _SPAN
    return Split(
        key=key_of(salt),
        parts=tuple((end, Assignment(arm, share)) for end, (arm, share) in zip(ends, filled.items(), strict=True)),
    )


def hold_out(salt: str, share: float) -> Split:
    """Divide users into a control arm of that share, and the rest."""
    return split(salt, {CONTROL: share, TREATMENT: 1 - share})
