from dataclasses import replace

import numpy as np
import pytest

from training.decisions import Prices
from training.off_policy import Unanswerable
from training.thresholds import curve, grid, smoothed
from training.world_decisions import PRICES, logged, moments, worth

PRESENT = 0.2
AT = moments("even", 12_000, seed=8)


def found(exploration, prices=PRICES, at=AT, present=PRESENT):
    log = logged(at, threshold=present, hold_out=0.1, exploration=exploration, seed=8)
    return curve(log, prices, present)


@pytest.fixture(scope="module")
def explored():
    return found(0.1)


def test_the_grid_ascends_from_everybody_to_nobody_and_holds_the_present_threshold():
    thresholds = grid(AT.score, PRESENT)

    assert (np.diff(thresholds) > 0).all()
    assert PRESENT in thresholds
    assert (AT.score >= thresholds[0]).all()
    assert not (AT.score >= thresholds[-1]).any()


def test_a_better_threshold_is_recommended_where_it_surely_earns_more(explored):
    assert explored.recommended == explored.candidate != PRESENT
    assert worth(AT, AT.score >= explored.recommended) > worth(AT, AT.score >= PRESENT)
    assert explored.reason.startswith("change: it surely earns more")


def test_an_effect_that_is_a_cubic_of_the_log_odds_is_found_again():
    odds = np.log(AT.score / (1 - AT.score))
    effect = 0.3 + 0.2 * odds - 0.1 * odds**2 - 0.05 * odds**3
    log = logged(AT, threshold=PRESENT, hold_out=0.1, exploration=0.1, seed=8)
    thresholds = grid(AT.score, PRESENT)
    values = np.where(AT.score[:, None] >= thresholds, effect[:, None], 0.0)

    assert smoothed(log, thresholds, values) == pytest.approx(values.mean(axis=0), abs=1e-9)


def test_the_candidate_is_a_cliff_that_no_smooth_curve_has_where_the_log_surely_shows_one():
    cliff = replace(AT, if_sent=np.where(AT.score >= 0.3, np.minimum(AT.if_held + 0.4, 1.0), AT.if_held * 0.7))

    shown = found(0.1, at=cliff)

    estimates = {each.threshold: each.value.estimate for each in shown.points}
    assert shown.candidate == max(estimates, key=estimates.get)
    assert abs((AT.score >= shown.candidate).mean() - (AT.score >= 0.3).mean()) <= 0.05


def test_one_threshold_with_an_answer_is_a_flat_curve():
    log = logged(AT, threshold=PRESENT, hold_out=0.1, exploration=0.1, seed=8)

    assert smoothed(log, np.array([PRESENT]), AT.score[:, None]).tolist() == [0.0]


def test_the_present_threshold_gains_nothing_over_itself(explored):
    present = next(each for each in explored.points if each.threshold == PRESENT)

    assert present.gain == (0.0, 0.0, 0.0)


def test_without_exploration_every_lower_threshold_is_refused_and_no_higher_one():
    unexplored = found(0.0)

    lower = [each for each in unexplored.points if each.threshold < PRESENT]
    assert len(lower) > 10
    assert all(each.value is None and "nothing was ever sent by chance" in each.refusal for each in lower)
    assert all(each.value is not None for each in unexplored.points if each.threshold >= PRESENT)
    assert unexplored.recommended >= PRESENT


def test_a_difference_that_may_be_nothing_changes_nothing():
    few = moments("even", 1000, seed=8)

    kept = found(0.1, at=few)

    assert kept.recommended == PRESENT
    assert kept.candidate != PRESENT
    assert kept.reason.startswith("keep the present one: the difference may be nothing")


def test_a_message_that_costs_more_than_it_brings_is_sent_to_fewer():
    dear = found(0.1, Prices(order=20.0, contact=3.0, unsubscribe=20.0))

    assert dear.recommended > PRESENT


def test_no_decisions_are_no_answer():
    log = logged(AT, threshold=PRESENT, hold_out=0.1, exploration=0.1, seed=8).where(np.zeros(0, dtype=np.int64))

    with pytest.raises(Unanswerable, match="no matured decisions"):
        curve(log, PRICES, PRESENT)


def test_too_few_decisions_are_no_answer_either():
    log = logged(AT, threshold=PRESENT, hold_out=0.1, exploration=0.1, seed=8).where(np.arange(300))

    with pytest.raises(Unanswerable, match="not even the present threshold has an answer: the log is worth"):
        curve(log, PRICES, PRESENT)
