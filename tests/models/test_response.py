"""How likely people answer at each hour: the sum, the trees on top, and what is refused."""

import math

import numpy as np
import pytest

from models.manifest import BundleRefused
from models.response import Response
from models.send_hour_bundle import load, write
from models.tree import NotSound, NotWalkable
from tests.models.hours import EVERYBODY, OWLS, a_model, counted

RATIOS = np.stack([np.full(24, 0.1), np.linspace(0.05, 0.3, 24)])
SENT = np.full(24, 500.0)
STUMP = """tree
version=v4

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=0.2
decision_type=2
left_child=-1
right_child=-2
leaf_value=-0.5 0.7
shrinkage=1
"""
"""Whoever is there in more than a fifth of their day's events at an hour answers rather."""


def two_cohorts(**fields):
    return a_model(cohorts=np.stack([EVERYBODY, OWLS]), shares=np.array([0.6, 0.4]), **fields)


def test_the_log_odds_are_a_sum_of_activity_and_of_the_cohorts_answers():
    there, members = np.full((1, 24), 1 / 48), np.array([[0.25, 0.75]])
    there[0, 12] += 0.5
    found = Response(RATIOS, SENT, (-1.0, 2.0, 0.5)).chances(there, members)

    ratio = 0.25 * 0.1 + 0.75 * RATIOS[1, 12]
    odds = -1.0 + 2.0 * math.log(24 * there[0, 12]) + 0.5 * math.log(ratio / (1 - ratio))
    assert found[0, 12] == pytest.approx(1 / (1 + math.exp(-odds)))


def test_trees_move_the_sum():
    there, members = np.full((1, 24), 0.7 / 23), np.array([[1.0, 0.0]])
    there[0, 9] = 0.3
    plain, moved = (Response(RATIOS, SENT, (0.0, 0.0, 1.0), text).chances(there, members)[0] for text in ("", STUMP))

    assert plain == pytest.approx(0.1)
    odds = np.log(moved / (1 - moved)) - math.log(0.1 / 0.9)
    assert odds == pytest.approx(np.where(np.arange(24) == 9, 0.7, -0.5))


def test_of_an_hour_at_which_nothing_was_sent_nothing_good_is_told():
    sent = np.where(np.arange(24) < 6, 0.0, 500.0)
    model = two_cohorts(response=Response(RATIOS, sent, (0.0, 1.0, 1.0)))
    owl = counted([0] * 30 + [13])
    found = model.describe(owl[None, :])[0]

    assert model.predict(owl[None, :]).argmax() == 0
    assert found.scores[:6].max() <= found.scores[6:].min()
    assert found.best >= 6


def test_what_is_known_of_somebody_is_when_they_answer_with_the_personal_share_of_their_activity():
    plain, model = two_cohorts(), two_cohorts(response=Response(RATIOS[::-1].copy(), SENT, (0.3, 0.5, 0.7)))
    counts = np.stack([counted([0] * 30), counted([]), counted([11, 18, 18])])
    answers = model.answers(counts)

    for found, scores, there in zip(model.describe(counts), answers, plain.describe(counts), strict=True):
        assert found.scores == pytest.approx(scores)
        assert found.best == scores.argmax()
        assert 0.0 <= found.confidence <= 1.0
        assert found.personal == there.personal
    assert (model.learned_from, plain.learned_from) == ("sends", "activity")
    with pytest.raises(ValueError, match="learned from activity, and not from sends"):
        plain.answers(counts)


@pytest.mark.parametrize("text", ["", STUMP])
def test_a_bundle_is_read_as_it_was_written(tmp_path, text):
    model = two_cohorts(response=Response(RATIOS, SENT, (-0.25, 0.5, 1.5), text))
    write(tmp_path / "7", model, created_at="2026-01-01T00:00:00Z")
    counts = np.stack([counted([0] * 30), counted([9, 10])])

    np.testing.assert_array_equal(load(tmp_path / "7").answers(counts), model.answers(counts))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("leaf_value=-0.5 0.7", "leaf_value=-0.5 0.8", "trees.txt is damaged"),
        (None, None, "trees.txt cannot be read"),
    ],
)
def test_a_bundle_whose_trees_are_not_those_that_were_written_is_refused(tmp_path, old, new, why):
    write(tmp_path / "7", two_cohorts(response=Response(RATIOS, SENT, (0, 1, 1), STUMP)), created_at="")
    path = tmp_path / "7" / "trees.txt"
    path.write_text(path.read_text().replace(old, new)) if old else path.unlink()

    with pytest.raises(BundleRefused, match=why):
        load(tmp_path / "7")


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("left_child=-1", "left_child=0", NotSound),
        ("left_child=-1", "left_child=4", NotSound),
        ("right_child=-2", "right_child=-9", NotSound),
        ("threshold=0.2", "threshold=", NotSound),
        ("split_feature=0", "split_feature=6", NotSound),
        ("split_feature=0", "split_feature=x", NotWalkable),
    ],
    ids=["a circle", "beyond the nodes", "beyond the leaves", "no threshold", "another feature", "no number"],
)
def test_trees_that_cannot_be_walked_safely_are_refused(old, new, error):
    with pytest.raises(error):
        Response(RATIOS, SENT, (0, 1, 1), STUMP.replace(old, new)).forest  # noqa: B018


def test_a_bundle_with_ratios_of_other_cohorts_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there are 1 cohorts and ratios of 2"):
        write(tmp_path / "7", a_model(response=Response(RATIOS, SENT, (0, 1, 1))), created_at="")
