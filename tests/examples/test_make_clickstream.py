import csv
import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

import examples.clickstream
from examples.clickstream.make_clickstream import COLUMNS, clicks, write
from features.kinds import Kind
from features.mapping import EventMapping
from features.moments import DAY_US
from features.normalise import normalise

FOLDER = Path(examples.clickstream.__file__).parent
SPRING = 1_775_000_000_000_000  # 2026-03-31, after the last day


@pytest.fixture(scope="module")
def rows():
    return clicks(visitors=600, days=75, seed=7)


@pytest.fixture(scope="module")
def mapping(root):
    layers = (root / "features" / "events.yaml", FOLDER / "map.yaml")
    return EventMapping(*(yaml.safe_load(each.read_text()) for each in layers))


@pytest.fixture(scope="module")
def events(rows, mapping):
    constants = mapping.file.constants
    return [normalise({**row, **constants}, received_at=SPRING, mapping=mapping, history=True) for row in rows]


def test_the_same_seed_makes_the_same_clicks(rows):
    assert clicks(visitors=20, days=30, seed=1) == clicks(visitors=20, days=30, seed=1)
    assert clicks(visitors=20, days=30, seed=1) != clicks(visitors=20, days=30, seed=2)
    assert len({row["hit"] for row in rows}) == len(rows)


def test_the_mapping_understands_every_click(rows, events):
    verbs = Counter(row["verb"] for row in rows)
    kinds = Counter(event.kind for event in events)

    assert kinds == {
        Kind.LIST_VIEWED: verbs["browse_shelf"],
        Kind.PRODUCT_VIEWED: verbs["view_item"],
        Kind.WISHLIST_ADDED: verbs["add_to_favorites"],
        Kind.PRODUCT_ADDED: verbs["put_in_bag"],
        Kind.PRODUCT_REMOVED: verbs["took_out_of_bag"],
        Kind.CHECKOUT_STARTED: verbs["to_the_till"],
        Kind.ORDER_COMPLETED: verbs["paid"],
        Kind.OTHER: verbs["asked_the_parrot"],
    }
    assert all(event.user_id is None and event.timezone == "Europe/Berlin" for event in events)


def test_moments_ascend_once_the_shops_clock_is_read_in_its_zone(events):
    moments = [event.occurred_at for event in events]

    assert moments == sorted(moments)
    assert moments[0] >= 1_767_571_200_000_000  # 2026-01-05T00:00:00Z


def test_what_is_paid_has_an_amount(rows, events):
    paid = [(row, event) for row, event in zip(rows, events, strict=True) if event.kind is Kind.ORDER_COMPLETED]

    assert paid
    for row, event in paid:
        assert event.payload["properties"]["revenue"] == row["basket_total"]


def test_whoever_put_something_into_the_bag_is_more_likely_to_pay_within_a_day(events):
    orders = {}
    for event in events:
        if event.kind is Kind.ORDER_COMPLETED:
            orders.setdefault(event.anonymous_id, []).append(event.occurred_at)

    def share(kind):
        asked = [event for event in events if event.kind is kind]
        hits = [
            any(0 < order - event.occurred_at <= DAY_US for order in orders.get(event.anonymous_id, []))
            for event in asked
        ]
        return sum(hits) / len(hits)

    assert 0.02 < share(Kind.LIST_VIEWED) < 0.3
    assert 2 * share(Kind.LIST_VIEWED) < share(Kind.PRODUCT_ADDED) < 0.8


def test_both_files_hold_every_click(rows, tmp_path):
    write(rows, tmp_path / "clicks.csv")
    write(rows, tmp_path / "clicks.jsonl")

    with (tmp_path / "clicks.csv").open() as file:
        told = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (tmp_path / "clicks.jsonl").read_text().splitlines()]
    assert tuple(told[0]) == COLUMNS
    assert lines == rows
    assert [{name: cell for name, cell in row.items() if cell} for row in told] == [
        {name: str(cell) for name, cell in row.items()} for row in rows
    ]
