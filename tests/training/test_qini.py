import numpy as np
import pytest
from sklift.metrics import qini_curve as reference

from training.qini import Ranked, compared, qini, resampled_qinis

DRAWN = np.random.default_rng(4)
N = 3000
TREATED = DRAWN.random(N) < 0.5
EFFECT = DRAWN.normal(size=N)
OUTCOME = DRAWN.random(N) < np.clip(0.2 + 0.1 * EFFECT * TREATED, 0, 1)


# scikit-uplift 0.5.1 calls what scikit-learn will take away in 1.10.
@pytest.mark.filterwarnings("ignore:Function stable_cumsum:FutureWarning")
def test_the_curve_is_that_of_a_reference_library_ties_included():
    rounded = np.round(EFFECT, 1)
    number, gained = reference(OUTCOME, rounded, TREATED)

    share, gain = Ranked(rounded, TREATED, OUTCOME).curve(np.ones(N))

    assert share * N == pytest.approx(number)
    assert gain * TREATED.sum() == pytest.approx(gained)


def test_the_coefficient_of_four_people_is_what_the_hand_says():
    # Ranked first: one treated who buys, one untreated who does not; then two without effect.
    treated, outcome = np.array([True, False, True, False]), np.array([True, False, False, False])

    # The curve goes (0, 0), (.5, .5), (1, .5): its area .375, that of chance .25.
    assert qini(np.array([2.0, 2.0, 1.0, 1.0]), treated, outcome) == pytest.approx(12.5)


def test_an_order_by_the_true_effect_is_better_than_chance_and_its_reverse_worse():
    assert qini(EFFECT, TREATED, OUTCOME) > 1
    assert qini(-EFFECT, TREATED, OUTCOME) < -1
    assert qini(np.zeros(N), TREATED, OUTCOME) == pytest.approx(0)


def test_a_row_that_counts_twice_is_one_that_stands_there_twice():
    twice = np.arange(N) % 3 == 0
    rows = np.concatenate([np.arange(N), np.flatnonzero(twice)])

    weighted = Ranked(EFFECT, TREATED, OUTCOME).qini(1.0 + twice)

    assert weighted == pytest.approx(qini(EFFECT[rows], TREATED[rows], OUTCOME[rows]), abs=0.02)


def test_a_ranking_is_no_better_than_itself_and_surely_better_than_its_reverse():
    rankings = {"propensity": -EFFECT, "same": -EFFECT, "effect": EFFECT}

    _, above = compared(rankings, "propensity", TREATED, OUTCOME, np.arange(N), level=0.95)

    assert above["same"] == (0.0, 0.0, 0.0)
    assert above["effect"].low > 0


def test_rows_of_one_person_are_drawn_together():
    user = np.arange(N)
    alone = resampled_qinis({"effect": EFFECT}, TREATED, OUTCOME, user)["effect"]
    rows = np.repeat(np.arange(N), 3)

    thrice = resampled_qinis({"effect": EFFECT[rows]}, TREATED[rows], OUTCOME[rows], user[rows])["effect"]

    assert thrice.std() == pytest.approx(alone.std(), rel=0.05)
