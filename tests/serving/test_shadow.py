"""Challengers: what they say is in the ledger, and nowhere else."""

import asyncio
import json
from dataclasses import replace

import numpy as np

from features.catalog import CATALOGUE
from models.bundle import load
from serving import champions as champions_module
from serving.champions import Champions
from serving.export import export, look_up
from serving.retention import prune_features
from serving.scorer import MEANINGS, scorer
from serving.shadow import Shadow
from tests.models.bundles import a_bundle, change_manifest
from tests.serving.engines import SECOND, START, Shop, event, shop
from tests.serving.test_champions import registered

__all__ = ["registered", "shop"]
CART = {"properties": {"product_id": "p", "price": 20, "quantity": 1}}
KEPT = "SELECT scores, models, shadow, features FROM evaluations ORDER BY decision_id"


def a_challenger(folder, version="9", features=("cart_value", "orders")):
    return load(a_bundle(folder / version, features=features))


def in_shadow(shop, *models):
    shop.engine.replace_models(replace(shop.tools.scorer, shadow=Shadow({each.horizon: each for each in models})))


def carts(count=6):
    return [event("Product Added", f"u{i % 3}", i, n=i, **CART) for i in range(count)]


async def asked(shop, *events):
    """Send events that ask for a score, all at once, and return the answers."""
    return await asyncio.gather(*(shop.engine.score([(each.user_id, None)], event=each) for each in events))


async def test_what_a_challenger_says_of_what_the_champion_saw_is_kept_beside_its_score(shop, tmp_path):
    challenger = a_challenger(tmp_path)
    in_shadow(shop, challenger)
    await asked(shop, *carts())

    kept = shop.rows(KEPT)
    rows = np.array([np.frombuffer(features) for *_, features in kept])

    assert len(kept) == 6
    assert [json.loads(shadow) for _, _, shadow, _ in kept] == [
        {"24h": {"model": "opportune-intent-24h/9", "score": score}} for score in challenger.predict(rows).tolist()
    ]
    assert {(scores, models) for scores, models, *_ in kept} == {('{"24h":0.3}', '{"24h":"certain/1"}')}


async def test_nobody_is_answered_and_nothing_decided_by_it(tmp_path):
    told = []
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
        shop = Shop(tmp_path / name)
        if name == "with":
            in_shadow(shop, a_challenger(tmp_path))
        answers = await asked(shop, *carts(40))
        decided = shop.rows("SELECT trigger, at, action, reason, score, model_version FROM decisions ORDER BY at")
        told.append(([(each.models, [one.intent for one in each.scores]) for each in answers], decided))
        shop.close()

    assert told[0] == told[1]
    assert len(told[0][1]) == 40


async def test_plain_questions_that_the_ledger_keeps_are_scored_too_and_no_others(shop, tmp_path):
    await asked(shop, *carts(1))
    in_shadow(shop, a_challenger(tmp_path))
    await shop.engine.score([("u0", None)])
    await shop.engine.score([("u0", None)], keep=False)
    await shop.engine.score([("a stranger", None)])
    await shop.engine.flush()

    assert [shadow is not None for _, _, shadow, _ in shop.rows(KEPT)] == [False, True]


async def test_a_challenger_that_fails_costs_no_request_and_is_asked_no_more(shop, tmp_path, caplog):
    challenger = a_challenger(tmp_path)
    broken = replace(challenger, horizon="7d", forest=None, columns=np.array([CATALOGUE.n_features, 0]))
    in_shadow(shop, challenger, broken)
    answers = await asked(shop, *carts())
    await asked(shop, event("Product Added", "u9", 60, **CART))

    assert [each.scores[0].intent for each in answers] == [{"24h": 0.3}] * 6
    assert {tuple(json.loads(shadow)) for _, _, shadow, _ in shop.rows(KEPT)} == {("24h",)}
    assert [each.message for each in caplog.records] == [
        "opportune-intent-24h/9 failed to score in shadow for 7d, and is left out"
    ]
    assert shop.engine.shadow.standing == {
        ("24h", "opportune-intent-24h/9"): True,
        ("7d", "opportune-intent-24h/9"): False,
    }
    assert shop.engine.shadow.remarks() == [
        "opportune-intent-24h/9 scores in shadow for 24h",
        "opportune-intent-24h/9 failed to score in shadow for 7d, and is left out",
    ]


async def test_where_the_only_challenger_fails_the_ledger_says_nothing_of_it(shop, tmp_path):
    in_shadow(shop, replace(a_challenger(tmp_path), forest=None, columns=np.array([CATALOGUE.n_features, 0])))
    await asked(shop, *carts())

    assert [shadow for _, _, shadow, _ in shop.rows(KEPT)] == [None] * 6


def pointed(registered, champion, challenger=None):
    named = {"24h": registered.entry("24h", champion)}
    if challenger is not None:
        named["challenger-24h"] = registered.entry("24h", challenger)
    registered.write(json.dumps(named))


async def test_a_challenger_is_taken_up_and_dropped_while_the_server_runs(registered, shop, monkeypatch):
    monkeypatch.setattr(champions_module, "LOOK_EVERY_S", 0.005)
    for version in (1, 2):
        registered.bundle(version)
    champions = Champions(registered.bundles, ("24h",))
    pointed(registered, 1)
    shop.engine.replace_models(champions.load())
    taken = asyncio.Queue()

    def replaced(found):
        shop.engine.replace_models(found)
        taken.put_nowait(found)

    watching = asyncio.create_task(champions.watch(replaced))
    for number, challenger in enumerate((2, None)):
        pointed(registered, 1, challenger)
        async with asyncio.timeout(20):
            await taken.get()
        await asked(shop, event("Product Added", "u", number, n=number, **CART))
    watching.cancel()

    first, second = shop.rows(KEPT)
    assert json.loads(first[2])["24h"]["model"] == "opportune-intent-24h/2"
    assert second[2] is None
    assert {each[1] for each in (first, second)} == {'{"24h":"opportune-intent-24h/1"}'}


def test_a_damaged_challenger_is_refused_with_the_reason_and_the_champion_stays(registered):
    registered.bundle(1)
    change_manifest(registered.bundle(2), lambda manifest: manifest["features"][0].update(name="horoscope"))
    pointed(registered, 1, 2)
    champions = Champions(registered.bundles, ("24h",))
    found = champions.load()

    assert (dict(found.versions), found.shadow.standing) == ({"24h": "opportune-intent-24h/1"}, {})
    [remark] = champions.refusals().values()
    assert remark.startswith("the challenger for 24h was refused, and scores nothing: ")
    assert "horoscope" in remark

    pointed(registered, 1)
    assert champions.load().shadow.standing == {}
    assert champions.refusals() == {}


def test_what_the_watcher_refused_of_a_challenger_is_told_too(registered):
    standing = {"name": "n", "version": "2", "in_service": False, "reason": "its digest differs", "at": "now"}
    (registered.bundles / "status.json").write_text(json.dumps({"challenger-24h": standing, "challenger-3d": standing}))

    assert Champions(registered.bundles, ("24h",)).refusals() == {
        "challenger-24h": "the challenger for 24h was refused, and scores nothing: its digest differs"
    }


async def test_it_goes_with_the_person_and_stays_as_long_as_the_score(shop, tmp_path):
    in_shadow(shop, a_challenger(tmp_path))
    await asked(shop, *carts())
    await shop.engine.write(lambda connection: prune_features(connection, before=START + 3600 * SECOND))
    await shop.engine.flush()
    kept = shop.rows(KEPT)
    assert [features for *_, features in kept] == [None] * 6
    assert all(shadow is not None for _, _, shadow, _ in kept)

    found, _, rejects = look_up(shop.database, "u1")
    handed_out = json.loads(b"".join(export(shop.database, found, rejects, {"user_id": "u1"})))["tables"]["evaluations"]
    assert [each["shadow"]["24h"]["model"] for each in handed_out] == ["opportune-intent-24h/9"] * 2

    await shop.engine.erase("u1")
    assert len(shop.rows(KEPT)) == 4


async def test_a_challenger_of_another_horizon_than_is_answered_is_kept_apart(shop, tmp_path):
    weekly = load(a_bundle(tmp_path / "4", name="opportune-intent-7d", horizon="7d"))
    shop.engine.replace_models(scorer(shop.tools.scorer.models, MEANINGS, shadow=Shadow({"7d": weekly})))
    [answer] = await asked(shop, *carts(1))

    assert set(answer.scores[0].intent) == {"24h"}
    assert set(json.loads(shop.rows(KEPT)[0][2])) == {"7d"}
