"""Baskets read from a log: what one person did with which product on one day."""

import pytest

from features.kinds import Kind
from tests.features.histories import DAY, HOUR, JULY
from tests.training.logs import write_told
from training import baskets as module
from training.baskets import LONGEST_AGO_DAYS, read_baskets

VIEWED, ADDED, ORDERED = Kind.PRODUCT_VIEWED, Kind.PRODUCT_ADDED, Kind.ORDER_COMPLETED


def found(folder, rows, **how):
    """Return the lines of a log as (person, days after July, product, bought)."""
    read = read_baskets(write_told(folder, rows, **how))
    lines = zip(read.person.tolist(), read.day.tolist(), read.product.tolist(), read.bought.tolist(), strict=True)
    return sorted((person, day - JULY // DAY, read.products[product], bought) for person, day, product, bought in lines)


def test_a_basket_is_what_one_person_did_on_one_day_each_product_once(tmp_path):
    order = {"products": [{"product_id": "lamp"}, {"sku": "bulb"}, {"product_id": "lamp"}]}
    rows = [
        ("u", VIEWED, JULY, {"product_id": "lamp"}),
        ("u", ADDED, JULY + HOUR, {"product_id": "lamp"}),
        ("u", ORDERED, JULY + 2 * HOUR, order),
        ("u", VIEWED, JULY + DAY, {"product_id": "lamp"}),
        ("v", VIEWED, JULY, {"sku": "bed"}),
        ("v", Kind.PRODUCT_REMOVED, JULY, {"product_id": "chair"}),
    ]

    assert found(tmp_path, rows) == [
        (10, 0, "bulb", True),
        (10, 0, "lamp", True),
        (10, 1, "lamp", False),
        (13, 0, "bed", False),
    ]


def test_ids_are_read_as_conditions_read_them_whatever_their_type(tmp_path):
    rows = [
        ("u", ORDERED, JULY, {"products": [{"product_id": 7}, {"product_id": "", "sku": "s"}, "no line"]}),
        ("u", ORDERED, JULY, {"products": "nothing", "product_id": {"a": 1}, "sku": 1.5}),
        ("u", VIEWED, JULY, "{}"),
        ("u", VIEWED, JULY, '{"properties": 3}'),
    ]

    assert [product for _, _, product, _ in found(tmp_path, rows)] == ["1.5", "7", "s"]


def test_bots_are_left_out_and_two_ids_of_one_person_are_one(tmp_path):
    rows = [(who, VIEWED, JULY, {"product_id": who}) for who in ("anonymous:a", "u", "bot")]

    lines = found(tmp_path, rows, excluded=("bot",), merged={"anonymous:a": "u"})

    assert lines == [(13, 0, "anonymous:a", False), (13, 0, "u", False)]


def test_what_is_known_later_or_long_ago_is_not_read(tmp_path):
    rows = [
        ("u", VIEWED, JULY, {"product_id": "too long ago"}),
        ("u", VIEWED, JULY + DAY, {"product_id": "just in time"}),
        ("u", VIEWED, JULY + LONGEST_AGO_DAYS * DAY, {"product_id": "last"}),
        ("u", VIEWED, JULY + (LONGEST_AGO_DAYS + 1) * DAY, {"product_id": "unknown yet"}),
    ]
    path = write_told(tmp_path, rows)

    read = read_baskets(path, until_us=JULY + LONGEST_AGO_DAYS * DAY)

    assert sorted(read.products[each] for each in read.product.tolist()) == ["just in time", "last"]


def test_of_a_long_log_the_newest_lines_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_LINES", 3)
    rows = [("u", VIEWED, JULY + n * HOUR, {"product_id": str(n)}) for n in range(8)]

    assert [product for _, _, product, _ in found(tmp_path, rows)] == ["5", "6", "7"]


@pytest.mark.parametrize("rows", [[], [("u", VIEWED, JULY, {})]])
def test_a_log_without_products_has_no_baskets(tmp_path, rows):
    assert found(tmp_path, rows) == []
