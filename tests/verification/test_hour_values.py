"""Intervals of the value of an hour policy hold the truth as often as they say; the whole study is in the docs."""

from verification.hour_values import study
from verification.runs import Runs


def test_at_20_percent_exploration_intervals_hold_the_truth_at_their_rate() -> None:
    bars = study(Runs(), logs=40, people=600)

    assert {each.name for each in bars} == {
        f"{rule}, {name}" for rule in ("learned hours", "20:00 for all") for name in ("SNIPS", "DR")
    }
    assert [each for each in bars if not each.holds] == []
