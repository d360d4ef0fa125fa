from datetime import timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.kinds import Kind
from tests.features.histories import DAY, HOUR, JULY, Happening, laws
from tests.training.logs import a_crowd, write_log
from tests.training.shops import a_shop
from training.dataset import Asked, Points, decision_points, how_many, label, orders
from training.log import read_log

WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    rows = a_crowd(events=400)
    return rows, read_log(write_log(tmp_path_factory.mktemp("crowd"), rows, excluded=("user-2",)))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return read_log(write_log(tmp_path_factory.mktemp("shop"), a_shop(people=60), excluded=("anonymous:7",)))


def points(log, keys, at):
    user = np.array([log.user_keys.index(each) for each in keys])
    return Points(user=user, at=np.array(at), asked=np.zeros(len(at), dtype=np.int64))


def ids_of_one_person(rows, key):
    """Return every id that links connect to this one, found by spreading."""
    found = {key}
    for _ in rows:
        links = [{user, linked} for user, _, linked in rows if linked is not None and found & {user, linked}]
        found |= set().union(*links)
    return found


@laws
@given(st.data())
def test_a_label_is_an_order_of_the_same_person_after_the_point_and_within_the_horizon(crowd, data):
    rows, log = crowd
    first, last = log.span
    key = data.draw(st.sampled_from(log.user_keys))
    at = data.draw(st.one_of(st.integers(first, last), st.sampled_from([each.known_at for _, each, _ in rows])))
    person = ids_of_one_person([row for row in rows if row[2]], key)
    moments = [each.at for user, each, _ in rows if user in person and each.kind is Kind.ORDER_COMPLETED]

    found = label(orders(log), points(log, [key], [at]), WEEK, end_us=last)

    assert found.ordered[0] == any(at < moment <= at + 7 * DAY for moment in moments)
    assert found.next_order[0] == min((moment for moment in moments if moment > at), default=-1)


def test_the_order_that_is_asked_about_is_no_outcome_of_itself(tmp_path):
    order = Happening(Kind.ORDER_COMPLETED, occurred_at=JULY, known_at=JULY)
    log = read_log(write_log(tmp_path, [("ann", order, None)]))

    found = label(orders(log), points(log, ["ann", "ann"], [JULY, JULY - 1]), WEEK, end_us=JULY + 90 * DAY)

    assert found.ordered.tolist() == [False, True]


def test_a_late_order_counts_when_it_happened_not_when_it_was_known(tmp_path):
    order = Happening(Kind.ORDER_COMPLETED, occurred_at=JULY, known_at=JULY + 3 * DAY)
    log = read_log(write_log(tmp_path, [("ann", order, None)]))

    found = label(orders(log), points(log, ["ann", "ann"], [JULY - HOUR, JULY + DAY]), WEEK, end_us=JULY + 90 * DAY)

    assert found.ordered.tolist() == [True, False]


@laws
@given(st.integers(-20 * DAY, 20 * DAY))
@example(7 * DAY + HOUR)
@example(7 * DAY + HOUR - 1)
def test_a_row_whose_horizon_was_not_over_for_an_hour_is_censored_since_orders_come_late(crowd, before_end):
    _, log = crowd
    _, last = log.span

    found = label(orders(log), points(log, log.user_keys[:1], [last - before_end]), WEEK, end_us=last)

    assert found.matured[0] == (before_end >= 7 * DAY + HOUR)


def test_orders_are_counted_in_a_window_open_at_its_start(crowd):
    rows, log = crowd
    key = "user-4"
    moments = [e.at for user, e, _ in rows if user == key and e.kind is Kind.ORDER_COMPLETED]
    at = np.array(moments)
    user = np.full(at.size, log.user_keys.index(key))

    found = orders(log).count(user, at - 7 * DAY, at)

    assert found.tolist() == [sum(m - 7 * DAY < each <= m for each in moments) for m in moments]


def test_points_are_distinct_in_order_within_bounds_and_of_people_already_seen(shop):
    first, last = shop.span
    start, end = first + 10 * DAY, last - DAY
    seen = {i: shop.arrays.known_at[shop.arrays.user == i].min() for i in range(len(shop.user_keys))}

    found = decision_points(shop, start_us=start, end_us=end, count=2000)

    assert 1700 < len(found) <= 2000
    assert np.all(np.diff(found.at) >= 0)
    assert found.at[0] >= start
    assert found.at[-1] <= end
    assert len(set(zip(found.user.tolist(), found.at.tolist(), strict=True))) == len(found)
    assert all(at >= seen[user] for user, at in zip(found.user.tolist(), found.at.tolist(), strict=True))
    assert set(found.asked.tolist()) == {int(each) for each in Asked}


def test_staff_bots_and_tests_are_no_points(shop):
    first, last = shop.span
    found = decision_points(shop, start_us=first, end_us=last, count=2000)

    assert shop.user_keys.index("anonymous:7") not in set(found.user.tolist())


def test_a_point_at_an_event_is_the_moment_it_became_known(shop):
    first, last = shop.span
    moments = set(shop.arrays.known_at.tolist())
    found = decision_points(shop, start_us=first, end_us=last, count=2000)

    assert set(found.at[found.asked == Asked.EVENT].tolist()) <= moments


def test_half_of_the_idle_points_are_at_local_midnight(shop):
    first, last = shop.span
    found = decision_points(shop, start_us=first, end_us=last, count=4000)
    idle = found.at[found.asked == Asked.IDLE]
    at_midnight = (idle + 2 * HOUR) % DAY == 0

    # Fewer than half, because the same midnight of the same person is kept once.
    assert 0.3 < at_midnight.mean() < 0.52


def test_midnight_is_that_of_the_clock_of_then(tmp_path):
    autumn = 1_761_436_800_000_000  # 2025-10-26T00:00Z, the day on which Berlin went from two hours ahead to one

    def seen(day):
        moment, ahead_s = autumn + day * DAY + 10 * HOUR, 7200.0 if day < 0 else 3600.0
        return "u", Happening(Kind.PAGE_VIEWED, occurred_at=moment, known_at=moment, utc_offset_s=ahead_s), None

    log = read_log(write_log(tmp_path, [seen(day) for day in range(-30, 30)]))

    found = decision_points(log, start_us=log.span[0], end_us=log.span[1], count=400)

    idle = found.at[found.asked == Asked.IDLE]
    for part, ahead in ((idle[idle < autumn], 2 * HOUR), (idle[idle > autumn + DAY], HOUR)):
        # Of each night one: the same moment of the same person is kept once.
        assert np.sum((part + ahead) % DAY == 0) >= 25


def test_whoever_has_many_ids_is_asked_about_no_more_often_than_others(tmp_path):
    def did(key, day, kind=Kind.PAGE_VIEWED, linked=None):
        moment = JULY + int(day * DAY)
        return key, Happening(kind, occurred_at=moment, known_at=moment), linked

    devices = [f"anonymous:{number}" for number in range(9)]
    rows = [did(each, 0.01 * number) for number, each in enumerate(devices)]
    rows += [did("many", 0.1 + 0.01 * number, Kind.IDENTIFIED, each) for number, each in enumerate(devices)]
    rows += [did("one", 0.3), did("one", 40), did("many", 40)]
    log = read_log(write_log(tmp_path, rows))

    found = decision_points(log, start_us=log.span[0], end_us=log.span[1], count=8000)

    # Of the midnights there are no more than nights, however many ids.
    idle = found.user[(found.asked == Asked.IDLE) & (found.at % DAY != 0)]
    many, one = (np.mean(idle == log.user_keys.index(each)) for each in ("many", "one"))
    assert many == pytest.approx(one, rel=0.1)


def test_an_id_that_was_linked_to_staff_is_no_point(tmp_path):
    def did(key, day, kind=Kind.PAGE_VIEWED, linked=None):
        moment = JULY + day * DAY
        return key, Happening(kind, occurred_at=moment, known_at=moment), linked

    rows = [did("anonymous:1", 0), did("boss", 5, Kind.IDENTIFIED, "anonymous:1"), did("u", 0), did("u", 30)]
    log = read_log(write_log(tmp_path, rows, excluded=("boss",)))

    found = decision_points(log, start_us=log.span[0], end_us=log.span[1], count=500)

    assert {log.user_keys[each] for each in found.user} == {"anonymous:1", "u"}


def test_the_same_seed_draws_the_same_points_and_another_draws_others(shop):
    first, last = shop.span

    def drawn(seed):
        return decision_points(shop, start_us=first, end_us=last, count=500, seed=seed).at.tolist()

    assert drawn(1) == drawn(1) != drawn(2)


def test_an_id_that_was_linked_is_asked_about_under_the_one_it_belongs_to(crowd):
    rows, log = crowd
    first, last = log.span
    linked_at = {linked: each.known_at for _, each, linked in rows if linked is not None}
    found = decision_points(log, start_us=first, end_us=last, count=3000)

    for user, at in zip(found.user.tolist(), found.at.tolist(), strict=True):
        assert at < linked_at.get(log.user_keys[user], last + 1)


@pytest.mark.parametrize(
    ("events", "points_"),
    [(0, 0), (100, 400), (12_000, 48_000), (100_000, 48_000), (1_000_000, 100_000), (10**8, 200_000)],
)
def test_large_logs_are_asked_at_a_tenth_of_their_events_and_small_ones_more_often(events, points_):
    assert how_many(events) == points_
