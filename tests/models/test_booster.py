import numpy as np
import pytest

from models.booster import Booster, ModelNotLoaded
from tests.models.bundles import a_booster, columns, some_rows

ROWS = some_rows()[:, columns()]


@pytest.fixture
def booster():
    return Booster(a_booster().model_to_string())


def test_it_predicts_the_bits_that_lightgbm_predicts(booster):
    expected = a_booster().predict(ROWS, raw_score=True, num_threads=1)

    assert np.array_equal(booster.log_odds(ROWS), expected)


def test_a_row_scores_the_same_alone_and_among_others(booster):
    alone = np.concatenate([booster.log_odds(ROWS[i : i + 1]) for i in range(len(ROWS))])

    assert np.array_equal(alone, booster.log_odds(ROWS))


def test_contributions_are_those_of_lightgbm_and_add_up(booster):
    found = booster.contributions(ROWS)

    assert np.array_equal(found, a_booster().predict(ROWS, pred_contrib=True, num_threads=1))
    assert found.sum(axis=1) == pytest.approx(booster.log_odds(ROWS))


def test_rows_in_another_memory_order_score_the_same(booster):
    assert np.array_equal(booster.log_odds(np.asfortranarray(ROWS)), booster.log_odds(ROWS))
    assert np.array_equal(booster.log_odds(ROWS[::2]), booster.log_odds(ROWS)[::2])


def test_no_rows_have_no_scores(booster):
    assert booster.log_odds(ROWS[:0]).shape == (0,)


@pytest.mark.parametrize("rows", [ROWS[:, :2], ROWS[:1, :2], ROWS[0]])
def test_rows_of_another_width_are_refused(booster, rows):
    with pytest.raises(ValueError, match="are not"):
        booster.log_odds(rows)


def test_a_text_that_is_no_model_is_refused():
    with pytest.raises(ModelNotLoaded):
        Booster("no model")
