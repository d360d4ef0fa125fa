from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from features.catalog import CATALOGUE, DECLARATIONS
from features.declare import Age, Declaration, Ratio, Sum, Tally, tally
from features.kinds import Kind
from features.layout import FIXED_SLOTS, PROFILE_SLOTS, SESSION_STARTED, compile_catalogue

ORDERS = Sum(name="orders", meaning="Orders", of=tally(Kind.ORDER_COMPLETED))


def test_every_slot_belongs_to_one_tally_one_age_one_trait_or_the_profile():
    tables = CATALOGUE.tables
    tallies = set(tables.tallies[:, 0].tolist())
    profile = set(range(tables.profile_slot, tables.profile_slot + PROFILE_SLOTS))
    first_age, first_trait, end = tables.end_slots.tolist()
    ages, traits = set(range(first_age, first_trait)), set(range(first_trait, end))

    assert tallies | profile | ages | traits == set(range(FIXED_SLOTS, CATALOGUE.width))
    assert len(tallies) + len(profile) + len(ages) + len(traits) == CATALOGUE.width - FIXED_SLOTS


def test_slots_that_decay_alike_are_adjacent_and_nothing_else_decays():
    tables = CATALOGUE.tables
    firsts, ends = tables.groups[:, 0], tables.groups[:, 1]

    assert firsts.tolist() == [FIXED_SLOTS, *ends[:-1].tolist()]
    assert ends[-1] == tables.end_slots[0]
    for slot, _, _, half_life in tables.tallies.tolist():
        assert firsts[half_life] <= slot < ends[half_life]


def test_a_rate_halves_what_it_decays_in_its_half_life():
    half_lives_s = [timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30), timedelta(days=90)]

    assert np.exp(-CATALOGUE.tables.rates[:-1] * [each.total_seconds() for each in half_lives_s]) == (
        pytest.approx(np.full(5, 0.5))
    )
    assert CATALOGUE.tables.rates[-1] == 0.0


def test_the_tallies_of_a_kind_are_those_that_count_it():
    tables = CATALOGUE.tables
    wanted = {each.of for each in DECLARATIONS if isinstance(each, Sum | Ratio)}
    wanted |= {each.to for each in DECLARATIONS if isinstance(each, Ratio)}

    for kind in Kind:
        rows = tables.tallies[tables.tallies_from[kind] : tables.tallies_from[kind + 1]]
        expected = [each for each in wanted if kind in each.kinds and not each.sessions]
        assert sorted(rows[:, 1].tolist()) == sorted(int(each.source) for each in expected)
        assert len(set(rows[:, 0].tolist())) == len(expected)


def test_no_kind_of_event_is_mistaken_for_the_start_of_a_session():
    assert max(Kind) < SESSION_STARTED


def test_features_that_count_the_same_share_a_slot():
    twice = compile_catalogue([ORDERS, replace(ORDERS, name="orders_again")])

    assert twice.width == compile_catalogue([ORDERS]).width
    assert twice.n_features == 2


def test_a_catalogue_may_be_empty_or_hold_nothing_but_an_age():
    age = Age(name="age", meaning="Days since an order", kinds=frozenset({Kind.ORDER_COMPLETED}))

    assert compile_catalogue([]).n_features == 0
    assert compile_catalogue([age]).width == compile_catalogue([]).width + 1


def test_two_features_of_one_name_are_refused():
    with pytest.raises(ValueError, match="more than once: orders"):
        compile_catalogue([ORDERS, ORDERS])


@pytest.mark.parametrize("half_life", [timedelta(0), timedelta(days=-1)])
def test_a_half_life_that_is_not_above_zero_is_refused(half_life):
    with pytest.raises(ValueError, match="not above zero"):
        compile_catalogue([replace(ORDERS, of=replace(ORDERS.of, half_life=half_life))])


def test_an_unknown_kind_of_feature_is_refused():
    with pytest.raises(TypeError, match="no kind of feature"):
        compile_catalogue([Declaration(name="x", meaning="x")])


def test_sessions_are_counted_beside_kinds():
    sessions = compile_catalogue([replace(ORDERS, of=Tally(frozenset(), sessions=True))])

    assert sessions.tables.tallies_from[SESSION_STARTED] == 0
    assert sessions.tables.tallies_from[SESSION_STARTED + 1] == 1
