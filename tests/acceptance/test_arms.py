"""Arms with thresholds and hours of their own, from the policy file through the engine to the units of the report."""

from pathlib import Path

import numpy as np
import pytest

from policy.source import parse
from serving.rehearsal import Constant, rehearsal
from serving.scorer import MEANINGS, scorer
from tests.serving.engines import MAPPING, START
from training.experiment import NoExperiment
from training.experiments import Wanted, of_ledger, open_book
from training.ledger_rows import rows

PEOPLE = 1500
POLICY = """
shop_zone: Asia/Tokyo  # The morning has begun there.
triggers:
  - name: cart
    on: Product Added
    threshold: 30%
    cool_down: 1d
    hold_out: 0
    mode: live
    send_within: 20h
    arms: {arms}
experiments:
  - {{name: cart, control: {control}}}
"""
THRESHOLDS = "{shy: {share: 50%, threshold: 40%}, bold: {share: 50%, threshold: 10%}}"
HOURS = "{now: {share: 40%}, best: {share: 60%, send: best_hour}}"


def event(name, user, at_s, **properties):
    sent = {"type": "track", "event": name, "userId": user, "messageId": f"{user}-{name}-{at_s}"}
    return sent | {"properties": properties, "timestamp": START / 1e6 + at_s}


async def happened(folder, arms, control):
    """Let people who got a message within the hour buy; return how their experiment is read, and who bought."""
    text = POLICY.format(arms=arms, control=control)
    (folder / "triggers.yaml").write_text(text)
    models = scorer({"24h": Constant(0.2 if "threshold" in arms else 0.5)}, MEANINGS)
    with rehearsal(parse(text), models, mapping=MAPPING, start=START) as shop:
        await shop.tell(*(event("Product Added", f"u{i}", i) for i in range(PEOPLE)))
        sent = [each.user_key for each in shop.decisions() if each.action == "send"]
        await shop.tell(*(event("Order Completed", each, 3000 + i, total=9) for i, each in enumerate(sent)))
        await shop.reach(START + 86_400_000_000)
        later = [each for each in shop.decisions() if each.action == "send" and each.user_key not in set(sent)]
        leaving = (
            event("Unsubscribed", each.user_key, 90_000 + i, decision_id=each.decision_id)
            for i, each in enumerate(later)
        )
        await shop.tell(*leaving)
        await shop.tell(event("Page Viewed", "last", 5 * 86_400))
        database = Path(shop.database.url.database)
        book = open_book(database, folder / "triggers.yaml")
        exported = [each for part in rows(database) for each in part if each.drawn]
        return of_ledger(Wanted(), book, "cart"), len(sent), len(later), exported


async def test_thresholds_are_compared_among_all_whom_one_of_them_reaches(tmp_path):
    found, sent, _, exported = await happened(tmp_path, THRESHOLDS, "shy")
    units = found.units

    assert units.arms == ("shy", "bold")
    assert found.plan.shares == pytest.approx((0.5, 0.5))
    assert len(units) == PEOPLE
    assert sent == (units.arm == 1).sum()
    # Only the bold arm sends, and whoever got a message buys: nobody else does.
    assert (units.converted == (units.arm == 1)).all()
    # Each person is one decision, sent or withheld by the draw of an arm.
    assert (len(exported), sum(each.sent for each in exported)) == (PEOPLE, sent)
    assert {each.propensity for each in exported} == {0.5}


async def test_hours_are_compared_from_the_moment_at_which_both_arms_were_asked(tmp_path):
    found, sent, later, exported = await happened(tmp_path, HOURS, "now")
    units = found.units

    assert units.arms == ("now", "best")
    assert found.plan.shares == pytest.approx((0.4, 0.6))
    assert (sent, later) == ((units.arm == 0).sum(), (units.arm == 1).sum())
    # Everybody enters with their own event, a second after the one before, whenever the message goes.
    assert np.diff(units.at) == pytest.approx(1_000_000, abs=1000)
    # Who unsubscribes by the message that was put off does so in the arm that put it off.
    within = units.guardrails["unsubscribed"] & (units.arm == 1)
    assert within.sum() == (units.guardrails["unsubscribed"]).sum() > 0
    # Now or later, one message each: nobody is withheld one, and nobody counts twice.
    assert (units.measures["decisions"] == 1).all()
    assert len(exported) == PEOPLE
    assert {(each.sent, each.propensity) for each in exported} == {(True, 1.0)}


async def test_without_anybody_in_control_an_arm_has_to_be_named(tmp_path):
    with pytest.raises(NoExperiment, match="nobody to compare"):
        await happened(tmp_path, THRESHOLDS, "control")
