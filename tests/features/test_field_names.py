import pytest

from features.events import BadEvent
from features.field_names import CACHED, TOP_LEVEL, EventNames, FieldNames, Renames
from features.kinds import Kind
from features.mapping import EventMapping


@pytest.fixture
def names():
    return FieldNames({"productid": "product_id", "itemid": "product_id", "qty": "quantity"})


def test_a_spelling_is_found_by_folding_and_anything_else_is_its_own_name(names):
    assert [names[key] for key in ("productID", "Product-Id", "item_id", "colour")] == [*["product_id"] * 3, "colour"]


def test_what_bears_our_names_already_is_left_alone(names):
    assert Renames(names)["product_id", "colour"] is None


@pytest.mark.parametrize(
    ("keys", "renamed"),
    [
        (("productID", "qty"), ("product_id", "quantity")),
        (("item_id", "product_id", "qty"), ("item_id", "product_id", "quantity")),
        (("item_id", "productID"), ("product_id", "productID")),
    ],
)
def test_a_field_under_our_name_keeps_it_and_no_field_is_lost(names, keys, renamed):
    assert Renames(names)[keys] == renamed
    assert len(set(renamed)) == len(keys)


def test_made_up_spellings_do_not_fill_the_memory(names):
    renames = Renames(names)
    for number in range(CACHED + 100):
        assert renames[f"field {number}", "qty"] == (f"field {number}", "quantity")

    assert len(names) <= CACHED
    assert len(renames) <= CACHED


def test_large_objects_that_somebody_makes_up_are_not_remembered(names):
    renames = Renames(names)
    many, long = tuple(f"field {number}" for number in range(1000)), ("x" * 1000,)
    for keys in (many, long):
        assert renames[keys] is None

    assert not renames
    assert "x" * 1000 not in names


def test_of_many_spellings_of_one_field_ours_counts_and_else_the_first(names):
    spellings = tuple("product" + "-" * number + "id" for number in range(200))

    assert Renames(names)[spellings] == ("product_id", *spellings[1:])
    assert Renames(names)[(*spellings, "product_id")] is None


def test_the_fields_of_a_message_itself_bear_our_names_unless_the_shop_means_something_else_by_them():
    mapping = EventMapping({"fields": {"type": "event", "colour": "category"}})

    assert mapping.own == set(TOP_LEVEL) - {"type"}


def test_every_field_of_a_message_bears_our_name_by_itself():
    assert EventMapping().own == set(TOP_LEVEL)


def test_an_event_is_told_by_its_name_without_surrounding_space():
    names = EventNames(EventMapping().kind_of)

    for sent in ("Product Added", " Product Added\n"):
        assert names[sent] == names[sent] == (Kind.PRODUCT_ADDED, "Product Added")
    assert names["Kaufrausch 3000"] == (Kind.OTHER, "Kaufrausch 3000")


def test_made_up_names_of_events_do_not_fill_the_memory():
    names = EventNames(EventMapping().kind_of)
    for number in range(CACHED + 100):
        assert names[f"event {number}"] == (Kind.OTHER, f"event {number}")

    assert len(names) <= CACHED


@pytest.mark.parametrize("sent", ["", " ", "x" * 257, "a\x00b", "\ud800"])
def test_what_is_no_name_of_an_event_is_refused_each_time(sent):
    names = EventNames(EventMapping().kind_of)

    for _ in range(2):
        with pytest.raises(BadEvent, match="event"):
            names[sent]


def test_a_key_that_is_no_string_is_refused(names):
    with pytest.raises(BadEvent, match="key that is not a string"):
        Renames(names)["qty", 7]
