"""Durations, shares and horizons as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.quantities import horizon_length, in_words, microseconds, percent, read_duration, read_share


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("30 min", timedelta(minutes=30)),
        ("30m", timedelta(minutes=30)),
        ("90s", timedelta(seconds=90)),
        ("24h", timedelta(hours=24)),
        ("1.5 hours", timedelta(minutes=90)),
        ("7 Days", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        (0, timedelta(0)),
    ],
)
def test_durations_are_a_number_and_a_unit(text, duration):
    assert read_duration(text) == duration


@pytest.mark.parametrize("text", ["", "7", 7, "d", "-7d", "7 moons", "1e9d", True, False, None, [], "7d 3h"])
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match="a number with a unit"):
        read_duration(text)


def test_shares_are_percentages_or_numbers():
    assert read_share("10%") == 0.1
    assert read_share(" 2.5 % ") == 0.025
    assert read_share(0.3) == 0.3
    with pytest.raises(ValueError, match="percentage"):
        read_share("a tenth")


@given(st.integers(1, 90))
def test_a_horizon_lasts_what_it_says(number):
    assert horizon_length(f"{number}h") == timedelta(hours=number)
    assert horizon_length(f"{number}d") == timedelta(days=number)


@pytest.mark.parametrize("label", ["", "24", "h", "0h", "024h", "91d", "1w", "24 h", "24H", "٣h"])
def test_other_labels_are_no_horizons(label):
    with pytest.raises(ValueError, match="hours or days"):
        horizon_length(label)


@given(st.timedeltas(timedelta(0), timedelta(days=3650)))
def test_microseconds_are_exact(duration):
    assert timedelta(microseconds=microseconds(duration)) == duration


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("24h", "1 day"),
        ("90 min", "90 minutes"),
        ("2w", "14 days"),
        ("1s", "1 second"),
        ("1.5s", "1.5 seconds"),
        (0, "0 seconds"),
    ],
)
def test_a_duration_is_said_in_its_largest_whole_unit(written, words):
    assert in_words(read_duration(written)) == words


@given(
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=999)).map(
        lambda each: timedelta(seconds=each.seconds)
    )
)
def test_what_is_said_of_a_duration_reads_as_the_same_one(duration):
    assert read_duration(in_words(duration)) == duration


@pytest.mark.parametrize(("share", "words"), [(0.25, "25 %"), (0.125, "12.5 %"), (1.0, "100 %"), (0.07, "7 %")])
def test_a_share_is_said_in_percent(share, words):
    assert percent(share) == words
