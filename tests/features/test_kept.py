"""A log that forgot its beginning folds to the same states as one that did not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import CATALOGUE
from features.fold import NOTHING, UNLINKED, fold
from features.kept import Kept, is_readable, joined, rows_of
from features.kinds import Kind
from features.state import empty, known_at, pack, position
from tests.features.histories import JULY, Happening, histories, laws, log_of_rows, part_of

PAGE = Happening(Kind.PAGE_VIEWED)
HISTORIES = histories(min_size=2, max_size=14)


@st.composite
def linked_logs(draw, history=HISTORIES, catalogue=CATALOGUE):
    """A component of up to three ids, in log order; once linked, an id has no more rows of its own."""
    rows, free = [], [0, 1, 2]
    for each in draw(history):
        user = draw(st.sampled_from(free))
        others = [other for other in free if other != user]
        linked = draw(st.sampled_from(others)) if others and draw(st.booleans()) else UNLINKED
        rows.append((user, each, linked))
        if linked != UNLINKED:
            free.remove(linked)
    # All of one component, so that their rows may be in one order.
    last = free[0]
    for other in free[1:]:
        rows.append((last, replace(PAGE, known_at=rows[-1][1].known_at + 1, occurred_at=JULY), other))
    return log_of_rows(rows, catalogue=catalogue)


def forgotten(log, cut, *, catalogue=CATALOGUE):
    """Forget the events known before a moment, as retention does; return what is left."""
    gone = log.known_at < cut
    kept = []
    for user in np.unique(np.concatenate([log.user[gone], log.linked[gone & (log.linked >= 0)]])).tolist():
        links = np.flatnonzero(gone & (log.linked == user))
        if links.size:
            row = links[0]
            kept.append(Kept(user, int(log.user[row]), int(log.seq[row]), int(log.known_at[row]), None))
        else:
            row = np.flatnonzero(gone & (log.user == user))[-1]
            state = pack(fold(log, np.array([row]), catalogue=catalogue)[0])
            kept.append(Kept(user, None, int(log.seq[row]), int(log.known_at[row]), state))
    found = joined(part_of(log, np.flatnonzero(~gone)), rows_of(kept, catalogue=catalogue))
    return found.take(np.lexsort((found.which >= 0, found.seq)))


@laws
@given(linked_logs(), st.data())
def test_what_is_left_folds_to_the_same_states(log, data):
    cut = data.draw(st.sampled_from([*log.known_at.tolist(), int(log.known_at[-1]) + 1]))
    fold_alike(log, forgotten(log, cut))


def fold_alike(log, left, *, catalogue=CATALOGUE):
    """Refuse a log with forgotten events in which somebody's state is another than in the whole one."""
    for row in np.flatnonzero(left.which != NOTHING).tolist():
        before = int(np.flatnonzero(log.seq == left.seq[row])[0])
        states = [fold(each, np.array([at]), catalogue=catalogue) for each, at in ((left, row), (log, before))]
        assert states[0].tobytes() == states[1].tobytes()


def test_a_kept_link_changes_no_state_and_still_says_who_became_whom():
    state = pack(fold(log_of_rows([(0, PAGE, UNLINKED)]), np.array([0]))[0])
    rows = rows_of([Kept(1, 0, 1, JULY, None), Kept(0, None, 1, JULY, state)])

    assert (rows.user.tolist(), rows.linked.tolist(), rows.which.tolist()) == ([0, 0], [1, UNLINKED], [NOTHING, 0])
    assert pack(fold(rows, np.array([1]))[0]) == state


def test_a_state_of_another_layout_is_that_of_nobody_at_its_position():
    kept = Kept(3, None, 7, JULY, b"of another layout")
    state = fold(rows_of([kept]), np.array([0]))[0]
    blank = empty()

    assert not is_readable(kept)
    assert (position(state), known_at(state)) == (7, JULY)
    assert int((state != blank).sum() - (np.isnan(state) & np.isnan(blank)).sum()) == 2


def test_two_events_of_one_position_are_no_log_even_beside_kept_rows():
    log = log_of_rows([(0, PAGE, UNLINKED), (0, PAGE, UNLINKED)])
    with pytest.raises(ValueError, match="log order"):
        fold(replace(log, seq=np.array([1, 1])), np.array([1]))
