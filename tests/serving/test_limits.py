import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.limits import Allowance, Bucket

Quotas = st.integers(1, 50)
Windows = st.integers(1, 120)
Pauses = st.lists(st.floats(0, 20), max_size=120)


@given(Quotas, Windows, Pauses)
def test_nobody_gets_more_than_a_burst_and_what_flows_back(quota, window_s, pauses):
    bucket, now, granted = Bucket(Allowance(quota, window_s), 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        granted += bucket.take(now)

        assert granted <= quota + now * quota / window_s + 1e-6


@given(Quotas, Windows)
def test_the_whole_quota_may_be_used_at_once(quota, window_s):
    bucket = Bucket(Allowance(quota, window_s), 0.0)

    assert [bucket.take(0.0) for _ in range(quota + 1)] == [True] * quota + [False]


@given(Quotas, Windows, st.floats(0, 1e6))
def test_whoever_waits_as_long_as_told_is_served(quota, window_s, start):
    bucket = Bucket(Allowance(quota, window_s), start)
    while bucket.take(start):
        pass

    wait_s = math.ceil(bucket.retry_after_s())

    assert wait_s <= math.ceil(window_s / quota)
    assert bucket.take(start + wait_s)


def test_what_is_left_is_told_in_whole_requests_and_seconds():
    bucket = Bucket(Allowance(10, window_s=20), 0.0)

    bucket.take(0.0)
    assert bucket.state() == b'"default";r=9;t=2'
    bucket.take(1.0)
    assert bucket.state() == b'"default";r=8;t=3'


@pytest.mark.parametrize(("quota", "window_s"), [(-1, 60), (1, 0)])
def test_an_allowance_that_makes_no_sense_is_refused(quota, window_s):
    with pytest.raises(ValueError, match="an allowance is"):
        Allowance(quota, window_s)
