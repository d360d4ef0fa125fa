import numpy as np
import pytest

from features.catalog import CATALOGUE
from models.bundle import load
from models.calibration import Platt
from tests.models.bundles import FEATURES, a_booster, a_bundle, columns, some_rows


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load(a_bundle(tmp_path_factory.mktemp("bundle"), calibration=Platt(0.5, -0.25)), version="3")


def test_it_reads_its_own_columns_of_a_row_in_its_own_order(model):
    rows = some_rows()
    raw = a_booster().predict(rows[:, columns()], raw_score=True, num_threads=1)

    assert model.predict(rows) == pytest.approx(1.0 / (1.0 + np.exp(-(0.5 * raw - 0.25))))


def test_what_it_does_not_ask_for_changes_nothing(model):
    rows, others = some_rows(), some_rows(seed=9)
    others[:, columns()] = rows[:, columns()]

    assert np.array_equal(model.predict(rows), model.predict(others))


def test_contributions_name_features_and_values_the_strongest_first(model):
    row = some_rows()[7]

    found = model.contributions(row)

    strengths = [abs(each.contribution) for each in found]
    assert strengths == sorted(strengths, reverse=True)
    assert {each.feature for each in found} == set(FEATURES)
    for each in found:
        assert each.value == pytest.approx(row[CATALOGUE.names.index(each.feature)], nan_ok=True)


def test_it_says_what_it_is(model):
    assert (model.name, model.version, model.horizon, model.calibrated) == ("opportune-intent-24h", "3", "24h", True)
