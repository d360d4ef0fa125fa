"""What a report says of a perfect model's calibration error, beside what perfect models show."""

import numpy as np
import pytest

from training.evaluate import calibration_by_chance, calibration_error
from verification.bars import Bar

RUNS, ROWS, MOST_EACH = 500, 2_500, 6


def drawn(seed, mean, most_each):
    """Rows with their true chances; those of one person share chance and outcome."""
    random = np.random.default_rng(seed)
    user = np.repeat(np.arange(ROWS), random.integers(1, most_each + 1, ROWS))[:ROWS]
    chance = random.beta(1.0, 1.0 / mean - 1.0, ROWS)
    return chance[user], (random.random(ROWS) < chance)[user], user


@pytest.mark.parametrize("mean", [0.02, 0.15])
@pytest.mark.parametrize("most_each", [1, MOST_EACH])
def test_a_perfect_model_is_within_what_chance_is_said_to_make_in_19_of_20_cases(mean, most_each):
    within = 0
    for seed in range(RUNS):
        chance, ordered, user = drawn(seed, mean, most_each)
        within += calibration_error(chance, ordered) <= calibration_by_chance(chance, ordered, user)

    assert Bar("within", within, RUNS, 0.95, "least").holds


def test_it_is_no_wider_than_it_must_be():
    found = [drawn(seed, 0.15, MOST_EACH) for seed in range(RUNS)]
    errors = [calibration_error(chance, ordered) for chance, ordered, _ in found]
    said = np.mean([calibration_by_chance(*each) for each in found])

    assert said == pytest.approx(np.quantile(errors, 0.95), rel=0.15)


def test_a_model_that_says_half_of_what_is_true_is_outside():
    chance, ordered, user = drawn(1, 0.15, 1)

    assert calibration_error(chance / 2, ordered) > calibration_by_chance(chance / 2, ordered, user)
