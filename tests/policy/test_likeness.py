"""What an event is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.likeness import subjects

LINES = {"products": [{"product_id": "a", "category": "x"}, {"sku": "b"}, "odd"], "cart_id": 7}


@pytest.mark.parametrize(("what", "named"), [("product", {"a", "b"}), ("category", {"x"}), ("cart", {"7"})])
def test_an_event_is_about_all_that_it_names(what, named):
    assert subjects(what, LINES) == named
    assert subjects(what, {}) == frozenset()


@given(
    st.sampled_from(["product", "category", "cart"]),
    st.dictionaries(
        st.sampled_from(["product_id", "sku", "category", "cart_id", "products"]),
        st.none()
        | st.booleans()
        | st.floats()
        | st.text()
        | st.lists(st.none() | st.dictionaries(st.just("sku"), st.none())),
    ),
)
def test_whatever_an_event_holds_it_can_be_asked(what, properties):
    assert all(isinstance(each, str) and each for each in subjects(what, properties))
