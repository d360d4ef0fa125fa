"""Which clicks a person can have made."""

from hypothesis import given
from hypothesis import strategies as st

from serving.scanners import AT_ONCE_US, TOO_FAST_US, Click, is_scanned

SECOND = 1_000_000
MOMENTS = st.integers(0, 10**9)


def test_nobody_clicks_within_ten_seconds_of_the_delivery():
    assert is_scanned(Click(9 * SECOND, "a"), clicks=[], delivered_at=[0])
    assert not is_scanned(Click(10 * SECOND, "a"), clicks=[], delivered_at=[0])


def test_nobody_clicks_before_the_delivery():
    assert is_scanned(Click(0, "a"), clicks=[], delivered_at=[60 * SECOND])


def test_nobody_clicks_on_two_links_at_once():
    first, second = Click(100 * SECOND, "a"), Click(101 * SECOND, "b")

    assert is_scanned(first, clicks=[first, second], delivered_at=[0])
    assert is_scanned(second, clicks=[first, second], delivered_at=[0])


def test_whoever_clicks_twice_on_one_link_is_a_person():
    first, second = Click(100 * SECOND, "a"), Click(101 * SECOND, "a")

    assert not is_scanned(first, clicks=[first, second], delivered_at=[0])


@given(st.lists(st.tuples(MOMENTS, st.sampled_from("abc")), min_size=1, max_size=8), st.lists(MOMENTS, max_size=3))
def test_a_click_far_from_everything_is_a_persons(others, delivered):
    at = max([moment for moment, _ in others] + delivered) + max(TOO_FAST_US, AT_ONCE_US + 1)
    clicks = [Click(*each) for each in others]

    assert not is_scanned(Click(at, "d"), clicks=clicks, delivered_at=delivered)
