"""What happens in an installation with declared traits, told as JSON: `python -m tests.acceptance.declared_story HOME`.

One process does it all, since each one that asks Feast takes seconds to start.
"""

import asyncio
import json
import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np

from features.catalog import CATALOGUE
from features.state import read, unpack
from tests.serving.asking import reply
from tests.serving.servers import a_server

FIRST = 1_700_000_000
DAY_S = 86_400
DAYS = 45
DECLARED = ("age", "tier", "city")
TRIGGERS = "triggers: [{name: warm-cart, on: Product Added, threshold: 0, cool_down: 1h, hold_out: 0}]"
TIERS = ("bronze", "Silver", "gold", None)
ORDERS_A_VISIT = {"bronze": 0.02, "Silver": 0.2, "gold": 0.6, None: 0.02}


def history(people=200, seed=4):
    """People who are told of when they come first; the higher their tier the more of their visits end in an order."""
    drawn = np.random.default_rng(seed)
    for who in range(people):
        tier = TIERS[drawn.integers(len(TIERS))]
        first = int(drawn.integers(DAYS - 5)) * DAY_S
        traits = {"age": int(drawn.integers(18, 80)), "tier": tier, "address": {"city": "Ulm" if who % 2 else "Rom"}}
        yield row("identify", who, first, traits=traits)
        for day in range(first // DAY_S, DAYS):
            if drawn.random() < 0.15:
                at = day * DAY_S + int(drawn.integers(60, DAY_S - 7200))
                yield row("track", who, at, event="Product Viewed", properties={"product_id": "p"})
                if drawn.random() < ORDERS_A_VISIT[tier]:
                    yield row("track", who, at + 3600, event="Order Completed", properties={"total": 20})


def row(call, who, after_s, **said):
    ids = {"userId": f"u{who}", "messageId": f"{call}-{who}-{after_s}"}
    return {"type": call, "timestamp": FIRST + after_s} | ids | said


def imported(home):
    """Import the history, and a file of profiles; return what the two commands say."""
    from serving import history_import, profile_files
    from serving.clock import wall
    from serving.database import open_database
    from serving.mapping_file import read_mapping

    file, profiles = home / "history.jsonl", home / "profiles.csv"
    file.write_text("\n".join(json.dumps(each) for each in history()))
    profiles.write_text("user_id,age,tier,address.city\nfiled,51,gold,Bonn\nwrong,52,platinum,\n")
    os.utime(profiles, (FIRST + DAYS * DAY_S, FIRST + DAYS * DAY_S))  # As old as the last of the history.
    database, mapping = open_database(home / "opportune.db"), read_mapping()
    told = history_import.import_history(file, database=database, home=home, mapping=mapping, received_at=wall())
    filed = profile_files.import_profiles(profiles, database=database, home=home, mapping=mapping, at=wall())
    database.dispose()
    return [history_import.report(told, mapping).splitlines(), profile_files.report(filed).splitlines()]


def trained(home):
    """Learn as `make retrain` does and put the model into service; return what it reads."""
    from models.bundle import write
    from training.frame import build, matured
    from training.learning import learn
    from training.log import read_log

    day = timedelta(days=1)
    (home / "retrain").mkdir()
    known = matured(build(read_log(home / "opportune.db"), [day], home / "retrain"), day)
    learned = learn(known.rows, known.windows, known.recent_orders, CATALOGUE)
    write(
        home / "bundles" / "m" / "1",
        learned.booster.model_to_string(),
        learned.calibrator,
        name="m",
        horizon="24h",
        features=learned.features,
        created_at="2026-01-01T00:00:00Z",
        lineage={"catalogue": CATALOGUE.fingerprint},
    )
    (home / "bundles" / "champions.json").write_text(json.dumps({"24h": {"path": "m/1"}}))
    return list(learned.features)


async def ask(edge, method, path, body=None):
    sent = {"host": "127.0.0.1:8000", "content-type": "application/json"}
    answer = await reply(edge, method, path, sent, [json.dumps(body).encode()] if body else [b""])
    assert answer.status < 300, (answer.status, answer.body)
    return answer.json if answer.body.startswith(b"{") else answer.body.decode()


def told_of(features):
    return [next(each["value"] for each in features if each["name"] == name) for name in DECLARED]


async def served(home):
    """Tell a server of people, and ask it; return what it answered."""
    (home / "triggers.yaml").write_text(TRIGGERS)
    server = a_server(home, score_sample=1.0)
    edge = server.edge()

    async def identify(who, **said):
        await ask(edge, "POST", "/v1/identify", said | {"userId": who})

    async def features(who):
        return told_of((await ask(edge, "GET", f"/v1/users/{who}/features"))["features"])

    async def score(who, number=0):
        event = {"type": "track", "userId": who, "event": "Product Added", "messageId": f"a-{who}-{number}"}
        answer = await ask(edge, "POST", "/v1/score", {"event": event, "explain": True})
        explained = {each["feature"]: each["value"] for each in answer["explain"]["24h"]}
        return {"intent": answer["intent"]["24h"], "tier": explained.get("tier")}

    async with server.life(None):
        found = {}
        await identify("new", traits={"age": "34", "tier": " GOLD ", "address": {"city": "Kiel", "zip": "1"}})
        found["identified"] = await features("new")
        found["gold"] = await score("new")
        await ask(edge, "PATCH", "/v1/users/new/profile", {"profile": {"tier": "bronze", "age": None}})
        found["patched"] = await features("new")
        found["bronze"] = await score("new", 1)
        found["filed"] = await features("filed")
        found["wrong"] = await features("wrong")
        await identify("bad", traits={"age": "old", "tier": 7, "address": "Kiel"})
        found["bad"] = await features("bad")
        await identify("u1", context={"traits": {"age": 44}}, anonymousId="a1")
        found["from the context"] = (await features("u1"))[0]
        await ask(edge, "POST", "/v1/group", {"userId": "u1", "groupId": "g", "traits": {"age": 3}})
        found["not from a group"] = (await features("u1"))[0]
        await ask(edge, "POST", "/v1/track", {"userId": "gone", "event": "x", "context": {"traits": {"age": 5}}})
        await ask(edge, "DELETE", "/v1/users/gone")
        await ask(edge, "POST", "/v1/track", {"userId": "gone", "event": "x"})
        found["erased"] = await features("gone")
        for who in range(2, 30):
            await score(f"u{who}")
        metrics = await ask(edge, "GET", "/metrics")
        found["unread"] = sorted(each for each in metrics.splitlines() if each.startswith("opportune_unread_traits_t"))
    return found


def compared(home):
    """Return the bits of everybody's features: as stored, rebuilt from the log, and asked of Feast in both its ways."""
    from features.fold import fold, read_rows
    from serving.database import open_database
    from serving.online import OnlineStates
    from serving.rebuild import rebuild
    from serving.states import StateKeeper
    from training.log import read_log
    from training.offline import asked, historical_features, write_states
    from training.parity import compare

    log = read_log(home / "opportune.db")
    at = log.span[1] + 1
    everybody = np.arange(len(log.user_keys))
    users = np.flatnonzero(log.owners(everybody, np.full(everybody.size, at)) == everybody)
    keys = [log.user_keys[each] for each in users]
    moments = np.full(users.size, at)
    points = log.last_rows(users, moments)
    folded = np.empty((users.size, CATALOGUE.n_features))
    folded[np.argsort(points)] = read_rows(fold(log.arrays, np.sort(points)), moments)
    rows = {}
    states = OnlineStates(home)
    live = [key for key, packed in zip(keys, states.read(keys), strict=True) if packed is not None]
    stored = np.array([read(unpack(each), at) for each in states.read(live)])
    database = open_database(home / "opportune.db")
    with database.connect() as connection:
        rebuild(connection, StateKeeper(states))
    database.dispose()
    rows["rebuilt"] = np.array([read(unpack(each), at) for each in states.read(keys)])
    states.close()
    places = [keys.index(each) for each in live]
    with tempfile.TemporaryDirectory() as scratch:
        path = write_states(log, users, moments, Path(scratch))
        rows["historical"] = historical_features(path, asked(log, users, moments))
    rows["online"] = online(home, keys, at)
    parity = compare(home / "opportune.db")
    return {
        "people": len(keys),
        "live": len(live),
        "stored differ": differing(stored, folded[places]),
        "differ": {name: differing(each, folded) for name, each in rows.items()},
        "told": int((~np.isnan(folded[:, [CATALOGUE.names.index(each) for each in DECLARED]])).any(axis=1).sum()),
        "parity": [parity.rows, parity.mismatches],
    }


def differing(one, other):
    return int((np.where(np.isnan(one), -1.5, one) != np.where(np.isnan(other), -1.5, other)).any(axis=1).sum())


def online(home, keys, at):
    from feature_repo.declarations import intent, user, user_features, user_state
    from feature_repo.stores import open_store

    store = open_store(home)
    store.apply([user, user_state, user_features, intent])
    found = store.get_online_features(
        features=store.get_feature_service("intent"), entity_rows=[{"user_key": each, "as_of": at} for each in keys]
    ).to_dict()
    asyncio.run(store.close())
    return np.column_stack([np.array(found[name], dtype=np.float64) for name in CATALOGUE.names])


def main(home):
    """Tell the story of a home, an empty folder."""
    assert CATALOGUE.names[-3:] == DECLARED
    told = {"imported": imported(home), "reads": trained(home)}
    told |= {"served": asyncio.run(served(home)), "compared": compared(home)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
