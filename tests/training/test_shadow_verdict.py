"""What is said of a challenger by what it and the champion said of the same rows."""

import numpy as np
import pytest

from models.calibration import sigmoid
from training.exposure import NOTHING_SENT
from training.gate import Judged
from training.shadow_rows import Pair, Shadowed
from training.shadow_verdict import figures, judge, lines

PAIR = Pair("24h", "opportune-intent-24h/2", "opportune-intent-24h/1", since_us=0)
RANDOM = np.random.default_rng(5)
LOG_ODDS = RANDOM.normal(-1.0, 1.0, 6000)
TRUE, ORDERED = sigmoid(LOG_ODDS), RANDOM.random(LOG_ODDS.size) < sigmoid(LOG_ODDS)
NOISY = sigmoid(LOG_ODDS + RANDOM.normal(0.0, 1.0, LOG_ODDS.size))


def scored(challenger, champion, *, judged):
    """Return rows that both scored, of which the first so many are matured."""
    return Shadowed(
        judged=Judged(
            challenger=challenger[:judged],
            champion=champion[:judged],
            references={"logistic regression": TRUE[:judged]},
            ordered=ORDERED[:judged],
            user=np.arange(judged),
        ),
        challenger=challenger,
        champion=champion,
        ledger=2 * challenger.size,
        only_challenger=2,
        unusable=7,
        immature=challenger.size - judged - 7,
        messages=NOTHING_SENT,
    )


def said(found):
    verdict = judge(found, same_features=True)
    return verdict, list(lines(figures(PAIR, found, verdict)))


def test_a_worse_challenger_is_not_to_be_promoted_and_the_rule_says_why():
    verdict, told = said(scored(NOISY, TRUE, judged=5000))

    assert not verdict.promoted
    assert told[0] == (
        "opportune-intent-24h/2 in shadow beside opportune-intent-24h/1: not to be promoted: "
        f"{next(each.words for each in verdict.rules if not each.holds)}"
    )
    assert "both scored 6,000 of 12,000 rows of the ledger since it began (50.0%); judged on 5,000" in told[-4]
    assert told[-3] == "  993 not matured, 7 not usable, 2 more beside another champion"
    assert told[-2] == "  no message changed what followed"


def test_a_better_one_may_be_promoted():
    verdict, told = said(scored(TRUE, NOISY, judged=5000))

    assert verdict.promoted
    assert "MAY BE PROMOTED" in told[0]


def test_until_a_row_is_matured_scores_are_all_that_is_compared():
    verdict, told = said(scored(TRUE, NOISY, judged=0))

    assert (verdict.promoted, verdict.rules) == (False, ())
    assert "nothing to judge by yet: no row that both scored is matured" in told[0]
    assert told[-1].startswith(
        f"  mean score {TRUE.mean():.4f} against {NOISY.mean():.4f}, population stability index 0."
    )


def test_the_same_scores_have_not_moved():
    found = scored(TRUE, TRUE, judged=100)

    assert figures(PAIR, found, judge(found, same_features=True))["scores"]["stability_index"] == pytest.approx(0.0)


def test_before_anything_was_scored_by_both_there_is_no_number():
    nothing = np.empty(0)
    found = scored(nothing, nothing, judged=0)
    told = figures(PAIR, found, judge(found, same_features=True))

    assert set(told["scores"].values()) == {None}
    assert set(told["log_loss"].values()) == {None}
    assert len(list(lines(told))) == 4
