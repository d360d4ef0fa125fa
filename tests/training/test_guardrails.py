import numpy as np
import pytest

from training.experiment import Units
from training.guardrails import Standing, guardrails, newcombe
from training.proportions import Arm

# Newcombe 1998, table II, method 10, two-sided 95 %: 56/70 minus 48/80, 9/10 minus 3/10, 10/10 minus 0/20.
PUBLISHED = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((10, 10), (0, 20), (0.6791, 1.0000)),
]


@pytest.mark.parametrize(("first", "second", "interval"), PUBLISHED)
def test_the_interval_is_the_published_one(first, second, interval):
    found = newcombe(Arm(second[1], second[0]), Arm(first[1], first[0]), z=1.959964)

    assert found == pytest.approx(interval, abs=5e-5)


def units(control, treatment, *, happened):
    arm = np.repeat([0, 1], [control, treatment])
    each = np.concatenate([np.arange(control) < happened[0], np.arange(treatment) < happened[1]])
    return Units(("control", "t"), arm, None, None, np.zeros(arm.size, dtype=bool), guardrails={"unsubscribed": each})


@pytest.mark.parametrize(
    ("happened", "treated", "standing"),
    [(0, 10_000, Standing.HOLDS), (0, 50, Standing.OPEN), (400, 10_000, Standing.BROKEN), (100, 10_000, Standing.OPEN)],
)
def test_a_guardrail_holds_when_its_rise_is_surely_small(happened, treated, standing):
    [found] = guardrails(units(1000, treated, happened=(0, happened)), 1, {"unsubscribed": 0.01})

    assert found.standing is standing
    assert "unsubscribed" in found.sentence


def test_a_control_that_nothing_can_happen_to_costs_no_certainty():
    small, large = (
        guardrails(units(control, 5000, happened=(0, 5)), 1, {"unsubscribed": 0.01})[0].high
        for control in (10, 100_000)
    )

    assert small == pytest.approx(large, abs=1e-5)


def test_what_nobody_tells_of_is_no_guardrail():
    silent = Units(("control", "t"), np.array([0, 1]), None, None, np.array([True, True]))

    assert guardrails(silent, 1, {"unsubscribed": 0.01}) == ()
