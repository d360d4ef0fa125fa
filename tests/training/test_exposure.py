from contextlib import closing
from datetime import timedelta

import numpy as np
import pytest

from features.kinds import Kind
from models.calibration import sigmoid
from tests.features.histories import DAY, HOUR, JULY, Happening
from tests.training.logs import write_log
from training.dataset import Asked, Orders, Points, label, orders
from training.evaluate import judge
from training.exposure import MOST_WEIGHT, Influence, Messages, influence, read_messages
from training.fit import Rows, log_odds, parameters, refit
from training.log import read_log

DAY_AHEAD, CARRY_OVER = timedelta(hours=24), timedelta(hours=12)
T = JULY + 30 * DAY
_DECISION = """
INSERT INTO decisions (trigger_decision_id, decision_id, user_no, trigger, at, event_seq, action, reason, arm,
    propensity, send_probability, draws, policy_version) VALUES (?, 'd', ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, 'p')
"""


def of_people(person, at, people):
    """Return moments by person, as orders are kept."""
    order = np.lexsort((at, person))
    starts = np.searchsorted(person[order], np.arange(people + 1))
    return Orders(np.arange(people), starts, at[order])


def points_of(person, at):
    return Points(person, at, np.full(person.size, Asked.EVENT, dtype=np.int64))


def one_row(*messages, order=None):
    """Return what messages of (hours after the row, sent, chance, draw) make of one row."""
    found = of_people(np.zeros(int(order is not None), np.int64), np.array([T + order] if order else [], np.int64), 1)
    at, sent, chance, draw = (np.array(each) for each in zip(*sorted(messages), strict=True))
    given = Messages(np.zeros(at.size, np.int64), T + (at * HOUR).astype(np.int64), sent, chance.astype(float), draw)
    rows = points_of(np.zeros(1, np.int64), np.array([T]))
    following = found.after(rows.user, rows.at)
    made = influence(given, found, rows, following, DAY_AHEAD, CARRY_OVER)
    return bool(made.kept[0]), float(made.weight[0])


@pytest.mark.parametrize(
    ("hours", "kept"), [(-12.1, True), (-12, True), (-11.9, False), (0, False), (24, False), (24.1, True)]
)
def test_a_row_is_left_out_for_a_message_from_the_carry_over_before_it_to_the_end_of_its_horizon(hours, kept):
    assert one_row((hours, True, 0.9, 0)) == (kept, 1.0)


def test_a_row_with_a_withheld_message_stands_for_those_who_got_it():
    assert one_row((3, False, 0.1, 0)) == (True, pytest.approx(10.0))


def test_one_draw_counts_once_and_several_multiply():
    assert one_row((3, False, 0.1, 0), (5, False, 0.1, 0))[1] == pytest.approx(10.0)
    assert one_row((3, False, 0.1, 0), (5, False, 0.2, 0))[1] == pytest.approx(10.0)
    assert one_row((3, False, 0.25, 0), (5, False, 0.2, 1))[1] == pytest.approx(20.0)
    assert one_row((3, False, 0.1, 0), (5, False, 0.01, 1))[1] == MOST_WEIGHT


def test_a_message_sent_leaves_a_row_out_whatever_else_was_withheld():
    assert one_row((3, False, 0.1, 0), (5, True, 0.9, 1))[0] is False


def test_what_comes_after_the_order_that_is_predicted_changes_nothing():
    assert one_row((3, True, 0.9, 0), order=2 * HOUR) == (True, 1.0)
    assert one_row((2, True, 0.9, 0), order=2 * HOUR) == (True, 1.0)
    assert one_row((2, False, 0.1, 0), order=2 * HOUR) == (True, 1.0)
    assert one_row((1, True, 0.9, 0), order=2 * HOUR)[0] is False
    assert one_row((3, True, 0.9, 0), order=30 * HOUR)[0] is False


def test_what_is_told_of_rows():
    made = Influence(np.array([True, False, True, False]), np.array([1.0, 1, 3, 1]), np.array([0, 1, 0, 0], bool))

    told = made.told()

    assert told == (2, 1, 1, 3.0, round(16 / 10))
    assert "2 rows left out" in told.words
    assert "1 of them of messages without a hold-out" in told.words
    assert made.of(np.array([True, False, False, False])).told().words == "no message changed what followed"


def test_the_ledger_tells_what_was_sent_and_withheld_and_which_draws_are_one(tmp_path):
    visit = [(who, Happening(Kind.PAGE_VIEWED, occurred_at=T, known_at=T), None) for who in ("a", "b")]
    log = read_log(write_log(tmp_path, visit))
    a, b = log.user_nos.tolist()
    one = '{"salt": "spring"}'
    out = '{"salt": "spring", "everybody": "control"}'
    rows = [
        # From before the ledger kept the probability of sending.
        (a, "cart", T - 9, "control", "control", "control", 0.1, None, None),
        (b, "cart", T - 9, "send", "sent", "treatment", 0.9, None, None),
        # One salt, another one, held out of everything, in another experiment of the layer and so without an arm.
        (a, "cart", T - 8, "control", "control", "control", 0.2, 0.8, one),
        (a, "browse", T - 7, "control", "control", "control", 0.2, 0.8, one),
        (a, "thanks", T - 6, "control", "control", "control", 0.2, 0.8, out),
        (b, "browse", T - 7, "send", "sent", None, 0.8, 0.8, one),
        # Explored below the threshold: drawn anew each time, and held by chance.
        (a, "cart", T - 5, "hold", "below_threshold", None, 0.9, 0.08, one),
        (a, "cart", T - 4, "hold", "below_threshold", None, 0.9, 0.08, one),
        # Put off by an arm: sent later, and nobody is withheld anything.
        (a, "cart", T - 4, "hold", "put_off", "late", 0.5, 1.0, one),
        # Neither withheld nor sent by a draw, after the log, and of nobody it knows.
        (a, "cart", T - 3, "hold", "cooling_down", None, 1.0, None, None),
        (a, "cart", T - 3, "hold", "below_threshold", None, 1.0, None, None),
        (a, "cart", T - 3, "hold", "below_threshold", None, 0.9, 0.0, one),
        (a, "receipt", T - 3, "send", "sent", None, 1.0, None, None),
        (a, "cart", T + 1, "send", "sent", "treatment", 0.8, 0.8, one),
        (b + 99, "cart", T - 3, "send", "sent", "treatment", 0.8, 0.8, one),
    ]
    import sqlite3

    with closing(sqlite3.connect(tmp_path / "opportune.db")) as connection, connection:
        connection.executemany(_DECISION, [(f"d{i}", *each) for i, each in enumerate(rows)])

    found = read_messages(tmp_path / "opportune.db", log.user_nos, orders(log), until_us=log.span[1])

    assert found.person.tolist() == [0] * 6 + [1] * 2
    assert (found.at - T).tolist() == [-9, -8, -7, -6, -5, -4, -9, -7]
    assert found.sent.tolist() == [False] * 6 + [True] * 2
    assert found.chance.tolist() == pytest.approx([0.1, 0.2, 0.2, 0.2, 0.92, 0.92, 0.9, 0.8])
    before, cart, browse, everybody, *explored = found.draw[:6].tolist()
    assert cart == browse == found.draw[7]
    assert before == found.draw[6]
    assert len({before, cart, everybody, *explored}) == 5


def test_a_home_without_sends_has_nothing_to_leave_out(tmp_path):
    log = read_log(write_log(tmp_path, [("a", Happening(Kind.PAGE_VIEWED, occurred_at=T, known_at=T), None)]))

    assert len(read_messages(tmp_path / "opportune.db", log.user_nos, orders(log), until_us=log.span[1])) == 0


def a_world_that_is_persuaded(people=30_000, hold_out=0.2, seed=7):
    """Return features, who would order by themselves, rows, orders and messages.

    Whoever is inclined gets a message, which persuades half of those who would not have ordered; and everybody who
    orders gets another one right after it.
    """
    drawn = np.random.default_rng(seed)
    inclined = drawn.normal(size=people)
    organic = drawn.random(people) < sigmoid(-1.5 + inclined)
    ordered_at = np.where(organic, T + (drawn.random(people) * 24 * HOUR).astype(np.int64), np.iinfo(np.int64).max)
    asked_at = T + (drawn.random(people) * 12 * HOUR).astype(np.int64)
    concerned = (inclined > 0) & (asked_at < ordered_at)
    held = drawn.random(people) < hold_out
    persuaded = concerned & ~held & (drawn.random(people) < 0.5)
    ordered_at = np.where(persuaded, np.minimum(ordered_at, asked_at + HOUR), ordered_at)
    did = ordered_at <= T + 24 * HOUR
    person = np.concatenate([np.flatnonzero(concerned), np.flatnonzero(did)])
    at = np.concatenate([asked_at[concerned], ordered_at[did] + 1])
    sent = np.concatenate([~held[concerned], drawn.random(int(did.sum())) >= hold_out])
    order = np.lexsort((at, person))
    draw = np.repeat([0, 1], [int(concerned.sum()), int(did.sum())])
    messages = Messages(
        person[order], at[order], sent[order], np.where(sent, 1 - hold_out, hold_out)[order], draw[order]
    )
    rows = points_of(np.arange(people), np.full(people, T))
    return inclined, organic, rows, of_people(np.flatnonzero(did), ordered_at[did], people), messages


def test_where_messages_persuade_the_weighted_model_says_what_people_do_by_themselves():
    inclined, organic, points, found, messages = a_world_that_is_persuaded()
    labels = label(found, points, DAY_AHEAD, end_us=T + 2 * DAY)
    made = influence(messages, found, points, labels.next_order, DAY_AHEAD, CARRY_OVER)
    everybody = Rows(inclined[:, None], labels.ordered, points.user, points.at)
    honest = Rows(*(each[made.kept] for each in (inclined[:, None], labels.ordered, points.user, points.at)))
    weighted = Rows(honest.features, honest.ordered, honest.user, honest.at, made.weight[made.kept])
    truth = Rows(np.linspace(-1.5, 1.5, 61)[:, None], np.zeros(61, bool), np.zeros(61), np.zeros(61))
    real = sigmoid(-1.5 + truth.features[:, 0])

    def error(rows):
        model = refit(rows, 60, parameters(rows, [1], 0), ["inclined"])
        return float(np.mean(sigmoid(log_odds(model, truth)) - real)), model

    bias, model = error(weighted)
    assert abs(bias) < 0.01
    assert error(everybody)[0] > 0.05
    # Without weights those are missing who got a message and did not order before it: too many orders are left.
    assert error(honest)[0] > 0.03
    # And its figures are those of what people do by themselves, whom no message reached.
    told = judge(sigmoid(log_odds(model, weighted)), weighted.ordered, weighted.weight)
    whole = judge(sigmoid(log_odds(model, everybody)), organic)
    assert told.base_rate == pytest.approx(organic.mean(), abs=0.01)
    assert told.log_loss == pytest.approx(whole.log_loss, abs=0.01)
    assert told.roc_auc == pytest.approx(whole.roc_auc, abs=0.015)
