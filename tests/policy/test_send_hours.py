"""The stub prior over the hours of a day."""

from policy.send_hours import PRIOR


def test_each_hour_of_a_day_has_a_number_and_ten_o_clock_the_highest():
    assert len(PRIOR) == 24
    assert all(0 < each <= 1 for each in PRIOR)
    assert max(range(24), key=PRIOR.__getitem__) == 10
    assert PRIOR.count(max(PRIOR)) == 1
