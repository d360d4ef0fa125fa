"""Hours on a circle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.circle import HOURS, distance, kernel

hours = st.integers(0, 23)


def test_the_hour_before_midnight_is_beside_the_hour_after():
    assert distance(np.array([23, 0, 12, 6]), np.array([0, 0, 0, 20])).tolist() == [1, 0, 12, 10]


@given(hours, hours, st.integers(0, 100))
def test_turning_the_clock_changes_no_distance(one, other, turn):
    turned = distance(np.array((one + turn) % HOURS), np.array((other + turn) % HOURS))

    assert distance(np.array(one), np.array(other)) == turned


@given(st.floats(0.2, 8.0), hours)
def test_every_hour_spreads_alike_loses_nothing_and_favours_itself(sigma, hour):
    found = kernel(sigma)

    assert found[hour].sum() == pytest.approx(1.0)
    assert found[hour].argmax() == hour
    np.testing.assert_allclose(np.roll(found[0], hour), found[hour])
    np.testing.assert_allclose(found, found.T)


def test_a_neighbour_gets_what_a_normal_density_gives_it():
    found = kernel(1.5)

    assert found[0, 1] / found[0, 0] == pytest.approx(np.exp(-0.5 / 1.5**2))
    assert found[0, 22] / found[0, 0] == pytest.approx(np.exp(-0.5 * (2 / 1.5) ** 2))


def test_a_kernel_without_width_is_refused():
    with pytest.raises(ValueError, match="no width"):
        kernel(0.0)
