"""What a retraining says of a model that did not go into service."""

import pytest

from training import send_hour_summary
from training.summary import figures_of_nothing, lines

FIGURES = dict.fromkeys(("base_rate", "roc_auc", "pr_auc", "log_loss", "brier", "calibration_error"), 0.1)
CHOICE = {"precision": 0.1, "recall": 0.1}


def said(*rules, promoted=False):
    """Return the lines of a model, by (rule, whether it holds) of the gate."""
    found = {
        **FIGURES,
        "rows": 10,
        "calibration_by_chance": 0.0123,
        "model_version": "opportune-intent-24h/4",
        "promoted": promoted,
        "reason": "for a reason",
        "rules": [{"name": name, "holds": holds, "words": "words"} for name, holds in rules],
        "messages": {},
        "baselines": {"logistic": FIGURES, "rule": CHOICE, "model_at_rule_budget": CHOICE},
    }
    return "\n".join(lines("24h", found))


def test_a_calibration_error_stands_above_that_of_a_perfect_model():
    *_, model, logistic, perfect, _, _ = said().splitlines()

    assert (model.split()[-1], logistic.split()[-1]) == ("0.1000", "0.1000")
    assert perfect == "  the calibration error of a perfect model: up to 0.0123 by chance"


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [("reference", True), ("outcomes", False)],
        [("outcomes", True), ("log-loss", False), ("order", True)],
    ],
)
def test_where_too_little_speaks_for_a_model_it_may_prove_itself_in_shadow(rules):
    assert "live traffic may prove it: make shadow MODEL=opportune-intent-24h VERSION=4" in said(*rules)


@pytest.mark.parametrize("broken", ["reference", "calibration", "order", "segment", "first model"])
def test_where_something_speaks_against_it_nothing_of_the_kind_is_said(broken):
    assert "make shadow" not in said(("log-loss", False), (broken, False))
    assert "make shadow" not in said(("log-loss", True), promoted=True)


def test_where_nothing_was_learned_nobody_is_told_that_a_champion_is_out_of_service():
    told = [
        *lines("24h", figures_of_nothing("too little")),
        *send_hour_summary.lines(send_hour_summary.figures_of_nothing("too little")),
    ]

    assert ["A champion stays in service" in each for each in told] == [True, True]
    assert "the rule rule-recency-frequency scores instead" in told[0]
    assert "the prior answers" in told[1]
