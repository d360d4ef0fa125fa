"""The vocabulary: every kind of event we understand, and the names it goes by."""

from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType


class Kind(IntEnum):
    """What a person did. The numbers are stored in the log: never reuse one (0..63)."""

    OTHER = 0
    PAGE_VIEWED = 1
    SCREEN_VIEWED = 2
    PRODUCTS_SEARCHED = 3
    LIST_VIEWED = 4
    LIST_FILTERED = 5
    PROMOTION_VIEWED = 6
    PROMOTION_CLICKED = 7
    PRODUCT_CLICKED = 8
    PRODUCT_VIEWED = 9
    PRODUCT_ADDED = 10
    PRODUCT_REMOVED = 11
    CART_VIEWED = 12
    CHECKOUT_STARTED = 13
    CHECKOUT_STEP_VIEWED = 14
    CHECKOUT_STEP_COMPLETED = 15
    PAYMENT_INFO_ENTERED = 16
    ORDER_COMPLETED = 17
    ORDER_UPDATED = 18
    ORDER_REFUNDED = 19
    ORDER_CANCELLED = 20
    COUPON_ENTERED = 21
    COUPON_APPLIED = 22
    COUPON_DENIED = 23
    COUPON_REMOVED = 24
    WISHLIST_ADDED = 25
    WISHLIST_REMOVED = 26
    EMAIL_SENT = 27
    EMAIL_DELIVERED = 28
    EMAIL_OPENED = 29
    EMAIL_CLICKED = 30
    EMAIL_BOUNCED = 31
    EMAIL_SPAM = 32
    UNSUBSCRIBED = 33
    PUSH_RECEIVED = 34
    PUSH_TAPPED = 35
    PUSH_BOUNCED = 36
    SMS_SENT = 37
    SMS_DELIVERED = 38
    SMS_CLICKED = 39
    SMS_FAILED = 40
    EXPERIMENT_VIEWED = 41
    IDENTIFIED = 42
    GROUPED = 43
    LINKED = 44
    CONSENT_CHANGED = 45
    CART_ABANDONED = 46
    PRODUCT_SHARED = 47
    PRODUCT_REVIEWED = 48
    APP_OPENED = 49
    SIGNED_UP = 50
    SIGNED_IN = 51


_NOT_TITLE_CASE = {
    Kind.LIST_VIEWED: "Product List Viewed",
    Kind.LIST_FILTERED: "Product List Filtered",
    Kind.WISHLIST_ADDED: "Product Added to Wishlist",
    Kind.WISHLIST_REMOVED: "Product Removed from Wishlist",
    Kind.EMAIL_CLICKED: "Email Link Clicked",
    Kind.EMAIL_SPAM: "Email Marked as Spam",
    Kind.PUSH_RECEIVED: "Push Notification Received",
    Kind.PUSH_TAPPED: "Push Notification Tapped",
    Kind.PUSH_BOUNCED: "Push Notification Bounced",
    Kind.SMS_SENT: "SMS Sent",
    Kind.SMS_DELIVERED: "SMS Delivered",
    Kind.SMS_CLICKED: "SMS Clicked",
    Kind.SMS_FAILED: "SMS Failed",
    Kind.CONSENT_CHANGED: "Segment Consent Preference Updated",
    Kind.APP_OPENED: "Application Opened",
}

NAMES: Mapping[Kind, str] = MappingProxyType(
    {kind: _NOT_TITLE_CASE.get(kind, kind.name.replace("_", " ").title()) for kind in Kind}
)
"""The canonical name of each kind: Segment's where Segment has one."""

# What a name cannot say: these come from a call of their own (identify, group, alias).
_NOT_BY_NAME = {Kind.OTHER, Kind.IDENTIFIED, Kind.GROUPED, Kind.LINKED}

_OLDER_NAMES = {
    "Searched Products": Kind.PRODUCTS_SEARCHED,
    "Viewed Product Category": Kind.LIST_VIEWED,
    "Viewed Product List": Kind.LIST_VIEWED,
    "Filtered Product List": Kind.LIST_FILTERED,
    "Viewed Promotion": Kind.PROMOTION_VIEWED,
    "Clicked Promotion": Kind.PROMOTION_CLICKED,
    "Clicked Product": Kind.PRODUCT_CLICKED,
    "Viewed Product": Kind.PRODUCT_VIEWED,
    "Added Product": Kind.PRODUCT_ADDED,
    "Removed Product": Kind.PRODUCT_REMOVED,
    "Viewed Cart": Kind.CART_VIEWED,
    "Started Checkout": Kind.CHECKOUT_STARTED,
    "Started Order": Kind.CHECKOUT_STARTED,
    "Viewed Checkout Step": Kind.CHECKOUT_STEP_VIEWED,
    "Completed Checkout Step": Kind.CHECKOUT_STEP_COMPLETED,
    "Entered Payment Info": Kind.PAYMENT_INFO_ENTERED,
    "Completed Order": Kind.ORDER_COMPLETED,
    "Updated Order": Kind.ORDER_UPDATED,
    "Refunded Order": Kind.ORDER_REFUNDED,
    "Cancelled Order": Kind.ORDER_CANCELLED,
    "Canceled Order": Kind.ORDER_CANCELLED,
    "Order Canceled": Kind.ORDER_CANCELLED,
    "Entered Coupon": Kind.COUPON_ENTERED,
    "Applied Coupon": Kind.COUPON_APPLIED,
    "Denied Coupon": Kind.COUPON_DENIED,
    "Removed Coupon": Kind.COUPON_REMOVED,
    "Added Product to Wishlist": Kind.WISHLIST_ADDED,
    "Removed Product from Wishlist": Kind.WISHLIST_REMOVED,
    "Wishlist Product Added to Cart": Kind.PRODUCT_ADDED,
    "Shared Product": Kind.PRODUCT_SHARED,
    "Reviewed Product": Kind.PRODUCT_REVIEWED,
    "Viewed Experiment": Kind.EXPERIMENT_VIEWED,
    "Opened Application": Kind.APP_OPENED,
}


@lru_cache(maxsize=8192)
def fold_name(name: str) -> str:
    """Return what is left of a name when case, spaces and punctuation do not count.

    >>> {fold_name(each) for each in ("Product Viewed", "productViewed", "product-viewed")}
    {'productviewed'}
    """
    return "".join(filter(str.isalnum, name.casefold()))


ALIASES: Mapping[str, Kind] = MappingProxyType(
    {fold_name(name): kind for kind, name in NAMES.items() if kind not in _NOT_BY_NAME}
    | {fold_name(name): kind for name, kind in _OLDER_NAMES.items()}
)
"""Folded name -> kind, for Segment's own names of both versions of its specification."""
