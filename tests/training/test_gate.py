from dataclasses import replace

import numpy as np
import pytest

from models.calibration import sigmoid
from training.evaluate import log_loss
from training.gate import Judged, decide

PEOPLE = 4000
USER = np.repeat(np.arange(PEOPLE), 5)
RANDOM = np.random.default_rng(11)
LOG_ODDS = np.repeat(RANDOM.normal(-1.0, 1.0, PEOPLE), 5) + RANDOM.normal(0, 0.5, USER.size)
TRUE = sigmoid(LOG_ODDS)
ORDERED = RANDOM.random(USER.size) < TRUE
NOISY = sigmoid(0.8 * LOG_ODDS + RANDOM.normal(0, 0.5, USER.size) - 0.15)


def judged(challenger, champion=None, *, rows=USER.size, references=None, segments=None):
    return Judged(
        challenger=challenger[:rows],
        champion=None if champion is None else champion[:rows],
        references={name: each[:rows] for name, each in (references or {}).items()},
        ordered=ORDERED[:rows],
        user=USER[:rows],
        segments=segments or {},
    )


def said(verdict):
    return {each.name: each.holds for each in verdict.rules}


def test_the_first_model_needs_only_to_beat_chance():
    found = decide(judged(TRUE), same_features=False)

    assert found.promoted
    assert found.reason.startswith("first model of this horizon")


def test_a_first_model_that_knows_nothing_is_refused():
    # Flat but for noise: right on average, and no help.
    noise = np.clip(ORDERED.mean() + RANDOM.normal(0, 0.1, USER.size), 0.01, 0.99)

    found = decide(judged(noise, rows=900), same_features=False)

    assert not found.promoted
    assert found.reason.startswith("no better than chance")


def test_a_handful_of_outcomes_promotes_nobody():
    found = decide(judged(TRUE, rows=20), same_features=False)

    assert not found.promoted
    assert found.reason.startswith("too few outcomes")


def test_thousands_of_rows_of_a_few_people_promote_nobody():
    few = replace(judged(TRUE, NOISY), user=USER % 12)
    one = replace(judged(TRUE, NOISY), user=np.zeros_like(USER))

    assert decide(few, same_features=True).reason.endswith("are of 12, 20 are needed")
    assert decide(one, same_features=True).reason.endswith("are of 1, 20 are needed")


def test_a_better_model_replaces_the_champion():
    found = decide(judged(TRUE, NOISY), same_features=False)

    assert found.promoted
    assert "on 20000 rows neither learned from" in found.reason


def test_a_worse_model_does_not():
    found = decide(judged(NOISY, TRUE), same_features=True)

    assert not found.promoted


def test_a_refresh_may_be_a_trifle_worse_and_a_changed_model_may_not():
    trifle = sigmoid(LOG_ODDS + RANDOM.normal(0, 0.05, USER.size))

    assert decide(judged(trifle, TRUE), same_features=True).promoted
    refused = decide(judged(trifle, TRUE), same_features=False)
    assert not refused.promoted
    assert refused.reason.startswith("log-loss not proven")


def test_few_new_outcomes_are_no_reason_to_change():
    found = decide(judged(TRUE, NOISY, rows=1000), same_features=True)

    assert not found.promoted
    assert "600 are needed" in found.reason


def test_a_model_worse_than_a_frozen_reference_is_refused_by_its_name():
    found = decide(judged(NOISY, references={"logistic regression": TRUE}), same_features=False)

    assert not found.promoted
    assert found.reason.startswith("worse than the logistic regression")


@pytest.mark.parametrize(
    ("distorted", "word"), [(sigmoid(1.5 * LOG_ODDS + 0.45), "slope"), (sigmoid(LOG_ODDS + 0.5), "intercept")]
)
def test_a_badly_calibrated_model_is_refused(distorted, word):
    found = decide(judged(distorted), same_features=False)

    assert not found.promoted
    assert found.reason.startswith(f"badly calibrated: {word}")


def test_each_rule_that_was_asked_says_whether_it_holds_and_the_first_that_does_not_is_the_reason():
    promoted = decide(judged(TRUE, NOISY, references={"rule": NOISY}), same_features=False)
    refused = decide(judged(NOISY, TRUE, references={"rule": NOISY}), same_features=False)

    assert said(promoted) == dict.fromkeys(["reference", "calibration", "outcomes", "log-loss", "order"], True)
    assert [each.name for each in refused.rules if not each.holds] == ["log-loss", "order"]
    assert refused.reason == next(each.words for each in refused.rules if not each.holds)


def test_an_order_of_people_that_got_worse_is_refused_though_the_log_loss_did_not():
    # Better in level, worse in order: what it gains on the mean it loses on who comes first.
    champion = sigmoid(LOG_ODDS + 0.5)
    challenger = sigmoid(LOG_ODDS + RANDOM.normal(0, 0.3, USER.size))
    assert log_loss(challenger, ORDERED) < log_loss(champion, ORDERED)

    found = decide(judged(challenger, champion), same_features=False)

    assert said(found)["log-loss"]
    assert not said(found)["order"]
    assert found.reason.startswith("ROC-AUC may have dropped by 0.0")


def test_one_kind_of_people_must_not_pay_for_the_others():
    few = USER % 10 == 0
    challenger = np.where(few, sigmoid(LOG_ODDS + 0.6), TRUE)
    champion = np.where(few, TRUE, NOISY)

    found = decide(judged(challenger, champion, segments={"the few": few, "the many": ~few}), same_features=True)

    assert said(found)["log-loss"]
    assert found.reason.startswith("log-loss +")
    assert "for the few, more than +3%" in found.reason


def test_a_kind_of_people_with_few_outcomes_cannot_tell():
    few = USER < 60
    assert ORDERED[few].sum() < 200
    challenger = np.where(few, 0.999, TRUE)

    found = decide(judged(challenger, TRUE, segments={"the few": few}), same_features=True)

    assert "segment" not in said(found)


def test_rows_that_stand_for_others_count_like_these_in_every_rule():
    few = np.arange(4000)
    weight = 1 + few % 3
    inside = USER[few] % 2 == 0
    once = Judged(TRUE[few], NOISY[few], {"rule": NOISY[few]}, ORDERED[few], USER[few], {"even": inside}, weight * 1.0)
    again = np.repeat(few, weight)
    repeated = Judged(
        TRUE[again],
        NOISY[again],
        {"rule": NOISY[again]},
        ORDERED[again],
        USER[again],
        {"even": np.repeat(inside, weight)},
    )

    found, expected = (decide(each, same_features=True) for each in (once, repeated))

    assert len(found.rules) == 6
    # The number of rows is what it is; what they say is weighed.
    assert [each for each in found.rules if each.name != "outcomes"] == [
        each for each in expected.rules if each.name != "outcomes"
    ]
