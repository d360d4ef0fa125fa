import numpy as np
import pytest

from training.world_hours import HOURS, hour_chances, listeners, nearness, sends

WHO = listeners(4000, seed=3)


def true_clicks(hour):
    """The share of people who would click if each got a message at their hour."""
    return float(WHO.clicks[np.arange(4000), hour].mean())


def test_the_clock_is_a_circle():
    assert nearness(np.array(23.5), np.array(0.5)) == nearness(np.array(10.0), np.array(11.0))


def test_somebody_listens_best_at_their_own_hour():
    best = WHO.clicks.argmax(axis=1)
    apart = np.abs(best - WHO.hour) % HOURS

    assert (np.minimum(apart, HOURS - apart) <= 0.5).all()


def test_what_was_engaged_with_is_what_the_truth_says():
    sent = sends(WHO, days=60, seed=4)
    expected = WHO.clicks[sent.user, sent.hour]
    error = np.sqrt((expected * (1 - expected)).sum()) / expected.size

    assert sent.engaged.mean() == pytest.approx(expected.mean(), abs=4 * error)


def test_history_was_sent_around_ten_but_for_what_was_explored():
    sent = sends(WHO, days=60, seed=4, exploration=0.1)

    assert set(sent.hour[~sent.explored].tolist()) == {9, 10, 11}
    assert set(sent.hour[sent.explored].tolist()) == set(range(HOURS))
    assert sent.explored.mean() == pytest.approx(0.1, abs=0.01)


def test_the_propensities_are_those_of_the_hours():
    sent = sends(WHO, days=60, seed=4, exploration=0.1)
    observed = np.bincount(sent.hour, minlength=HOURS) / sent.hour.size

    assert hour_chances(0.1).sum() == pytest.approx(1)
    assert observed == pytest.approx(hour_chances(0.1), abs=0.01)
    assert (sent.propensity == hour_chances(0.1)[sent.hour]).all()


def test_propensities_turn_explored_sends_into_the_truth_about_every_hour():
    sent = sends(WHO, days=200, seed=4, exploration=0.2)
    everybody_at = np.full(4000, 20)
    weight = (sent.hour == 20) / sent.propensity
    estimate = (weight * sent.engaged).mean()
    error = (weight * sent.engaged).std() / np.sqrt(weight.size)

    assert estimate == pytest.approx(true_clicks(everybody_at), abs=4 * error)


def test_the_best_hours_beat_ten_for_everybody():
    assert true_clicks(WHO.clicks.argmax(axis=1)) > 1.5 * true_clicks(np.full(4000, 10))
