"""What counts as activity and as a visit, when a visit is over, and how habits fade."""

from datetime import timedelta
from typing import Final

from features.kinds import Kind

PASSIVE: Final = frozenset(
    {
        Kind.ORDER_UPDATED,
        Kind.ORDER_REFUNDED,
        Kind.ORDER_CANCELLED,
        Kind.CART_ABANDONED,
        Kind.EMAIL_SENT,
        Kind.EMAIL_DELIVERED,
        Kind.EMAIL_BOUNCED,
        Kind.EMAIL_SPAM,
        Kind.PUSH_RECEIVED,
        Kind.PUSH_BOUNCED,
        Kind.SMS_SENT,
        Kind.SMS_DELIVERED,
        Kind.SMS_FAILED,
        Kind.EXPERIMENT_VIEWED,
        Kind.IDENTIFIED,
        Kind.GROUPED,
        Kind.LINKED,
        Kind.CONSENT_CHANGED,
    }
)
"""What is done to people, or written about them, mostly by a program. All else is activity, unknown names included."""

ELSEWHERE: Final = frozenset({Kind.EMAIL_OPENED, Kind.UNSUBSCRIBED})
"""Activity that happens outside the shop, and so neither begins nor lengthens a session."""

# By position: the hash of an enumeration's member is computed in Python, and this is asked for every event.
VISITS: Final = tuple(kind not in PASSIVE | ELSEWHERE for kind in Kind)
"""Whether an event of a kind belongs to a visit."""

SESSION_GAP: Final = timedelta(minutes=30)
"""A pause longer than this ends a session (the convention of web analytics)."""

PROFILE_HALF_LIFE: Final = timedelta(days=90)
"""How an activity profile over hours and weekdays forgets."""

PROFILE_PRIOR: Final = 2.0
"""How many events, spread evenly, a profile starts from: few events then say little."""

ORDERS_KEPT: Final = 8
"""How many of the latest orders the spread of their gaps is computed from."""

SHORTEST_MEAN_GAP: Final = timedelta(hours=1)
"""Orders that follow each other faster are parts of one; the time since the last is measured in no smaller unit."""
