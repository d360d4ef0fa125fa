"""Guards on the real engine: what a person said, did or got holds the very next message back."""

import asyncio

import pytest

from serving.history_append import append_history
from serving.suppressions import ADDRESS, USER, Suppression, add
from tests.serving.engines import SECOND, START, WAYS, Shop, event, one_by_one, shops

__all__ = ["shops"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
HOUR = 3600
NOON_S = 1_700_049_600 - START // SECOND
"""2023-11-15, 12:00 UTC, in seconds after START."""


def policy(*triggers, **fields):
    plain = {"on": "Product Added", "threshold": 0, "cool_down": 0, "hold_out": 0, "mode": "live"}
    named = [plain | {"name": f"t{n}"} | fields | each for n, each in enumerate(triggers or ({},))]
    return "format: 1\ntriggers:\n" + "".join(f"  - {each}\n".replace("'", '"') for each in named)


@pytest.fixture
def open_shop(shops):
    return lambda *triggers, **fields: shops(policy(*triggers, **fields))


def added(user, at, **fields):
    return event("Product Added", user, at, **CART, **fields)


def identify(user, at, anonymous=None, **traits):
    ids = {"anonymousId": anonymous} if anonymous else {}
    return event("", user, at, type="identify", traits=traits, **ids)


def consents(user, at, **preferences):
    return event(
        "Segment Consent Preference Updated", user, at, context={"consent": {"categoryPreferences": preferences}}
    )


def reasons(shop):
    return [reason for (reason,) in shop.rows("SELECT reason FROM decisions ORDER BY at, trigger")]


@WAYS
@pytest.mark.parametrize("name", ["Unsubscribed", "Email Bounced", "Email Marked as Spam"])
async def test_an_opt_out_holds_the_very_next_decision(open_shop, arrive, name):
    shop = open_shop()
    await arrive(shop, added("u", 1), event(name, "u", 2), added("u", 3), added("w", 4))

    assert reasons(shop) == ["sent", "suppressed", "sent"]


async def test_a_soft_bounce_suppresses_nobody(open_shop):
    shop = open_shop()
    await one_by_one(shop, event("Email Bounced", "u", 1, properties={"bounce_type": "Transient"}), added("u", 2))

    assert reasons(shop) == ["sent"]


@WAYS
async def test_an_address_that_is_suppressed_is_so_for_a_second_id_of_the_same_person(open_shop, arrive):
    shop = open_shop()
    await arrive(
        shop,
        identify("u", 0, email="Ada@Example.org"),
        identify("w", 1, email="ada@example.org "),
        identify("x", 2, email="x@example.org"),
        event("Unsubscribed", "u", 3),
        added("u", 4),
        added("w", 5),
        added("x", 6),
    )

    assert reasons(shop) == ["suppressed", "suppressed", "sent"]
    assert shop.rows("SELECT kind, subject, channel, reason FROM suppressions ORDER BY kind") == [
        ("address", "ada@example.org", "email", "unsubscribed"),
        ("user", "u", "email", "unsubscribed"),
    ]


@WAYS
async def test_a_number_whose_owner_wants_no_sms_gets_none_under_a_second_id_either(open_shop, arrive):
    shop = open_shop({"channel": "sms", "guards": {"consent": "none"}})
    await arrive(
        shop,
        identify("u", 0, phone="+49 30 1234", email="u@example.org"),
        identify("w", 1, phone="+49-30-1234"),
        event("Unsubscribed", "u", 2, properties={"channel": "sms"}),
        added("w", 3),
    )

    assert reasons(shop) == ["suppressed"]
    assert shop.rows("SELECT subject, channel FROM suppressions ORDER BY 1") == [("+49301234", "sms"), ("u", "sms")]


@WAYS
async def test_a_bounce_is_about_the_address_and_a_user_with_another_one_is_written_to(open_shop, arrive):
    shop = open_shop()
    bounced = event("Email Bounced", "u", 1, properties={"email": "old@example.org"})
    await arrive(shop, identify("w", 0, email="old@example.org"), bounced, added("u", 2), added("w", 3))

    assert reasons(shop) == ["sent", "suppressed"]


@WAYS
async def test_who_told_another_address_since_the_old_one_bounced_is_written_to_there(open_shop, arrive):
    shop = open_shop({"channel": "email", "guards": {"consent": "none"}})
    bounced = event("Email Bounced", "u", 1, properties={"email": "old@example.org"})
    again = event("Email Bounced", "u", 5, properties={"email": "new@example.org"})
    await arrive(shop, identify("u", 0, email="old@example.org"), bounced, added("u", 2))
    await arrive(shop, identify("u", 3, email="new@example.org"), added("u", 4), again, added("u", 6))

    assert reasons(shop) == ["suppressed", "sent", "suppressed"]


@WAYS
async def test_who_complained_of_an_address_that_had_bounced_is_written_to_at_none(open_shop, arrive):
    shop = open_shop({"channel": "email", "guards": {"consent": "none"}})
    await arrive(shop, identify("u", 0, email="old@example.org"), event("Email Bounced", "u", 1))
    entry = Suppression(ADDRESS, "old@example.org", "email", "complained", START)
    await shop.engine.write(lambda connection: add(connection, [entry]))
    await arrive(shop, identify("u", 2, email="new@example.org"), added("u", 3))

    assert reasons(shop) == ["suppressed"]


@WAYS
async def test_who_unsubscribed_at_one_address_is_written_to_at_none(open_shop, arrive):
    shop = open_shop()
    entry = Suppression(ADDRESS, "old@example.org", "email", "unsubscribed", START)
    await shop.engine.write(lambda connection: add(connection, [entry]))
    await arrive(shop, identify("u", 0, email="old@example.org"), identify("u", 1, email="new@example.org"))
    await arrive(shop, added("u", 2))

    assert reasons(shop) == ["suppressed"]


@WAYS
async def test_a_bounce_of_an_address_in_ascii_is_about_the_one_that_was_told_in_letters(open_shop, arrive):
    shop = open_shop()
    bounced = event("Email Bounced", "u", 1, properties={"email": "ada@xn--lden-loa.example"})
    await arrive(shop, identify("u", 0, email="Ada@läden.example"), bounced, added("u", 2))

    assert reasons(shop) == ["suppressed"]


@WAYS
async def test_an_address_told_only_now_may_have_been_suppressed_before(open_shop, arrive):
    shop = open_shop()
    entry = Suppression(ADDRESS, "a@example.org", "*", "manual", START)
    await shop.engine.write(lambda connection: add(connection, [entry]))
    await arrive(shop, added("u", 1), identify("u", 2, email="a@example.org"), added("u", 3))

    assert reasons(shop) == ["sent", "suppressed"]


async def test_a_user_may_be_suppressed_by_hand_before_anybody_saw_them(open_shop):
    shop = open_shop()
    entry = Suppression(USER, "u", "*", "manual", START)
    await shop.engine.write(lambda connection: add(connection, [entry]))
    await one_by_one(shop, added("u", 1), added("w", 2))

    assert reasons(shop) == ["suppressed", "sent"]


@WAYS
async def test_suppression_follows_whoever_is_linked(open_shop, arrive):
    shop = open_shop()
    visit = added(None, 2, anonymousId="a")
    await arrive(shop, event("Unsubscribed", "u", 1), visit, identify("u", 3, anonymous="a"), added("u", 4))

    assert reasons(shop) == ["sent", "suppressed"]


async def test_mail_needs_a_yes_and_a_no_takes_it_back(open_shop):
    shop = open_shop({"channel": "email"})
    await one_by_one(
        shop,
        added("u", 1),
        consents("u", 2, marketing=True),
        added("u", 3),
        consents("u", 4, marketing=False),
        added("u", 5),
    )

    assert reasons(shop) == ["no_consent", "sent", "no_consent"]


@WAYS
async def test_consent_is_per_channel_and_the_latest_word_counts_whatever_came_in_last(open_shop, arrive):
    shop = open_shop({"channel": "email"}, {"channel": "sms"})
    await arrive(
        shop,
        identify("u", 10, consents={"marketing": False, "marketing:sms": True}),
        consents("u", 5, marketing=True),
        added("u", 11),
    )

    assert sorted(reasons(shop)) == ["no_consent", "sent"]
    assert shop.rows("SELECT trigger FROM decisions WHERE reason = 'sent'") == [("t1",)]


async def test_what_a_browser_remembers_overturns_no_refusal(open_shop):
    shop = open_shop({"channel": "email"})
    remembered = {"context": {"consent": {"categoryPreferences": {"marketing": True}}}}
    await one_by_one(shop, added("w", 1, **remembered), consents("u", 2, marketing=False), added("u", 3, **remembered))

    assert reasons(shop) == ["sent", "no_consent"]


@WAYS
@pytest.mark.parametrize("refuser", ["u", None])
async def test_of_what_two_ids_said_the_stricter_counts_until_the_person_speaks_again(open_shop, arrive, refuser):
    shop = open_shop({"channel": "email"})
    anonymous = {"anonymousId": "a"}
    said = {"u": refuser != "u", None: refuser == "u"}
    await arrive(
        shop,
        consents("u", 1, marketing=said["u"]),
        event(
            "Segment Consent Preference Updated",
            None,
            2,
            context={"consent": {"categoryPreferences": {"marketing": said[None]}}},
            **anonymous,
        ),
        identify("u", 3, anonymous="a"),
        added("u", 4),
        consents("u", 5, marketing=True),
        added("u", 6),
    )

    assert reasons(shop) == ["no_consent", "sent"]
    assert shop.rows(
        "SELECT granted FROM consents JOIN users USING (user_no) WHERE user_key = 'u' AND channel = '*'"
    ) == [(1,)]


CAP = {"guards": {"cap": {"count": 3, "window": "1h"}}}


async def test_a_cap_holds_under_64_concurrent_requests_of_one_person_across_two_ids(open_shop):
    shop = open_shop({**CAP, "name": "one"}, {**CAP, "name": "two", "channel": "webhook"})
    await shop.engine.ingest([event("Product Viewed", None, 0, anonymousId="a"), identify("u", 1, anonymous="a")])
    ids = [(None, "a"), ("u", None)]
    asked = [added(user, 2 + n, **({"anonymousId": a} if a else {})) for n in range(32) for user, a in ids]
    await asyncio.gather(*(shop.engine.score([ids[n % 2]], event=each) for n, each in enumerate(asked)))

    assert len(reasons(shop)) == 128
    assert sorted(set(reasons(shop))) == ["capped", "sent"]
    assert reasons(shop).count("sent") == 3
    assert shop.rows("SELECT count(*) FROM outbox") == shop.rows("SELECT count(*) FROM sends") == [(3,)]


@WAYS
async def test_what_was_sent_to_two_ids_is_added_up_when_they_are_linked(open_shop, arrive):
    shop = open_shop(CAP)
    visits = [added(None, at, anonymousId="a") for at in (1, 2)]
    await arrive(shop, *visits, added("u", 3), identify("u", 4, anonymous="a"), added("u", 5), added("u", HOUR + 2))

    assert reasons(shop) == ["sent", "sent", "sent", "capped", "sent"]


async def test_a_withheld_message_uses_up_the_cap_and_a_rehearsed_one_does_not(open_shop):
    held_out = {**CAP, "name": "a", "hold_out": 0.9999999}
    rehearsed = {"name": "b", "mode": "dry_run", "guards": {}}
    shop = open_shop(held_out, rehearsed)
    await one_by_one(shop, *(added("u", at) for at in range(1, 6)))

    assert reasons(shop)[::2] == ["control"] * 3 + ["capped"] * 2
    assert set(reasons(shop)[1::2]) == {"dry_run"}


async def test_a_cap_of_a_channel_counts_that_channel_alone(open_shop):
    guards = {"consent": "none", "cap_per_channel": {"count": 1, "window": "1h"}}
    shop = open_shop({"channel": "email", "guards": guards}, {"channel": "sms", "guards": guards})
    await one_by_one(shop, added("u", 1), added("u", 2))

    assert reasons(shop) == ["sent", "sent", "capped", "capped"]


async def test_quiet_hours_hold_where_the_person_lives(open_shop):
    shop = open_shop({"guards": {"quiet_hours": {"from": "21:00", "to": "08:00"}}})
    zones = ["Europe/London", "Asia/Tokyo", "America/New_York", None]  # 12:00, 21:00, 7:00 there
    await one_by_one(
        shop,
        *(added(f"u{n}", NOON_S + n, context={"timezone": zone} if zone else {}) for n, zone in enumerate(zones)),
    )

    assert reasons(shop) == ["sent", "quiet_hours", "quiet_hours", "unknown_zone"]


@WAYS
async def test_buyers_are_left_in_peace(open_shop, arrive):
    shop = open_shop({"guards": {"gap_after_purchase": "1h"}})
    order = event("Order Completed", "u", 2, properties={"order_id": "o", "total": 9})
    await arrive(shop, added("u", 1), order, added("u", 3), added("u", 2 + HOUR), added("w", 3 + HOUR))

    assert reasons(shop) == ["sent", "bought_recently", "sent", "sent"]


@WAYS
async def test_what_is_bought_later_counts_for_later_decisions_though_a_timer_comes_between(open_shop, arrive):
    shop = open_shop(
        {"guards": {"gap_after_purchase": "1h"}}, {"on": "Page Viewed", "after": "5 min"}, {"on": "Product Clicked"}
    )
    order = event("Order Completed", "u", 62, properties={"order_id": "o", "total": 9})
    await arrive(shop, event("Page Viewed", "v", 1), added("u", 61), order, event("Product Clicked", "x", 9 * 60))

    assert reasons(shop) == ["sent", "sent", "sent"]


@WAYS
async def test_a_transactional_message_escapes_all_but_a_dead_address(open_shop, arrive):
    guards = {"quiet_hours": {"from": "00:00", "to": "23:59"}, "cap": {"count": 1, "window": "1h"}}
    shop = open_shop({"class": "transactional", "channel": "email", "threshold": 1, "hold_out": 0.99, "guards": guards})
    await arrive(
        shop,
        added("u", 1),
        event("Unsubscribed", "u", 2),
        added("u", 3),
        event("Email Bounced", "u", 4),
        added("u", 5),
    )

    assert reasons(shop) == ["sent", "sent", "suppressed"]
    assert shop.rows("SELECT DISTINCT arm, propensity FROM decisions") == [(None, 1.0)]


async def test_a_batch_of_events_that_nobody_decides_about_asks_nothing_of_the_guards(open_shop):
    shop = open_shop()
    statements = []
    driver = shop.engine._driver
    driver.set_trace_callback(statements.append)
    await shop.engine.ingest([event("Product Viewed", "u", 1)])
    driver.set_trace_callback(None)

    tables = ("consents", "suppressions", "addresses", "sends")
    assert statements
    assert not [each for each in statements if any(table in each for table in tables)]


@WAYS
@pytest.mark.parametrize("opt_out", ["user", "address"])
async def test_what_is_pending_for_somebody_who_opts_out_is_never_sent(open_shop, arrive, opt_out):
    shop = open_shop()
    properties = {"email": "ada@example.org"} if opt_out == "address" else {}
    await arrive(
        shop,
        identify("u", 0, email="ada@example.org"),
        identify("w", 0, email="ada@example.org"),
        added("u", 1),
        added("w", 2),
        added("x", 3),
        event("Email Marked as Spam", "u", 4, properties=properties),
    )
    pending = shop.rows("SELECT user_key, status, last_error FROM outbox JOIN users USING (user_no) ORDER BY user_key")

    assert pending == [(each, "withdrawn", "suppressed: complained") for each in "uw"] + [("x", "pending", None)]


async def test_a_transactional_message_that_is_pending_outlives_an_unsubscription(open_shop):
    shop = open_shop({"class": "transactional"}, {})
    await one_by_one(shop, added("u", 1), event("Unsubscribed", "u", 2))

    assert shop.rows("SELECT trigger, status FROM outbox ORDER BY 1") == [
        ("t0", "pending"),
        ("t1", "withdrawn"),
    ]


async def test_where_a_zone_is_not_known_the_shop_may_stand_for_it(tmp_path):
    quiet = {"quiet_hours": {"from": "21:00", "to": "08:00", "unknown_zone": "shop_zone"}}
    shop = Shop(tmp_path, policy="shop_zone: Asia/Tokyo\n" + policy({"guards": quiet}))
    await one_by_one(shop, added("u", NOON_S), added("w", NOON_S + 1, context={"timezone": "Europe/London"}))
    found = reasons(shop)
    shop.close()

    assert found == ["quiet_hours", "sent"]


async def test_an_opt_out_in_imported_history_counts(open_shop):
    shop = open_shop()
    told = [identify("u", 1, email="a@example.org"), event("Unsubscribed", "u", 2)]
    await shop.engine.write(
        lambda connection: append_history(connection, told, origin="test", received_at=START + 3 * SECOND)
    )
    await one_by_one(shop, added("u", 4), identify("w", 5, email="a@example.org"), added("w", 6))

    assert reasons(shop) == ["suppressed", "suppressed"]
