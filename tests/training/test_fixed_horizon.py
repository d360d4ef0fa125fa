import numpy as np
import pytest
from scipy.stats import false_discovery_control, norm, ttest_ind

from tests.training.experiments import some_units
from training.experiment import Plan, Units
from training.fixed_horizon import ending, prediction, winsorised

PLAN = Plan("spring", 4000, (0.5, 0.5))


def units(*, users=4000, seed=1, covariates=None, measures=None, rates=(0.1, 0.12)):
    return some_units(users=users, rates=rates, seed=seed, covariates=covariates, measures=measures)


def test_the_plain_difference_is_that_of_two_proportions():
    arms = units()
    control, treatment = (arms.converted[arms.arm == each] for each in (0, 1))
    error = np.sqrt(sum(each.mean() * (1 - each.mean()) / each.size for each in (control, treatment)))
    [found] = ending(arms, 1, PLAN).primary

    assert found.effect == pytest.approx(treatment.mean() - control.mean())
    assert (found.high - found.low) / 2 == pytest.approx(norm.isf(0.025) * error)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(found.effect) / error))


def test_what_was_known_before_narrows_the_interval_by_what_it_explains():
    random = np.random.default_rng(2)
    score = random.beta(0.5, 2.0, 20_000)
    arm = random.integers(0, 2, score.size)
    converted = random.random(score.size) < score
    arms = Units(("control", "t"), arm, None, None, converted, covariates={"score": score})
    explained = np.corrcoef(score, converted)[0, 1] ** 2
    plain, less = ending(arms, 1, PLAN).primary

    assert explained > 0.2
    assert (less.high - less.low) / (plain.high - plain.low) == pytest.approx(np.sqrt(1 - explained), rel=0.01)
    assert f"{explained:.0%}" in less.method


def test_unknown_and_constant_covariates_do_no_harm():
    random = np.random.default_rng(2)
    arms = units(covariates={"half": np.where(random.random(4000) < 0.5, np.nan, random.random(4000))})
    arms.covariates["constant"] = np.ones(4000)
    arms.covariates["unknown"] = np.full(4000, np.nan)

    assert np.isfinite(prediction(arms)).all()
    assert prediction(units(covariates={"unknown": np.full(4000, np.nan)})) is None


@pytest.mark.filterwarnings("ignore")
def test_where_all_users_of_each_arm_are_alike_there_is_a_difference_and_no_interval():
    arms = units(rates=(1.0, 1.0), measures={"orders": np.ones(4000), "revenue": np.linspace(1, 2, 4000)})
    found = ending(arms, 1, PLAN)
    [plain] = found.primary
    orders, revenue = found.secondary

    assert (plain.effect, plain.low, plain.high, plain.p_value) == (0.0, None, None, None)
    assert (orders.p_value, orders.adjusted) == (None, None)
    assert revenue.adjusted == revenue.p_value


def test_what_one_user_gave_back_is_capped_like_what_one_bought():
    revenue = np.where(np.arange(4000) == 7, -1e9, np.full(4000, 10.0))

    assert winsorised(revenue, None)[0].tolist() == [10.0] * 7 + [-10.0] + [10.0] * 3992


def test_orders_without_an_amount_are_told_where_they_count_nothing():
    random = np.random.default_rng(3)
    measures = {"revenue": random.exponential(20.0, 4000), "unpriced": (np.arange(4000) < 3).astype(float)}
    [revenue] = ending(units(measures=measures), 1, PLAN).secondary

    assert revenue.method.endswith("orders without an amount, of 3 users, count nothing")


def test_secondary_numbers_are_corrected_together_and_their_intervals_are_not():
    random = np.random.default_rng(3)
    measures = {
        "orders": random.poisson(0.2, 4000).astype(float),
        "decisions": random.integers(1, 5, 4000).astype(float),
        "ordered_decisions": random.integers(0, 2, 4000).astype(float),
    }
    arms = units(measures=measures)
    found = ending(arms, 1, PLAN)
    orders = [measures["orders"][arms.arm == each] for each in (1, 0)]
    plain = ttest_ind(*orders, equal_var=False)

    assert [each.name for each in found.secondary] == ["orders per user", "orders per message, sent or withheld"]
    assert found.secondary[0].p_value == pytest.approx(plain.pvalue)
    corrected = false_discovery_control([each.p_value for each in found.secondary])
    assert [each.adjusted for each in found.secondary] == pytest.approx(corrected.tolist())
    assert found.secondary[0].low == pytest.approx(plain.confidence_interval().low)


def test_a_rate_per_message_allows_for_several_messages_of_one_person():
    # One person in a hundred gets ninety messages and orders after each: a test over messages would be far too sure.
    random = np.random.default_rng(4)
    decisions = np.where(random.random(4000) < 0.01, 90.0, 1.0)
    ordered = np.where(decisions > 1, 90.0, random.random(4000) < 0.1).astype(float)
    [found] = ending(units(measures={"decisions": decisions, "ordered_decisions": ordered}), 1, PLAN).secondary
    rate = ordered.sum() / decisions.sum()
    naive = np.sqrt(rate * (1 - rate) * 4 / decisions.sum())

    assert (found.high - found.low) / 2 > 3 * 1.96 * naive


def test_revenue_waits_for_two_hundred_buyers_in_the_smaller_arm():
    few = units(measures={"revenue": np.where(np.arange(4000) < 300, 20.0, 0.0)})
    many = units(measures={"revenue": np.where(np.arange(4000) < 900, 20.0, 0.0)})

    assert ending(few, 1, PLAN).revenue.startswith("Not yet reliable: 1")
    assert ending(few, 1, PLAN).secondary == ()
    assert ending(many, 1, PLAN).revenue is None
    assert [each.name for each in ending(many, 1, PLAN).secondary] == ["revenue per user"]


def test_one_rich_buyer_counts_no_more_than_the_cap():
    revenue = np.concatenate([np.zeros(100), np.arange(1.0, 101.0), [1e6]])

    kept, cap = winsorised(revenue, None)
    said, _ = winsorised(revenue, 50.0)

    assert cap == pytest.approx(100.0, abs=1)
    assert kept.max() == cap
    assert said.max() == 50.0
    assert (said[:150] == revenue[:150]).all()
