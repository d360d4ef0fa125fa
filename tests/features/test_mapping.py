from pathlib import Path

import pytest
import yaml

import features
from features.kinds import NAMES, Kind
from features.mapping import EventMapping
from features.mapping_checks import BadMapping

SHIPPED = yaml.safe_load((Path(features.__file__).parent / "events.yaml").read_text())


@pytest.fixture(scope="module")
def shipped():
    return EventMapping(SHIPPED)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cart_abandonment", Kind.CART_ABANDONED),
        ("cart_added", Kind.PRODUCT_ADDED),
        ("productView", Kind.PRODUCT_VIEWED),
        ("add-to-cart", Kind.PRODUCT_ADDED),
        ("AddToCart", Kind.PRODUCT_ADDED),
        ("page_view", Kind.PAGE_VIEWED),
        ("pv", Kind.PRODUCT_VIEWED),
        ("fav", Kind.WISHLIST_ADDED),
        ("buy", Kind.ORDER_COMPLETED),
        ("purchase", Kind.ORDER_COMPLETED),
        ("remove_from_cart", Kind.PRODUCT_REMOVED),
        ("begin_checkout", Kind.CHECKOUT_STARTED),
        ("Placed Order", Kind.ORDER_COMPLETED),
        ("heartbeat", Kind.OTHER),
    ],
)
def test_names_of_other_systems_are_known(shipped, name, kind):
    assert shipped.kind_of(name) is kind


@pytest.mark.parametrize("name", NAMES.values())
def test_the_shipped_mapping_renames_nothing_of_segment(shipped, name):
    assert shipped.kind_of(name) is EventMapping().kind_of(name)


@pytest.mark.parametrize(
    ("sent", "ours"),
    [
        ("user_id", "userId"),
        ("visitorid", "anonymousId"),
        ("event_type", "event"),
        ("productID", "product_id"),
        ("cart_contents", "products"),
        ("transactionid", "order_id"),
        ("qty", "quantity"),
        ("colour", "colour"),
    ],
)
def test_fields_of_other_systems_are_known(shipped, sent, ours):
    assert shipped.fields[sent] == ours


def test_inside_properties_nothing_becomes_a_field_of_the_message(shipped):
    assert shipped.properties["event_type"] == "event_type"
    assert shipped.properties["productID"] == "product_id"


def test_made_up_fields_do_not_fill_the_memory():
    mapping = EventMapping()
    for number in range(20_000):
        assert mapping.fields[f"field {number}"] == f"field {number}"

    assert len(mapping.fields) <= 8192


def test_a_later_layer_wins_line_by_line():
    mapping = EventMapping(
        {"events": {"a": "Cart Viewed", "b": "Signed In"}, "currency": {"shop": "EUR", "rates": {"USD": 0.9}}},
        {"events": {"a": "Order Completed"}, "currency": {"rates": {"usd": 0.8, "GBP": 1.2}}},
    )

    assert (mapping.kind_of("a"), mapping.kind_of("b")) == (Kind.ORDER_COMPLETED, Kind.SIGNED_IN)
    assert (mapping.shop_currency, mapping.rate("GBP"), mapping.rate("eur")) == ("EUR", 1.2, 1.0)
    assert mapping.rate("JPY") is None


@pytest.mark.parametrize(
    ("name", "near"),
    [("Prodct Viewed", "Product Viewed"), ("cart_abandond", "Cart Abandoned"), ("zzz", None)],
)
def test_the_nearest_known_name_is_suggested_for_an_unknown_one(shipped, name, near):
    assert shipped.nearest(name) == near


@pytest.mark.parametrize(
    ("agent", "bot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", True),
        ("HeadlessChrome/120.0", True),
        ("curl/8.5.0", True),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/120.0 Mobile", False),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36", False),
    ],
)
def test_bots_are_told_by_their_user_agent(shipped, agent, bot):
    assert shipped.agent(agent)[0] is bot


def test_staff_and_test_users_are_told_by_id_or_address():
    mapping = EventMapping(
        {"exclude": {"staff": {"emails": ["*@shop.example"]}, "test": {"ids": ["test-*", "qa?"]}}},
    )

    assert mapping.excluded_person(("u1", None), "ann@SHOP.example") == "staff"
    assert mapping.excluded_person((None, "test-7"), None) == "test"
    assert mapping.excluded_person(("contest-7", "qa12"), "ann@shop.example.org") is None


@pytest.mark.parametrize(
    ("layer", "place"),
    [
        ({"events": {"x": "Nothing We Know"}}, "events.x"),
        ({"events": []}, "events"),
        ({"fields": {"x": None}}, "fields.x"),
        ({"currency": {"rates": {"USD": True}}}, "currency.rates.USD"),
        ({"currency": {"shop": 5}}, "currency.shop"),
        ({"exclude": {"test": {"ids": [5]}}}, "exclude.test.ids[0]"),
        ({"machine": {"agents": ["("]}}, "machine.agents[0]"),
        ({"surprise": {}}, "surprise"),
        ([], ""),
    ],
)
def test_a_mistake_is_refused_by_its_place(layer, place):
    with pytest.raises(BadMapping) as refused:
        EventMapping(SHIPPED, layer)

    assert refused.value.place == place
