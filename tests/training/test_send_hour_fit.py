"""Fitting a profile of send hours."""

from dataclasses import replace

import numpy as np
import pytest

from models.circle import distance
from tests.models.hours import EVERYBODY, OWLS, a_day
from tests.training.habits import on_weekdays
from training.habits import Habits
from training.send_hour_fit import STRENGTHS, choose, cohorts, everybody, fit


def drawn(days, *, before, after=40, people=600, seed=0):
    """People, each of one of these days, with so many events before and after."""
    random = np.random.default_rng(seed)
    own = [days[number % len(days)] for number in range(people)]
    histories = np.stack([random.multinomial(before, each) for each in own]).astype(float)
    later = np.stack([random.multinomial(after, each) for each in own]).astype(float)
    events = histories.sum(axis=1).astype(int)
    return Habits(np.arange(people), histories, events, on_weekdays(histories), on_weekdays(later))


def test_everybodys_day_is_that_of_all_people_and_one_who_never_sleeps_does_not_make_it():
    random = np.random.default_rng(0)
    crowd = random.multinomial(20, EVERYBODY, 500).astype(float)
    robot = 1e6 * np.eye(24)[4:5]

    np.testing.assert_allclose(everybody(np.vstack([crowd, robot]), 1.0), EVERYBODY, atol=0.02)
    assert everybody(np.zeros((1, 24)), 1.0).tolist() == pytest.approx([1 / 24] * 24)


def test_where_all_people_are_alike_their_own_few_events_count_for_little():
    count, strength = choose(drawn([EVERYBODY], before=10), 1.0)

    assert count == 1
    assert strength >= 100.0


def test_where_people_have_hours_of_their_own_a_few_events_are_believed():
    random = np.random.default_rng(1)
    days = [a_day((int(hour), 9.0)) for hour in random.integers(0, 24, 600)]
    _, strength = choose(drawn(days, before=10), 1.0)

    assert strength <= 20.0


def test_where_there_are_two_sorts_of_people_a_cohort_is_found_for_each():
    learn = drawn([EVERYBODY, EVERYBODY, EVERYBODY, OWLS], before=4)
    count, _ = choose(learn, 1.0)
    days, shares = cohorts(learn.histories, count, 1.0)
    at_night = distance(days.argmax(axis=1), np.zeros(count)) <= 2

    assert count > 1
    assert shares[at_night].sum() == pytest.approx(0.25, abs=0.05)
    np.testing.assert_allclose(days.sum(axis=1), 1.0)


def test_the_events_of_a_visit_together_are_believed_as_much_as_one():
    learn = drawn([a_day((hour, 9.0)) for hour in range(24)], before=10)
    clicks = replace(learn, histories=learn.histories * 7.0, events=learn.events * 7)
    _, strength = choose(learn, 1.0)
    _, of_clicks = choose(clicks, 7.0)

    assert of_clicks == pytest.approx(7.0 * strength)
    assert strength in STRENGTHS


def test_the_model_holds_what_was_fitted():
    learn = drawn([EVERYBODY, OWLS], before=10)
    model = fit(learn.histories, 4, 12.0, 1.0, {"log": "abc"})

    assert model.cohorts.shape == (4, 24)
    assert (model.strength, model.lineage, model.name) == (12.0, {"log": "abc"}, "opportune-send-hour")
    np.testing.assert_allclose(model.predict(learn.histories).sum(axis=1), 1.0)
