"""A home that served carts for a week: calibrated scores, features as in training, and what followed."""

import json

import numpy as np

from features.kinds import Kind
from tests.features.histories import DAY, HOUR
from tests.models.bundles import FEATURES, a_bundle
from tests.models.references import a_reference
from tests.training.ledgers import NOW, Ledger

PEOPLE = 800


def drawn(random, many):
    """Return features by name, and the scores of as many people."""
    rows = {name: random.lognormal(0.0, 1.0, many) for name in FEATURES}
    rows["order_age_d"][random.random(many) < 0.2] = np.nan
    return rows, random.beta(1.0, 4.0, many)


def a_healthy_home(folder, *, shifted=(), actual=1.0, reference=True, people=PEOPLE, now=NOW, seed=7):
    """Write a home; its database is `opportune.db`, its one model version 7 of 24 hours.

    Args:
        folder: The home.
        shifted: Features whose values are half of what they were.
        actual: How many times as likely as said orders are.
        reference: Whether the bundle says what was learned from.
        people: Each was asked about once, on their own.
        now: The last moment.
        seed: The same seed writes the same home.
    """
    random = np.random.default_rng(seed)
    features, scores = drawn(random, 6000)
    bundle = folder / "bundles" / "opportune-intent-24h" / "7"
    a_bundle(bundle, reference=a_reference(features, scores) if reference else None)
    pointed = {"24h": {"name": "opportune-intent-24h", "version": "7", "path": "opportune-intent-24h/7"}}
    (folder / "bundles" / "champions.json").write_text(json.dumps(pointed))
    ledger, (served, said) = Ledger(folder), drawn(random, people)
    begun = now - 8 * DAY
    for hour in range(21 * 24):
        ledger.event("walker", Kind.PAGE_VIEWED, begun - 21 * DAY + hour * HOUR)
    for name in shifted:
        served[name] *= 0.5
    moments = begun + np.sort(random.integers(0, 8 * DAY, people))
    for i, at in enumerate(moments.tolist()):
        key = f"u{i}"
        seq = ledger.event(key, Kind.PRODUCT_ADDED, at)
        values = {name: float(each[i]) for name, each in served.items()}
        ledger.evaluation(key, at, values, float(said[i]), event_seq=seq)
        if random.random() < actual * said[i]:
            ledger.event(key, Kind.ORDER_COMPLETED, at + HOUR)
    return ledger
