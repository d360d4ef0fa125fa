"""What is learned of people from a log, and taken up by a server."""

import numpy as np
import pytest

from features.catalog import CATALOGUE
from models.learned_segments import CLUSTERS, RFM
from models.segments_bundle import load, write
from tests.training.logs import write_log
from tests.training.shops import a_shop
from training.learned_segments import behaviour, cuts, learn, people
from training.learned_segments_report import figures, figures_of_nothing, lines, page
from training.log import read_log
from training.segment_names import BEHAVIOUR
from training.windows import TooLittleHistory


def test_cut_offs_part_those_who_bought_into_fifths():
    buyers = np.column_stack([np.arange(1.0, 101), np.arange(1.0, 101), np.arange(10.0, 1010, 10)])
    found = cuts(buyers)

    assert found.recency_d.tolist() == [20, 40, 60, 80]
    assert found.orders.tolist() == [20, 40, 60, 80]
    assert found.revenue.tolist() == [200, 400, 600, 800]


def test_those_who_bought_equally_often_are_never_parted():
    # 70 of 100 ordered once, 20 twice, 10 nine times.
    orders = np.repeat([1.0, 2.0, 9.0], [70, 20, 10])
    found = cuts(np.column_stack([np.ones(100), orders, np.ones(100)]))

    assert found.orders.tolist() == [1, 1, 1, 2]
    names = found.names(np.column_stack([np.ones(100), orders, np.ones(100)]))
    assert [len(set(names[part])) for part in (slice(0, 70), slice(70, 90), slice(90, 100))] == [1, 1, 1]


def test_too_few_buyers_have_no_fifths():
    assert cuts(np.ones((99, 3))) is None


def rows_of(kinds, *, each=150, seed=0):
    """Return feature rows of kinds of people, told by the mean of log(1 + value) of some features."""
    random = np.random.default_rng(seed)
    rows = np.zeros((each * len(kinds), CATALOGUE.n_features))
    for number, kind in enumerate(kinds):
        for name in BEHAVIOUR:
            logs = random.normal(kind.get(name, 1.0), 0.15, each)
            rows[number * each : (number + 1) * each, CATALOGUE.names.index(name)] = np.expm1(np.maximum(logs, 0.0))
    return rows


LOOKERS = {"views_hl7d": 3.0, "browsing_hl7d": 2.8, "orders_hl90d": 0.2, "order_value": 0.2}
BUYERS = {"views_hl7d": 1.0, "orders_hl90d": 3.0, "order_value": 3.0}
ABSENT = dict.fromkeys(BEHAVIOUR, 0.1)


def test_kinds_of_people_are_found_and_named_by_what_they_do():
    rows = rows_of([LOOKERS, BUYERS, ABSENT])
    found, strengths, reason = behaviour(rows)

    assert len(found.names) == 3
    assert strengths[3] > 0.99
    assert reason.startswith("3 clusters are found again")
    nearest = found.nearest(rows[:, [CATALOGUE.names.index(each) for each in found.features]])
    assert [len(set(nearest[place : place + 150].tolist())) for place in (0, 150, 300)] == [1, 1, 1]
    lookers = found.names[int(nearest[0])].split("-")
    assert {"views", "searches"} <= set(lookers)
    assert lookers[0] == "many"


def test_a_refresh_on_other_people_of_the_same_kinds_keeps_every_name():
    first, _, _ = behaviour(rows_of([LOOKERS, BUYERS, ABSENT]))
    again, _, _ = behaviour(rows_of([ABSENT, BUYERS, LOOKERS], seed=9), before=first, seed=4)

    assert set(again.names) == set(first.names)
    asked = [CATALOGUE.names.index(each) for each in first.features]
    rows = rows_of([LOOKERS, BUYERS, ABSENT], seed=11)[:, asked]
    assert [first.names[i] for i in first.nearest(rows)] == [again.names[i] for i in again.nearest(rows)]


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    write_log(folder, a_shop(people=250, days=60), excluded=("anonymous:3",))
    return read_log(folder / "opportune.db")


def test_what_serving_says_of_anybody_is_what_training_said_bit_for_bit(log, tmp_path):
    learned = learn(log)
    _, rows = people(log, log.span[1])
    write(tmp_path / "1", learned.model, created_at="2026-01-01T00:00:00Z")
    served = load(tmp_path / "1")

    assert learned.model.rfm is not None
    trained = learned.model.of_rows(rows, RFM)
    assert [served.of(each, RFM) for each in rows] == trained
    assert {each.name: each.people for each in learned.groups if each.family == RFM and each.people} == {
        name: trained.count(name) for name in set(trained)
    }
    if served.clusters is not None:
        assert [served.of(each, CLUSTERS) for each in rows] == learned.model.of_rows(rows, CLUSTERS)


def test_bots_and_staff_teach_nothing_and_everybody_else_counts_once(log):
    users, rows = people(log, log.span[1])

    assert len(rows) == len(set(users.tolist())) == learn(log).people
    assert not log.excluded[users].any()
    assert len(people(log, log.span[1], most=50)[1]) == 50


def test_order_rates_are_of_the_last_week_by_what_people_were_before_it(log):
    learned = learn(log)
    judged = [each for each in learned.groups if each.family == RFM]
    end = log.span[1]
    users, rows = people(log, end - 7 * 86_400_000_000)
    was = learned.model.of_rows(rows, RFM)
    # Counted anew, order by order.
    bought = set()
    for user, at in zip(
        log.components[_ordered(log)].tolist(), log.arrays.known_at[_ordered(log)].tolist(), strict=True
    ):
        if at > end - 7 * 86_400_000_000:
            bought.add(user)
    component = dict(zip(log.arrays.user.tolist(), log.components.tolist(), strict=True))
    for each in judged:
        whose = [component[user] in bought for user, name in zip(users.tolist(), was, strict=True) if name == each.name]
        assert each.judged == len(whose)
        assert each.order_rate == (pytest.approx(sum(whose) / len(whose)) if whose else None)


def _ordered(log):
    from features.kinds import Kind

    return log.kinds == Kind.ORDER_COMPLETED


def test_the_report_shows_every_segment_and_what_is_gone(log):
    learned = learn(log)
    found = figures(learned, "opportune-segments/1", "run")
    text = page("Learned segments", learned)

    assert all(each.name in text for each in learned.groups)
    assert found["people"] == learned.people
    assert lines(found)[0].startswith("segments: opportune-segments/1 IN SERVICE: 11 by orders, ")
    assert "gone: x; nobody is in these any more" in lines({**found, "gone": ["x"]})[2]
    assert lines(figures_of_nothing("why")) == ["segments: none: why"]


def test_too_few_people_are_nothing_to_learn_from(tmp_path):
    write_log(tmp_path, a_shop(people=40, days=20))

    with pytest.raises(TooLittleHistory, match=r"too few people to learn segments from: \d+, and 200 are needed"):
        learn(read_log(tmp_path / "opportune.db"))
