import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import CATALOGUE, DECLARATIONS
from features.declare import Trait
from features.events import RECORD_WIDTH, Event
from features.fold import fold, read_rows
from features.kinds import Kind
from features.layout import TRAIT_SLOTS, compile_catalogue
from features.normalise import normalise
from features.state import advance, empty, empty_rows, merge, read
from features.steps import Steps
from features.traits import UNREAD, records_of, traits_of, unread, with_traits
from tests.features.formulas import formula
from tests.features.histories import (
    DAY,
    HOUR,
    JULY,
    SECOND,
    Happening,
    end_of,
    happenings,
    histories,
    laws,
    log_of,
    part_of,
    state_of,
)
from tests.features.test_fold import HISTORIES, in_components, linked_rows, one_by_one
from tests.features.test_kept import fold_alike, forgotten, linked_logs
from tests.serving.asking import MAPPING

AGE = Trait(name="age", meaning="Age", trait="age")
TIER = Trait(name="tier", meaning="Tier", trait="tier", values=("bronze", "silver", "gold"))
GOLD = Trait(name="gold", meaning="Has the gold card", trait="tier", values=("gold",))
DECLARED = (AGE, TIER, GOLD)
TOLD = compile_catalogue([*DECLARATIONS, *DECLARED])
TOLD_OF = st.fixed_dictionaries(
    {},
    optional={
        "age": st.sampled_from([18, 40.5, 71, None, "old"]),
        "tier": st.sampled_from(["bronze", "Silver", "GOLD", "iron", None, 3]),
        "shoe": st.just(44),
    },
)
TOLD_OR_NOT = st.just({}) | TOLD_OF


@st.composite
def telling(draw, history=HISTORIES):
    """Happenings, some of which tell something of the person."""
    return [replace(each, traits=draw(TOLD_OR_NOT)) for each in draw(history)]


def features(state, at):
    return dict(zip(TOLD.names, read(state, at, catalogue=TOLD).tolist(), strict=True))


def told(at, **traits):
    return Happening(Kind.IDENTIFIED, occurred_at=at, known_at=JULY + DAY, traits=traits)


def known_of(*history, at=JULY + DAY):
    found = features(state_of(history, catalogue=TOLD), at)
    return found["age"], found["tier"], found["gold"]


@given(telling(), st.sampled_from([0, HOUR, 4000 * DAY]))
@laws
def test_the_newest_word_is_the_answer_at_any_time(history, later):
    found = features(state_of(history, catalogue=TOLD), end_of(history) + later)

    for each in DECLARED:
        assert found[each.name] == pytest.approx(formula(each, history, end_of(history)), nan_ok=True), each.name


@given(telling())
@laws
def test_what_is_told_changes_no_other_feature(history):
    state = state_of([replace(each, traits={}) for each in history])
    at = end_of(history)

    found = read(state_of(history, catalogue=TOLD), at, catalogue=TOLD)

    assert found[: CATALOGUE.n_features].tobytes() == read(state, at).tobytes()


@given(linked_rows(telling()))
@laws
def test_folding_arrays_is_folding_one_by_one_bit_for_bit_links_included(rows):
    log, order = in_components(rows, catalogue=TOLD)

    states = fold(log, np.arange(len(rows)), catalogue=TOLD)

    assert states.tobytes() == one_by_one(rows, catalogue=TOLD)[order].tobytes()


@given(telling())
@laws
def test_a_batch_of_steps_is_folding_one_by_one(history):
    steps, states = Steps(catalogue=TOLD), empty_rows(1, catalogue=TOLD)
    for seq, each in enumerate(history, start=1):
        steps.advance(0, each.record_of(TOLD).tobytes(), each.known_at, seq)
    steps.run(states)

    assert states[0].tobytes() == state_of(history, catalogue=TOLD).tobytes()


@given(telling(), telling())
@laws
def test_merging_is_commutative_bit_for_bit(one, other):
    def merged(*histories_):
        states = [state_of(each, catalogue=TOLD) for each in histories_]
        merge(*states, catalogue=TOLD)
        return states[0]

    assert merged(one, other).tobytes() == merged(other, one).tobytes()


@given(telling())
@laws
def test_nobodys_state_adds_nothing(history):
    state, nobody = state_of(history, catalogue=TOLD), empty(catalogue=TOLD)

    merge(nobody, state, catalogue=TOLD)

    assert nobody.tobytes() == state.tobytes()


@given(st.lists(telling(histories(min_size=1, max_size=6)), min_size=1, max_size=3), st.data())
@laws
def test_the_future_never_changes_a_row(people, data):
    log = log_of(people, catalogue=TOLD)
    last = np.array([data.draw(st.integers(1, len(history))) for history in people]) - 1
    starts = np.cumsum([0, *map(len, people)])[:-1]
    past = np.concatenate([np.arange(start, start + each + 1) for start, each in zip(starts, last, strict=True)])

    cut = fold(part_of(log, past), np.cumsum(last + 1) - 1, catalogue=TOLD)

    assert fold(log, starts + last, catalogue=TOLD).tobytes() == cut.tobytes()


@given(telling(), happenings(), TOLD_OF)
@laws
def test_what_becomes_known_later_changes_no_earlier_state_however_early_it_was_said(history, late, traits):
    known = end_of(history) + SECOND
    point = np.array([len(history) - 1])

    for occurred_at in (JULY - DAY, history[0].at, known):
        longer = [*history, replace(late, occurred_at=occurred_at, known_at=known, traits=traits)]
        states = [fold(log_of([each], catalogue=TOLD), point, catalogue=TOLD) for each in (longer, history)]
        assert states[0].tobytes() == states[1].tobytes()


@given(linked_logs(telling(histories(min_size=2, max_size=10)), TOLD), st.data())
@laws
def test_a_log_that_forgets_still_knows(log, data):
    cut = data.draw(st.sampled_from([*log.known_at.tolist(), int(log.known_at[-1]) + 1]))

    fold_alike(log, forgotten(log, cut, catalogue=TOLD), catalogue=TOLD)


def test_what_is_told_late_of_an_earlier_moment_changes_nothing():
    assert known_of(told(JULY + HOUR, age=31), told(JULY, age=30))[0] == 31.0


def test_of_one_moment_the_later_word_counts():
    assert known_of(told(JULY, age=31, tier="gold"), told(JULY, age=30, tier="silver")) == pytest.approx(
        (30.0, 2.0, math.nan), nan_ok=True
    )


def test_of_one_moment_the_later_word_counts_of_two_ids_that_turn_out_to_be_one_person():
    states = [empty(catalogue=TOLD), empty(catalogue=TOLD)]
    for seq, (row, age) in enumerate([(0, 50), (1, 20)], start=1):
        advance(states[row], told(JULY, age=age).record_of(TOLD), JULY, seq, catalogue=TOLD)
    merge(*states, catalogue=TOLD)

    assert features(states[0], JULY)["age"] == 20.0


def test_a_machine_may_tell_of_a_person():
    tells = replace(told(JULY, age=31), flags=1)

    assert known_of(tells)[0] == 31.0


def test_of_nobody_nothing_is_known():
    assert np.isnan(known_of()).all()


@pytest.mark.parametrize(
    ("said", "number"),
    [
        (31, 31.0),
        (31.5, 31.5),
        (" 31.5 ", 31.5),
        (-3, -3.0),
        (True, 1.0),
        (False, 0.0),
        (None, UNREAD),
        ("", UNREAD),
        ("old", UNREAD),
        ("1_0", UNREAD),
        ([31], UNREAD),
        ({"years": 31}, UNREAD),
        (1e13, UNREAD),
        (10**400, UNREAD),
        (math.inf, UNREAD),
        (math.nan, UNREAD),
    ],
)
def test_a_number_is_read_strictly(said, number):
    assert number_of(AGE, {"age": said}) == number


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("bronze", 1.0),
        (" Gold ", 3.0),
        ("SILVER", 2.0),
        ("iron", UNREAD),
        ("", UNREAD),
        (None, UNREAD),
        (2, UNREAD),
        (True, UNREAD),
        (["gold"], UNREAD),
        ("gold\ud800", UNREAD),
        ("g" * 999, UNREAD),
    ],
)
def test_a_word_is_its_place_among_the_declared_ones(said, place):
    assert number_of(TIER, {"tier": said}) == place


def test_whole_numbers_may_be_words():
    assert number_of(replace(TIER, values=("1", "2")), {"tier": 2}) == 2.0


@pytest.mark.parametrize(
    ("traits", "number"),
    [
        ({"a": {"b": {"c": 4}}}, 4.0),
        ({"a.b.c": 5, "a": {"b": {"c": 4}}}, 5.0),
        ({"a": {"b": 1}}, UNREAD),
        ({"a": "text"}, UNREAD),
        ({"b": 1}, math.nan),
    ],
)
def test_a_trait_within_another_is_told_or_taken_back_with_it(traits, number):
    assert number_of(replace(AGE, trait="a.b.c"), traits) == pytest.approx(number, nan_ok=True)


def number_of(declared, traits):
    record = np.frombuffer(with_traits(told(JULY).packed, {"traits": traits}, [declared]))
    assert record.size == RECORD_WIDTH + 1
    return record[-1]


def test_traits_are_those_of_the_call_before_those_of_its_context_and_never_a_groups():
    payload = {"traits": {"age": 3, "tier": "gold"}, "context": {"traits": {"age": 40, "shoe": 44}}}

    assert traits_of(Kind.IDENTIFIED, payload) == {"age": 3, "tier": "gold", "shoe": 44}
    assert traits_of(Kind.GROUPED, payload) == {"age": 40, "shoe": 44}
    assert traits_of(Kind.IDENTIFIED, {"traits": [1], "context": {"traits": "text"}}) == {}


def identified(**traits) -> Event:
    return normalise({"type": "identify", "userId": "u", "traits": traits}, received_at=JULY, mapping=MAPPING)


@given(TOLD_OF)
@laws
def test_what_is_read_back_from_a_log_has_the_bits_of_what_was_folded_live(traits):
    event = identified(**traits)
    live = with_traits(event.record, event.payload, TOLD.traits)

    logged = records_of([event.record, event.record], [event.payload_json, None], TOLD.traits)

    assert logged[0].tobytes() == live
    assert logged[1].tobytes() == with_traits(event.record, {}, TOLD.traits)
    assert json.loads(event.payload_json) == event.payload


def test_only_what_is_told_wrongly_is_unread_and_each_trait_once():
    assert unread(identified(age="old", tier="iron", shoe="?"), TOLD.traits) == ["age", "tier"]
    assert unread(identified(age=None, tier="silver"), [AGE, TIER]) == []
    assert unread(identified(), TOLD.traits) == []


def test_features_that_read_a_trait_alike_share_its_slots_and_others_do_not():
    again = replace(TIER, name="again", direction=1)
    widths = [compile_catalogue([*DECLARATIONS, *each]).width for each in ([], [TIER], [TIER, again], [TIER, GOLD])]

    assert np.subtract(widths, CATALOGUE.width).tolist() == [0, TRAIT_SLOTS, TRAIT_SLOTS, 2 * TRAIT_SLOTS]


def test_another_way_to_read_a_trait_is_another_layout_and_another_prose_is_not():
    def layout(*declared):
        return compile_catalogue([*DECLARATIONS, *declared]).layout_fingerprint

    assert layout(TIER) != layout() != layout(replace(TIER, values=("silver", "gold"))) != layout(TIER)
    assert layout(TIER) == layout(replace(TIER, name="loyalty", meaning="Loyalty", direction=1))


def test_without_traits_a_record_is_what_the_log_keeps():
    record = told(JULY, age=4).packed

    assert compile_catalogue(DECLARATIONS[:3]).record_width == RECORD_WIDTH
    assert with_traits(record, {"traits": {"age": 4}}, ()) is record


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"trait": "email"}, "'email' is no trait"),
        ({"trait": ""}, "'' is no trait"),
        ({"values": ()}, "words in brackets"),
        ({"values": "gold"}, "words in brackets"),
        ({"values": ("gold", " Gold")}, "differ by more than their case"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(wrong, reason):
    with pytest.raises(ValueError, match=f"tier: .*{reason}"):
        replace(TIER, **wrong)


def test_records_without_a_column_for_each_trait_are_refused():
    narrow = log_of([[told(JULY, age=4)]], catalogue=compile_catalogue([]))
    steps = Steps(catalogue=TOLD)
    steps.advance(0, told(JULY).packed, JULY, 1)

    with pytest.raises(ValueError, match="records of 10 columns, where the catalogue has 13"):
        fold(narrow, np.array([0]), catalogue=TOLD)
    with pytest.raises(ValueError, match="a record of 10 numbers, where the catalogue has 13"):
        advance(empty(catalogue=TOLD), narrow.records[0], JULY, 1, catalogue=TOLD)
    with pytest.raises(ValueError, match="reshape"):
        steps.run(empty_rows(1, catalogue=TOLD))
    assert read_rows(empty_rows(1, catalogue=TOLD), np.array([JULY]), catalogue=TOLD).shape == (1, TOLD.n_features)
