"""Frequency caps."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from policy.caps import Cap, Sent

SECOND = 1_000_000


@given(
    count=st.integers(1, 5),
    window_s=st.integers(1, 60),
    asked=st.lists(st.integers(0, 300 * SECOND), max_size=80),
)
def test_no_window_ever_holds_more_messages_than_the_cap_allows(count, window_s, asked):
    cap = Cap(count=count, window=timedelta(seconds=window_s))
    sent = []
    for at in sorted(asked):
        if not cap.is_used_up(sent, at):
            sent.append(Sent(at, "webhook", "t"))
        else:
            assert sum(at - each.at < window_s * SECOND for each in sent) == count
    for first in sent:
        assert sum(first.at <= each.at < first.at + window_s * SECOND for each in sent) <= count


def test_a_window_is_rolling_and_knows_no_midnight():
    cap = Cap.model_validate({"count": 1, "window": "24h"})
    late = Sent(23 * 3600 * SECOND, "webhook", "t")

    assert cap.is_used_up([late], 25 * 3600 * SECOND)
    assert cap.is_used_up([late], 47 * 3600 * SECOND - 1)
    assert not cap.is_used_up([late], 47 * 3600 * SECOND)


@pytest.mark.parametrize("fields", [{"count": 0, "window": "1h"}, {"count": 1, "window": 0}, {"count": 1}])
def test_a_cap_of_nothing_is_refused(fields):
    with pytest.raises(ValidationError):
        Cap.model_validate(fields)
