"""Which clicks a person can have made."""

from hypothesis import given
from hypothesis import strategies as st

from serving.scanners import AT_ONCE_US, PAUSE_US, PICTURE, TOO_FAST_US, Click, is_next, is_scanned

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


def going_through(*urls, start=100, every=40):
    """What a scanner follows one by one, `every` so many seconds, as it was marked when it came."""
    told = []
    for number, url in enumerate(urls):
        at = (start + every * number) * SECOND
        if url in ("first", "last"):
            told.append(Click(at, None, machine=True, trap=url))
        else:
            told.append(Click(at, url, machine=is_next(Click(at, url), clicks=told)))
    return told


def counted(told):
    return [each.url for each in told if not each.machine]


def test_whoever_goes_through_all_links_one_by_one_gives_itself_away_by_the_first():
    assert counted(going_through("first", "a", "b", "c", "last")) == []
    assert counted(going_through("last", "c", "b", "a", "first")) == []
    assert counted(going_through("first", "a", "b", "last", "first", "a", "b", "last")) == []
    assert counted(going_through("first", "a", "b", every=PAUSE_US // SECOND)) == []


def test_a_person_who_follows_what_the_scanner_followed_counts_even_meanwhile():
    assert counted(going_through("first", "a", "b", "b", "last", "a")) == ["b", "a"]


def test_after_a_pause_the_scanner_is_done():
    scanned = going_through("first", "a")

    assert is_next(Click(scanned[-1].at + PAUSE_US, "b"), clicks=scanned)
    assert not is_next(Click(scanned[-1].at + PAUSE_US + 1, "b"), clicks=scanned)


def test_without_a_trap_nobody_is_taken_for_a_scanner_that_goes_link_by_link():
    marked = [Click(100 * SECOND, "a", machine=True), Click(110 * SECOND, PICTURE, machine=True)]

    assert not is_next(Click(120 * SECOND, "b"), clicks=marked)


def test_to_look_at_the_picture_and_click_at_once_is_what_people_do():
    opened = Click(100 * SECOND, PICTURE)

    assert not is_scanned(Click(101 * SECOND, "a"), clicks=[opened], delivered_at=[0])


@given(st.lists(st.sampled_from("abc"), max_size=6), st.integers(0, 6))
def test_of_what_is_followed_beside_one_that_goes_through_all_each_further_time_counts(beside, place):
    order = ["a", "b", "c"]
    order[place:place] = beside

    told = going_through("first", *order, every=1)

    assert len(counted(told)) == len(beside)
