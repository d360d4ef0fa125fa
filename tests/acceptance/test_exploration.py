"""From a line in the policy file to an estimate of a policy that was never followed, through the real engine."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from policy.source import parse
from serving.decisions import decisions_of
from serving.rehearsal import Constant, rehearsal
from serving.scorer import MEANINGS, scorer
from tests.serving.engines import MAPPING, START
from training.decision_log import Ledger
from training.decisions import Prices
from training.ledger_export import obp, parquet
from training.ledger_rows import rows
from training.off_policy import estimates

PEOPLE = 2500
EXPLORED, HELD_OUT = 0.4, 0.25
SENDING = EXPLORED * (1 - HELD_OUT)
WITH, WITHOUT = 0.5, 0.2
IN_TOKYO = (START // 3_600_000_000 + 9) % 24
POLICY = f"""
explore: {{below_threshold: {EXPLORED:.0%}}}
triggers:
  - name: warm-cart
    on: Product Added
    threshold: 25%
    cool_down: 1d
    hold_out: {HELD_OUT:.0%}
    mode: live
"""


def event(name, user, at_s, **properties):
    sent = {"type": "track", "event": name, "userId": user, "messageId": f"{user}-{name}", "properties": properties}
    return sent | {"timestamp": START / 1e6 + at_s, "context": {"timezone": "Asia/Tokyo"}}


@pytest.fixture
async def shop():
    """People whose score is too low, all asked once; whoever got a message buys more often."""
    drawn = np.random.default_rng(5).random(PEOPLE)
    with rehearsal(parse(POLICY), scorer({"24h": Constant(0.1)}, MEANINGS), mapping=MAPPING, start=START) as shop:
        await shop.tell(*(event("Product Added", f"u{i}", i, product_id="p") for i in range(PEOPLE)))
        sent = {each.user_key for each in shop.decisions() if each.action == "send"}
        buyers = [f"u{i}" for i in range(PEOPLE) if drawn[i] < (WITH if f"u{i}" in sent else WITHOUT)]
        orders = (event("Order Completed", each, 20_000 + i, order_id=each, total=40) for i, each in enumerate(buyers))
        await shop.tell(*orders)
        await shop.tell(event("Page Viewed", "last", 10 * 86_400))
        yield shop


async def test_a_log_with_exploration_tells_what_a_lower_threshold_earns(shop, tmp_path):
    database = Path(shop.database.url.database)
    log = Ledger(database).of("warm-cart")

    assert log.explores
    assert log.held_for_sure == 0
    assert len(log.decisions) == PEOPLE
    assert log.decisions.chance == pytest.approx(np.full(PEOPLE, SENDING))
    assert binomtest(int(log.decisions.sent.sum()), PEOPLE, SENDING).pvalue > 0.001
    earned = estimates(log.decisions, np.ones(PEOPLE, dtype=np.bool_), Prices(1.0, 0.0, 0.0), np.zeros((PEOPLE, 2)))
    # One standard error of the weighted mean is (WITH / SENDING / PEOPLE)^½ at most, 0.026.
    assert earned.weighted == pytest.approx(WITH, abs=0.1)
    assert earned.self_normalised == pytest.approx(WITH, abs=0.1)

    assert obp(rows(database), tmp_path / "ledger.csv") == PEOPLE
    with (tmp_path / "ledger.csv").open(newline="") as file:
        found = [(each["item_id"], each["click"], float(each["propensity_score"])) for each in csv.DictReader(file)]
    said = zip(log.decisions.sent, log.decisions.ordered, strict=True)
    assert found == [
        (str(int(sent)), str(int(bought)), pytest.approx(SENDING if sent else 1 - SENDING)) for sent, bought in said
    ]


async def test_the_ledger_keeps_for_whom_by_what_and_how_likely_it_was_drawn(shop, tmp_path):
    with shop.database.connect() as connection:
        [first] = connection.exec_driver_sql("SELECT draws FROM decisions WHERE reason = 'below_threshold' LIMIT 1")
        explained = [
            decisions_of(connection, f"u{i}", limit=5, before=None).evaluations[-1].decisions[0] for i in range(40)
        ]
    parquet(rows(Path(shop.database.url.database)), tmp_path / "ledger.parquet")
    table = pd.read_parquet(tmp_path / "ledger.parquet")

    told = json.loads(first[0])
    about = {"experiment": "warm-cart", "salt": "warm-cart", "timezone": "Asia/Tokyo", "explored": False}
    assert told == {"unit": told["unit"], **about}
    likely = {
        "sent": (SENDING, 1 - HELD_OUT),
        "control": (EXPLORED * HELD_OUT, HELD_OUT),
        "below_threshold": (1 - EXPLORED, None),
    }
    for each in explained:
        propensity, of_arm = likely[each.reason]
        assert each.propensity == pytest.approx(propensity)
        assert each.arm_probability == (of_arm if of_arm is None else pytest.approx(of_arm))
        assert each.send_probability == pytest.approx(SENDING)
        assert (each.draws.explored, each.draws.local_hour) == (each.reason != "below_threshold", IN_TOKYO)
        guards = {asked.guard: asked.verdict for asked in each.guards}
        assert guards["threshold"] == "objected"
        assert guards["explore"] == ("objected" if each.reason == "below_threshold" else "passed")
    assert {each.reason for each in explained} == {"sent", "control", "below_threshold"}
    assert (table["send_probability"] - SENDING).abs().max() < 1e-9
    assert (table["explored"].eq(False) == (table["reason"] == "below_threshold")).all()
    assert (table["arm_probability"].isna() == table["arm"].isna()).all()
    assert set(table["salt"]) == {"warm-cart"}
