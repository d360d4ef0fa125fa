"""A hold-out from everything, from the policy file through the engine to the units of its report."""

from pathlib import Path

import numpy as np
import pytest

from policy.source import parse
from serving.rehearsal import Constant, rehearsal
from serving.scorer import MEANINGS, scorer
from tests.serving.engines import MAPPING, START
from training.experiments import Wanted, of_ledger, open_book

PEOPLE = 1200
POLICY = """
hold_out: 20%
layers: [{name: one, experiments: {a: 50%}}]
triggers:
  - {name: a, on: Product Added, threshold: 20%, cool_down: 1d, hold_out: 50%, mode: live}
  - {name: b, on: Product Viewed, threshold: 20%, cool_down: 1d, hold_out: 0, mode: live}
"""


def event(name, user, at_s):
    sent = {"type": "track", "event": name, "userId": user, "messageId": f"{user}-{name}", "properties": {}}
    return sent | {"timestamp": START / 1e6 + at_s}


@pytest.fixture
async def book(tmp_path):
    policy = tmp_path / "triggers.yaml"
    policy.write_text(POLICY)
    models = scorer({"24h": Constant(0.5)}, MEANINGS)
    with rehearsal(parse(POLICY), models, mapping=MAPPING, start=START) as shop:
        for name, at_s in (("Product Added", 0), ("Product Viewed", 7200)):
            await shop.tell(*(event(name, f"u{i}", at_s + i) for i in range(PEOPLE)))
        await shop.tell(event("Page Viewed", "last", 5 * 86_400))
        yield open_book(Path(shop.database.url.database), policy)


async def test_everybody_is_an_experiment_of_all_triggers_as_they_were_assigned(book):
    units = of_ledger(Wanted(), book, "everybody").units

    assert list(book.members) == ["a", "b", "everybody"]
    assert book.members["everybody"] == ["a", "b"]
    assert (len(units), units.arms) == (PEOPLE, ("control", "treatment"))
    assert np.mean(units.arm == 0) == pytest.approx(0.2, abs=0.04)
    assert of_ledger(Wanted(), book, "everybody").plan.shares == pytest.approx((0.2, 0.8))
    assert units.conflicts == 0


async def test_whoever_is_held_out_of_everything_or_in_another_experiment_is_not_in_a_triggers_own(book):
    found = of_ledger(Wanted(), book, "a")

    assert len(found.units) == pytest.approx(PEOPLE * 0.8 * 0.5, abs=60)
    assert found.plan.shares == pytest.approx((0.5, 0.5))
