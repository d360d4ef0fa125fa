import pytest

from verification.asos import comparisons


@pytest.fixture(scope="module")
def called():
    return comparisons()


def test_the_data_are_those_that_were_published(called):
    assert len(called) == 99
    assert len({each.experiment.split("/")[0] for each in called}) == 78
    assert sum(each.naive is not None for each in called) == 46
    assert sum(each.at_end for each in called) == 26


def test_planned_looks_call_fewer_comparisons_than_looking_every_day(called):
    guarded = [each for each in called if each.guarded is not None]

    assert len(guarded) < 46
    regretted = sum(not each.at_end for each in guarded)
    assert regretted < sum(not each.at_end for each in called if each.naive is not None) / 3


def test_nobody_looks_more_often_than_planned(called):
    assert max(each.looks for each in called) <= 30


def test_the_guard_calls_nothing_before_the_fixed_test_does(called):
    assert all(each.naive <= each.guarded for each in called if each.guarded is not None)
