"""What has to be read for the guards of a policy."""

from policy.guards import Guards
from policy.watch import Watch, watch_of

HOUR = 3_600_000_000


def test_whatever_no_guard_asks_for_is_not_read():
    assert watch_of([]) == watch_of([(Guards(), "webhook")]) == Watch()


def test_the_longest_look_back_of_all_guards_counts():
    caps = Guards.model_validate({"cap": {"count": 1, "window": "1h"}, "cap_per_trigger": {"count": 1, "window": "3h"}})
    gap = Guards.model_validate({"gap_after_purchase": "2h", "consent": "none"})

    assert watch_of([(caps, "webhook"), (gap, "email")]) == Watch(consents=False, sends_us=3 * HOUR, orders_us=2 * HOUR)


def test_a_channel_of_our_own_asks_for_consent():
    assert watch_of([(Guards(), "webhook"), (Guards(), "sms")]).consents
