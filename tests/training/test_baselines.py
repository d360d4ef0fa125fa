import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.baselines import Logistic, compare
from training.fit import Rows


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(1)
    features = random.normal(size=(2000, 4))
    ordered = random.random(2000) < 1 / (1 + np.exp(-features[:, 0]))
    features[random.random(features.shape) < 0.1] = np.nan
    features[:, 2], features[:, 3] = 5.0, np.nan
    return Rows(features, ordered, np.arange(2000), np.arange(2000))


def test_it_is_scikit_learn_s_regression_on_filled_and_scaled_features(rows):
    reference = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=300)
    ).fit(rows.features, rows.ordered)

    found = Logistic.fit(rows, ["a", "b", "c", "d"]).predict(rows.features)

    assert found == pytest.approx(reference.predict_proba(rows.features)[:, 1])


def test_it_is_kept_as_json(rows, tmp_path):
    fitted = Logistic.fit(rows, ["a", "b", "c", "d"])
    fitted.write(tmp_path / "logistic.json")

    assert Logistic.read(tmp_path / "logistic.json") == fitted


def test_the_model_is_compared_with_the_rule_at_as_many_people():
    ordered = np.array([True, False, True, False])

    found = compare(np.array([0.9, 0.2, 0.8, 0.1]), np.full(4, 0.5), np.zeros(4), np.array([2, 3, 0, 1]), ordered)

    assert found["rule"] == {"precision": 0.5, "recall": 0.5}
    assert found["model_at_rule_budget"] == {"precision": 1.0, "recall": 1.0}
    assert found["logistic"]["roc_auc"] == 0.5
