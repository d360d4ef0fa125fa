import re
from datetime import timedelta

import numpy as np
import pytest

from features.catalog import CATALOGUE
from features.fold import fold, read_rows
from tests.features.histories import DAY
from tests.training.logs import write_log
from tests.training.shops import a_shop
from training.dataset import decision_points, label, orders
from training.evaluate import judge
from training.fit import Rows
from training.gate import Verdict
from training.learning import enough, learn
from training.log import read_log
from training.plots import draw
from training.report import page
from training.windows import TooLittleHistory, split

DAY_AHEAD = timedelta(hours=24)


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """Rows, windows and recent orders of a made-up shop, folded directly."""
    log = read_log(write_log(tmp_path_factory.mktemp("shop"), a_shop(people=300)))
    first, last = log.span
    points = decision_points(log, start_us=first + 8 * DAY, end_us=last - DAY, count=8000)
    rows = log.last_rows(points.user, points.at)
    order = np.argsort(rows, kind="stable")
    features = np.empty((len(points), CATALOGUE.n_features))
    features[order] = read_rows(fold(log.arrays, rows[order]), points.at[order])
    found = label(orders(log), points, DAY_AHEAD, end_us=last)
    recent = orders(log).count(points.user, points.at - 7 * DAY, points.at)
    return Rows(features, found.ordered, points.user, points.at), split(first + 8 * DAY, last, DAY_AHEAD), recent


@pytest.fixture(scope="module")
def learned(frame):
    return learn(*frame, CATALOGUE)


def test_the_model_is_better_than_chance_and_not_too_good_to_be_true(learned):
    found = learned.judged.judgement

    assert 0.58 < found.roc_auc < 0.9
    assert found.log_loss < judge(np.full(found.rows, found.base_rate), learned.judged.rows.ordered).log_loss


def test_outcomes_that_are_shuffled_cannot_be_learned(frame):
    rows, windows, recent = frame
    shuffled = np.random.default_rng(1).permutation(rows.ordered)

    found = learn(Rows(rows.features, shuffled, rows.user, rows.at), windows, recent, CATALOGUE)

    assert 0.42 < found.judged.judgement.roc_auc < 0.58


def test_it_is_judged_on_rows_later_than_all_it_learned_from(frame, learned):
    _, windows, _ = frame

    assert learned.judged.rows.at.min() >= windows.test.start
    assert len(learned.judged.predicted) == len(learned.judged.rows)


def test_what_moves_with_the_calendar_is_not_in_the_model(learned):
    assert "tenure_d" in learned.drifted
    assert not set(learned.drifted) & set(learned.features)


def test_what_never_says_anything_is_not_in_the_model(learned):
    assert "machine_opens_hl30d" not in learned.features
    assert "views_hl1d" in learned.features


def test_the_columns_of_the_booster_are_the_features_in_order(learned):
    assert tuple(learned.booster.feature_name()) == learned.features


def test_every_baseline_is_judged_on_the_same_rows(learned):
    assert set(learned.judged.baselines) == {"rule", "model_at_rule_budget", "logistic", "count"}


def test_too_few_distinct_purchases_are_refused_however_many_rows_predict_them():
    ordered = np.ones(5000, dtype=bool)
    with pytest.raises(TooLittleHistory, match="too few purchases to learn from: 50, and 100 are needed"):
        enough(ordered, np.repeat(np.arange(50), 100), np.full(5000, 7))

    assert enough(ordered, np.repeat(np.arange(500), 10), np.full(5000, 7)) == 500


def test_a_window_without_a_purchase_is_refused(frame):
    rows, windows, recent = frame
    barren = rows.ordered & ~windows.valid.holds(rows.at)

    with pytest.raises(
        TooLittleHistory, match=r"of [\d,]+ rows from 2017-08-06T\S+ to 2017-08-12T\S+, 0 were followed by an order"
    ):
        learn(Rows(rows.features, barren, rows.user, rows.at), windows, recent, CATALOGUE)


def test_the_report_stands_alone_and_says_what_was_found(learned, tmp_path):
    values = learned.judged.rows.features[:50, : len(learned.features)]
    plots = draw(
        tmp_path,
        {"model": learned.judged.predicted, "logistic": learned.judged.logistic},
        learned.judged.rows.ordered,
        features=list(learned.features),
        values=values,
        contributions=np.random.default_rng(1).normal(size=values.shape),
    )

    found = page("opportune-intent-24h", "1", learned, Verdict(False, "5 < 6 & so"), {"git_commit": "abc"}, plots)

    assert len(re.findall(r'<img alt="[^"]+" src="data:image/png;base64,', found)) == 5
    assert not re.findall(r'(?:src|href)="(?!data:)', found)
    assert "Not promoted" in found
    assert "5 &lt; 6 &amp; so" in found
    assert f"{learned.judged.judgement.roc_auc:.4f}" in found
    assert "tenure_d" in found
