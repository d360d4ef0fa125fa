"""Hours learned from sends that nearly always went out at the same hours, against a truth that is known."""

from statistics import mean

import numpy as np
import pytest

from tests.verification.sends import RIVALS, a_world, captured, learned, of_cohort
from training.send_response import Group, Sends, fit, ratios

SEEDS = (11, 12, 13)
"""None of those that the design was tried on."""


@pytest.fixture(scope="module")
def worlds():
    return [a_world(seed) for seed in SEEDS]


def test_at_5_percent_exploration_half_of_the_oracles_gain_is_captured_and_more_than_by_any_simpler_rule(worlds):
    own = [captured(world, learned(world)) for world in worlds]

    assert min(own) >= 0.5
    for name, rule in RIVALS.items():
        assert min(a - captured(world, rule(world)) for a, world in zip(own, worlds, strict=True)) > 0.0, name


def test_with_weak_effects_it_is_no_worse_than_the_cohorts_hours():
    weak = [a_world(seed, effect=0.15) for seed in SEEDS]

    assert mean(captured(each, learned(each)) for each in weak) >= mean(
        captured(each, of_cohort(each)) for each in weak
    )


def test_who_answers_as_everybody_does_gains_nothing_and_loses_nothing():
    flat = a_world(1, people=800, effect=0.0)
    chosen = learned(flat).argmax(axis=1)

    assert flat.chances.max(axis=1) == pytest.approx(flat.chances[np.arange(len(chosen)), chosen])


def test_a_ratio_is_answers_for_each_send_and_not_how_often_was_sent():
    user = np.zeros(110, dtype=np.int64)
    hour = np.array([10] * 100 + [20] * 10)
    answered = np.array([True] * 10 + [False] * 90 + [True] * 5 + [False] * 5)
    group = Group(np.zeros(1, dtype=np.int64), np.full((1, 24), 1 / 24))
    found = ratios(Sends(user, hour, answered), group, 1e-9)

    assert found.own[0, 10] == pytest.approx(0.1)
    assert found.own[0, 20] == pytest.approx(0.5)


def test_with_nothing_of_their_own_people_have_the_ratio_of_their_cohort():
    world = a_world(2, people=200)
    everybody_but_one = world.sends.user != 0
    part = Sends(*(each[everybody_but_one] for each in (world.sends.user, world.sends.hour, world.sends.answered)))
    found = ratios(part, world.group, 10.0)

    np.testing.assert_allclose(found.own[0], found.of_cohort[0])


def test_more_answers_at_an_hour_never_make_it_worse():
    world = a_world(3, people=400)
    model = fit(world.sends, world.group)
    hour = 20
    more = Sends(
        np.append(world.sends.user, np.zeros(5, dtype=np.int64)),
        np.append(world.sends.hour, np.full(5, hour)),
        np.append(world.sends.answered, np.ones(5, dtype=bool)),
    )
    before, after = (model.predict(each, world.group)[0] for each in (world.sends, more))

    # How it stands to the hour on the other side of the clock: all of them rise, since the person answers more.
    assert after[hour] / after[8] >= before[hour] / before[8] - 1e-6


def test_the_same_sends_give_the_same_model():
    world = a_world(4, people=300)

    np.testing.assert_array_equal(learned(world), learned(world))
