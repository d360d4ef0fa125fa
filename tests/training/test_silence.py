import sqlite3
from contextlib import closing

import numpy as np
import pytest

from features.kinds import Kind
from tests.features.histories import DAY, HOUR, MINUTE
from tests.training.ledgers import NOW, Ledger
from training.silence import of_events, of_sends
from training.status import Status


def shop(tmp_path, *, until, days=20, pause=(9, 10 * HOUR), origin="live"):
    """Write events and sends every forty minutes until a moment, but for one pause so many days before it."""
    ledger = Ledger(tmp_path)
    for at in np.arange(until - days * DAY, until + 1, 40 * MINUTE).tolist():
        if not until - pause[0] * DAY < at < until - pause[0] * DAY + pause[1]:
            ledger.event("a", Kind.PAGE_VIEWED, at, origin=origin)
            ledger.decision("a", "cart", at, "send")
    return ledger.write()


@pytest.mark.parametrize("of", [of_events, of_sends])
@pytest.mark.parametrize("origin", ["live", "replay"])
@pytest.mark.parametrize(("since", "status"), [(9 * HOUR, Status.OK), (13 * HOUR, Status.ALERT)])
def test_a_pause_longer_than_any_before_is_an_alert(tmp_path, of, origin, since, status):
    with closing(sqlite3.connect(shop(tmp_path, until=NOW - since, origin=origin))) as connection:
        found = of(connection, at_us=NOW)

    assert found.age_s == since / 1e6
    # The pause of ten hours, and no more than the hours at whose ends it may have begun and ended.
    assert 10 * 3600 <= found.usual_s <= 12 * 3600
    assert found.status is status


def test_a_shop_that_is_never_still_is_missed_after_two_hours(tmp_path):
    path = shop(tmp_path, until=NOW - 2 * HOUR - MINUTE, pause=(9, 0))
    with closing(sqlite3.connect(path)) as connection:
        assert of_events(connection, at_us=NOW).status is Status.ALERT
        assert of_events(connection, at_us=NOW - 30 * MINUTE).status is Status.OK


def test_the_past_is_looked_at_as_it_was(tmp_path):
    with closing(sqlite3.connect(shop(tmp_path, until=NOW))) as connection:
        found = of_events(connection, at_us=NOW - 5 * DAY + MINUTE)

    assert found.age_s < 40 * 60
    assert found.status is Status.OK


def test_too_little_past_has_no_usual_pause(tmp_path):
    with closing(sqlite3.connect(shop(tmp_path, until=NOW - 3 * DAY, days=3, pause=(1, 0)))) as connection:
        for found in (of_events(connection, at_us=NOW), of_sends(connection, at_us=NOW)):
            assert (found.age_s, found.usual_s, found.status) == (3 * 86_400, None, Status.UNKNOWN)


def test_a_home_where_nothing_ever_happened_is_not_silent(tmp_path):
    with closing(sqlite3.connect(Ledger(tmp_path).write())) as connection:
        for found in (of_events(connection, at_us=NOW), of_sends(connection, at_us=NOW)):
            assert (found.age_s, found.status) == (None, Status.UNKNOWN)
