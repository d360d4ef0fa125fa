import numpy as np
import pytest

from verification.contests import BETTER, EQUAL, OWN, PLANTED, WORSE, _moved, _own, bars, contest, said
from verification.shoppers import several_each

RUNS = 20
SEED = 900_000


@pytest.fixture(scope="module")
def found():
    """A small version of what `make verify-statistics` simulates, with seeds of its own."""
    return {name: [said(planted, SEED + i) for i in range(RUNS)] for name, planted in PLANTED.items()}


def test_the_gate_keeps_its_promises_in_a_few_contests(found):
    assert [each.name for each in bars(found) if not each.holds] == []
    assert sum(each.refresh for each in found[EQUAL]) > RUNS / 2 > sum(each.improvement for each in found[EQUAL])
    assert sum(each.refresh for each in found[WORSE]) < RUNS / 2 < sum(each.improvement for each in found[BETTER])


def test_equal_models_differ_as_two_refits_on_complete_journey_do(found):
    error, correlation = np.mean([(each.error, each.correlation) for each in found[EQUAL]], axis=0)

    # There 0.22 to 0.25 % of the log-loss, and .988 to .990.
    assert error == pytest.approx(0.0023, abs=0.0002)
    assert correlation == pytest.approx(0.990, abs=0.003)


@pytest.mark.parametrize("planted", PLANTED.values())
def test_what_was_planted_is_what_outcomes_show_on_average(planted):
    judged = [contest(planted, seed) for seed in range(SEED, SEED + 60)]
    gaps = [each.loss(each.challenger) / each.loss(each.champion) - 1 for each in judged]

    assert np.mean(gaps) == pytest.approx(planted, abs=4 * np.std(gaps) / np.sqrt(len(gaps)))
    assert {each.ordered.size for each in judged} == {8_000}
    assert all(0.15 < each.ordered.mean() < 0.21 for each in judged)


def test_an_error_is_stretched_until_the_expected_loss_is_as_asked():
    drawn = np.random.default_rng(3)
    at = several_each(2_600, 3.4, 8_000, drawn)
    amiss = _own(at, drawn)
    asked = 1.009 * at.loss(at.knowable + amiss)

    moved = _moved(at, amiss, asked)

    assert amiss.std() == pytest.approx(OWN, rel=0.05)
    assert at.loss(at.knowable + moved) == pytest.approx(asked, rel=1e-9)
    assert np.allclose(moved / amiss, moved[0] / amiss[0])
