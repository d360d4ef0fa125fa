import pytest

from features.field_names import CACHED, FieldNames, Renames


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
