"""Which decisions an order counts for."""

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.event import listen

from features.kinds import NAMES, Kind
from policy.quantities import horizon_length, microseconds
from policy.source import parse
from serving.attribution import RESPONSES, Order, Response, attribute, respond
from serving.rehearsal import Constant, rehearsal
from serving.schema import decisions, users
from serving.scorer import MEANINGS, scorer
from tests.serving.databases import HOUR, NOW, database, rows
from tests.serving.engines import MAPPING, START
from training.decision_log import Ledger

__all__ = ["database"]


def a_user(number, merged_into=None):
    return {
        "user_no": number,
        "user_key": f"user-{number}",
        "unit": f"user-{number}",
        "merged_into": merged_into,
        "last_seq": 0,
        "last_known_at": 0,
    }


def a_decision(number, **given_):
    return {
        "trigger_decision_id": f"d{number}.cart",
        "decision_id": f"d{number}",
        "user_no": 1,
        "trigger": "cart",
        "at": NOW,
        "event_seq": 1,
        "action": "send",
        "reason": "sent",
        "horizon": "24h",
        "propensity": 0.9,
        "policy_version": "0123456789ab",
    } | given_


def an_order(seq=2, *, after=HOUR, user_no=1, value=9.5):
    return Order(user_no, seq, NOW + after, value)


ADA = a_user(1)


def prepare(database, *made, people=(ADA,)):
    with database.begin() as connection:
        connection.execute(insert(users), list(people))
        connection.execute(insert(decisions), list(made))


def attributed(database, *orders):
    with database.begin() as connection:
        attribute(connection, orders)
    return rows(database, "SELECT trigger_decision_id, event_seq, value FROM outcomes ORDER BY 2, 1")


def test_an_order_counts_for_messages_sent_and_withheld_alike(database):
    prepare(
        database,
        a_decision(1),
        a_decision(2, action="control", reason="control"),
        a_decision(3, action="hold", reason="below_threshold"),
        a_decision(4, user_no=2),
        people=[a_user(1), a_user(2)],
    )

    assert attributed(database, an_order()) == [("d1.cart", 2, 9.5), ("d2.cart", 2, 9.5)]


def test_an_order_is_counted_once_for_a_decision_however_often_it_is_asked(database):
    prepare(database, a_decision(1))

    with database.begin() as connection:
        assert attribute(connection, [an_order()]) == 1
        assert attribute(connection, [an_order()]) == 0
    assert attributed(database, an_order(), an_order(3)) == [("d1.cart", 2, 9.5), ("d1.cart", 3, 9.5)]


def test_the_order_that_asked_is_no_outcome_of_the_answer(database):
    prepare(database, a_decision(1, event_seq=2))

    assert attributed(database, an_order(after=0)) == []


def test_a_late_order_counts_by_when_it_happened(database):
    prepare(database, a_decision(1, event_seq=7))

    assert attributed(database, an_order(8, after=-HOUR), an_order(9, after=24 * HOUR)) == [("d1.cart", 9, 9.5)]


def test_decisions_of_an_id_that_was_linked_count_for_the_person(database):
    prepare(database, a_decision(1, user_no=1), people=[a_user(1, merged_into=2), a_user(2)])

    assert attributed(database, an_order(user_no=2)) == [("d1.cart", 2, 9.5)]


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_an_unknown_amount_stays_unknown(database, value):
    prepare(database, a_decision(1))

    assert attributed(database, an_order(value=value)) == [("d1.cart", 2, None)]


def test_no_orders_no_work(database):
    with database.connect() as connection:
        assert attribute(connection, []) == 0


moments = st.one_of(
    st.integers(-100 * 24 * HOUR, 100 * 24 * HOUR),
    # Around the ends of the horizons, where a rule and a query are most likely to differ.
    st.builds(lambda hours, by: -hours * HOUR + by, st.sampled_from([0, 1, 24, 168, 2160]), st.integers(-2, 2)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(moments, st.sampled_from(["1h", "24h", "7d", "90d", "2160h"])), min_size=1, max_size=30),
)
def test_the_query_says_what_the_rule_says(database, made):
    with database.begin() as connection:
        for table in ("users", "decisions", "outcomes"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    prepare(database, *(a_decision(n, at=NOW + at, horizon=horizon) for n, (at, horizon) in enumerate(made)))

    found = {trigger_decision_id for trigger_decision_id, *_ in attributed(database, an_order(after=0))}
    assert found == {
        f"d{n}.cart" for n, (at, horizon) in enumerate(made) if 0 < -at <= microseconds(horizon_length(horizon))
    }


def responded(database, *responses):
    with database.begin() as connection:
        return respond(connection, responses)


def test_what_became_of_a_message_is_tied_to_the_decision_that_it_names_once(database):
    prepare(database, a_decision(1))
    opened = Response(1, 5, NOW + HOUR, "opened", "d1.cart")

    assert responded(database, opened, opened) == 1
    assert responded(database, opened) == 0
    assert responded(database) == 0
    assert rows(database, "SELECT trigger_decision_id, event_seq, kind, value FROM outcomes") == [
        ("d1.cart", 5, "opened", None)
    ]


def test_nobody_responds_to_a_decision_about_somebody_else_but_whoever_they_turned_out_to_be_does(database):
    prepare(database, a_decision(1), a_decision(2, user_no=3), people=(ADA, a_user(2), a_user(3, merged_into=2)))

    assert responded(database, Response(2, 5, NOW, "opened", "d1.cart")) == 0
    assert responded(database, Response(2, 6, NOW, "opened", "unknown.cart")) == 0
    assert responded(database, Response(2, 7, NOW, "opened", "d2.cart")) == 1


def test_every_report_that_becomes_an_event_has_its_word_in_the_ledger():
    told = [NAMES[kind] for kind in RESPONSES]

    assert RESPONSES[Kind.EMAIL_SPAM] == "complained"
    assert {"Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced", "Unsubscribed"} <= set(told)


POLICY = "triggers: [{name: cart, on: Product Added, threshold: 30%, cool_down: 1d, hold_out: 50%, mode: live}]"
CUT = """
SELECT d.trigger_decision_id, count(o.event_seq), sum(o.value) FROM decisions d
LEFT JOIN outcomes o USING (trigger_decision_id) GROUP BY 1 ORDER BY 1
"""


def told(kind, at_s, **ids):
    name = {"event": kind, "properties": {"total": 9}} if kind != "identify" else {}
    call = {"type": "track" if name else kind, "messageId": f"{ids}-{kind}-{at_s}", "timestamp": START / 1e6 + at_s}
    return call | name | ids


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_an_order_counts_when_it_is_known_only_later_whose_it_was(in_one_batch):
    visitor, user, other = {"anonymousId": "v"}, {"userId": "ada"}, {"anonymousId": "w"}
    story = [
        told("Order Completed", 0, **user),
        told("Product Added", 10, **visitor),
        told("Product Added", 20, **other),
        told("Order Completed", 60, **user),
        told("identify", 90, **user, **visitor),
        told("Order Completed", 120, **user),
    ]

    with rehearsal(parse(POLICY), scorer({"24h": Constant(0.5)}, MEANINGS), mapping=MAPPING, start=START) as shop:
        for calls in [story] if in_one_batch else [[each] for each in story]:
            await shop.tell(*calls)
        await shop.tell(told("Page Viewed", 3 * 86_400, userId="last"))
        found = [tuple(row)[1:] for row in rows(shop.database, CUT)]
        by_the_log = Ledger(Path(shop.database.url.database)).of("cart").decisions

    # Not the one before the cart, and nothing for whoever stayed somebody else.
    assert found == [(2, 18.0), (0, None)]
    assert by_the_log.ordered.tolist() == [True, False]


async def test_the_orders_of_all_whose_ids_are_linked_in_a_batch_are_found_at_once():
    people = range(7)
    before = [told("Order Completed", 60 + n, userId=f"u{n}") for n in people]
    carts = [told("Product Added", 10 + n, anonymousId=f"v{n}") for n in people]
    links = [told("identify", 90, userId=f"u{n}", anonymousId=f"v{n}") for n in people]
    said = []

    with rehearsal(parse(POLICY), scorer({"24h": Constant(0.5)}, MEANINGS), mapping=MAPPING, start=START) as shop:
        await shop.tell(*carts, *before)
        listen(shop.database, "before_cursor_execute", lambda *args: said.append(args[2]))
        await shop.tell(*links)
        found = [tuple(row)[1:] for row in rows(shop.database, CUT)]

    assert found == [(1, 9.0)] * 7
    assert len([each for each in said if "RECURSIVE" in each and "decided" in each]) == 1
    assert len([each for each in said if "INTO outcomes" in each]) == 1
