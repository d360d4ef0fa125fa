"""Caps in the instant of dispatch, where messages wait: what goes out late is counted when it goes out."""

import pytest

from serving.claims import take
from serving.recheck import asking
from tests.serving.engines import SECOND, START, Live, shops

__all__ = ["shops"]
MINUTE, HOUR, DAY = 60, 3600, 86_400
POLICY = """
triggers:
  - name: daily
    on: Product Viewed
    threshold: 0
    cool_down: 0
    hold_out: 0
    mode: live
    max_event_age: 7d
    guards: {cap: {count: 1, window: 1d}}
  - name: receipt
    on: Order Completed
    class: transactional
    threshold: 0
    cool_down: 0
    mode: live
"""


class Dispatched(Live):
    """A shop whose messages are claimed and delivered as a dispatcher does, on its own clock."""

    def claim(self, at, *, delivered=True, at_most=100):
        """Return how long ago each message was decided on that goes out after so many seconds."""
        now = START + round(at * SECOND)
        asked = asking(lambda: self.tools.policy, lambda: now, departs=True)
        with self.database.begin() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            claims = take(connection, "default", at_most=at_most, at=now, lease_us=30 * SECOND, ask=asked)
            for each in claims if delivered else ():
                connection.exec_driver_sql(
                    "UPDATE outbox SET status = 'delivered', delivered_at = ?, lease_until = 0 WHERE message_id = ?",
                    (now, each.message_id),
                )
        decided = "SELECT due_at FROM outbox WHERE message_id = ?"
        return [round((now - self.rows(decided, each.message_id)[0][0]) / SECOND) for each in claims]

    def waiting(self):
        """Return status, reason and the second of the next attempt of what did not go out."""
        rows = self.rows("SELECT status, last_error, next_attempt_at FROM outbox WHERE status <> 'delivered'")
        return [(status, error and error.partition(":")[0], round((at - START) / SECOND)) for status, error, at in rows]


@pytest.fixture
def open_shop(shops, monkeypatch):
    def opened(policy):
        found = shops(policy, Dispatched)
        for place in ("serving.rounds.wall", "serving.departures.wall"):
            monkeypatch.setattr(place, lambda: found.clock.moment)
        return found

    return opened


@pytest.fixture
def shop(open_shop):
    return open_shop(POLICY)


async def of_three_days(shop):
    for day in range(3):
        await shop.hear(day * (DAY + 1), "Product Viewed")


async def test_what_waited_for_days_does_not_go_out_all_at_once(shop):
    await of_three_days(shop)
    resumed = 3 * DAY

    assert shop.claim(resumed) == [3 * DAY]
    assert shop.waiting() == [("pending", "capped", resumed + MINUTE)] * 2
    assert [shop.claim(resumed + minute * MINUTE) for minute in (1, 2)] == [[], []]
    assert shop.waiting() == [("pending", "capped", resumed + DAY)] * 2
    assert shop.claim(resumed + DAY - 1) == []
    assert shop.claim(resumed + DAY) == [3 * DAY - 1]
    assert shop.claim(resumed + DAY + MINUTE) == []
    assert shop.waiting() == [("pending", "capped", resumed + 2 * DAY)]


async def test_nor_one_by_one(shop):
    await of_three_days(shop)
    resumed = 3 * DAY

    assert shop.claim(resumed, at_most=1) == [3 * DAY]
    assert shop.claim(resumed + 1, at_most=1) == []
    assert shop.waiting()[0] == ("pending", "capped", resumed + DAY)


async def test_while_one_is_on_its_way_the_others_are_looked_at_again_soon(shop):
    await of_three_days(shop)
    resumed = 3 * DAY

    assert shop.claim(resumed, delivered=False, at_most=1) == [3 * DAY]
    assert shop.claim(resumed + 1) == []
    assert [at for _, reason, at in shop.waiting() if reason] == [resumed + 1 + MINUTE] * 2


async def test_what_would_expire_before_there_is_room_is_withdrawn(open_shop):
    shop = open_shop(POLICY.replace("7d", "40h"))
    await shop.hear(0, "Product Viewed")
    assert shop.claim(1, delivered=False) == [1]
    await shop.hear(DAY + 1, "Product Viewed")
    recovered = DAY + 20 * HOUR

    assert shop.claim(recovered, at_most=1) == [recovered]
    assert shop.claim(recovered + 1) == []
    assert [each[:2] for each in shop.waiting()] == [("withdrawn", "capped")]


async def test_a_cap_that_has_room_for_all_lets_them_go(open_shop):
    shop = open_shop(POLICY.replace("count: 1", "count: 3"))
    await of_three_days(shop)

    assert len(shop.claim(3 * DAY)) == 3


async def test_a_message_that_leaves_at_once_is_counted_as_before(shop):
    await shop.hear(0, "Product Viewed")
    assert shop.claim(0.03) == [0]
    await shop.hear(DAY + 0.01, "Product Viewed")

    assert shop.claim(DAY + 0.01) == []
    assert shop.claim(DAY + 0.02) == []
    assert shop.claim(DAY + 0.03) == [0]


async def test_a_message_that_no_arm_was_drawn_for_is_counted_as_well(open_shop):
    layers = "layers: [{name: one, experiments: {daily: 0%, another: 100%}}]"
    another = POLICY[: POLICY.index("  - name: receipt")].replace("triggers:", "").replace("daily", "another")
    shop = open_shop(layers + POLICY + another.replace("on: Product Viewed", "on: Products Searched"))
    await of_three_days(shop)

    assert shop.rows("SELECT DISTINCT arm FROM decisions") == [(None,)]
    assert shop.claim(3 * DAY) == [3 * DAY]


async def test_of_transactional_messages_caps_know_nothing(shop):
    await shop.hear(0, "Order Completed", properties={"order_id": "o"})
    await shop.hear(1, "Product Viewed")

    assert shop.claim(2) == [2, 1]
