from verification.asos import comparisons

CALLED = comparisons()


def test_the_data_are_those_that_were_published():
    assert len(CALLED) == 99
    assert len({each.experiment.split("/")[0] for each in CALLED}) == 78
    assert sum(each.naive is not None for each in CALLED) == 46
    assert sum(each.at_end for each in CALLED) == 26


def test_planned_looks_call_fewer_comparisons_than_looking_every_day():
    guarded = [each for each in CALLED if each.guarded is not None]

    assert len(guarded) < 46
    regretted = sum(not each.at_end for each in guarded)
    assert regretted < sum(not each.at_end for each in CALLED if each.naive is not None) / 3


def test_nobody_looks_more_often_than_planned():
    assert max(each.looks for each in CALLED) <= 30


def test_the_guard_calls_nothing_before_the_fixed_test_does():
    assert all(each.naive <= each.guarded for each in CALLED if each.guarded is not None)
