"""Which models are in service: what the pointer names, what was there before, or the rule."""

import asyncio
import json
import logging
from itertools import count, pairwise

import numpy as np
import pytest

from models.bundle import load
from models.neighbours import Neighbours
from models.neighbours_bundle import write as write_neighbours
from serving import champions as champions_module
from serving.champions import Champions
from serving.engine import Engine
from tests.models.bundles import a_booster, a_bundle, change_manifest, change_model, some_rows
from tests.serving.engines import SECOND, START, event, shop

__all__ = ["shop"]
HORIZONS = ("24h", "7d")
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1}}
FEATURES = (("order_age_d", "orders_hl30d", "cart_items"), ("cart_items", "cart_value"), ("cart_value", "orders"))
RULE = "rule-recency-frequency/1"


class Registered:
    """A folder of bundles and its pointer, as the registry process leaves them."""

    def __init__(self, bundles):
        self.bundles = bundles
        self.pointer = bundles / "champions.json"
        self.pointer.parent.mkdir(parents=True)

    def bundle(self, version, horizon="24h"):
        """Write a bundle whose model differs from those of other versions."""
        name = f"opportune-intent-{horizon}"
        features = FEATURES[int(version) % len(FEATURES)]
        return a_bundle(self.bundles / name / str(version), name=name, horizon=horizon, features=features)

    def point(self, **versions):
        """Name the champions, by horizon with a leading underscore, in one replacement of the pointer."""
        pointed = {each[1:]: self.entry(each[1:], version) for each, version in versions.items()}
        self.write(json.dumps(pointed))

    @staticmethod
    def entry(horizon, version):
        name = f"opportune-intent-{horizon}"
        return {"name": name, "version": str(version), "path": f"{name}/{version}"}

    def write(self, text):
        fresh = self.pointer.with_suffix(".fresh")
        fresh.write_text(text)
        fresh.replace(self.pointer)

    def recommend(self, version, *products):
        """Write a bundle of neighbours, without any, and have the pointer name it."""
        count = len(products)
        known = Neighbours(products, np.empty((count, 0), dtype=np.int32), np.empty((count, 0)))
        path = f"opportune-recommendations/{version}"
        write_neighbours(self.bundles / path, known, created_at="", lineage={})
        self.write(json.dumps({"recommendations": {"name": "opportune-recommendations", "path": path}}))
        return self.bundles / path


@pytest.fixture
def registered(tmp_path):
    return Registered(tmp_path / "bundles")


def in_service(champions):
    return dict(champions.load().versions)


def test_without_a_pointer_the_rule_answers_and_says_so(registered):
    champions = Champions(registered.bundles, HORIZONS)
    scorer = champions.load()

    assert dict(scorer.versions) == {"24h": RULE, "7d": RULE}
    assert [each.calibrated for each in scorer.used.values()] == [False, False]
    assert champions.refused == {}


def test_what_the_pointer_names_is_in_service_and_the_rule_answers_for_the_rest(registered):
    directory = registered.bundle(1)
    registered.point(_24h=1)
    scorer = Champions(registered.bundles, HORIZONS).load()
    rows = some_rows(5)

    assert dict(scorer.versions) == {"24h": "opportune-intent-24h/1", "7d": RULE}
    assert [each["24h"] for each in scorer.predict(rows)] == load(directory).predict(rows).tolist()
    assert scorer.used["24h"].calibrated


def test_a_moved_pointer_is_noticed_once(registered):
    registered.bundle(1)
    registered.bundle(2)
    champions = Champions(registered.bundles, HORIZONS)
    moved = [champions.moved()]
    for version in (1, 2):
        registered.point(_24h=version)
        moved.append(champions.moved())
        assert in_service(champions)["24h"] == f"opportune-intent-24h/{version}"
        moved.append(champions.moved())

    assert moved == [False, True, False, True, False]


def test_a_pointer_that_disappears_leaves_what_is_in_service(registered):
    registered.bundle(1)
    registered.point(_24h=1)
    champions = Champions(registered.bundles, HORIZONS)
    champions.load()
    registered.pointer.unlink()

    assert champions.moved()
    assert in_service(champions)["24h"] == "opportune-intent-24h/1"


def test_horizons_that_are_not_served_are_passed_by(registered):
    registered.bundle(1, "3d")
    registered.point(_3d=1)
    champions = Champions(registered.bundles, ("24h",))

    assert in_service(champions) == {"24h": RULE}
    assert champions.refused == {}


def _lose_the_model(directory):
    (directory / "model.txt").unlink()


def _lose_the_manifest(directory):
    (directory / "manifest.json").unlink()


def _cut_the_model(directory):
    path = directory / "model.txt"
    path.write_bytes(path.read_bytes()[:-100])


def _define_a_feature_otherwise(directory):
    change_manifest(directory, lambda manifest: manifest["features"][0].update(fingerprint="0" * 12))


def _ask_for_an_unknown_feature(directory):
    change_manifest(directory, lambda manifest: manifest["features"][0].update(name="horoscope"))


def _lose_trees(directory):
    change_model(directory, lambda text: a_booster(FEATURES[2], 3).model_to_string())


DAMAGES = {
    _lose_the_model: "model.txt cannot be read",
    _lose_the_manifest: "holds no bundle",
    _cut_the_model: "is damaged",
    _define_a_feature_otherwise: "the catalogue defines otherwise: cart_value",
    _ask_for_an_unknown_feature: "horoscope",
    _lose_trees: "trees",
}


@pytest.mark.parametrize("damage", list(DAMAGES), ids=lambda each: each.__name__.strip("_"))
def test_a_refused_bundle_leaves_the_old_model_in_service_and_says_why(registered, damage, caplog):
    registered.bundle(1)
    registered.point(_24h=1)
    champions = Champions(registered.bundles, HORIZONS)
    before = champions.load()
    damage(registered.bundle(2))
    registered.point(_24h=2)
    after = champions.load()
    rows = some_rows(5)

    assert dict(after.versions) == dict(before.versions)
    assert after.predict(rows) == before.predict(rows)
    assert DAMAGES[damage] in champions.refused["24h"]
    [said] = [each.message for each in caplog.records if each.levelno == logging.ERROR]
    assert said.startswith("the bundle for 24h was refused, opportune-intent-24h version 1 stays: ")
    assert champions.refused["24h"] in said
    assert champions.refusals() == {
        "24h": "the newest champion for 24h was refused: "
        f"{champions.refused['24h'].replace(f'{registered.bundles}/', '')}; opportune-intent-24h version 1 stays"
    }


def test_what_the_watcher_of_the_registry_refused_is_told_too_for_the_horizons_that_are_served(registered):
    registered.bundle(1)
    registered.point(_24h=1)
    standing = {"name": "n", "version": "2", "in_service": False, "reason": "its digest differs", "at": "now"}
    status = registered.bundles / "status.json"
    status.write_text(json.dumps({"24h": standing, "7d": standing | {"in_service": True}, "3d": standing, "1d": 5}))
    champions = Champions(registered.bundles, HORIZONS)
    champions.load()

    assert champions.refusals() == {
        "24h": "the newest champion for 24h was refused: its digest differs; opportune-intent-24h version 1 stays"
    }
    status.write_text("{")
    assert champions.refusals() == {}


def test_without_an_old_model_a_refused_bundle_leaves_the_rule(registered):
    registered.point(_24h=7)
    champions = Champions(registered.bundles, HORIZONS)

    assert in_service(champions) == {"24h": RULE, "7d": RULE}
    assert list(champions.refused) == ["24h"]


def test_what_was_refused_is_forgotten_once_another_is_taken(registered):
    registered.point(_24h=1)
    champions = Champions(registered.bundles, HORIZONS)
    champions.load()
    registered.bundle(2)
    registered.point(_24h=2)
    champions.load()

    assert champions.refused == {}


def test_a_model_of_another_horizon_is_refused(registered):
    registered.bundle(1, "7d")
    registered.write(json.dumps({"24h": Registered.entry("7d", 1)}))
    champions = Champions(registered.bundles, HORIZONS)

    assert in_service(champions) == {"24h": RULE, "7d": RULE}
    assert "trained for 7d" in champions.refused["24h"]


@pytest.mark.parametrize("entry", [None, 5, [], {}, {"path": None}, {"path": 5}, "opportune-intent-24h/2"])
def test_an_entry_that_names_no_path_costs_its_own_horizon_only(registered, entry):
    registered.bundle(1, "7d")
    registered.write(json.dumps({"24h": entry, "7d": Registered.entry("7d", 1)}))
    champions = Champions(registered.bundles, HORIZONS)

    assert in_service(champions) == {"24h": RULE, "7d": "opportune-intent-7d/1"}
    assert champions.refused == {"24h": "champions.json names no path for 24h"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"24h"', "\x00\xff"])
def test_a_pointer_that_cannot_be_read_changes_nothing_and_is_reported(registered, text, caplog):
    registered.bundle(1)
    registered.point(_24h=1)
    champions = Champions(registered.bundles, HORIZONS)
    champions.load()
    registered.pointer.write_bytes(text.encode("latin-1"))

    assert in_service(champions)["24h"] == "opportune-intent-24h/1"
    assert "champions.json" in caplog.text


def test_until_something_was_learned_nothing_is_recommended(registered):
    registered.bundle(1)
    registered.point(_24h=1)
    champions = Champions(registered.bundles, HORIZONS)
    champions.load()

    assert champions.neighbours is None
    assert champions.refusals() == {}


async def test_what_to_recommend_is_swapped_with_the_models(registered, monkeypatch):
    monkeypatch.setattr(champions_module, "LOOK_EVERY_S", 0.005)
    registered.recommend(1, "lamp")
    champions = Champions(registered.bundles, HORIZONS)
    champions.load()
    first = champions.neighbours
    taken = asyncio.Queue()
    watching = asyncio.create_task(champions.watch(taken.put_nowait))
    registered.recommend(2, "lamp", "bulb")
    async with asyncio.timeout(20):
        await taken.get()
    watching.cancel()

    assert (first.version, first.products) == ("1", ("lamp",))
    assert (champions.neighbours.version, champions.neighbours.products) == ("2", ("lamp", "bulb"))


def test_damaged_recommendations_are_refused_with_the_reason_and_the_old_ones_stay(registered):
    registered.recommend(1, "lamp")
    champions = Champions(registered.bundles, HORIZONS)
    champions.load()
    damaged = registered.recommend(2, "bulb") / "neighbours.json"
    damaged.write_text("{}")
    champions.load()

    assert champions.neighbours.products == ("lamp",)
    remark = champions.refusals()["recommendations"]
    assert "opportune-recommendations/2/neighbours.json is damaged" in remark
    assert remark.endswith("version 1 stays")
    assert str(registered.bundles) not in remark

    registered.recommend(3, "bulb")
    champions.load()
    assert champions.refusals() == {}


def test_a_pointer_without_a_path_for_recommendations_recommends_nothing(registered):
    registered.write(json.dumps({"recommendations": {}}))
    champions = Champions(registered.bundles, HORIZONS)
    champions.load()

    assert champions.refusals()["recommendations"].endswith("names no path for recommendations; nothing is recommended")


async def test_a_failing_look_is_repeated(registered, monkeypatch, caplog):
    """The folder is a file at first: looking at the pointer fails in a way that nobody foresaw."""
    monkeypatch.setattr(champions_module, "LOOK_EVERY_S", 0.005)
    registered.bundles.rmdir()
    registered.bundles.write_text("not a folder")
    champions = Champions(registered.bundles, ("24h",))
    taken = asyncio.Queue()
    watching = asyncio.create_task(champions.watch(taken.put_nowait))
    async with asyncio.timeout(20):
        while "could not be looked at" not in caplog.text:
            await asyncio.sleep(0.001)
        registered.bundles.unlink()
        registered.bundles.mkdir()
        registered.bundle(1)
        registered.point(_24h=1)
        scorer = await taken.get()
    watching.cancel()

    assert dict(scorer.versions) == {"24h": "opportune-intent-24h/1"}


async def test_a_hot_swap_under_load_loses_no_request_and_mixes_no_versions(registered, shop, monkeypatch):
    monkeypatch.setattr(champions_module, "LOOK_EVERY_S", 0.01)
    versions, swaps = range(1, 4), 6
    models = {f"{horizon}/{v}": load(registered.bundle(v, horizon)) for horizon in HORIZONS for v in versions}
    champions = Champions(registered.bundles, HORIZONS)
    registered.point(_24h=1, _7d=1)
    engine: Engine = shop.engine
    engine.replace_models(champions.load())
    answers, stopping, numbers = [], asyncio.Event(), count()
    taken = asyncio.Queue()

    def replace(scorer):
        engine.replace_models(scorer)
        taken.put_nowait(scorer)

    async def client(user):
        while not stopping.is_set():
            number = next(numbers)
            happened = event("Product Added", user, number * 0.001, n=number, **CART) if number % 2 else None
            users = [(user, None)] * (1 if happened else number % 3 + 1)
            answers.append(await engine.score(users, event=happened))

    clients = [asyncio.create_task(client(f"u{n}")) for n in range(8)]
    watching = asyncio.create_task(champions.watch(replace))
    async with asyncio.timeout(60):
        while not answers:
            await asyncio.sleep(0)
        for swap in range(swaps):
            registered.point(_24h=(swap + 1) % 3 + 1, _7d=(swap + 1) % 3 + 1)
            await taken.get()
            before = len(answers)
            while len(answers) < before + 40:
                await asyncio.sleep(0)
        stopping.set()
        await asyncio.gather(*clients)
    watching.cancel()
    await engine.flush()
    ledger = shop.rows("SELECT models, count(*) FROM evaluations GROUP BY models")

    seen = [answer.models["24h"].version for answer in answers]
    assert set(seen) == {"1", "2", "3"}
    assert sum(a != b for a, b in pairwise(seen)) >= swaps
    for answer in answers:
        assert {each.version for each in answer.models.values()} == {answer.models["24h"].version}
        for score in answer.scores:
            row = score.features[np.newaxis]
            assert score.intent == {
                horizon: models[f"{horizon}/{used.version}"].predict(row)[0] for horizon, used in answer.models.items()
            }
    assert sum(number for _, number in ledger) > 0
    for told, _ in ledger:
        assert len({each.split("/")[1] for each in json.loads(told).values()}) == 1


async def test_the_next_batch_after_a_swap_uses_the_new_model(registered, shop):
    for version in (1, 2):
        registered.bundle(version)
        registered.point(_24h=version)
        shop.engine.replace_models(Champions(registered.bundles, ("24h",)).load())
        answer = await shop.engine.score([("u", None)], at=START + version * SECOND, explain=True)

        assert answer.models["24h"].version == str(version)
        assert {each.feature for each in answer.scores[0].explain["24h"]} == set(FEATURES[version])
