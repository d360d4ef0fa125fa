"""Whoever is erased is nowhere, stays nowhere, and costs nobody else anything."""

import asyncio
import hashlib
import json
from contextlib import closing

import numpy as np
import pytest
from sqlalchemy import text

from features.state import unpack
from serving.database import for_writing, open_existing
from serving.erasure_files import overwrite
from serving.history_append import append_history
from serving.holdings import NOBODYS, holding, holdings
from serving.items import Fate
from serving.mentions import Mentions
from serving.people import People
from serving.rejects import Reject
from serving.schema import metadata
from tests.serving.databases import a_database
from tests.serving.engines import SECOND, START, Shop, event, shop

__all__ = ["shop"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 1, "cart_id": "cart-of-ann"}}
SECRETS = ("ann-17", "browser-of-ann", "phone-of-ann", "ann@example.org", "+4917012345", "cart-of-ann")
PERSONS = ("ann-17", "anonymous:browser-of-ann", "anonymous:phone-of-ann")


async def live(shop):
    """Ann on two devices and signed in, with decisions and messages; her neighbours; and rejects of both."""
    visits = [
        event("Product Added", None, 1, anonymousId="browser-of-ann", **CART),
        event("Product Added", None, 2, anonymousId="phone-of-ann", **CART),
        event("Product Added", "bob", 3, properties={"product_id": "p", "price": 2, "quantity": 1}),
    ]
    for each in visits:
        await shop.engine.score([(each.user_id, each.anonymous_id)], event=each)
    traits = {"email": "ann@example.org", "phone": "+4917012345"}
    await shop.engine.ingest(
        [
            event("", "ann-17", 4, type="identify", anonymousId="browser-of-ann", traits=traits),
            event("", "ann-17", 5, type="identify", anonymousId="phone-of-ann"),
            event("Product Added", "carl", 6, properties={"product_id": "q"}),
            event("Order Completed", "ann-17", 7, properties={"order_id": "o", "total": 20}),
            event("Product Viewed", "bob", 8, properties={"product_id": "q"}),
        ]
    )
    await shop.engine.score([("ann-17", None), ("bob", None)])
    await shop.engine.set_aside(
        [
            Reject(START, "shop", "track", "event", "is required", '{"userId":"ann-17"}'),
            Reject(START, "shop", "track", "event", "is required", '{"traits":{"email":"Ann@Example.org"}}'),
            Reject(START, "shop", "track", "event", "is required", '{"userId":"ann-170"}'),
        ]
    )


def everything(shop):
    """Return what each table holds, as text."""
    return {name: repr(shop.rows(f"SELECT * FROM {name}")) for name in metadata.tables}


def files_with(home, words):
    """Return the files below a home that hold one of these words, byte by byte, and the word."""
    files = [each for each in home.rglob("*") if each.is_file()]
    return [(each.name, word) for each in files for word in words if word.encode() in each.read_bytes()]


def states_from_log(shop, keys):
    with shop.database.connect() as connection:
        people = People(connection)
        people.find(keys)
        return shop.keeper.from_log(connection, [people.get(key) for key in keys])


def test_every_table_is_somebodys_or_is_known_to_be_nobodys():
    somebodys = {each.table for each in holdings()}

    assert somebodys | NOBODYS == set(metadata.tables)
    for name in NOBODYS:
        assert not {"user_no", "user_key", "user_id", "anonymous_id"} & set(metadata.tables[name].columns.keys()), name
    for name, table in metadata.tables.items():
        pointing = [each for each in table.columns for key in each.foreign_keys if key.column.table.name == "users"]
        assert not pointing or holding(table) is not None, name


@pytest.mark.parametrize("asked", PERSONS)
async def test_erased_under_any_of_their_ids_a_person_is_in_no_table_and_in_no_file(shop, asked):
    await live(shop)
    assert shop.rows("SELECT count(*) FROM outbox JOIN decisions USING (trigger_decision_id)") != [(0,)]

    erased = await shop.engine.erase(asked)
    await shop.engine.flush()

    assert set(erased.keys) == set(PERSONS)
    tables = everything(shop)
    assert [
        (name, word) for name, rows in tables.items() for word in SECRETS if word in rows.replace("ann-170", "")
    ] == []
    assert shop.online.read(list(PERSONS)) == [None] * 3
    assert overwrite(shop.home / "opportune.db")
    assert overwrite(shop.online.file)
    assert files_with(shop.home, SECRETS[1:]) == []
    assert shop.rows("SELECT body FROM rejects") == [('{"userId":"ann-170"}',)]


async def test_nothing_of_the_others_changes(shop):
    await live(shop)
    others = "SELECT * FROM {} WHERE user_no IN (SELECT user_no FROM users WHERE user_key IN ('bob', 'carl'))"
    tables = [name for name, table in metadata.tables.items() if "user_no" in table.columns]
    before = [shop.rows(others.format(name)) for name in tables]
    assert all(each is not None for each in await shop.stored(["bob", "carl"]))

    await shop.engine.erase("ann-17")
    assert [shop.rows(others.format(name)) for name in tables] == before

    await shop.engine.ingest([event("Product Viewed", "bob", 20), event("Product Viewed", "carl", 21)])
    stored = [unpack(each) for each in await shop.stored(["bob", "carl"])]
    np.testing.assert_array_equal(stored, states_from_log(shop, ["bob", "carl"]))
    assert shop.keeper.rebuilt == 0


async def test_what_stands_against_an_address_stays_and_what_stands_against_the_user_goes(shop):
    await live(shop)
    insert = "INSERT INTO suppressions VALUES ('{}', '{}', '*', 'complained', 1)"
    with shop.database.begin() as connection:
        for kind, subject in (("user", "ann-17"), ("address", "ann@example.org"), ("user", "bob")):
            connection.exec_driver_sql(insert.format(kind, subject))

    await shop.engine.erase("ann-17")

    assert sorted(shop.rows("SELECT subject FROM suppressions")) == [("ann@example.org",), ("bob",)]


async def test_what_happened_before_the_erasure_brings_nobody_back(shop):
    await live(shop)
    at = (await shop.engine.erase("ann-17")).at

    late = [
        event("Product Added", "ann-17", 7.5, **CART),
        event("Product Added", None, 1, anonymousId="browser-of-ann", **CART),
        event("", "ann-new", 6, type="identify", anonymousId="phone-of-ann"),
    ]
    assert all(each.occurred_at <= at for each in late)
    ingested = await shop.engine.ingest(late)
    answer = await shop.engine.score([("ann-17", None)], event=event("Product Added", "ann-17", 7.6, **CART))
    with for_writing(shop.database).begin() as connection:
        added = append_history(connection, late, origin="import", received_at=START + 90 * SECOND)

    assert (ingested.accepted, ingested.duplicates, ingested.erased, added) == (0, 0, 3, {Fate.ERASED: 3})
    assert (answer.scores[0].known, answer.scores[0].fate) == (False, Fate.ERASED)
    assert shop.rows("SELECT user_key FROM users ORDER BY user_no") == [("bob",), ("carl",)]


async def test_whoever_comes_after_the_erasure_is_somebody_new(shop):
    await live(shop)
    await shop.engine.erase("ann-17")

    fresh = event("Product Viewed", "ann-17", 3600, properties={"product_id": "z"})
    answer = await shop.engine.score([("ann-17", None)], event=fresh)

    assert answer.scores[0].known
    assert shop.rows("SELECT count(*) FROM events JOIN users USING (user_no) WHERE user_key = 'ann-17'") == [(1,)]
    np.testing.assert_array_equal(unpack((await shop.stored(["ann-17"]))[0]), states_from_log(shop, ["ann-17"])[0])


async def test_an_erasure_of_somebody_unknown_keeps_their_history_out(shop):
    erased = await shop.engine.erase("ann-17")
    with for_writing(shop.database).begin() as connection:
        old = [event("Product Viewed", "ann-17", -3600)]
        assert append_history(connection, old, origin="import", received_at=START) == {Fate.ERASED: 1}

    assert erased.rows == {}
    assert "ann-17" not in repr(everything(shop))


async def test_tombstones_tell_neither_the_id_nor_whether_two_shops_erased_the_same(tmp_path):
    hashes = []
    for name in ("one", "two"):
        shop = Shop(tmp_path / name)
        await shop.engine.erase("ann-17")
        hashes += shop.rows("SELECT key_hash FROM tombstones")
        shop.close()

    assert len(set(hashes)) == 2


async def test_what_shares_a_moment_with_an_erasure_does_not_bring_the_person_back(shop):
    await live(shop)
    questions = [shop.engine.score([("ann-17", None)]) for _ in range(5)]
    arrivals = [shop.engine.ingest([event("Product Viewed", "ann-17", 8 + n / 10)]) for n in range(5)]
    later = [shop.engine.ingest([event("Product Viewed", "ann-17", 7 - n / 10)]) for n in range(5)]

    await asyncio.gather(*questions, *arrivals, shop.engine.erase("ann-17"), *later)
    await shop.engine.flush()

    assert "ann-17" not in repr(everything(shop)).replace("ann-170", "")
    assert shop.online.read(["ann-17"]) == [None]


async def test_an_online_store_that_fails_keeps_the_person_whole(shop, monkeypatch):
    await live(shop)
    before = everything(shop)

    def fail(keys):
        raise OSError("the store is away")

    monkeypatch.setattr(shop.online, "delete", fail)
    with pytest.raises(OSError, match="away"):
        await shop.engine.erase("ann-17")

    assert everything(shop)["events"] == before["events"]


def test_mentions_are_whole_words_whatever_json_made_of_them():
    said = Mentions(["u-1", "jürgen@example.org"])

    assert said('{"userId":"u-1"}')
    assert said("a,u-1,b")
    assert said(json.dumps({"email": "jürgen@example.org"}))
    assert said("Bought by u-1.")
    assert not said('{"userId":"u-10"}')
    assert not said('{"userId":"eu-1"}')
    assert not said('{"userId":"u-1@example.org"}')


def test_what_split_pages_keep_of_the_deleted_is_gone_after_a_vacuum(tmp_path):
    keys = [f"{hashlib.sha256(str(n).encode()).hexdigest()[:20]}-erased" for n in range(600)]
    with a_database(tmp_path) as database:
        insert = text(
            "INSERT INTO users (user_no, user_key, unit, last_seq, last_known_at) VALUES (:no, :key, '', 0, 0)"
        )
        with database.begin() as connection:
            connection.execute(insert, [{"no": no, "key": key} for no, key in enumerate(keys)])
        with database.begin() as connection:
            connection.execute(text("DELETE FROM users"))
        assert overwrite(tmp_path / "opportune.db")
        kept = files_with(tmp_path, keys)
        with closing(open_existing(tmp_path / "opportune.db")) as connection:
            connection.execute("VACUUM")
        assert overwrite(tmp_path / "opportune.db")

    # Whoever is not split away is overwritten; what is left is what the decision record speaks of.
    assert len(kept) < len(keys) / 10
    assert files_with(tmp_path, keys) == []
