import numpy as np

from training.uplift_verdict import compare, judge
from training.world_decisions import PRICES, logged, moments


def test_too_few_outcomes_are_no_verdict():
    log = logged(moments("persuadable", 100, seed=1), threshold=0.0, hold_out=0.5, exploration=0.0, seed=1)

    found = judge(log, PRICES)

    assert found.switch is None
    assert "outcomes in the smaller arm, 20 are needed" in found.reason


def test_decisions_that_were_not_sent_by_one_chance_are_no_verdict():
    at = moments("persuadable", 500, seed=1)

    for log in (
        logged(at, threshold=0.2, hold_out=0.1, exploration=0.1, seed=1),
        logged(at, threshold=0.0, hold_out=0.0, exploration=0.0, seed=1),
        logged(at, threshold=0.0, hold_out=0.1, exploration=0.0, seed=1).where(np.zeros(0, dtype=np.int64)),
    ):
        assert judge(log, PRICES).reason.startswith("no verdict: it needs decisions that are sent by one and the same")


def test_where_a_message_does_the_same_to_everybody_no_learner_is_better_than_chance():
    drawn = np.random.default_rng(2)
    known, treated = drawn.normal(size=(4000, 3)), drawn.random(4000) < 0.5
    outcome = drawn.random(4000) < 0.1 + 0.05 * treated

    found, uplifts = compare(known, treated, outcome, np.arange(4000), chance=0.5)

    assert found.switch is None
    assert found.reason.startswith("no usable heterogeneity: Qini of the")
    assert set(uplifts) == {"S-learner", "T-learner", "DR-learner"}
