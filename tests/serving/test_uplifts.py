"""What messages add, predicted for whom it is asked of and nobody else."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from tests.models.uplifts import a_model
from tests.serving.engines import Shop, event

POLICY = """
triggers:
  - {name: warm-cart, on: Product Added, threshold: 25%, uplift: auto, cool_down: 0, mode: live, hold_out: 0}
  - {name: viewed, on: Product Viewed, threshold: 25%, cool_down: 0, mode: live, hold_out: 0}
"""
ORDER = {"properties": {"order_id": "o-1", "revenue": 15, "products": [{"product_id": "a", "price": 15}]}}
CART = {"properties": {"product_id": "a", "price": 15}}


@dataclass
class Counted:
    """A model of uplift that remembers how many people each call was about."""

    model: object
    calls: list = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.model, name)

    def predict(self, rows, intents):
        self.calls.append(len(rows))
        return self.model.predict(rows, intents)


@pytest.fixture
def shop(tmp_path):
    opened = Shop(tmp_path, policy=POLICY)
    yield opened
    opened.close()


def put_in_service(shop, model):
    counted = Counted(model)
    versions = shop.tools.scorer.versions | {"uplift/warm-cart": f"{model.name}/{model.version}"}
    shop.engine.replace_models(replace(shop.tools.scorer, uplifts={"warm-cart": counted}, versions=versions))
    return counted.calls


def made(shop, trigger):
    query = "SELECT reason, score, threshold, model_version FROM decisions WHERE trigger = ? ORDER BY at, rowid"
    return shop.rows(query, trigger)


async def test_who_bought_is_put_off_and_who_did_not_is_persuaded_whatever_their_intent(shop, tmp_path):
    calls = put_in_service(shop, a_model(tmp_path / "bundle"))
    await shop.engine.ingest([event("Order Completed", "u", 0, **ORDER)])

    await shop.engine.ingest([event("Product Added", "u", 60, **CART), event("Product Added", "v", 60, **CART)])

    model = "opportune-uplift-warm-cart/1"
    assert [(reason, needed, by) for reason, _, needed, by in made(shop, "warm-cart")] == [
        ("below_threshold", 0.004, model),
        ("sent", 0.004, model),
    ]
    assert [score for _, score, _, _ in made(shop, "warm-cart")] == pytest.approx([-0.005, 0.005], abs=1e-4)
    assert calls == [2]


async def test_only_who_is_asked_by_a_trigger_that_goes_by_it_costs_a_prediction(shop, tmp_path):
    calls = put_in_service(shop, a_model(tmp_path / "bundle"))

    await shop.engine.ingest([event("Product Viewed", "u", 0), event("Page Viewed", "v", 1)])
    await shop.engine.score([("u", None), ("v", None)])

    assert calls == []
    assert made(shop, "viewed") == [("sent", 0.3, 0.25, "certain/1")]


async def test_a_model_that_learned_of_another_horizon_tells_nothing(shop, tmp_path):
    calls = put_in_service(shop, a_model(tmp_path / "bundle", horizon="7d"))

    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])

    assert calls == []
    assert made(shop, "warm-cart") == [("sent", 0.3, 0.25, "certain/1")]


async def test_without_an_intent_to_look_at_there_is_no_score(tmp_path):
    shop = Shop(tmp_path, policy=POLICY, probability=np.nan)
    calls = put_in_service(shop, a_model(tmp_path / "bundle"))

    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])

    assert calls == []
    assert made(shop, "warm-cart") == [("no_score", None, 0.25, "certain/1")]
    shop.close()


async def test_what_waited_is_asked_anew_when_its_moment_comes(tmp_path):
    shop = Shop(tmp_path, policy=POLICY.replace("on: Product Added,", "on: Product Added, after: 30 min,"))
    put_in_service(shop, a_model(tmp_path / "bundle"))

    await shop.engine.ingest([event("Product Added", "u", 0, **CART)])
    await shop.engine.ingest([event("Order Completed", "u", 60, **ORDER)])
    await shop.until(3600)

    [(reason, score, _, _)] = made(shop, "warm-cart")
    assert (reason, score) == ("below_threshold", pytest.approx(-0.005, abs=1e-4))
    shop.close()
