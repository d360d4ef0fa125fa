"""What the guards of a policy look at: whatever none of them asks for is not read either."""

from collections.abc import Iterable
from typing import NamedTuple

from policy.guards import Consent, Guards


class Watch(NamedTuple):
    """What has to be known of a person before their triggers decide; suppressions always have to be.

    Attributes:
        consents: Whether consent.
        sends_us: How far back what was sent, in microseconds; 0 for not at all.
        orders_us: How far back orders, in microseconds; 0 for not at all.
        shop_zone: IANA name of the shop's zone, which may stand for one that is not known.
    """

    consents: bool = False
    sends_us: int = 0
    orders_us: int = 0
    shop_zone: str = "UTC"


def watch_of(guarded: Iterable[tuple[Guards, str]], *, shop_zone: str = "UTC") -> Watch:
    """Return what guards, each with the channel of its trigger, look at."""
    found = [(guards, guards.asks_for(channel)) for guards, channel in guarded]
    return Watch(
        consents=any(basis is not Consent.NONE for _, basis in found),
        sends_us=max((guards.longest_cap_us for guards, _ in found), default=0),
        orders_us=max((guards.gap_us for guards, _ in found), default=0),
        shop_zone=shop_zone,
    )
