from verification.arm_sizes import bars, watched

RUNS = 300


def test_sound_arms_raise_no_alarm_and_a_defect_is_found_soon():
    found = watched(RUNS, 6)

    assert [each.name for each in bars(found) if not each.holds] == []
    assert len(found.found) == RUNS


def test_a_chi_square_test_every_day_would_cry_wolf():
    assert watched(RUNS, 7).chi_square / RUNS > 0.05
