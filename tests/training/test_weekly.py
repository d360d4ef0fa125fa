import sqlite3
from contextlib import closing

import pytest

from tests.features.histories import DAY, HOUR
from tests.training.ledgers import NOW, Ledger
from training.proportions import Arm
from training.weekly import TWO_SIDED_95, WEEK_US, weeks


def judged(ledger):
    with closing(sqlite3.connect(ledger.write())) as connection:
        return weeks(connection, at_us=NOW)


def a_week(ledger, trigger, weeks_ago, *, sent, withheld=(0, 0), **drawn):
    """Decide about as many people: (how many, how many of them order)."""
    begun = NOW - weeks_ago * WEEK_US
    for action, (many, orders) in (("send", sent), ("control", withheld)):
        for i in range(many):
            made = ledger.decision(
                f"{trigger}{action}{weeks_ago}-{i}", trigger, begun + i * 60_000_000, action, **drawn
            )
            if i < orders:
                ledger.outcome(made, "order", begun + DAY)


def test_with_a_hold_out_the_difference_has_an_interval(tmp_path):
    ledger = Ledger(tmp_path)
    a_week(ledger, "cart", 2, sent=(90, 30), withheld=(40, 5), sending=0.7)

    (week,) = judged(ledger)

    assert (week.since, week.sent, week.withheld) == (NOW - 2 * WEEK_US, Arm(90, 30), Arm(40, 5))
    # Agresti and Caffo: one success and one failure more in each arm.
    treated, control = 31 / 92, 6 / 42
    error = (treated * (1 - treated) / 92 + control * (1 - control) / 42) ** 0.5
    assert week.effect.estimate == pytest.approx(treated - control)
    assert week.effect.high - week.effect.low == pytest.approx(2 * TWO_SIDED_95 * error)
    assert week.words.startswith("effect +19.4% [")


def test_without_a_hold_out_the_share_is_no_effect_and_that_is_said(tmp_path):
    ledger = Ledger(tmp_path)
    a_week(ledger, "receipt", 2, sent=(90, 30))
    a_week(ledger, "cart", 3, sent=(90, 30), withheld=(19, 2), sending=0.8)

    cart, receipt = judged(ledger)

    assert receipt.effect is None
    assert receipt.words == "no effect told: nobody is held out"
    assert cart.words == "no effect told: 19 withheld, 20 needed"


def test_a_person_counts_once_a_week_as_of_the_first_decision(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.user("b", merged_into="a")
    first = ledger.decision("a", "cart", NOW - 10 * DAY, "send")
    ledger.decision("b", "cart", NOW - 9 * DAY, "send")
    ledger.outcome(first, "order", NOW - 10 * DAY + HOUR)
    ledger.decision("a", "cart", NOW - 17 * DAY, "control", sending=0.9)

    before, after = judged(ledger)

    assert (before.sent, before.withheld) == (Arm(0, 0), Arm(1, 0))
    assert (after.sent, after.withheld) == (Arm(1, 1), Arm(0, 0))


def test_people_count_in_their_arm_also_where_it_holds_or_puts_off_and_later_steps_are_of_those_who_did_not_buy(
    tmp_path,
):
    ledger = Ledger(tmp_path)
    at = NOW - 10 * DAY
    shy = ledger.decision("a", "cart", at, "hold", reason="below_threshold", arm="shy", sending=0.5)
    late = ledger.decision("b", "cart", at, "hold", reason="put_off", arm="late", sending=0.5)
    again = ledger.decision("b", "cart", at + 8 * DAY, "send", arm="late", sending=0.5)
    held_out = ledger.decision("c", "cart", at, "hold", reason="below_threshold", arm="control", sending=0.5)
    step = ledger.decision("d", "cart", at, "send", arm="late", sending=0.5)
    path = ledger.write()
    with closing(sqlite3.connect(path)) as connection, connection:
        for place, each in enumerate((shy, late, again, held_out, step)):
            known = "UPDATE decisions SET event_seq = ?, step = ? WHERE trigger_decision_id = ?"
            connection.execute(known, (1 if each == again else place, int(each == step), each))
        (week,) = weeks(connection, at_us=NOW)

    assert (week.sent, week.withheld) == (Arm(2, 0), Arm(1, 0))


def test_what_is_too_early_explored_excluded_or_held_is_in_no_arm(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.user("staff", excluded="staff")
    # 24 hours, and one for orders that are told late, are not over.
    ledger.decision("early", "cart", NOW - 25 * HOUR + 1, "send")
    ledger.decision("ripe", "cart", NOW - 25 * HOUR, "send")
    ledger.decision("lucky", "cart", NOW - 3 * DAY, "send", sending=0.1, explored=True)
    ledger.decision("staff", "cart", NOW - 3 * DAY, "send")
    ledger.decision("cold", "cart", NOW - 3 * DAY, "hold", reason="below_threshold")
    ledger.decision("old", "cart", NOW - 29 * DAY, "send")

    (week,) = judged(ledger)

    assert (week.sent, week.too_early) == (Arm(1, 0), 1)
    assert week.words == "no effect told: nobody is held out; 1 too early"
