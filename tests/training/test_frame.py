"""Frames of a log through Feast, and what becomes of them where nobody was ever sent anything."""

from dataclasses import astuple, replace
from datetime import timedelta

import numpy as np
import pytest

from features.catalog import CATALOGUE
from features.moments import DAY_US
from tests.features.histories import JULY
from tests.training.logs import same_bits, write_log
from tests.training.shops import a_shop
from training.exposure import NOTHING_SENT, Messages, read_messages
from training.frame import build, matured
from training.learning import learn
from training.log import read_log
from training.windows import TooLittleHistory

DAY_AHEAD = timedelta(hours=24)


@pytest.fixture(scope="module")
def asked_and_not(tmp_path_factory):
    """The frame of a home that never sent anything, asked for its messages; and the same without that question."""
    folder = tmp_path_factory.mktemp("home")
    path = write_log(folder, a_shop(people=250, days=60))
    log = read_log(path)

    def messages(bought):
        return read_messages(path, log.user_nos, bought, until_us=log.span[1])

    asked = build(log, [DAY_AHEAD], folder, messages)
    return asked, replace(asked, messages=None)


def learned(frame):
    known = matured(frame, DAY_AHEAD)
    return known, learn(known.rows, known.windows, known.recent_orders, CATALOGUE, messages=known.messages)


def test_where_nothing_was_sent_a_model_is_to_the_bit_the_one_that_knows_of_no_messages(asked_and_not):
    asked, bypassed = asked_and_not
    assert isinstance(asked.messages, Messages)
    assert bypassed.messages is None

    (known, model), (other_known, other) = learned(asked), learned(bypassed)

    assert known.messages == NOTHING_SENT
    assert known.rows.weight is None
    assert known.rows.fingerprint == other_known.rows.fingerprint
    assert same_bits(known.rows.features, other_known.rows.features)
    assert model.booster.model_to_string() == other.booster.model_to_string()
    assert model.calibrator.described() == other.calibrator.described()
    assert astuple(model.logistic) == astuple(other.logistic)
    assert same_bits(model.judged.predicted, other.judged.predicted)
    assert model.judged.judgement == other.judged.judgement


def test_one_message_is_enough_to_change_what_is_learned_from(asked_and_not):
    asked, bypassed = asked_and_not
    person = asked.orders.person[asked.points.user[[0]]]
    sent = Messages(person, asked.points.at[[0]], np.array([True]), np.array([0.9]), np.array([0]))

    told = matured(replace(asked, messages=sent), DAY_AHEAD)

    assert told.messages.left_out > 0
    assert told.rows.fingerprint != matured(bypassed, DAY_AHEAD).rows.fingerprint


def test_a_log_too_short_for_a_horizon_is_told_by_all_its_days(asked_and_not):
    asked, _ = asked_and_not
    first, last = asked.log.span

    with pytest.raises(TooLittleHistory) as refused:
        matured(asked, timedelta(days=30))

    days, warm_up = (last - first) / DAY_US, (asked.start_us - first) / DAY_US
    assert warm_up > 10
    assert f"is {days:.1f} days long ({warm_up:.1f} of them to warm up)" in str(refused.value)
    assert "a horizon of 30 days needs at least 120 in all" in str(refused.value)


def test_a_pause_of_the_log_is_no_time_in_which_nobody_ordered(tmp_path):
    begin, end = JULY + 30 * DAY_US, JULY + 120 * DAY_US

    def later(row):
        user, did, linked = row
        late = 0 if did.known_at < begin else end - begin
        return user, replace(did, occurred_at=did.occurred_at + late, known_at=did.known_at + late), linked

    log = read_log(write_log(tmp_path, [later(row) for row in a_shop(people=250, days=60)]))

    known = matured(build(log, [DAY_AHEAD], tmp_path), DAY_AHEAD)

    assert not np.any((known.rows.at + DAY_US > begin) & (known.rows.at < end))
    windows = known.windows
    assert all(known.rows.ordered[each.holds(known.rows.at)].sum() > 50 for each in (windows.train, windows.test))
    # The orders of the last day before it were not all written down.
    assert known.rows.at[known.rows.at < end].max() <= begin - DAY_US
