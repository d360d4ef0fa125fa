"""What another policy would have earned: where the log can tell, and why not where it cannot."""

import json

import numpy as np
import pytest

from policy.source import parse
from tests.training.decided import PRESENT, TRIGGER
from training.decisions import Prices
from training.off_policy import Unanswerable
from training.thresholds import curve
from training.what_if_value import main, thresholds, value
from training.world_decisions import logged, moments

PRICES = Prices(20.0, 0.05, 5.0)
POLICY = "triggers:\n- {{name: {name}, on: Product Added, threshold: {threshold}, cool_down: 1d{more}}}\n"


def trigger(threshold=PRESENT, more="", name=TRIGGER):
    return parse(POLICY.format(name=name, threshold=threshold, more=more)).triggers[0]


@pytest.fixture(scope="module")
def log():
    return logged(moments("even", 3000, seed=8), threshold=PRESENT, hold_out=0.1, exploration=0.1, seed=1)


def test_the_difference_is_that_of_the_curve_of_thresholds(log):
    point = next(each for each in curve(log, PRICES, PRESENT).points if each.threshold < PRESENT)

    found = value(log, PRICES, PRESENT, point.threshold)

    assert found.difference[0] == pytest.approx(1000 * point.gain.estimate)
    assert found.difference[0] == pytest.approx(found.other[0] - found.present[0])
    assert found.effective[1] == pytest.approx(point.effective)


def test_a_trigger_that_is_gone_earns_what_sending_nothing_does(log):
    found = value(log, PRICES, *thresholds(trigger(), None))

    assert found.other == (0.0, 0.0, 0.0)
    assert found.difference[0] == pytest.approx(-found.present[0])


def test_a_lower_threshold_without_exploration_has_no_answer():
    unexplored = logged(moments("even", 1000, seed=8), threshold=PRESENT, hold_out=0.1, exploration=0.0, seed=1)

    with pytest.raises(Unanswerable, match="nothing was ever sent by chance"):
        value(unexplored, PRICES, PRESENT, 0.1)


def test_draws_and_mode_may_differ_and_what_else_decides_may_not():
    assert thresholds(trigger(), trigger(0.1, ", mode: live, hold_out: 20%")) == (PRESENT, 0.1)
    for more in (", horizon: 7d", ", guards: {gap_after_purchase: 3d}", ", content: {subject: Hi}"):
        with pytest.raises(Unanswerable, match="more than its threshold differs"):
            thresholds(trigger(), trigger(0.1, more))


@pytest.mark.filterwarnings("ignore")
def test_of_a_trigger_that_goes_by_uplift_a_threshold_of_the_score_earns_nothing_that_is_known():
    by_uplift = trigger(0.1, ", uplift: auto")

    for pair in ((trigger(), by_uplift), (by_uplift, trigger()), (by_uplift, by_uplift), (by_uplift, None)):
        with pytest.raises(Unanswerable, match="it goes by uplift"):
            thresholds(*pair)


def test_each_trigger_in_force_is_told_of_with_its_interval_or_why_not(judged_home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPPORTUNE_HOME", str(judged_home))
    for name, threshold in (("present", PRESENT), ("other", 0.1)):
        text = POLICY.format(name=TRIGGER, threshold=threshold, more="")
        text += POLICY.removeprefix("triggers:\n").format(name=f"{name}-too", threshold=0.5, more="")
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("OPPORTUNE_TRIGGERS", str(tmp_path / "present.yaml"))

    assert main([str(tmp_path / "other.yaml"), "--order-value", "20"]) == 0

    told = capsys.readouterr().out
    found = json.loads((judged_home / "what-if" / "value.json").read_text())["triggers"]
    assert f"{TRIGGER}: present +" in told
    assert "present-too: no answer: no decision of a trigger 'present-too'" in told
    assert "other-too: no answer: the policy in force does not have it" in told
    low, high = found[TRIGGER]["difference"][1:]
    assert low < found[TRIGGER]["difference"][0] < high
    assert np.isfinite(found[TRIGGER]["effective"]).all()
