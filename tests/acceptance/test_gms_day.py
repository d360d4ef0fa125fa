"""One day of the Google Merchandise Store through the real engine: every decision is what a naive policy says."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from features.catalog import CATALOGUE
from features.normalise import normalise
from policy.source import parse
from serving.history_tables import read_csv
from serving.mapping_file import read_mapping
from serving.rehearsal import Constant, rehearsal
from serving.scorer import scorer
from tests.acceptance.naive_policy import Naive
from tests.conftest import ROOT
from tests.features.formulas import formula

GMS = ROOT / "examples" / "gms"
MAPPING = read_mapping(GMS / "events.yaml")
DAY_US = 86_400_000_000
FILE = 13_233
TWICE = 5
ABOUT_A_PRODUCT = {"view", "list_click", "add_to_cart"}
COLUMNS = {name: CATALOGUE.names.index(name) for name in ("session_depth", "cart_items")}
SHIPPED = (ROOT / "triggers.yaml").read_text(encoding="utf-8").replace("mode: dry_run", "mode: live")
GUARDED = """
shop_zone: America/New_York
segments:
  - {name: browsers, when: {visits: {at_least: 2, within: 12h}}}
triggers:
  - name: looks-around
    on: [Product Viewed, Product Clicked]
    threshold: 20%
    cool_down: 10 min
    hold_out: 20%
    mode: live
    priority: 1
    channel: {prefer: [email, webhook]}
    when: {count: {event: Product Viewed, within: 30 min, at_least: 2}}
    guards:
      consent: none
      cap: {count: 2, window: 3h}
      quiet_hours: {from: "21:00", to: "07:30", unknown_zone: hold}
      gap_after_purchase: 2h
  - name: cart-left
    on: Product Added
    key: product
    after: 20 min
    cancel_on: [Order Completed, Product Removed]
    threshold: 25%
    cool_down: 1h
    hold_out: 10%
    mode: live
    channel: {together: [push, webhook]}
    send_within: 4h
    guards:
      consent: none
      cap: {count: 3, window: 6h}
      cap_per_trigger: {count: 1, window: 1h}
      quiet_hours: {from: "18:00", to: "20:15", unknown_zone: shop_zone}
      gap_after_purchase: 1h
      not_while_browsing: true
  - name: every-product-once
    on: Product Viewed
    key: product
    threshold: 30%
    cool_down: 1d
    hold_out: 0
    mode: live
    guards: {cap_per_channel: {count: 2, window: 1h}, not_while_browsing: true}
    send_within: 2h
  - name: checkout-left
    on: Checkout Started
    after: 30 min
    threshold: 0
    cool_down: 4h
    hold_out: 30%
    mode: live
    send: best_hour
    send_within: 6h
    guards: {consent: none, quiet_hours: {from: "22:00", to: "06:00", unknown_zone: assume, zone: Europe/London}}
    exit_when: {count: {event: Order Completed, within: 1d, at_least: 1}}
    steps:
      - {after: 2h, when: {not: {segment: browsers}}, threshold: 5%}
      - after: 3h
        threshold: 0
        branches:
          - {when: {segment: browsers}, channel: sms}
          - {when: {not_since: {event: Page Viewed}}, channel: webhook}
  - name: gone
    on: Order Completed
    inactive_for: 2h
    class: transactional
    threshold: 90%
    cool_down: 0
    mode: live
"""
EXPECTED = {
    "shipped": {
        "excluded_user",
        "sent",
        "control",
        "below_threshold",
        "cooling_down",
        "condition_not_met",
        "cancelled",
    },
    "guarded": {
        *("sent", "control", "below_threshold", "cooling_down", "condition_not_met", "cancelled", "capped", "exited"),
        *("quiet_hours", "unknown_zone", "put_off", "bought_recently", "still_browsing", "excluded_user"),
    },
}
OBJECTING = {
    "shipped": set(),
    "guarded": {
        *("cap", "cap_per_channel", "cap_per_trigger", "quiet_hours", "gap_after_purchase", "not_while_browsing"),
        "best_hour",
    },
}


def likely(depth, items):
    """Return a probability made up of the depth of the visit and of what is in the cart."""
    return min(1.0, 0.02 * depth + 0.1 * items)


@dataclass
class Eager(Constant):
    """A model to which whoever looks and adds more is more likely to buy."""

    probability: float = 0.0

    def predict(self, rows):
        return np.array([likely(row[COLUMNS["session_depth"]], row[COLUMNS["cart_items"]]) for row in rows])


def naively(events, at):
    """Return the same from all that somebody did."""
    history = [each.happening for each in events]
    read = {name: formula(CATALOGUE.declarations[column], history, at) for name, column in COLUMNS.items()}
    return dict.fromkeys(("24h", "7d"), likely(read["session_depth"], read["cart_items"]))


@pytest.fixture(scope="module")
def day():
    """The events of the day in order of time; the page is the product, and of every second visitor no zone is known."""
    found = []
    for row in read_csv(GMS / "gms-2017-08-01.csv.gz", MAPPING, lambda _: None):
        raw = row.raw | ({"product_id": row.raw["path"]} if row.raw["action"] in ABOUT_A_PRODUCT else {})
        if int(raw["visitor"]) % 2:
            del raw["timezone"]
        moment = 2 * int(raw["ts"]) * 1000
        found.append(normalise(raw, received_at=moment, mapping=MAPPING, history=True, message_id=row.message_id))
    return sorted(found, key=lambda each: each.occurred_at)


@pytest.mark.parametrize(("name", "policy"), [("shipped", SHIPPED), ("guarded", GUARDED)])
async def test_the_day_is_decided_as_a_naive_policy_decides_it(day, name, policy):
    start = day[0].occurred_at - 1
    end = day[-1].occurred_at + 20 * DAY_US
    naive = Naive(policy, naively, start)
    for each in day:
        naive.happens(each)
    naive.reach(end)
    models = scorer({"24h": Eager(), "7d": Eager()}, dict.fromkeys(CATALOGUE.names, ""))
    with rehearsal(parse(policy), models, mapping=MAPPING, start=start) as shop:
        await shop.tell(*day)
        await shop.reach(end)
        served = [(*each[:8], each.findings) for each in shop.decisions()]

    assert (len(day), len(naive.log)) == (FILE, FILE - TWICE)
    assert served == [each.told for each in naive.decisions]
    assert Counter(each.reason for each in naive.decisions).keys() >= EXPECTED[name]
    said = [found for each in naive.decisions for found in each.findings]
    assert {guard for guard, _, objection, _ in said if objection} >= OBJECTING[name]
