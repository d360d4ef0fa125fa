import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.booster import Booster
from models.forest import Forest, walkable
from models.tree import MOST_LEAVES, NotWalkable
from tests.features.histories import laws

COLUMNS = np.array([3, 0, 2], dtype=np.intp)
models = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1000),
        "rounds": st.integers(1, 20),
        "num_leaves": st.sampled_from([2, 3, 15, 31, 32, 33, 64, 65, 100]),
        "min_data_in_leaf": st.sampled_from([1, 5, 200, 600]),
        "zero_as_missing": st.booleans(),
        "use_missing": st.booleans(),
    }
)


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


def around(text, seed=1, n=300):
    """Rows of what a model's trees could part: thresholds, what is next to them, nothing, and next to nothing."""
    thresholds = Forest.read(text, COLUMNS).threshold
    values = [thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)]
    odd = [np.nan, 0.0, -0.0, 1e-35, -1e-35, 1.1e-35, 1e-36, 5e-324, np.inf, -np.inf]
    return np.random.default_rng(seed).choice(np.concatenate([*values, odd, odd]), size=(n, 5))


def says_the_same(text, rows):
    """Whether forest and library agree to the last bit."""
    found = Forest.read(text, COLUMNS).log_odds(rows)
    return found.tobytes() == Booster(text).log_odds(rows[:, COLUMNS]).tobytes()


@laws
@given(models)
def test_whatever_the_trees_the_bits_are_those_of_the_library(model):
    text = a_model(**model)

    assert says_the_same(text, around(text))


@laws
@given(models, st.randoms(use_true_random=False))
def test_each_node_may_tell_missing_values_in_a_way_of_its_own(model, dice):
    def told_otherwise(line):
        kinds = [str(dice.choice([0, 2, 4, 6, 8, 10])) for _ in line.split()]
        return f"decision_type={' '.join(kinds)}" if line.startswith("decision_type=") else line

    # Without the sizes of trees, the library does not rely on them.
    lines = [each for each in a_model(**model).split("\n") if not each.startswith("tree_sizes=")]
    text = "\n".join(map(told_otherwise, lines))

    assert says_the_same(text, around(text))


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


def test_trees_of_very_many_leaves_are_left_to_the_library():
    dice = np.random.default_rng(0)
    data = lgb.Dataset(dice.normal(size=(3000, 3)), dice.normal(size=3000))
    settings = {"min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "verbosity": -1, "num_threads": 1}
    most, more = (
        lgb.train({**settings, "num_leaves": leaves}, data, 1).model_to_string()
        for leaves in (MOST_LEAVES, MOST_LEAVES + 1)
    )

    assert says_the_same(most, around(most))
    with pytest.raises(NotWalkable):
        Forest.read(more, COLUMNS)


def test_a_forest_that_gives_other_bits_than_the_library_is_not_used():
    assert walkable(a_model(seed=0), Booster(a_model(seed=1)), COLUMNS, 5) is None
    assert walkable(a_model(seed=0), Booster(a_model(seed=0)), COLUMNS, 5) is not None
