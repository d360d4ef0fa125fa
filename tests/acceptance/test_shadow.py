"""From `make shadow` to a verdict: a registry, the process that asks it, an engine, its ledger, and the gate."""

import asyncio
import json
import os

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from features.catalog import CATALOGUE
from models.bundle import write
from models.calibration import Identity
from serving.champions import Champions
from serving.registry import Watcher
from tests.serving.databases import a_database
from tests.serving.engines import SECOND, START, Shop, event
from training.baselines import Logistic
from training.fit import Rows
from training.promotion import main as promotion
from training.shadow import main as shadow_report

NAME = "opportune-intent-24h"
PEOPLE, AT_ONCE = 2000, 500
MINUTE, DAY = 60, 86_400
ORDER = {"properties": {"order_id": "o", "total": 30}}
# MLflow warns of itself, and its tables make SQLAlchemy warn, whoever asks them.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("children_preloaded")]


def chance(price):
    """How likely whoever put something of that price in the cart is to order."""
    return 0.1 + 0.006 * price


def register(registry, home, feature, values, ordered):
    """Register a model that reads one feature, with the regression beside it, as a retraining does."""
    parameters = {"objective": "binary", "num_leaves": 8, "min_data_in_leaf": 500, "num_threads": 1, "verbosity": -1}
    data = lgb.Dataset(values.reshape(-1, 1), ordered.astype(float), feature_name=[feature])
    booster = lgb.train(parameters | {"monotone_constraints": [1]}, data, 40)
    folder = home / "made" / feature
    lineage = {"catalogue": CATALOGUE.fingerprint, "log": {"until_us": START - SECOND}}
    write(
        folder / "bundle", booster.model_to_string(), Identity(), name=NAME, horizon="24h", features=[feature],
        created_at="2026-01-01T00:00:00Z", lineage=lineage,
    )  # fmt: skip
    (folder / "files").mkdir()
    nobody, moments = np.arange(len(values)), np.zeros(len(values), dtype=np.int64)
    Logistic.fit(Rows(values.reshape(-1, 1), ordered, nobody, moments), [feature]).write(
        folder / "files" / "logistic.json"
    )
    example = pd.DataFrame({feature: values[:3]})
    with registry.run(NAME) as run:
        version = registry.register(NAME, booster, example, folder / "bundle", run)
        registry.record({}, {}, {}, folder / "files")
    return version


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A registry whose champion knows nothing, and whose version 2 knows what matters."""
    from training.registry import Registry

    home = tmp_path_factory.mktemp("home")
    drawn = np.random.default_rng(3)
    price = drawn.uniform(0, 100, 60_000)
    ordered = drawn.random(price.size) < chance(price)
    registry = Registry(home)
    registry.promote(NAME, register(registry, home, "cart_items", drawn.uniform(0, 5, price.size), ordered))
    register(registry, home, "cart_value", price, ordered)
    return home


@pytest.fixture
def told(home, monkeypatch, capsys):
    """Return what a command says, by its `main` and its arguments."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setenv("OPPORTUNE_HOME", str(home))
    monkeypatch.delenv("OPPORTUNE_REGISTRY", raising=False)

    def run(main, *arguments):
        main(arguments)
        return capsys.readouterr().out

    return run


async def live(shop, people):
    """Let people come, a minute apart, each with a cart that is scored; who orders does so an hour later."""
    drawn = np.random.default_rng(4)
    prices = drawn.uniform(0, 100, people)
    buys = drawn.random(people) < chance(prices)
    for first in range(0, people, AT_ONCE):
        some = range(first, first + AT_ONCE)
        carts = [{"properties": {"product_id": "p", "price": float(prices[i]), "quantity": 1}} for i in some]
        added = [event("Product Added", f"u{i}", i * MINUTE, **cart) for i, cart in zip(some, carts, strict=True)]
        await asyncio.gather(*(shop.engine.score([(each.user_id, None)], event=each) for each in added))
        late = (first + AT_ONCE) * MINUTE
        await shop.engine.ingest([event("Order Completed", f"u{i}", late + i, **ORDER) for i in some if buys[i]])
    await shop.engine.ingest([event("Page Viewed", "last", people * MINUTE + 3 * DAY)])
    return int(buys.sum())


async def test_a_better_challenger_is_told_to_be_one_and_promoted_by_one_command(home, told):
    told(promotion, NAME, "--version", "2", "--shadow")
    Watcher(home).look()
    shop = Shop(home, policy="format: 1\ntriggers: []\n")
    shop.engine.replace_models(Champions(home / "bundles", ("24h",)).load())
    buyers = await live(shop, PEOPLE)
    shop.close()

    said = told(shadow_report, NAME)
    figures = json.loads((home / "shadow" / NAME / "figures.json").read_text())

    assert said.startswith(f"{NAME}/2 in shadow beside {NAME}/1: MAY BE PROMOTED: log-loss ")
    assert f"make promote MODEL={NAME} VERSION=2" in said
    assert all(each["holds"] and each["words"] in said for each in figures["rules"])
    assert {each["name"] for each in figures["rules"]} >= {"reference", "calibration", "outcomes", "log-loss", "order"}
    rows = {"in_the_ledger": PEOPLE, "scored_by_both": PEOPLE, "judged": PEOPLE, "positive": buyers}
    assert rows.items() <= figures["rows"].items()
    assert figures["log_loss"]["challenger"] < figures["log_loss"]["champion"]
    assert figures["scores"]["stability_index"] > 0.25

    told(promotion, NAME, "--version", "2")
    Watcher(home).look()
    found = Champions(home / "bundles", ("24h",)).load()
    assert (found.versions["24h"], found.shadow.standing) == (f"{NAME}/2", {})

    told(promotion, NAME)
    told(promotion, NAME, "--version", "2", "--shadow")
    assert "scores in shadow no more" in told(promotion, NAME, "--end-shadow")
    with pytest.raises(SystemExit, match=f"no version of {NAME} scores in shadow: make shadow MODEL={NAME}"):
        told(shadow_report, NAME)


def test_the_verdict_is_a_run_in_mlflow(home):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("opportune-shadow")
    [run] = client.search_runs([experiment.experiment_id])

    assert run.data.params == {"challenger": f"{NAME}/2", "champion": f"{NAME}/1", "horizon": "24h"}
    assert run.data.metrics["rows.judged"] == PEOPLE
    assert run.data.tags["verdict"].startswith("log-loss ")
    assert run.data.tags["gate.log-loss"].startswith("holds: ")
    assert [each.path for each in client.list_artifacts(run.info.run_id)] == ["figures.json"]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda file: file.unlink(), rf"the registry has no logistic\.json of {NAME} version 2"),
        (lambda file: file.write_text('{"weights": ['), r"logistic\.json is damaged: "),
        (lambda file: file.write_text('{"slopes": []}'), r"logistic\.json is damaged: "),
    ],
)
def test_a_challenger_whose_reference_is_gone_or_damaged_is_told_as_that(home, told, damage, says):
    with a_database(home):
        told(promotion, NAME, "--version", "2", "--shadow")
    of_both = {json.loads(each.read_text())["features"][0]: each for each in home.glob("mlartifacts/**/logistic.json")}
    file = of_both["cart_value"]
    kept = file.read_text()

    damage(file)
    try:
        with pytest.raises(SystemExit, match=f"opportune: {NAME} version 2 cannot be judged: {says}"):
            told(shadow_report, NAME)
    finally:
        file.write_text(kept)
