import pytest
from scipy.stats import binomtest

from training.verification import Rate, binomial_p
from training.verification_policy_value import study
from training.verification_uplift import study as study_of_uplift


@pytest.mark.parametrize(("hits", "runs", "rate"), [(190, 200, 0.95), (178, 200, 0.95), (0, 40, 0.05), (40, 40, 0.9)])
def test_the_exact_p_value_is_that_of_a_reference_library(hits, runs, rate):
    assert binomial_p(hits, runs, rate) == pytest.approx(binomtest(hits, runs, rate).pvalue, rel=1e-9)


def test_a_promise_is_broken_only_by_what_could_hardly_be_chance():
    assert Rate("covers", 181, 200, 0.95).kept
    assert not Rate("covers", 175, 200, 0.95).kept


def test_a_few_logs_with_exploration_keep_the_promises_of_policy_values():
    found = study(0.1, logs=3, users=6000, seed=5)

    assert all(each.kept for each in found.covers)
    assert found.lower_answered == 3
    assert sum(found.candidate_earns) / 3 > 0.8


def test_a_few_logs_without_exploration_answer_nothing_below_the_threshold():
    found = study(0.0, logs=2, users=4000, seed=5)

    assert found.lower_answered == 0
    assert found.kept


def test_uplift_switches_where_somebody_is_persuadable_and_not_where_uplift_follows_intent():
    persuadable, proportional = (study_of_uplift(kind, runs=1, users=4000) for kind in ("persuadable", "proportional"))

    assert persuadable.switched.hits == 1
    assert all(low > 0 and true > 0 for _, low, _, true in persuadable.gains)
    assert proportional.switched.hits == 0
