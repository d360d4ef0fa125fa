import json
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import BadEvent
from features.json_text import DEEPEST, json_text

whole = st.integers() | st.sampled_from([2**53 + 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**400])
fractions = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([1e16, 1e-7, 5e-324, -0.0, 1.0, 1e308])
words = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["\x00\x1f\x7f", "\u2028", '"\\/', "😀"])
values = st.recursive(
    st.none() | st.booleans() | whole | fractions | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
)


def standard(content):
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


@given(st.dictionaries(words, values, max_size=5))
def test_a_text_reads_back_as_what_was_written_number_by_number_and_key_by_key(content):
    # By repr, which tells -0.0 from 0.0, 1 from 1.0 and one order of keys from another.
    assert repr(json.loads(json_text(content))) == repr(content)


@given(st.dictionaries(words, st.recursive(words | st.integers(), st.lists), max_size=5))
def test_all_but_fractions_are_written_as_the_standard_library_does(content):
    assert json_text(content) == standard(content)


@given(st.floats(1e-4, 1e15))
def test_the_fractions_of_a_shop_are_written_as_the_standard_library_does(fraction):
    assert json_text({"price": fraction}) == standard({"price": fraction})


def test_nothing_is_an_empty_object():
    assert json_text({}) == "{}"


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        [float("inf")],
        b"bytes",
        Decimal("1.5"),
        datetime(2017, 8, 1, tzinfo=UTC),
        {1, 2},
        "\ud800",
        10**6000,
    ],
    ids=["nan", "infinity", "bytes", "decimal", "moment", "set", "surrogate", "digits"],
)
def test_what_json_does_not_know_is_refused_and_not_written_as_something_else(value):
    with pytest.raises(BadEvent, match="is not JSON"):
        json_text({"properties": {"note": value}})


def nested(levels):
    within = 1
    for level in range(levels):
        within = [within] if level % 2 else {"a": within}
    return within


@given(st.integers(1, 2000))
def test_what_is_nested_deeper_than_can_be_kept_is_refused(levels):
    content = {"a": nested(levels - 1)}

    if levels <= DEEPEST:
        assert json.loads(json_text(content)) == content
    else:
        with pytest.raises(BadEvent, match="is nested deeper than 64 levels"):
            json_text(content)


def test_what_holds_itself_is_deeper_than_anything():
    content = {"a": [1]}
    content["a"].append(content)

    with pytest.raises(BadEvent, match="is nested deeper than 64 levels"):
        json_text(content)


@pytest.mark.parametrize(
    ("value", "read"),
    [((1, 2), [1, 2]), ({1: 2}, {"1": 2}), ({None: 2}, {"null": 2}), (OrderedDict(a=1), {"a": 1})],
    ids=["tuple", "number as key", "null as key", "ordered"],
)
def test_what_json_knows_by_another_name_is_written_as_the_standard_library_does(value, read):
    assert json.loads(json_text({"note": value})) == {"note": read}
