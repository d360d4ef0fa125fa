import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import Identity, Isotonic, Platt, calibrator, sigmoid
from tests.features.histories import laws

log_odds = st.lists(st.floats(-50, 50), min_size=1, max_size=30).map(np.array)
slopes = st.floats(0.01, 10)


@laws
@given(log_odds)
def test_the_identity_is_the_logistic_function(values):
    expected = [1.0 / (1.0 + math.exp(-each)) for each in values]

    assert Identity()(values) == pytest.approx(expected, abs=1e-12)


def test_no_log_odds_overflow():
    assert sigmoid(np.array([-1e6, 0.0, 1e6])).tolist() == [0.0, 0.5, 1.0]


@laws
@given(log_odds, slopes, st.floats(-5, 5))
def test_a_line_keeps_the_order(values, slope, intercept):
    calibrated = Platt(slope, intercept)(np.sort(values))

    assert np.all(np.diff(calibrated) >= 0)
    assert np.all((calibrated >= 0) & (calibrated <= 1))


def test_a_table_is_straight_between_its_knots_and_level_beyond_them():
    table = Isotonic((-1.0, 1.0), (0.2, 0.6))

    assert table(np.array([-9.0, -1.0, 0.0, 1.0, 9.0])) == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.6])


@pytest.mark.parametrize("each", [Identity(), Platt(0.9, -0.1), Isotonic((-1.0, 0.5), (0.1, 0.9))])
def test_what_is_described_as_json_is_read_back(each):
    assert calibrator(json.loads(json.dumps(each.described()))) == each


@pytest.mark.parametrize(
    "described",
    [
        {},
        {"kind": "magic"},
        {"kind": "platt", "slope": 1.0},
        {"kind": "platt", "slope": None, "intercept": 0.0},
        {"kind": "isotonic", "log_odds": [], "probabilities": []},
        {"kind": "isotonic", "log_odds": [0.0, 0.0], "probabilities": [0.1, 0.2]},
        {"kind": "isotonic", "log_odds": [0.0, 1.0], "probabilities": [0.2, 0.1]},
        {"kind": "isotonic", "log_odds": [0.0, 1.0], "probabilities": [0.2, 1.1]},
        {"kind": "isotonic", "log_odds": [0.0, 1.0], "probabilities": [0.2]},
    ],
)
def test_what_describes_no_calibrator_is_refused(described):
    with pytest.raises(ValueError):
        calibrator(described)
