from datetime import timedelta

import pytest

from policy.source import PolicyRefused, parse

TRIGGERS = """
triggers:
  - {name: cart, on: Product Added, threshold: 0, cool_down: 1d, horizon: 24h, experiment: spring}
  - {name: browse, on: Product Viewed, threshold: 0, cool_down: 1d, horizon: 7d, experiment: spring}
  - {name: win-back, on: Order Completed, threshold: 0, cool_down: 1d, horizon: 7d}
"""


def planned(text):
    return parse(f"{TRIGGERS}experiments:\n  - {text}\n").experiments


def test_a_plan_says_what_is_fixed_beforehand():
    [found] = planned("{name: spring, users: 20000, window: 12h, effect: 10%, looks: 20, revenue_cap: 300}")

    assert (found.users, found.window, found.effect, found.looks, found.revenue_cap) == (
        20_000,
        timedelta(hours=12),
        0.1,
        20,
        300.0,
    )
    assert (found.unsubscribed, found.complained) == (0.01, 0.001)


def test_a_plan_may_be_for_a_trigger_by_itself():
    assert planned("{name: win-back, window: 7d}")[0].name == "win-back"


def test_a_plan_decides_nothing_so_the_version_does_not_know_it():
    assert parse(f"{TRIGGERS}experiments:\n  - {{name: spring}}\n").version == parse(TRIGGERS).version


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{name: summer}", "no trigger is part of summer"),
        ("{name: cart}", "no trigger is part of cart"),
        (
            "{name: spring}\n  - {name: spring}",
            r"yaml:8: experiments\[1\].name: two experiments have the same name: spring",
        ),
        (
            "{name: spring, window: 7d}",
            "spring counts orders within 7 days, and its triggers attribute them within 1 day",
        ),
        ("{name: spring, looks: 31}", "experiments"),
        ("{name: spring, users: 0}", "experiments"),
        ("{name: spring, effect: 0}", "experiments"),
        ("{name: spring, metric: clicks}", "metric"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(text, said):
    with pytest.raises(PolicyRefused, match=said):
        planned(text)
