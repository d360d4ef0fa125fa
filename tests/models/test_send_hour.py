"""The shrunken circular profile of a person's hours."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.circle import distance, kernel
from tests.models.hours import EVERYBODY, OWLS, a_day, a_model, counted, drawn

PEOPLE = 1000
EVENTS = 30
histories = arrays(np.float64, (24,), elements=st.floats(0.0, 500.0))


def best_hours(counts):
    return np.array([each.best for each in a_model().describe(counts)])


@pytest.mark.parametrize("hour", [0, 23])
def test_somebody_whose_hour_is_beside_midnight_gets_that_hour(hour):
    random = np.random.default_rng(hour)
    people = np.stack([drawn(random, hour + 0.5, 1.0, EVENTS) for _ in range(PEOPLE)])

    near = distance(best_hours(people), np.full(PEOPLE, hour)) <= 1
    assert near.mean() >= 0.99
    assert np.bincount(best_hours(people), minlength=24).argmax() == hour


def test_owls_around_midnight_land_within_two_hours_of_it():
    random = np.random.default_rng(0)
    people = np.stack([drawn(random, 0.0, 1.5, EVENTS) for _ in range(PEOPLE)])

    # The hours 22 to 1 begin and end within two hours of midnight.
    found = best_hours(people)
    assert np.mean((found >= 22) | (found <= 1)) >= 0.99


def test_of_several_peaks_the_highest_is_taken_and_never_a_valley_between():
    people = np.tile(counted([21] * 20 + [8] * 10 + [13] * 10), (1, 1))
    random = np.random.default_rng(1)
    noisy = np.stack(
        [counted(np.floor(random.choice([21.5, 8.5, 13.5], 120, p=[0.5, 0.25, 0.25]))) for _ in range(PEOPLE)]
    )

    assert best_hours(people)[0] in (20, 21, 22)
    assert np.mean(distance(best_hours(noisy), np.full(PEOPLE, 21)) <= 1) >= 0.99


@given(histories)
def test_scores_are_shares_all_above_zero_and_what_is_said_of_them_is_in_its_bounds(counts):
    [found] = a_model().describe(counts[None, :])

    assert sum(found.scores) == pytest.approx(1.0)
    assert min(found.scores) > 0.0
    assert found.scores[found.best] == max(found.scores)
    assert 0.0 <= found.confidence <= 1.0
    assert found.personal == pytest.approx(counts.sum() / (counts.sum() + 5.0))


@given(histories, st.integers(0, 23))
def test_turning_everybodys_clock_turns_the_answer(counts, turn):
    turned = a_model(cohorts=np.roll(EVERYBODY, turn)[None, :])

    expected = np.roll(a_model().predict(counts[None, :]), turn, axis=1)
    np.testing.assert_allclose(turned.predict(np.roll(counts, turn)[None, :]), expected)


def test_of_somebody_unknown_the_answer_is_everybodys_and_hardly_sure():
    [found] = a_model().describe(np.zeros((1, 24)))

    np.testing.assert_allclose(found.scores, EVERYBODY)
    assert found.personal == 0.0
    assert found.confidence < 0.2


def test_the_more_is_known_the_more_of_it_is_personal_and_the_surer_it_is():
    habit = counted([20, 20, 21, 9, 20])
    found = a_model().describe(np.stack([habit * times for times in (1, 4, 16, 64)]))

    assert [each.personal for each in found] == sorted(each.personal for each in found)
    assert [each.confidence for each in found] == sorted(each.confidence for each in found)
    assert found[-1].confidence > 0.99


def test_many_events_of_a_visit_make_it_no_surer_than_the_visit():
    counts = counted([20, 20, 9])[None, :]
    [visits] = a_model().describe(counts)
    [clicks] = a_model(strength=50.0, events_per_visit=10.0).describe(counts * 10)

    assert clicks.best == visits.best
    assert clicks.personal == pytest.approx(visits.personal)
    assert clicks.confidence == pytest.approx(visits.confidence)


def test_the_confidence_is_the_chance_that_the_best_hour_beats_its_rival():
    weights = a_model().weights(counted([9] * 8 + [20] * 16)[None, :])[0]
    [found] = a_model().describe(counted([9] * 8 + [20] * 16)[None, :])
    rival = max(weight for hour, weight in enumerate(weights) if distance(np.array(hour), np.array(found.best)) > 3)
    random = np.random.default_rng(0)
    ahead = random.gamma(weights[found.best], size=200_000) > random.gamma(rival, size=200_000)

    # As a chance, half way up from a toss-up; a normal density in the place of two Gamma ones.
    assert (1.0 + found.confidence) / 2.0 == pytest.approx(ahead.mean(), abs=0.02)


def test_people_are_as_often_right_as_the_confidence_says_at_least():
    random = np.random.default_rng(3)
    peaks = random.integers(0, 24, 4000)
    days = [a_day((peak, weight)) for peak, weight in zip(peaks, random.uniform(0.5, 8.0, 4000), strict=True)]
    counts = np.stack([random.multinomial(random.integers(1, 150), each) for each in days]).astype(np.float64)
    found = a_model().describe(counts)
    chance = np.array([(1.0 + each.confidence) / 2.0 for each in found])
    # Around its peak a day is flat: any hour of it is right.
    right = distance(np.array([each.best for each in found]), peaks) <= 3

    for least in (0.8, 0.9, 0.95):
        sure = chance >= least
        assert sure.sum() > 200
        assert right[sure].mean() >= least
    assert right[chance < 0.6].mean() < 0.8


def test_a_few_events_are_enough_to_tell_whose_cohort_somebody_is_of():
    model = a_model(cohorts=np.stack([EVERYBODY, OWLS]), shares=np.array([0.9, 0.1]))
    counts = np.stack([np.zeros(24), counted([0, 1, 23])])
    nobody, owl = (model.weights(counts) - counts @ kernel(model.sigma_h)) / model.strength

    np.testing.assert_allclose(nobody, 0.9 * EVERYBODY + 0.1 * OWLS)
    np.testing.assert_allclose(model.everybody, nobody)
    by_hand = np.array([0.9 * math.prod(EVERYBODY[[0, 1, 23]]), 0.1 * math.prod(OWLS[[0, 1, 23]])])
    np.testing.assert_allclose(owl, by_hand / by_hand.sum() @ model.cohorts)
