import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import AMOUNT, ITEMS, unpack_record
from features.kinds import Kind
from serving import history_orders
from serving.history_import import HistoryRefused, report
from serving.history_lines import Row, id_of
from serving.history_orders import OrderRows
from serving.mapping_file import read_mapping
from tests.serving.test_history_import import database, history, rejects

__all__ = ["database", "history"]
HEADER = "user_id,event,timestamp,order_id,product_id,price,quantity,revenue,currency,note\n"
MAPPING = read_mapping()


def line(product, *, user="u1", order="o1", event="purchase", at="2017-08-01T12:00:00Z", price="2.5", **cells):
    rest = {"quantity": "1", "revenue": "", "currency": "", "note": ""} | cells
    return ",".join((user, event, at, order, product, price, *rest.values())) + "\n"


def orders(history):
    """What the log holds: who, which kind, amount, lines and their products."""
    return [
        (
            row[0],
            row[1],
            unpack_record(row[2])[AMOUNT],
            unpack_record(row[2])[ITEMS],
            [each["product_id"] for each in json.loads(row[3])["properties"].get("products", [])],
        )
        for row in history.rows("user_key, kind, record, payload")
    ]


def test_rows_of_one_order_that_follow_each_other_are_one_order_with_its_products(history):
    content = HEADER + line("a") + line("b", price="4", quantity="2") + line("c", order="o2")
    done = history.take(history.file("orders.csv", content))

    assert (done.rows, done.added, done.joined, done.repeated, done.rejected) == (3, 2, 1, 0, 0)
    assert orders(history) == [
        ("u1", Kind.ORDER_COMPLETED, 10.5, 2, ["a", "b"]),
        ("u1", Kind.ORDER_COMPLETED, 2.5, 1, []),
    ]
    assert "1 rows were further lines of the order before them" in report(done, MAPPING)


def test_what_all_rows_state_alike_is_the_orders_and_the_rest_each_lines_own(history):
    history.take(history.file("o.csv", HEADER + line("a", note="gift", currency="USD") + line("b", currency="USD")))
    [(payload,)] = history.rows("payload")

    assert json.loads(payload)["properties"] == {
        "order_id": "o1",
        "currency": "USD",
        "products": [
            {"product_id": "a", "price": 2.5, "quantity": 1, "note": "gift"},
            {"product_id": "b", "price": 2.5, "quantity": 1},
        ],
    }


@pytest.mark.parametrize(
    ("revenues", "price", "amount"),
    [
        (("7", "7"), "2.5", 7.0),
        (("2.5", "4"), "2.5", 5.0),
        (("7", ""), "2.5", 5.0),
        (("3", "4"), "", 7.0),
        (("7", "7"), "", 7.0),
        (("", ""), "2.5", 5.0),
    ],
)
def test_the_amount_is_what_all_rows_state_or_else_the_sum_of_the_lines(history, revenues, price, amount):
    content = line("a", revenue=revenues[0], price=price) + line("b", revenue=revenues[1], price=price)
    history.take(history.file("o.csv", HEADER + content))

    assert [row[2] for row in orders(history)] == [amount]


def test_another_user_another_order_or_another_event_is_another_order(history):
    content = line("a") + line("b", user="u2") + line("c", user="u2", order="o2")
    content += line("d", user="u2", order="o2", event="Order Refunded")
    done = history.take(history.file("o.csv", HEADER + content))

    assert (done.added, done.joined) == (4, 0)


def test_refunds_of_one_order_at_different_times_are_different_refunds(history):
    refund = {"event": "Order Refunded", "order": "o1"}
    content = line("a", **refund) + line("b", **refund) + line("c", at="2017-08-02T12:00:00Z", **refund)
    history.take(history.file("o.csv", HEADER + content))

    assert [row[2:4] for row in orders(history)] == [(5.0, 2), (2.5, 1)]


def test_rows_without_an_order_id_and_other_events_stay_by_themselves(history):
    content = line("a", order="") + line("b", order="") + line("a", event="view") + line("b", event="view")

    assert history.take(history.file("o.csv", HEADER + content)).added == 4


def test_a_row_that_comes_later_is_no_order_of_its_own_and_is_reported_by_line(history):
    path = history.file("o.csv", HEADER + line("a") + line("c", user="u2") + line("b") + line("a"))
    done = history.take(path)
    [bad] = rejects(done)

    assert (done.added, done.joined, done.repeated, done.rejected, done.rows) == (2, 0, 1, 1, 4)
    assert (bad["file"], bad["line"], bad["field"], bad["code"]) == (str(path), 4, "order_id", "order_parted")
    assert "sort the file" in bad["reason"]
    with pytest.raises(HistoryRefused, match="1 bad row"):
        history.take(path, strict=True)


def test_an_order_that_the_log_holds_already_is_not_counted_again(history):
    history.take(history.file("first.csv", HEADER + line("a") + line("b")))
    again = history.take(history.file("second.csv", HEADER + line("a", user="u2") + line("c", note="new") + line("d")))

    assert (again.added, again.repeated, again.joined, again.rejected) == (1, 1, 1, 0)
    assert [row[0] for row in orders(history)] == ["u1", "u2"]


def test_a_second_import_adds_nothing_and_equal_rows_are_one_line(history):
    path = history.file("o.csv", HEADER + line("a") + line("a") + line("b"))

    assert history.take(path).repeated == 1
    again = history.take(path)
    assert (again.added, again.repeated, again.joined) == (0, 2, 1)


def test_an_order_keeps_the_message_id_of_its_first_row(history):
    header = "message_id,user_id,event,timestamp,order_id,product_id,price\n"
    rows = "m1,u1,purchase,2017-08-01,o1,a,2\nm2,u1,purchase,2017-08-01,o1,b,3\n"
    history.take(history.file("o.csv", header + rows))

    assert history.rows("message_id") == [("m1",)]


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_bad_line_of_an_order_does_not_stop_the_good_ones(history, bad):
    lines = [line(product, price="free" if place == bad else "2") for place, product in enumerate("abc")]
    done = history.take(history.file("o.csv", HEADER + "".join(lines)))

    assert (done.added, done.joined, done.rejected) == (1, 1, 1)
    assert [(each["line"], each["field"]) for each in rejects(done)] == [(bad + 2, "price")]
    assert [row[2:4] for row in orders(history)] == [(4.0, 2)]


@pytest.mark.parametrize("bad", ["u1,purchase\n", line("x", user="")])
def test_a_bad_row_does_not_part_an_order(history, bad):
    done = history.take(history.file("o.csv", HEADER + line("a") + bad + line("b")))

    assert (done.added, done.joined, done.rejected) == (1, 1, 1)


def test_an_order_id_may_be_long_and_one_that_is_none_makes_no_order(history):
    rows = [
        {"user_id": "u1", "event": "purchase", "timestamp": 1_500_000_000, "order_id": order, "sku": sku}
        for order in ("o" * 300, ["o"], True)
        for sku in "ab"
    ]
    done = history.take(history.file("o.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))

    assert (done.added, done.joined, done.rejected) == (5, 1, 0)


def test_lines_in_two_currencies_are_not_added_up(history):
    mapping = "currency: {shop: USD, rates: {EUR: 1.2}}"
    content = HEADER + line("a", currency="USD") + line("b", currency="EUR")
    done = history.take(history.file("o.csv", content), mapping=mapping)

    assert [(each["line"], each["code"]) for each in rejects(done)] == [(3, "order_currency")]
    assert [row[2] for row in orders(history)] == [2.5]


def test_an_order_has_no_more_lines_than_memory_should_hold(history, monkeypatch):
    monkeypatch.setattr(history_orders, "MOST_LINES", 2)
    done = history.take(history.file("o.csv", HEADER + line("a") + line("b") + line("c")))

    assert [(each["line"], each["code"]) for each in rejects(done)] == [(4, "order_too_long")]


def test_parquet_files_and_flat_json_lines_do_the_same(history):
    rows = [
        {
            "customer_id": 7,
            "event": "purchase",
            "timestamp": "2017-08-01",
            "transaction_id": 5,
            "sku": sku,
            "price": 2.0,
        }
        for sku in "ab"
    ]
    pq.write_table(pa.Table.from_pylist(rows), history.folder / "o.parquet")
    by_table = history.take(history.folder / "o.parquet")
    by_lines = history.take(history.file("o.jsonl", "".join(json.dumps(row) + "\n" for row in rows)))

    assert (by_table.added, by_table.joined) == (1, 1)
    assert (by_lines.added, by_lines.joined, by_lines.repeated) == (0, 1, 1)
    assert unpack_record(history.rows("record")[0][0])[AMOUNT] == 4


def test_a_row_with_all_its_products_is_a_whole_order(history):
    row = {"user_id": "u1", "event": "purchase", "timestamp": "2017-08-01", "order_id": "o1", "products": ["a", "b"]}
    other = row | {"products": ["a", "c"]}
    done = history.take(history.file("o.jsonl", json.dumps(row) + "\n" + json.dumps(other) + "\n"))

    assert (done.added, done.joined) == (1, 0)
    assert [(each["line"], each["code"]) for each in rejects(done)] == [(2, "order_again")]


def test_calls_shaped_like_segments_are_left_as_they_are(history):
    call = {"type": "track", "userId": "u1", "event": "Order Completed", "timestamp": "2017-08-01"}
    calls = [call | {"messageId": f"m{n}", "properties": {"order_id": "o1", "product_id": n}} for n in (1, 2)]
    done = history.take(history.file("o.jsonl", "".join(json.dumps(each) + "\n" for each in calls)))

    assert (done.added, done.joined) == (2, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["u1", "u2"]),
            st.sampled_from(["o1", "o2", None]),
            st.sampled_from(["purchase", "view"]),
            st.integers(0, 5),
        ),
        max_size=30,
    )
)
def test_every_row_is_an_event_a_line_a_repetition_or_a_reject_and_no_order_comes_twice(rows):
    held = set()
    joiner = OrderRows(MAPPING, held.__contains__)
    messages = [
        {"user_id": user, "event": event, "timestamp": 1_500_000_000, "order_id": order, "product_id": product}
        for user, order, event, product in rows
    ]
    given_rows = [Row(n, raw, id_of(repr(raw).encode())) for n, raw in enumerate(messages)]
    found = []
    for row in joiner.joined(given_rows):
        found.append(row)
        held.update((row.order, *(each.message_id for each in row.lines)) if row.lines else ())
    whole = [row for row in found if row.lines]

    assert joiner.read == len(rows)
    assert sum(max(1, len(row.lines)) for row in found) + joiner.equal == len(rows)
    assert len({row.order for row in whole}) == len(whole)
    assert {(r[0], r[1]) for r in rows if r[1] and r[2] == "purchase"} == {
        (row.raw["user_id"], row.raw["order_id"]) for row in whole
    }
