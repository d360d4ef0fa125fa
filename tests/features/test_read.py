import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import CATALOGUE
from features.declare import Ratio
from features.fold import read_rows
from features.kinds import Kind
from features.state import empty, read
from tests.features.formulas import formula, total
from tests.features.histories import DAY, HOUR, JULY, MINUTE, SECOND, Happening, end_of, histories, laws, state_of

LATER = [0, 1, 30 * MINUTE, 30 * MINUTE + 1, HOUR, 26 * HOUR, 60 * DAY, 4000 * DAY]


def undecided(declaration, history, at) -> bool:
    """Whether a ratio's answer hangs on how a sum was rounded: what is below is all but zero."""
    return isinstance(declaration, Ratio) and abs(total(declaration.to, history, at)) < 1e-6


@given(histories(), st.sampled_from(LATER))
@laws
def test_a_state_read_later_answers_what_the_formula_says_of_the_whole_history(history, later):
    at = end_of(history) + later

    got = read(state_of(history), at)

    for declaration, found in zip(CATALOGUE.declarations, got, strict=True):
        if not undecided(declaration, history, at):
            expected = formula(declaration, history, at)
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), declaration.name


@given(histories(amounts=st.sampled_from([0.0, 1e-9, 0.01, 1e12, 1e24])), st.sampled_from(LATER))
@laws
def test_no_answer_is_ever_infinite(history, later):
    got = read(state_of(history), end_of(history) + later)

    assert not np.isinf(got).any()


@given(histories(), st.sampled_from(LATER))
@laws
def test_sums_cart_session_and_calendar_always_have_an_answer(history, later):
    got = read(state_of(history), end_of(history) + later)

    silent = {name for name, value in zip(CATALOGUE.names, got, strict=True) if math.isnan(value)}
    assert silent <= MAY_BE_SILENT


MAY_BE_SILENT = {
    "order_value", "order_items", "discount_share", "order_trend", "orders_per_visit",
    "order_age_d", "view_age_d", "shopping_age_d", "checkout_age_d", "cart_age_h", "cart_idle_h", "tenure_d",
    "order_gap_mean_d", "order_gap_spread_d", "order_gap_relative",
}  # fmt: skip


def test_of_nobody_only_the_calendar_and_even_shares_are_known():
    got = dict(zip(CATALOGUE.names, read(empty(), JULY + 6 * HOUR), strict=True))

    assert {name for name, value in got.items() if math.isnan(value)} == MAY_BE_SILENT
    assert got["hour_share"] == pytest.approx(3 / 24)
    assert got["next_day_share"] == pytest.approx(1 / 7)
    assert got["hour_sin"] == pytest.approx(1.0)
    assert got["weekday_sin"] == pytest.approx(math.sin(math.tau * 5 / 7))


@given(st.lists(histories(max_size=6), min_size=1, max_size=4), st.sampled_from(LATER))
@laws
def test_rows_are_read_as_one_by_one_bit_for_bit(people, later):
    states = np.array([state_of(history) for history in people])
    at = np.array([end_of(history) + later for history in people])

    rows = read_rows(states, at)

    alone = [read(state, int(each)) for state, each in zip(states, at, strict=True)]
    assert rows.tobytes() == np.array(alone).tobytes()


@given(histories(min_size=1))
@laws
def test_reading_changes_nothing(history):
    state = state_of(history)
    before = state.tobytes()

    read(state, end_of(history) + SECOND)

    assert state.tobytes() == before


def test_a_moment_before_what_is_known_is_refused():
    state = state_of([Happening(Kind.PAGE_VIEWED, occurred_at=JULY, known_at=JULY)])

    with pytest.raises(ValueError, match="knows events after"):
        read(state, JULY - 1)
