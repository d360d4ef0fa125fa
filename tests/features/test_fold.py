from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import CATALOGUE
from features.fold import UNLINKED, components, fold
from features.kinds import Kind
from features.state import advance, empty, merge
from tests.features.histories import (
    DAY,
    JULY,
    SECOND,
    Happening,
    end_of,
    happenings,
    histories,
    laws,
    log_of,
    log_of_rows,
    part_of,
    state_of,
)

HISTORIES = histories(min_size=1)


@st.composite
def linked_rows(draw, history=HISTORIES):
    """Rows of a few ids of one person, among which links turn up: (user, happening, linked)."""
    rows, merged_into = [], {}
    for each in draw(history):
        user = draw(st.integers(0, 3))
        while user in merged_into:
            user = merged_into[user]
        others = [other for other in range(4) if other not in merged_into and other != user]
        linked = draw(st.sampled_from([UNLINKED, UNLINKED, *others]))
        if linked != UNLINKED:
            merged_into[linked] = user
        rows.append((user, each, linked))
    return rows


def one_by_one(rows, *, catalogue=CATALOGUE):
    """Fold as serving does, and return the state of the row's user after each."""
    states, after = {}, []
    for seq, (user, each, linked) in enumerate(rows, start=1):
        state = states.setdefault(user, empty(catalogue=catalogue))
        if linked in states:
            merge(state, states[linked], catalogue=catalogue)
        advance(state, each.record_of(catalogue), each.known_at, seq, catalogue=catalogue)
        after.append(state.copy())
    return np.array(after)


def in_components(rows, *, catalogue=CATALOGUE):
    """Return the log with linked users side by side, and the order in which its rows came."""
    log = log_of_rows(rows, catalogue=catalogue)
    order = np.lexsort((log.seq, components(log)))
    return part_of(log, order), order


@given(linked_rows())
@laws
def test_folding_arrays_is_folding_one_by_one_bit_for_bit_links_included(rows):
    log, order = in_components(rows)

    states = fold(log, np.arange(len(rows)))

    assert states.tobytes() == one_by_one(rows)[order].tobytes()


@given(st.lists(histories(min_size=1, max_size=8), min_size=1, max_size=4), st.data())
@laws
def test_the_future_never_changes_a_row(people, data):
    log = log_of(people)
    last = np.array([data.draw(st.integers(1, len(history))) for history in people]) - 1
    starts = np.cumsum([0, *map(len, people)])[:-1]
    past = np.concatenate([np.arange(start, start + each + 1) for start, each in zip(starts, last, strict=True)])

    cut = fold(part_of(log, past), np.cumsum(last + 1) - 1)

    assert fold(log, starts + last).tobytes() == cut.tobytes()


@given(histories(min_size=1), happenings())
@laws
def test_what_becomes_known_later_changes_no_earlier_state_however_early_it_happened(history, late):
    known = end_of(history) + SECOND
    point = np.array([len(history) - 1])

    for occurred_at in (JULY - DAY, history[0].at, known):
        longer = [*history, replace(late, occurred_at=occurred_at, known_at=known)]
        assert fold(log_of([longer]), point).tobytes() == fold(log_of([history]), point).tobytes()


@given(histories(min_size=1, max_size=8), histories(min_size=1, max_size=8), histories(min_size=1, max_size=8))
@laws
def test_other_peoples_events_change_nothing(before, mine, after):
    log = log_of([before, mine, after])
    rows = np.arange(len(before), len(before) + len(mine))

    assert fold(log, rows).tobytes() == fold(part_of(log, rows), rows - rows[0]).tobytes()


@given(histories(min_size=1))
@laws
def test_folding_an_array_is_folding_its_events(history):
    states = fold(log_of([history]), np.array([len(history) - 1, len(history) - 1]))

    assert states[0].tobytes() == states[1].tobytes() == state_of(history).tobytes()


PAGE = Happening(Kind.PAGE_VIEWED, JULY, JULY)


def test_links_connect_through_others():
    rows = [(3, PAGE, UNLINKED), (2, PAGE, 3), (1, PAGE, UNLINKED), (0, PAGE, 2), (1, PAGE, 5)]

    assert components(log_of_rows(rows)).tolist() == [0, 0, 1, 0, 1]


def test_a_link_to_oneself_or_to_nobody_adds_nothing():
    rows = [(0, PAGE, UNLINKED), (0, PAGE, 0), (0, PAGE, 7)]

    assert fold(log_of_rows(rows), np.array([2]))[0].tobytes() == state_of([PAGE] * 3).tobytes()


def test_a_log_without_rows_or_points_has_no_states():
    nothing = log_of([])

    assert len(nothing) == 0
    assert components(nothing).size == 0
    assert fold(nothing, np.empty(0, dtype=np.int64)).shape == (0, empty().size)
    assert fold(log_of([[PAGE]]), np.empty(0, dtype=np.int64)).shape == (0, empty().size)


@pytest.mark.parametrize("points", [[1, 0], [-1], [2]], ids=["descending", "below", "beyond"])
def test_points_that_are_no_rows_in_order_are_refused(points):
    with pytest.raises(ValueError, match="ascending"):
        fold(log_of([[PAGE, PAGE]]), np.array(points))


def test_rows_of_linked_users_apart_or_out_of_order_are_refused():
    apart = log_of_rows([(0, PAGE, UNLINKED), (1, PAGE, UNLINKED), (0, PAGE, UNLINKED)])
    backwards = replace(log_of([[PAGE, PAGE]]), seq=np.array([2, 1]))

    with pytest.raises(ValueError, match="adjacent"):
        fold(apart, np.array([2]))
    with pytest.raises(ValueError, match="log order"):
        fold(backwards, np.array([1]))


def test_arrays_that_may_not_be_written_or_have_gaps_are_folded_too():
    wide = replace(log_of([[PAGE] * 4]), records=np.repeat(log_of([[PAGE] * 4]).records, 2, axis=1)[:, ::2])
    wide.user.flags.writeable = False

    assert fold(wide, np.array([3], dtype=np.int32))[0].tobytes() == state_of([PAGE] * 4).tobytes()
