import numpy as np
import pytest

from features.catalog import CATALOGUE
from features.kinds import Kind
from models.calibration import Identity
from tests.training.logs import write_log
from tests.training.shops import a_shop
from training.dataset import Asked, decision_points, orders
from training.drift import worth
from training.evaluate import judge
from training.exposure import NOTHING_SENT
from training.fit import Rows
from training.frame import Frame, Matured
from training.learning import Judged, Learned
from training.log import read_log
from training.occasions import NO_EVENT
from training.reference import kinds, reference
from training.windows import Window, Windows


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return read_log(write_log(tmp_path_factory.mktemp("home"), a_shop(people=40, days=20)))


@pytest.fixture(scope="module")
def points(log):
    first, last = log.span
    return decision_points(log, start_us=first, end_us=last, count=800)


@pytest.fixture(scope="module")
def rows(points):
    rows = np.random.default_rng(1).lognormal(0.0, 1.0, (len(points), CATALOGUE.n_features))
    rows[:50, CATALOGUE.names.index("cart_items")] = np.nan
    return rows


def trained(log, points, rows, weight=None):
    """Return what is known of a training whose model was judged on the last quarter of all points."""
    bought = orders(log)
    begun = int(points.at[len(points) * 3 // 4])
    test = Window(begun, int(points.at[-1]) + 1)
    windows = Windows(train=test, valid=test, calibrate=None, test=test, gap=0)
    person = bought.person[points.user]
    every = Rows(rows, np.arange(len(points)) % 7 == 0, person, points.at, weight)
    judged_rows = every.where(test.holds(points.at))
    predicted = np.linspace(0.01, 0.5, len(judged_rows))
    frame = Frame(log, points, rows, bought, int(points.at[0]), int(points.at[-1]))
    known = Matured(every, windows, np.zeros(len(points), np.int64), NOTHING_SENT, points)
    judgement = judge(predicted, judged_rows.ordered, judged_rows.weight)
    judged = Judged(judged_rows, predicted, predicted, judgement, {})
    learned = Learned(("cart_items", "order_age_d"), {}, None, True, Identity(), None, {}, len(points), 0.1, judged)
    return reference(frame, known, learned)


def test_a_point_after_an_event_has_its_kind_and_the_others_have_none(log, points):
    found = kinds(log, points)
    by_moment = {
        (user, at): kind for user, at, kind in zip(log.arrays.user, log.arrays.known_at, log.kinds, strict=True)
    }

    asked = points.asked == Asked.EVENT
    assert (found[~asked] == NO_EVENT).all()
    wanted = [by_moment[each] for each in zip(points.user[asked], points.at[asked], strict=True)]
    assert found[asked].tolist() == wanted
    assert set(wanted) == {Kind.PRODUCT_VIEWED, Kind.PRODUCT_ADDED, Kind.ORDER_COMPLETED}


def test_every_row_is_in_one_bin_of_one_occasion(log, points, rows):
    found = trained(log, points, rows)

    assert "product_viewed" in found.occasions
    assert set(found.features) == {"cart_items", "order_age_d"}
    for its in found.features.values():
        assert [sum(each) for each in its.counts] == list(found.learned.rows)
    assert sum(found.learned.rows) == len(points)
    assert sum(each[-1] for each in found.features["cart_items"].counts) == 50
    assert sum(found.tested.rows) == found.judged.rows == len(points) - len(points) * 3 // 4


def test_rows_are_worth_as_many_as_their_people_make_them(log, points, rows):
    found = trained(log, points, rows)
    viewed = found.occasions.index("product_viewed")
    inside = kinds(log, points) == Kind.PRODUCT_VIEWED

    assert found.learned.worth[viewed] == pytest.approx(worth(orders(log).person[points.user[inside]]))


def test_scores_are_weighted_as_they_were_judged(log, points, rows):
    weight = np.where(np.arange(len(points)) % 3 == 0, 4.0, 1.0)
    found = trained(log, points, rows, weight)

    inside = points.at >= points.at[len(points) * 3 // 4]
    assert sum(map(sum, found.scores.counts)) == pytest.approx(weight[inside].sum())
    assert found.judged.base_rate == pytest.approx(
        np.average((np.arange(len(points)) % 7 == 0)[inside], weights=weight[inside])
    )
