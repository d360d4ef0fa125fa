import sqlite3
from contextlib import closing

import pytest

from features.kinds import Kind
from tests.features.histories import DAY, HOUR
from tests.training.ledgers import NOW, Ledger
from training.funnel import funnels

BEGUN = NOW - 7 * DAY


@pytest.fixture
def found(tmp_path):
    """Six decisions of a cart trigger and one of a receipt, with all that can become of them."""
    ledger = Ledger(tmp_path)
    sent = [ledger.decision(f"u{i}", "cart", BEGUN + i * HOUR, "send", sending=0.9) for i in range(3)]
    ledger.decision("u3", "cart", BEGUN + 3 * HOUR, "control", arm="control", sending=0.9)
    ledger.decision("u4", "cart", BEGUN + 4 * HOUR, "hold", reason="below_threshold")
    ledger.decision("u5", "cart", BEGUN + 5 * HOUR, "hold", reason="capped")
    ledger.decision("u6", "cart", BEGUN - 1, "send")
    ledger.decision("u7", "cart", NOW + 1, "send")
    ledger.decision("u0", "receipt", BEGUN + HOUR, "send")
    ledger.message(sent[0])
    ledger.message(sent[1])
    ledger.message(sent[2], status="dead")
    ledger.outcome(sent[0], "opened", BEGUN + 5 * HOUR)
    ledger.outcome(sent[0], "opened", BEGUN + 6 * HOUR)
    ledger.outcome(sent[0], "clicked", BEGUN + 6 * HOUR)
    ledger.outcome(sent[0], "order", BEGUN + 7 * HOUR)
    ledger.outcome(sent[1], "tapped", BEGUN + 7 * HOUR)
    ledger.outcome(sent[1], "unsubscribed", NOW + HOUR)
    # A scanner opened both messages that arrived, twice the one; a person opened what a machine is not said of.
    for i in (0, 1, 1):
        ledger.event(f"u{i}", Kind.EMAIL_OPENED, BEGUN + 2 * HOUR, machine=True, decision_id=sent[i])
    ledger.event("u2", Kind.EMAIL_OPENED, BEGUN + 9 * HOUR, machine=False, decision_id=sent[2])
    with closing(sqlite3.connect(ledger.write())) as connection:
        return {each.trigger: each for each in funnels(connection, since_us=BEGUN, at_us=NOW)}


def test_every_stage_is_counted_by_decisions(found):
    cart = found["cart"]

    stages = {"decided": 6, "withheld": 1, "sent": 3, "delivered": 2, "opened": 1, "clicked": 2, "ordered": 1}
    assert dict(cart.stages) == stages
    assert dict(cart.held) == {"below_threshold": 1, "capped": 1}
    assert dict(cart.undelivered) == {"dead": 1}


def test_machines_are_counted_apart(found):
    assert found["cart"].machines == 2
    assert found["receipt"].machines == 0


def test_a_trigger_whose_messages_nobody_reports_of_has_sent(found):
    assert dict(found["receipt"].stages) == {"decided": 1, "sent": 1}


def test_nothing_decided_is_no_funnel(tmp_path):
    with closing(sqlite3.connect(Ledger(tmp_path).write())) as connection:
        assert funnels(connection, since_us=BEGUN, at_us=NOW) == []
