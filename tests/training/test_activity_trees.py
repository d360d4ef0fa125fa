"""LightGBM on top of the profile: kept where it is surely better, and then what is loaded is what was learned."""

import numpy as np
import pytest

from models.send_hour_bundle import load, write
from tests.models.hours import EVERYBODY, a_day
from tests.training.habits import on_weekdays
from training.activity_trees import LEAST_PEOPLE, grow, try_trees
from training.habits import Habits
from training.send_hour_fit import fit

LUNCH = 12
"""An hour at which people look at twenty things in a visit, and at one in any other."""


def people(count, *, views=20, seed=0):
    """People with hours of their own; what their states keep are views, and what they do later are visits."""
    random = np.random.default_rng(seed)
    days = np.stack([a_day((int(each), 6.0), (LUNCH, 2.0)) for each in random.integers(0, 24, count)])
    visits = np.stack([random.multinomial(20, each) for each in days]).astype(float)
    later = np.stack([random.multinomial(40, each) for each in days]).astype(float)
    weights = np.where(np.arange(24) == LUNCH, float(views), 1.0)
    histories = visits * weights
    return Habits(
        np.arange(count), histories, histories.sum(axis=1).astype(int), on_weekdays(visits), on_weekdays(later)
    )


def profile(histories):
    return fit(histories, 1, 20.0, 1.0, {})


def test_trees_learn_that_a_long_visit_is_one():
    earlier, later = people(1500), people(800, seed=1)
    plain = profile(earlier.histories)
    found = try_trees(plain, earlier, later)

    assert found.kept
    assert found.reason.startswith("trees: surely better, log-loss ")
    visits = later.later / later.later.sum(axis=1, keepdims=True)
    share = visits[:, LUNCH].mean()
    told, before = (each.predict(later.histories)[:, LUNCH].mean() for each in (found.model, plain))
    assert abs(told - share) < abs(before - share) / 3


def test_where_the_profile_says_all_it_stays():
    random = np.random.default_rng(2)
    anybody = on_weekdays(random.multinomial(40, EVERYBODY, 1200).astype(float))
    histories = random.multinomial(20, EVERYBODY, 1200).astype(float)
    nobody = Habits(np.arange(1200), histories, np.full(1200, 20), anybody, anybody)
    later = on_weekdays(random.multinomial(3, EVERYBODY, 300).astype(float))
    judged = Habits(np.arange(300), histories[:300], np.full(300, 20), nobody.before[:300], later)
    found = try_trees(fit(histories, 1, 500.0, 1.0, {}), nobody, judged)

    assert not found.kept
    assert found.reason.startswith("the profile: trees are not surely better, log-loss ")


def test_of_few_people_no_trees_are_grown():
    found = try_trees(profile(people(100).histories), people(100), people(100, seed=1))

    assert (found.model, found.kept) == (None, False)
    assert found.reason == f"the profile: 100 people came back, and trees need {LEAST_PEOPLE}"


@pytest.fixture(scope="module")
def grown():
    earlier = people(1500)
    return grow(profile(earlier.histories), earlier)


def test_the_same_people_give_the_same_trees(grown):
    earlier = people(1500)

    assert grow(profile(earlier.histories), earlier).text == grown.text


def test_scores_with_trees_are_shares_and_those_of_the_bundle_to_the_last_bit(grown, tmp_path):
    write(tmp_path / "7", grown, created_at="2026-01-01T00:00:00Z")
    counts = people(50, seed=3).histories
    loaded = load(tmp_path / "7")

    assert sorted(each.name for each in (tmp_path / "7").iterdir()) == ["manifest.json", "trees-of-activity.txt"]
    np.testing.assert_allclose(grown.predict(counts).sum(axis=1), 1.0)
    np.testing.assert_array_equal(loaded.predict(counts), grown.predict(counts))
    assert [each[1:] for each in loaded.describe(counts)] == [each[1:] for each in grown.describe(counts)]


def test_the_more_somebody_is_there_the_better_the_hour(grown):
    there = profile(people(200, seed=4).histories).predict(people(200, seed=4).histories)
    more = there.copy()
    more[:, 20] += 0.05
    counts = people(200, seed=4).histories
    before, after = (grown.forest.log_odds(grown.shown(counts, each)).reshape(-1, 24) for each in (there, more))

    assert (after[:, 20] >= before[:, 20]).all()
