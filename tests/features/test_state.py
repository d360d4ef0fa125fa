from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import CATALOGUE, DECLARATIONS
from features.declare import tally
from features.kinds import Kind
from features.layout import compile_catalogue
from features.state import MalformedState, advance, empty, known_at, pack, position, unpack, unpack_all
from tests.features.histories import JULY, Happening, histories, laws, state_of

PACKED = pack(empty())
PAGE = Happening(Kind.PAGE_VIEWED, JULY, JULY)


@given(histories())
@laws
def test_a_packed_state_comes_back_bit_for_bit(history):
    state = state_of(history)

    assert unpack(pack(state)).tobytes() == state.tobytes()


def test_nobodys_state_has_no_position_and_no_moment():
    assert position(empty()) == 0
    assert known_at(empty()) is None


@given(histories(max_size=3), st.integers(0, 8 * len(PACKED) - 1))
@laws
def test_one_flipped_bit_is_noticed(history, bit):
    damaged = bytearray(pack(state_of(history)))
    damaged[bit // 8] ^= 1 << bit % 8

    with pytest.raises(MalformedState):
        unpack(bytes(damaged))


@given(st.lists(histories(max_size=3), max_size=3), st.integers(0, 8 * len(PACKED) - 1))
@laws
def test_all_at_once_are_unpacked_as_each_alone_and_what_is_damaged_is_told_apart(told, bit):
    states = [state_of(each) for each in told]
    damaged = bytearray(PACKED)
    damaged[bit // 8] ^= 1 << bit % 8

    found, is_one = unpack_all([None, *map(pack, states), bytes(damaged), PACKED[:-1], PACKED])

    assert is_one == [False, *[True] * len(states), False, False, True]
    assert found[is_one].tobytes() == b"".join(each.tobytes() for each in (*states, empty()))


@given(st.integers(0, len(PACKED) - 1))
@laws
def test_a_truncated_state_is_noticed(length):
    with pytest.raises(MalformedState):
        unpack(PACKED[:length])


@given(st.binary(max_size=len(PACKED) + 8) | st.binary(min_size=len(PACKED), max_size=len(PACKED)))
@laws
def test_whatever_else_is_no_state(packed):
    with pytest.raises(MalformedState):
        unpack(packed)


def test_a_state_of_another_layout_is_refused_even_if_it_is_as_long():
    first, *others = DECLARATIONS
    fewer = compile_catalogue(others)
    other = compile_catalogue([replace(first, of=tally(Kind.SIGNED_UP, half_life=first.of.half_life)), *others])

    assert other.width == CATALOGUE.width
    assert unpack_all([pack(empty(catalogue=other))])[1] == [False]
    with pytest.raises(MalformedState, match="layout"):
        unpack(pack(empty(catalogue=other)))
    with pytest.raises(MalformedState, match="slots"):
        unpack(pack(empty(catalogue=fewer)))


def test_an_unpacked_state_may_be_advanced():
    state = unpack(PACKED)
    advance(state, PAGE.record, PAGE.known_at, 1)

    assert state.tobytes() == state_of([PAGE]).tobytes()
