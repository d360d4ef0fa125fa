from dataclasses import replace

import numpy as np
import pytest

from models.calibration import Identity, sigmoid
from training.baselines import Logistic
from training.evaluate import log_loss
from training.fit import Rows, parameters, refit
from training.folds import FOLDS, _parts, contested
from training.gate import decide
from training.learning import Judged, Learned
from training.windows import Window, Windows

ROWS, GAP = 6000, 200
NAMES = ("noise", "inclined")
WINDOWS = Windows(Window(0, 3000), Window(3200, 3600), Window(3800, 4200), Window(4400, ROWS), GAP)


@pytest.fixture(scope="module")
def rows():
    """A row at each moment; people turn more inclined halfway through the rows that are judged."""
    drawn = np.random.default_rng(3)
    features = drawn.normal(size=(ROWS, 2))
    at = np.arange(ROWS)
    ordered = drawn.random(ROWS) < sigmoid(-1.0 + features[:, 1] + np.where(at > 4800, 2.0, 0.0))
    return Rows(features, ordered, at // 3, at)


def learned_of(rows, *, refitted=True):
    names = ["inclined"]
    known = rows.where(rows.at < 3000).columns([1])
    test = rows.where(WINDOWS.test.holds(rows.at))
    used = parameters(known, [1], 0)
    logistic = Logistic.fit(known, names)
    said = np.full(len(test), 0.25)
    return Learned(
        features=("inclined",),
        drifted={},
        booster=refit(known, 30, used, names),
        refitted=refitted,
        calibrator=Identity(),
        logistic=logistic,
        parameters=used,
        rows=len(rows),
        base_rate=0.3,
        judged=Judged(test, said, said, None, {}),
    )


def test_folds_follow_each_other_and_what_is_learned_ends_a_horizon_before_each(rows):
    parts = list(_parts(rows.at, rows.at >= 4000, GAP))

    assert len(parts) == FOLDS
    begins = [int(rows.at[inside].min()) for _, inside in parts]
    assert begins == [4000, 4500, 5000, 5500]
    assert [int(rows.at[before].max()) for before, _ in parts] == [each - GAP for each in begins]
    assert sum(inside.astype(int) for _, inside in parts).tolist() == (rows.at >= 4000).astype(int).tolist()


def test_the_challenger_is_refitted_before_each_fold_and_so_learns_what_changed(rows):
    found = contested(rows, learned_of(rows), WINDOWS, NAMES, since_us=3900)
    stays = sigmoid(np.asarray(learned_of(rows).booster.predict(found.rows.features[:, [1]], raw_score=True)))

    def loss(predicted, fold):
        return log_loss(predicted[found.fold == fold], found.rows.ordered[found.fold == fold])

    assert found.rows.at.tolist() == list(range(3901, ROWS))
    assert np.bincount(found.fold).tolist() == [525, 525, 525, 524]
    # Nobody knows of the change in the fold in which it comes; in the last two it has been seen.
    assert loss(found.challenger, 1) == pytest.approx(loss(stays, 1), rel=0.1)
    assert loss(found.challenger, 3) < 0.95 * loss(stays, 3)
    assert loss(found.logistic, 3) < 0.95 * loss(stays, 3)


def test_a_row_is_predicted_by_no_model_that_knew_what_followed_it(rows):
    turned = replace(rows, ordered=np.where(rows.at >= 5474 - GAP + 1, ~rows.ordered, rows.ordered))

    one, other = (contested(each, learned_of(rows), WINDOWS, NAMES, since_us=3900) for each in (rows, turned))

    before = one.fold < FOLDS - 1
    assert np.array_equal(one.challenger[before], other.challenger[before])


def test_nothing_is_judged_where_the_number_of_trees_was_chosen(rows):
    assert contested(rows, learned_of(rows), WINDOWS, NAMES, since_us=1000).rows.at.min() == WINDOWS.calibrate.start
    short = replace(WINDOWS, calibrate=None)
    assert contested(rows, learned_of(rows), short, NAMES, since_us=1000).rows.at.min() == WINDOWS.test.start


def test_a_model_with_a_calibrator_is_judged_as_it_is_on_the_last_window(rows):
    found = contested(rows, learned_of(rows, refitted=False), WINDOWS, NAMES, since_us=4999)

    assert found.rows.at.tolist() == list(range(5000, ROWS))
    assert set(found.challenger.tolist()) == {0.25}
    assert np.bincount(found.fold).tolist() == [250] * FOLDS


def test_where_the_champion_knows_all_there_is_nothing_to_judge_by(rows):
    assert len(contested(rows, learned_of(rows), WINDOWS, NAMES, since_us=ROWS).rows) == 0


def test_the_gate_says_in_how_many_folds_the_challenger_was_better(rows):
    found = contested(rows, learned_of(rows), WINDOWS, NAMES, since_us=3900)
    stays = sigmoid(np.asarray(learned_of(rows).booster.predict(found.rows.features[:, [1]], raw_score=True)))
    judged = found.beside(stays, {"the later half": found.fold > 1})

    said = {each.name: each.words for each in decide(judged, same_features=True).rules}

    assert "of 4 folds" in said["log-loss"]
    assert "the logistic regression" in said["reference"]
    assert "for the later half" in said["segment"]
