from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.features.histories import DAY, HOUR, JULY, laws
from training.windows import TooLittleHistory, Window, split, warm_up

lengths = st.integers(30, 400)
horizons = st.sampled_from([timedelta(hours=24), timedelta(days=3), timedelta(days=7)])


@laws
@given(lengths, horizons)
def test_windows_follow_each_other_a_horizon_apart_and_end_with_what_is_matured(days, horizon):
    gap = int(horizon.total_seconds()) * 1_000_000
    end = JULY + days * DAY
    found = split(JULY, end, horizon)
    used = [each for each in (found.train, found.valid, found.calibrate, found.test) if each is not None]

    assert used[0].start == JULY
    assert all(after.start - before.end >= gap for before, after in pairwise(used))
    assert all(each.end > each.start for each in used)
    assert used[-1].end - 1 == end - gap


def test_a_window_holds_its_start_and_not_its_end():
    assert Window(5, 7).holds(np.array([4, 5, 6, 7])).tolist() == [False, True, True, False]


def test_a_short_log_has_no_window_for_calibration():
    assert split(JULY, JULY + 40 * DAY, timedelta(days=7)).calibrate is None
    assert split(JULY, JULY + 40 * DAY, timedelta(hours=24)).calibrate is not None


def test_a_log_shorter_than_four_horizons_says_so():
    with pytest.raises(TooLittleHistory, match=r"27\.0 days long, and a horizon of 7 days needs at least 28 in all$"):
        split(JULY, JULY + 27 * DAY, timedelta(days=7))


def test_what_warms_up_is_part_of_the_history_that_is_too_short():
    horizons = [timedelta(hours=24), timedelta(days=7)]
    start = JULY + warm_up(20 * DAY, horizons)

    with pytest.raises(
        TooLittleHistory, match=r"is 20\.0 days long \(4\.0 of them to warm up\), and .* at least 28 in"
    ):
        split(start, JULY + 20 * DAY, timedelta(days=7), first_us=JULY)
    split(JULY + warm_up(28 * DAY, horizons), JULY + 28 * DAY, timedelta(days=7), first_us=JULY)


@laws
@given(st.integers(1, 400), st.lists(horizons, min_size=1, max_size=2))
def test_warming_up_never_takes_what_a_horizon_needs(days, wanted):
    span = days * DAY
    warm = warm_up(span, wanted)

    assert 0 <= warm <= min(span // 5, 60 * DAY)
    for each in wanted:
        if span >= 4 * each.total_seconds() * 1_000_000:
            split(JULY + warm, JULY + span, each)


def test_a_year_leaves_the_first_sixty_days_to_the_states():
    assert warm_up(365 * DAY, [timedelta(hours=24)]) == 60 * DAY
    assert warm_up(100 * DAY, [timedelta(hours=24)]) == 20 * DAY
    assert warm_up(10 * HOUR, [timedelta(hours=24)]) == 0
