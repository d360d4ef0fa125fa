import pytest

from verification.weekly import Week, bar, drift, lived


def test_two_weekly_retrainings_of_a_shop_in_which_nothing_changes_leave_it_as_good_as_it_was():
    found = lived(7, weeks=2)

    assert bar([found]).holds
    # Every one of them could be judged, and none was learned from other people than the first.
    assert all(abs(each.challenger) < 0.02 for each in found)
    assert any(each.promoted for each in found)


def test_one_week_above_the_first_champion_by_more_than_one_percent_breaks_the_promise():
    kept = [Week(True, 0.004, 0.004), Week(False, 0.03, 0.004)]
    drifted = [*kept, Week(True, 0.0101, 0.0101)]

    assert drift(kept) == pytest.approx(0.004)
    assert bar([kept, kept]).holds
    assert drift(drifted) == pytest.approx(0.0101)
    assert not bar([kept, drifted]).holds
