"""Products to recommend: what goes with what somebody did lately, that they do not have and that can be had."""

import numpy as np
import pytest

from features.kinds import NAMES, Kind
from models.neighbours import JUST_BOUGHT_DAYS, RECOMMENDED, Neighbours
from policy.view import Seen
from serving.driver import driver
from serving.products import upsert
from serving.recommended import recommendations
from tests.serving.databases import NOW, a_database

DAY = 86_400_000_000
# Popular in this order; the bulb goes with the lamp, the shade less so.
PRODUCTS = ("bed", "lamp", "chair", "shade", "bulb", "unheard-of", "sold-out", "rug")
NEAR = {"lamp": [("bulb", 0.8), ("shade", 0.4), ("sold-out", 0.9), ("unheard-of", 0.95)], "bed": [("rug", 0.5)]}


def _known():
    near, similarity = np.full((len(PRODUCTS), 4), -1, dtype=np.int32), np.zeros((len(PRODUCTS), 4))
    for product, others in NEAR.items():
        for rank, (other, like) in enumerate(others):
            row = PRODUCTS.index(product)
            near[row, rank], similarity[row, rank] = PRODUCTS.index(other), like
    return Neighbours(PRODUCTS, near, similarity)


KNOWN = _known()


@pytest.fixture(scope="module")
def direct(tmp_path_factory):
    with a_database(tmp_path_factory.mktemp("db")) as database, database.begin() as connection:
        told = [{"product_id": each, "name": each.title(), "price": 9.5} for each in PRODUCTS if each != "unheard-of"]
        upsert(connection, [*told, {"product_id": "sold-out", "stock": 0}, {"product_id": "rug", "stock": 1}], at=NOW)
        yield driver(connection)


def did(*happened):
    """What somebody did, newest first: kind, how many days ago, products."""
    seen = []
    for kind, days_ago, *products in happened:
        at = NOW - days_ago * DAY
        said = {"products": [{"product_id": each} for each in products]}
        seen.append(
            Seen(kind, NAMES[kind], at, at, said if kind == Kind.ORDER_COMPLETED else {"product_id": products[0]})
        )
    return sorted(seen, key=lambda each: -each.occurred_at)


def named(direct, events, known=KNOWN):
    return [each["product_id"] for each in recommendations(direct, known, events)]


def test_what_goes_with_what_was_looked_at_comes_first_then_what_is_popular(direct):
    assert named(direct, did((Kind.PRODUCT_VIEWED, 0, "lamp"))) == ["bulb", "shade", "bed", "chair", "rug"]


def test_rows_are_as_the_shop_tells_them(direct):
    first = recommendations(direct, KNOWN, did((Kind.PRODUCT_VIEWED, 0, "lamp")))[0]

    assert (first["product_id"], first["name"], first["price"]) == ("bulb", "Bulb", 9.5)


def test_what_is_in_the_cart_or_was_viewed_last_is_not_recommended(direct):
    events = did((Kind.PRODUCT_ADDED, 1, "bulb"), (Kind.PRODUCT_VIEWED, 1, "lamp"), (Kind.PRODUCT_VIEWED, 0, "rug"))

    assert named(direct, events) == ["shade", "bed", "chair"]


def test_what_was_just_bought_is_not_recommended_and_what_was_bought_long_ago_is(direct):
    just, long_ago = (
        (Kind.ORDER_COMPLETED, JUST_BOUGHT_DAYS, "bulb"),
        (Kind.ORDER_COMPLETED, JUST_BOUGHT_DAYS + 1, "bulb"),
    )
    looked = (Kind.PRODUCT_VIEWED, 0, "lamp")

    assert "bulb" not in named(direct, did(just, looked))
    assert named(direct, did(long_ago, looked))[0] == "bulb"


def test_what_is_sold_out_or_unknown_to_the_shop_is_never_recommended(direct):
    found = named(direct, did((Kind.PRODUCT_VIEWED, 0, "lamp")))

    assert not {"sold-out", "unheard-of"} & set(found)
    assert "rug" in found


def test_whoever_did_nothing_gets_what_is_popular(direct):
    assert named(direct, []) == ["bed", "lamp", "chair", "shade", "bulb", "rug"]


def test_nothing_is_recommended_before_anything_was_learned(direct):
    assert recommendations(direct, None, did((Kind.PRODUCT_VIEWED, 0, "lamp"))) == []


def test_there_are_no_more_than_a_message_has_room_for(tmp_path):
    many = tuple(f"p{n}" for n in range(120))
    known = Neighbours(many, np.empty((120, 0), dtype=np.int32), np.empty((120, 0)))
    with a_database(tmp_path) as database, database.begin() as connection:
        # The first sixty are unknown to the shop, more than are looked at together.
        upsert(connection, [{"product_id": each} for each in many[60:]], at=NOW)

        assert named(driver(connection), [], known) == list(many[60 : 60 + RECOMMENDED])
