"""Why did this person get what they got, or nothing? The ledger answers in words, guard by guard."""

import pytest

from serving.decisions import decisions_of
from serving.suppressions import USER, Suppression
from serving.withdrawal import suppress
from tests.acceptance.test_guards import HOUR, NOON_S, added, consents, identify, policy
from tests.serving.engines import SECOND, START, event, one_by_one, shops
from tests.serving.test_recheck import EVENING, Counter

__all__ = ["shops"]
GUARDED = {
    "channel": "email",
    "guards": {
        "cap": {"count": 1, "window": "7d"},
        "quiet_hours": {"from": "21:00", "to": "08:00", "unknown_zone": "shop_zone"},
    },
}
TOLD = "Not against it: nothing is suppressed by email; consent to marketing by email was given on 2023-11-15"


@pytest.fixture
def open_shop(shops):
    return lambda *triggers, **fields: shops(policy(*triggers, **fields), Counter)


def why(shop, user="u"):
    """Return the decisions on somebody, the earliest first."""
    with shop.database.connect() as connection:
        told = decisions_of(connection, user, limit=50, before=None)
    return [each for evaluation in reversed(told.evaluations) for each in evaluation.decisions]


def objections(decision):
    return [(each.guard, each.reason) for each in decision.guards if each.verdict == "objected"]


async def test_a_marketer_reads_why_the_second_mail_was_held_and_what_was_fine(open_shop):
    shop = open_shop(GUARDED)
    await one_by_one(shop, consents("u", NOON_S, marketing=True), added("u", NOON_S + 1), added("u", NOON_S + 2))

    sent, held = why(shop)

    assert held.in_words == (
        "The user got as many messages as the trigger's frequency caps allow, or was due to. "
        "Against it: 1 of at most 1 message of all triggers in the last 7 days. "
        f"{TOLD}; outside the quiet hours from 21:00 to 08:00 in UTC."
    )
    assert sent.in_words.endswith(
        f"{TOLD}; 0 of at most 1 message of all triggers in the last 7 days; "
        "outside the quiet hours from 21:00 to 08:00 in UTC."
    )
    assert (objections(sent), objections(held)) == ([], [("cap", "capped")])


async def test_every_guard_of_the_trigger_is_in_the_decision_with_threshold_and_hold_out(open_shop):
    shop = open_shop(GUARDED)
    await one_by_one(shop, consents("u", NOON_S, marketing=True), added("u", NOON_S + 1))

    [sent] = why(shop)

    assert [each.guard for each in sent.guards] == [
        *("exclusion", "age", "suppression", "consent", "threshold", "cool_down", "when", "cap", "quiet_hours"),
        *("mode", "hold_out"),
    ]
    assert {each.verdict for each in sent.guards} == {"passed"}


async def test_who_is_held_out_is_told_that_the_guards_had_nothing_against_it(open_shop):
    shop = open_shop(GUARDED, hold_out={"share": 0.999999, "salt": "s"})
    await one_by_one(shop, consents("u", NOON_S, marketing=True), added("u", NOON_S + 1))

    [held_out] = why(shop)

    assert objections(held_out) == [("hold_out", "control")]
    assert TOLD in held_out.in_words


async def test_what_is_put_off_says_by_which_guard_and_to_when(open_shop):
    shop = open_shop(GUARDED, send_within="24h")
    evening = NOON_S + 10 * HOUR
    await one_by_one(shop, consents("u", NOON_S, marketing=True))
    [scored] = (await shop.engine.score([("u", None)], event=added("u", evening + 1))).scores
    [put_off] = why(shop)

    assert objections(put_off) == [("quiet_hours", "quiet_hours")]
    assert "Against it: within the quiet hours from 21:00 to 08:00 in UTC." in put_off.in_words
    assert put_off.in_words.endswith("It asks again at 2023-11-16 08:00 UTC.")
    assert scored.decisions[0].objections == ("quiet_hours",)
    assert scored.decisions[0].due_at == put_off.due_at


async def test_what_needs_no_guard_costs_the_ledger_no_room(open_shop):
    shop = open_shop({}, {"threshold": 1, "channel": "email"}, {"cool_down": "1d"})
    await one_by_one(shop, added("u", 1), added("u", 2))

    assert {reason for (reason,) in shop.rows("SELECT reason FROM decisions")} == {
        *("sent", "no_consent", "cooling_down")
    }
    assert shop.rows("SELECT DISTINCT reason FROM decisions WHERE findings IS NOT NULL") == [("no_consent",)]


async def test_the_guard_that_withdrew_a_message_at_dispatch_is_told_with_it(open_shop):
    shop = open_shop({"guards": {"cap": {"count": 1, "window": "7d"}, "gap_after_purchase": "2d"}})
    await one_by_one(shop, added("u", 1))
    before = why(shop)[0].messages[0]
    await one_by_one(shop, event("Order Completed", "u", 2, properties={"order_id": "o", "total": 9}))

    [message] = why(shop)[0].messages

    assert (before.status, before.guards) == ("pending", [])
    assert (message.status, message.reason) == ("withdrawn", "bought_recently")
    assert [(each.guard, each.verdict) for each in message.guards] == [
        ("suppression", "passed"),
        ("gap_after_purchase", "objected"),
        ("cap", "passed"),
    ]
    assert "Against it: ordered at 2023-11-14 22:13 UTC, less than 2 days ago." in message.in_words


async def test_the_guard_that_put_a_message_off_at_dispatch_is_told_until_it_goes_out(open_shop):
    shop = open_shop({"guards": EVENING})
    await one_by_one(shop, event("Page Viewed", "u", 0, context={"timezone": "Europe/London"}), added("u", NOON_S + 1))
    assert shop.claim(at=NOON_S + 19.5 * HOUR) == []
    [put_off] = why(shop)[-1].messages
    assert shop.claim(at=NOON_S + 20 * HOUR, later_s=0.51 * HOUR) == ["u"]
    [on_its_way] = why(shop)[-1].messages

    assert (put_off.status, put_off.reason) == ("pending", "quiet_hours")
    assert [each.guard for each in put_off.guards if each.verdict == "objected"] == ["quiet_hours"]
    assert "within the quiet hours from 21:00 to 08:00 in Europe/London" in put_off.in_words
    assert on_its_way.guards == []


@pytest.mark.parametrize("by_hand", [False, True])
async def test_an_opt_out_that_withdraws_a_message_is_told_as_the_guard_that_did(open_shop, by_hand):
    shop = open_shop({"channel": "email"})
    await one_by_one(shop, consents("u", 0, marketing=True), added("u", 1))
    if by_hand:
        entry = Suppression(USER, "u", "email", "manual", START + 2 * SECOND)
        await shop.engine.write(lambda connection: suppress(connection, [entry]))
    else:
        await one_by_one(shop, event("Unsubscribed", "u", 2))

    [message] = why(shop)[0].messages

    [guard] = message.guards
    assert (message.status, guard.guard, guard.channel, guard.verdict) == (
        *("withdrawn", "suppression", "email", "objected"),
    )
    assert guard.in_words == f"suppressed by email: {'put on the list by hand' if by_hand else 'they unsubscribed'}"


async def test_a_refusal_in_between_is_told_with_the_day_on_which_it_was_said(open_shop):
    shop = open_shop({"channel": "email"})
    await one_by_one(
        shop, consents("u", 0, marketing=True), added("u", 1), identify("u", 2, consents={"marketing": False})
    )

    [message] = why(shop)[0].messages

    assert "Against it: a refusal of marketing by email was given on 2023-11-14." in message.in_words
