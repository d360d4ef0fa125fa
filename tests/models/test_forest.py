import lightgbm as lgb
import numpy as np
import pytest

from models.booster import Booster
from models.forest import Forest, NotWalkable, walkable

COLUMNS = np.array([3, 0, 2], dtype=np.intp)


def a_model(seed=0, *, rounds=40, categorical=(), **parameters):
    """The text of a small model over three features, missing values among them."""
    dice = np.random.default_rng(seed)
    rows = dice.normal(size=(600, 3)).round(1)
    rows[dice.random(rows.shape) < 0.2] = np.nan
    rows[:, 2] = np.where(dice.random(600) < 0.5, 0.0, dice.integers(0, 5, 600))
    signal = np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 1]) * (rows[:, 2] > 1) + dice.normal(size=600)
    data = lgb.Dataset(rows, (signal > 0).astype(float), categorical_feature=list(categorical))
    settings = {"objective": "binary", "num_leaves": 15, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1}
    return lgb.train({**settings, **parameters}, data, rounds).model_to_string()


def rows_of(seed=1, n=400):
    dice = np.random.default_rng(seed)
    rows = dice.normal(size=(n, 5)).round(1)
    rows[dice.random(rows.shape) < 0.2] = np.nan
    rows[dice.random(rows.shape) < 0.2] = 0.0
    return rows


@pytest.mark.parametrize("parameters", [{}, {"zero_as_missing": True}, {"use_missing": False}, {"num_leaves": 2}])
def test_walking_gives_the_bits_of_the_library(parameters):
    text = a_model(**parameters)
    rows = rows_of()

    assert np.array_equal(Forest.read(text, COLUMNS).log_odds(rows), Booster(text).log_odds(rows[:, COLUMNS]))


def test_one_row_gives_what_it_gives_among_many():
    forest = Forest.read(a_model(), COLUMNS)
    rows = rows_of()

    assert [forest.log_odds(row.reshape(1, -1))[0] for row in rows] == forest.log_odds(rows).tolist()


def test_a_model_of_a_single_leaf_is_walked_too():
    text = a_model(rounds=1, min_data_in_leaf=600)
    rows = rows_of(n=3)

    assert np.array_equal(Forest.read(text, COLUMNS).log_odds(rows), Booster(text).log_odds(rows[:, COLUMNS]))


@pytest.mark.parametrize("parameters", [{"categorical": (2,)}, {"linear_tree": True}])
def test_what_cannot_be_walked_is_left_to_the_library(parameters):
    text = a_model(**parameters)

    with pytest.raises(NotWalkable):
        Forest.read(text, COLUMNS)
    assert walkable(text, Booster(text), COLUMNS, 5) is None


def test_a_forest_that_gives_other_bits_than_the_library_is_not_used():
    assert walkable(a_model(seed=0), Booster(a_model(seed=1)), COLUMNS, 5) is None
    assert walkable(a_model(seed=0), Booster(a_model(seed=0)), COLUMNS, 5) is not None
