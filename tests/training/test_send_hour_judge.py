"""Hours judged by what people did later."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from tests.models.hours import EVERYBODY, a_model, counted
from tests.training.habits import on_weekdays
from training.habits import Habits
from training.send_hour_judge import baselines, by_history, calibration, judge, losses, ranks


def scores(*best):
    """Scores of one person whose hours are these from the best one on; the others are equal."""
    found = np.full(24, 1.0)
    for place, hour in enumerate(best):
        found[hour] = 100.0 - place
    return found / found.sum()


def people(histories, later, events=None):
    histories = np.array(histories)
    counts = histories.sum(axis=1).astype(int) if events is None else np.array(events)
    return Habits(np.arange(len(histories)), histories, counts, on_weekdays(histories), on_weekdays(np.array(later)))


def test_the_figures_are_those_of_the_place_at_which_the_hour_was():
    given = np.stack([scores(9, 20, 21, 3), scores(9, 20, 21, 3)])
    later = np.stack([counted([9, 9, 9, 20]), counted([3])])
    found = judge(given, later)

    assert found.hit_at_1 == pytest.approx((0.75 + 0.0) / 2)
    assert found.hit_at_3 == pytest.approx((1.0 + 0.0) / 2)
    assert found.mrr == pytest.approx(((0.75 + 0.25 / 2) + 1 / 4) / 2)


def test_somebody_who_came_often_counts_no_more_than_somebody_who_came_once():
    given = np.stack([scores(9), scores(9)])

    assert judge(given, np.stack([counted([9] * 99), counted([3])])).hit_at_1 == 0.5


def test_the_loss_is_that_of_scikit_learn():
    given = np.random.default_rng(0).dirichlet(np.ones(24), 50)
    hours = np.random.default_rng(1).integers(0, 24, 50)
    later = np.eye(24)[hours]

    assert losses(given, later).mean() == pytest.approx(log_loss(hours, given, labels=range(24)))


def test_of_equal_hours_the_earlier_is_tried_first():
    assert ranks(np.ones((1, 24)))[0].tolist() == list(range(24))


def test_scores_that_came_true_are_calibrated_and_boasts_are_not():
    random = np.random.default_rng(2)
    truth = random.dirichlet(5.0 * EVERYBODY, 500)
    later = np.stack([random.multinomial(200, each) for each in truth]).astype(float)
    boast = truth**3 / (truth**3).sum(axis=1, keepdims=True)

    assert calibration(truth, later) < 0.01
    assert calibration(boast, later) > 0.05


def test_the_simple_rules_are_what_they_say():
    found = baselines(
        np.stack([counted([8, 8, 20]), counted([20])]), people([counted([8, 13, 13, 21, 21, 21, 21])], [counted([9])])
    )

    assert found["global"][0].argmax() == 8
    np.testing.assert_allclose(found["histogram"][0], counted([8, 13, 13, 21, 21, 21, 21]) / 7)
    assert found["median"][0].argmax() == 21
    nobody = baselines(np.stack([counted([8])]), people([np.zeros(24)], [counted([9])]))
    np.testing.assert_array_equal(nobody["median"], nobody["global"])
    np.testing.assert_array_equal(nobody["histogram"], nobody["global"])


def test_a_median_sends_owls_at_noon_and_people_with_two_peaks_between_them_and_the_profile_does_not():
    owl, two = counted([23] * 10 + [0] * 10 + [1] * 4 + [22] * 4), counted([8] * 10 + [9] * 2 + [20] * 11)
    group = people([owl, two], [owl, two])
    median = baselines(group.histories, group)["median"].argmax(axis=1)
    profile = [each.best for each in a_model().describe(group.histories)]

    assert median[0] in range(1, 23)
    assert median[1] == 9
    assert profile[0] in (23, 0)
    assert profile[1] in (19, 20, 21)


def test_every_amount_of_history_is_judged_by_itself():
    group = people([np.zeros(24), counted([9] * 5), counted([9] * 500)], [counted([9])] * 3, events=[3, 4, 500])
    found = by_history({"model": a_model().predict(group.histories)}, group)

    assert [(each["events"], each["people"]) for each in found] == [([0, 3], 1), ([4, 10], 1), ([101, None], 1)]
    assert found[2]["model"]["hit_at_1"] == 1.0
