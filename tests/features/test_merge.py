from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import CATALOGUE
from features.declare import Ratio
from features.events import FLAG_SNAPSHOT
from features.kinds import Kind
from features.state import empty, merge, position, read
from tests.features.formulas import total
from tests.features.histories import (
    DAY,
    HOUR,
    JULY,
    KNOWN_OFFSETS,
    MINUTE,
    Happening,
    end_of,
    histories,
    laws,
    state_of,
)
from tests.features.test_advance import ORDERLY, named


def merged(*histories_):
    states = [state_of(each) for each in histories_]
    for each in states[1:]:
        merge(states[0], each)
    return states[0]


@given(histories(), histories())
@laws
def test_merging_is_commutative_bit_for_bit(one, other):
    assert merged(one, other).tobytes() == merged(other, one).tobytes()


@given(histories())
@laws
def test_nobodys_state_adds_nothing(history):
    state = state_of(history)
    nobody = empty()

    merge(nobody, state)

    assert nobody.tobytes() == state.tobytes()


@given(histories(), histories())
@laws
def test_merging_leaves_the_other_as_it_was(one, other):
    into, state = state_of(one), state_of(other)
    before = state.tobytes()

    merge(into, state)

    assert state.tobytes() == before
    assert position(into) == max(len(one), len(other))


@given(histories(offsets=KNOWN_OFFSETS), histories(offsets=KNOWN_OFFSETS))
@laws
def test_merging_knows_what_both_histories_folded_into_one_state_tell(one, other):
    both = sorted([*one, *other], key=lambda each: each.known_at)
    at = end_of(both) + DAY

    got, expected = named(merged(one, other), at), named(state_of(both), at)

    for declaration in CATALOGUE.declarations:
        shaky = isinstance(declaration, Ratio) and abs(total(declaration.to, both, at)) < 1e-6
        if declaration.name in ORDERLY | {"hour_share", "next_day_share"} and not shaky:
            name = declaration.name
            assert got[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-9, nan_ok=True), name


@given(histories(), histories(), histories(), st.sampled_from([0, HOUR, 60 * DAY]))
@laws
def test_in_which_order_three_ids_are_linked_hardly_matters(one, two, three, later):
    at = max(map(end_of, (one, two, three))) + later
    right = state_of(one)
    merge(right, merged(two, three))

    got, expected = named(merged(one, two, three), at), named(right, at)

    for declaration in CATALOGUE.declarations:
        if declaration.name in ORDERLY and not isinstance(declaration, Ratio):
            name = declaration.name
            assert got[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-9, nan_ok=True), name


def test_two_open_carts_become_one():
    mine = Happening(Kind.PRODUCT_ADDED, JULY, JULY, quantity=1.0, amount=10.0)
    theirs = replace(mine, occurred_at=JULY + HOUR, known_at=JULY + HOUR, quantity=2.0, amount=5.0)

    got = named(merged([mine], [theirs]), JULY + 2 * HOUR)

    assert (got["cart_items"], got["cart_value"], got["cart_age_h"], got["cart_idle_h"]) == (3.0, 15.0, 2.0, 1.0)


def test_an_order_under_one_id_empties_the_older_cart_of_the_other():
    added = Happening(Kind.PRODUCT_ADDED, JULY, JULY, quantity=1.0, amount=10.0)
    ordered = Happening(Kind.ORDER_COMPLETED, JULY + HOUR, JULY + HOUR)
    later = Happening(Kind.CART_VIEWED, JULY + 2 * HOUR, JULY + 2 * HOUR, flags=FLAG_SNAPSHOT, quantity=3.0, amount=9.0)

    assert named(merged([added], [ordered]), JULY + DAY)["cart_items"] == 0.0
    assert named(merged([added, later], [ordered]), JULY + DAY)["cart_items"] == 3.0


def test_sessions_that_overlap_become_one_and_of_others_the_later_stays():
    viewed = [Happening(Kind.PRODUCT_VIEWED, JULY + m * MINUTE, JULY + m * MINUTE, product=m) for m in range(1, 4)]
    beside = [replace(each, occurred_at=each.at + 20 * MINUTE, known_at=each.at + 20 * MINUTE) for each in viewed]
    apart = [replace(each, occurred_at=each.at + 3 * HOUR, known_at=each.at + 3 * HOUR) for each in viewed]

    assert named(merged(viewed, beside), JULY + 30 * MINUTE)["session_depth"] == 6.0
    assert named(merged(viewed, beside), JULY + 30 * MINUTE)["session_length_min"] == 22.0
    assert named(merged(viewed, apart), JULY + 3 * HOUR + 5 * MINUTE)["session_depth"] == 3.0
    assert read(merged(apart, viewed), JULY + DAY).tobytes() == read(merged(viewed, apart), JULY + DAY).tobytes()
