import pytest
from scipy.stats import binom

from verification.bars import Bar


def test_a_bar_asks_how_likely_so_bad_a_figure_is_by_chance():
    assert Bar("errors", 8, 100, 0.05, "most").p_value == pytest.approx(binom.sf(7, 100, 0.05))
    assert Bar("covered", 90, 100, 0.95, "least").p_value == pytest.approx(binom.cdf(90, 100, 0.95))


@pytest.mark.parametrize(("hits", "holds"), [(0, True), (50, True), (65, True), (80, False)])
def test_it_fails_only_beyond_chance_and_never_for_being_too_good(hits, holds):
    assert Bar("errors", hits, 1000, 0.05, "most").holds is holds
