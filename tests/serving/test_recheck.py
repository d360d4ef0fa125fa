"""Guards asked again in the instant of dispatch, on a real engine and its outbox."""

import pytest

from policy.source import parse
from serving.claims import take
from serving.clock import wall
from serving.history_append import append_history
from serving.recheck import asking
from tests.acceptance.test_guards import CART, HOUR, NOON_S, added, consents, identify, policy
from tests.serving.engines import SECOND, START, WAYS, Shop, event, one_by_one, shops

__all__ = ["shops"]
LEASE_US = 30 * SECOND
EVENING = {"quiet_hours": {"from": "21:00", "to": "08:00"}}


class Counter(Shop):
    """A shop whose messages are claimed as a dispatcher does."""

    def claim(self, *, at=None, policy=None, later_s=0.0):
        """Return whose messages may go out at a moment in seconds after START; the wall clock is `later_s` ahead."""
        now = self.clock.now() if at is None else START + round(at * SECOND)
        asked = asking(lambda: parse(policy or self.policy), lambda: now)
        with self.database.begin() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            claims = take(
                connection,
                "default",
                at_most=100,
                at=wall() + round(later_s * SECOND),
                lease_us=LEASE_US,
                ask=asked,
            )
        keys = "SELECT user_key FROM outbox JOIN users USING (user_no) WHERE message_id = ?"
        return [self.rows(keys, each.message_id)[0][0] for each in claims]

    def standing(self):
        return self.rows(
            "SELECT user_key, status, attempts, last_error FROM outbox JOIN users USING (user_no)"
            " ORDER BY user_key, due_at"
        )


@pytest.fixture
def open_shop(shops):
    return lambda *triggers, **fields: shops(policy(*triggers, **fields), Counter)


def history(*events):
    """A job that writes events to the log past the guards, as an import in another process does."""
    return lambda connection: append_history(connection, events, origin="test", received_at=START + HOUR * SECOND)


def withdrawn(shop, reason):
    [(_, status, attempts, error)] = shop.standing()
    return (status, attempts) == ("withdrawn", 0) and error.startswith(f"{reason}: ")


async def test_what_nothing_stands_against_goes_out(open_shop):
    shop = open_shop()
    await one_by_one(shop, added("u", 1), added("w", 2))

    assert shop.claim() == ["u", "w"]
    assert [row[1:3] for row in shop.standing()] == [("pending", 1)] * 2


async def test_a_refusal_that_nobody_told_the_server_is_found_in_the_instant_of_dispatch(open_shop):
    shop = open_shop({"channel": "email"})
    await one_by_one(shop, consents("u", 0, marketing=True), added("u", 1))
    await shop.engine.write(history(consents("u", 2, marketing=False)))
    assert [row[1] for row in shop.standing()] == ["pending"]

    assert shop.claim() == []
    assert withdrawn(shop, "no_consent")


@WAYS
async def test_a_refusal_withdraws_what_is_pending_at_once(open_shop, arrive):
    shop = open_shop({"channel": "email"}, {"channel": "webhook", "on": "Product Viewed"})
    await arrive(
        shop,
        consents("u", 0, marketing=True),
        added("u", 1),
        event("Product Viewed", "u", 2),
        identify("u", 3, consents={"marketing": False}),
    )

    said = "SELECT channel, status, last_error LIKE 'no_consent: %' FROM outbox ORDER BY channel"
    assert shop.rows(said) == [("email", "withdrawn", 1), ("webhook", "pending", None)]


async def test_a_suppression_of_one_channel_leaves_the_messages_of_another(open_shop):
    free = {"guards": {"consent": "none"}}
    shop = open_shop({"channel": "email", **free}, {"channel": "sms", **free}, {"channel": "webhook"})
    await one_by_one(shop, added("u", 1), event("Unsubscribed", "u", 2))

    assert shop.rows("SELECT channel, status FROM outbox ORDER BY channel") == [
        ("email", "withdrawn"),
        ("sms", "pending"),
        ("webhook", "withdrawn"),
    ]


def bounce(user, at, address):
    return event("Email Bounced", user, at, properties={"email": address})


async def test_a_late_bounce_of_an_old_address_withdraws_nothing_that_goes_to_another(open_shop):
    shop = open_shop({"channel": "email", "guards": {"consent": "none"}})
    await one_by_one(shop, identify("u", 0, email="old@example.org"), identify("u", 1, email="new@example.org"))
    await one_by_one(shop, added("u", 2), bounce("u", 3, "old@example.org"))

    assert shop.claim() == ["u"]


@WAYS
async def test_what_a_bounce_takes_back_goes_out_on_the_next_channel_at_once(open_shop, arrive):
    shop = open_shop({"channel": {"prefer": ["email", "sms"]}, "guards": {"consent": "none"}})
    await arrive(shop, identify("u", 0, email="u@example.org"), added("u", 1), bounce("u", 2, "u@example.org"))

    assert shop.rows("SELECT channel, status FROM outbox ORDER BY channel") == [
        ("email", "withdrawn"),
        ("sms", "pending"),
    ]
    assert shop.rows("SELECT channel FROM sends") == [("sms",)]


async def test_whoever_unsubscribes_from_one_channel_is_not_written_to_on_the_next_for_it(open_shop):
    shop = open_shop({"channel": {"prefer": ["email", "sms"]}, "guards": {"consent": "none"}})
    await one_by_one(shop, identify("u", 0, email="u@example.org"), added("u", 1), event("Unsubscribed", "u", 2))

    assert shop.rows("SELECT channel, status FROM outbox") == [("email", "withdrawn")]


async def test_of_a_message_on_several_channels_only_what_is_refused_is_withdrawn(open_shop):
    shop = open_shop({"channel": {"together": ["email", "sms"]}})
    await one_by_one(shop, consents("u", 0, marketing=True), added("u", 1))
    await one_by_one(shop, identify("u", 2, consents={"marketing:email": False}))

    assert shop.rows("SELECT channel, status FROM outbox ORDER BY channel") == [
        ("email", "withdrawn"),
        ("sms", "pending"),
    ]
    assert len(shop.claim()) == 1


CANCELLED = {"after": "10 min", "cancel_on": "Order Completed"}


def order(user, at, **properties):
    return event("Order Completed", user, at, properties={"order_id": f"o{at}", "total": 9, **properties})


async def fire(shop, user="u", at=1, cart=None):
    """Put something in the cart, and let the timer fire."""
    properties = {**CART["properties"], **({"cart_id": cart} if cart else {})}
    await shop.engine.ingest([event("Product Added", user, at, properties=properties)])
    await shop.until(at + 601)


@pytest.mark.parametrize(("clicked_by", "gone"), [({"machine": True}, []), ({}, [("u", "withdrawn")])])
async def test_what_a_machine_did_takes_no_message_back(open_shop, clicked_by, gone):
    shop = open_shop({"after": "10 min", "cancel_on": "Email Link Clicked"})
    await one_by_one(shop, added("u", 0), added("w", 601))
    await shop.engine.write(history(event("Email Link Clicked", "u", 300, properties={"url": "x"} | clicked_by)))
    shop.claim()

    assert shop.rows("SELECT user_key, status FROM outbox JOIN users USING (user_no) WHERE status <> 'pending'") == gone


async def test_a_purchase_that_arrives_late_withdraws_what_it_would_have_cancelled(open_shop):
    shop = open_shop(CANCELLED)
    await fire(shop)
    assert [row[1] for row in shop.standing()] == ["pending"]

    await shop.engine.ingest([order("u", 300)])

    assert withdrawn(shop, "cancelled")


async def test_a_purchase_from_before_withdraws_nothing(open_shop):
    shop = open_shop(CANCELLED)
    await fire(shop, at=100)
    await shop.engine.ingest([order("u", 50)])

    assert shop.claim() == ["u"]


async def test_a_purchase_that_only_the_log_tells_of_counts_though_it_came_in_before_what_it_ends(open_shop):
    shop = open_shop({"cancel_on": "Order Completed", "steps": [{"after": "1h"}]})
    await shop.engine.ingest([order("u", 300), order("w", 0)])
    await one_by_one(shop, added("u", 1), added("w", 1))

    assert shop.claim() == ["w"]
    assert [row[1] for row in shop.standing()] == ["withdrawn", "pending"]


async def test_a_late_purchase_withdraws_only_what_is_about_an_event_before_it(open_shop):
    shop = open_shop({**CANCELLED, "key": "cart", "cool_down": 0})
    await fire(shop, at=1, cart="first")
    await fire(shop, at=700, cart="second")
    await shop.engine.ingest([order("u", 650)])

    assert [row[1] for row in shop.standing()] == ["withdrawn", "pending"]
    assert shop.claim() == ["u"]


@pytest.mark.parametrize(("cart", "found"), [("mine", "withdrawn"), ("another", "pending")])
async def test_a_purchase_of_another_cart_withdraws_nothing(open_shop, cart, found):
    shop = open_shop({**CANCELLED, "key": "cart"})
    await fire(shop, cart="mine")
    await shop.engine.ingest([order("u", 300, cart_id=cart)])

    assert [row[1] for row in shop.standing()] == [found]


async def test_a_purchase_under_an_id_that_is_linked_only_now_withdraws_what_waits_for_the_other(open_shop):
    shop = open_shop(CANCELLED)
    await fire(shop)
    await shop.engine.ingest([event("Order Completed", None, 700, anonymousId="a", properties={"order_id": "o"})])
    assert [row[1] for row in shop.standing()] == ["pending"]
    await shop.engine.ingest([identify("u", 701, anonymous="a")])

    assert withdrawn(shop, "cancelled")


async def test_a_purchase_that_only_the_log_tells_of_is_found_in_the_instant_of_dispatch(open_shop):
    shop = open_shop(CANCELLED)
    await fire(shop)
    await shop.engine.write(history(order("u", 300)))
    assert [row[1] for row in shop.standing()] == ["pending"]

    assert shop.claim() == []
    assert withdrawn(shop, "cancelled")


async def test_a_purchase_withdraws_what_leaves_buyers_in_peace(open_shop):
    shop = open_shop({"guards": {"gap_after_purchase": "1h"}})
    await one_by_one(shop, added("u", 1), order("u", 2))

    assert withdrawn(shop, "bought_recently")


async def test_quiet_hours_that_began_meanwhile_put_off_until_they_end(open_shop):
    shop = open_shop({"guards": EVENING, "max_event_age": "12h"})
    await one_by_one(shop, added("u", NOON_S, context={"timezone": "Europe/London"}))
    nine_pm, one_second_to_eight = NOON_S + 9 * HOUR, NOON_S + 20 * HOUR - 1

    assert shop.claim(at=nine_pm) == []
    [(_, status, attempts, error)] = shop.standing()
    assert (status, attempts, error.partition(":")[0]) == ("pending", 0, "quiet_hours")
    [(next_at,)] = shop.rows("SELECT next_attempt_at - created_at FROM outbox")
    assert 0 <= next_at / SECOND - 11 * HOUR < 60  # wall time, from nine in the evening to eight
    assert shop.claim(at=one_second_to_eight, later_s=11 * HOUR - 61) == []
    assert shop.claim(at=NOON_S + 20 * HOUR, later_s=11 * HOUR + 1) == ["u"]


async def test_what_would_expire_before_the_quiet_hours_end_is_withdrawn(open_shop):
    shop = open_shop({"guards": EVENING, "max_event_age": "10h"})
    await one_by_one(shop, added("u", NOON_S, context={"timezone": "Europe/London"}))

    assert shop.claim(at=NOON_S + 9 * HOUR) == []
    assert withdrawn(shop, "quiet_hours")


async def test_caps_of_two_ids_that_were_linked_take_back_what_is_too_much(open_shop):
    shop = open_shop({"guards": {"cap": {"count": 2, "window": "1h"}}})
    visits = [event("Product Added", None, at, anonymousId="a", **CART) for at in (1, 3)]
    await one_by_one(shop, visits[0], added("u", 2), visits[1], added("u", 4))
    assert [row[1] for row in shop.standing()] == ["pending"] * 4
    await shop.engine.ingest([identify("u", 5, anonymous="a")])

    assert [(row[0], row[1]) for row in shop.standing()] == [
        ("anonymous:a", "pending"),
        ("anonymous:a", "withdrawn"),
        ("u", "pending"),
        ("u", "withdrawn"),
    ]


async def test_the_policy_of_the_present_is_asked_by_the_name_of_the_trigger(open_shop):
    shop = open_shop()
    await one_by_one(shop, added("u", 1))
    gone = policy({"name": "another"})

    assert shop.claim(policy=gone) == []
    assert withdrawn(shop, "policy_changed")


async def test_a_transactional_message_outlives_all_of_it_but_a_dead_address(open_shop):
    guards = {"quiet_hours": {"from": "00:00", "to": "23:59"}, "gap_after_purchase": "1h"}
    shop = open_shop({"class": "transactional", "channel": "email", "guards": guards})
    await one_by_one(shop, added("u", 1), order("u", 2), consents("u", 3, marketing=False), added("w", 4))
    await shop.engine.write(history(event("Email Bounced", "w", 5)))

    assert shop.claim() == ["u"]


async def test_what_has_no_trigger_has_no_guards(open_shop):
    shop = open_shop()
    await one_by_one(shop, added("u", 1))
    with shop.database.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET trigger = NULL")

    assert shop.claim(policy=policy({"name": "another"})) == ["u"]


@pytest.mark.parametrize("people", [2, 40])
async def test_a_turn_takes_as_many_statements_for_forty_messages_as_for_two(open_shop, people):
    guards = {"cap": {"count": 9, "window": "1d"}, "gap_after_purchase": "1h"}
    shop = open_shop({**CANCELLED, "guards": guards, "channel": "email"})
    for each in range(people):
        await shop.engine.ingest([consents(f"u{each}", 0, marketing=True), added(f"u{each}", 1)])
    await shop.until(700)
    statements = []
    with shop.database.connect() as connection:
        raw = connection.connection.driver_connection
        ids = [row[0] for row in shop.rows("SELECT message_id FROM outbox")]
        raw.set_trace_callback(statements.append)
        assert asking(lambda: parse(shop.policy), shop.clock.now)(connection, ids) == {}
        raw.set_trace_callback(None)

    assert len(ids) == people
    assert len([each for each in statements if "SELECT" in each]) == 7
