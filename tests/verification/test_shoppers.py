import numpy as np
import pytest

from models.calibration import sigmoid
from training.evaluate import deciles, log_loss
from verification.shoppers import NAMES, several_each

AT = several_each(2_600, 3.4, 8_000, np.random.default_rng(5))


def test_people_are_asked_about_several_times_and_stay_who_they_are():
    assert AT.features.shape == (8_000, len(NAMES))
    again = np.flatnonzero(np.diff(AT.user) == 0)
    assert again.size > 4_000
    assert np.array_equal(AT.features[again, :4], AT.features[again + 1, :4])
    assert not np.any(AT.features[again, 4:] == AT.features[again + 1, 4:])


def test_the_true_loss_is_the_mean_over_all_outcomes_that_might_be():
    said = AT.knowable + 0.3
    drawn = np.random.default_rng(6)
    found = [log_loss(sigmoid(said), AT.rows(drawn).ordered) for _ in range(400)]

    assert np.mean(found) == pytest.approx(AT.loss(said), abs=4 * np.std(found) / 20)


def test_nothing_that_features_tell_is_better_than_what_is_knowable():
    many = several_each(50_000, 3.4, 160_000, np.random.default_rng(7))
    best = many.loss(many.knowable)

    assert best < min(many.loss(many.knowable * each) for each in (0.9, 1.1))
    assert best < min(many.loss(many.knowable + each) for each in (-0.1, 0.1))
    ordered = many.rows(np.random.default_rng(8)).ordered
    # Rows of a person are alike, so a decile's rate is less sure than its 16,000 rows would have it.
    assert all(abs(mean - rate) < 0.02 for mean, rate, _ in deciles(sigmoid(many.knowable), ordered))
