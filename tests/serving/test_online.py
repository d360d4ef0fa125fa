"""Packed states in Feast's online store."""

import os
import sqlite3
import warnings
from contextlib import ExitStack

import pytest

NOW = 1_700_000_000_123_456
FILES = ("online.db", "online.db-wal", "online.db-shm")


@pytest.fixture
def open_states():
    """Opens the adapter, and closes it at the end; importing it imports Feast, which takes seconds."""
    with warnings.catch_warnings():
        from serving.online import OnlineStates
    with ExitStack() as opened:

        def opening(directory):
            states = OnlineStates(directory)
            opened.callback(states._store.disconnect)
            return states

        yield opening


@pytest.fixture(params=["our store", "any store of Feast's"])
def states(open_states, tmp_path, request):
    opened = open_states(tmp_path)
    if request.param != "our store":
        opened._own = None  # As if feature_store.yaml named another one.
    return opened


def test_states_come_back_in_the_order_asked_and_unknown_keys_as_none(states):
    states.write([("ann", b"\x00a", NOW), ("bob", b"b" * 5000, NOW), ("anonymous:ç☃", b"", NOW)])

    assert states.read(["bob", "nobody", "anonymous:ç☃", "ann", "bob"]) == [
        b"b" * 5000,
        None,
        b"",
        b"\x00a",
        b"b" * 5000,
    ]
    assert states.read([]) == []


@pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 129, 3000, 16_383, 16_384, 20_000])
def test_what_is_written_past_feasts_objects_is_what_feast_writes_and_either_reads_the_other(
    open_states, tmp_path, length
):
    ours, feasts = open_states(tmp_path / "ours"), open_states(tmp_path / "feasts")
    feasts._own = None
    rows = [("ann", os.urandom(length), NOW), ("anonymous:ç☃", b"\x12" * length, NOW + 999_999)]
    ours.write(rows)
    feasts.write(rows)

    def stored(states):
        with sqlite3.connect(states.file) as connection:
            found = connection.execute('SELECT * FROM "opportune_user_state" ORDER BY 1').fetchall()
        connection.close()
        return found

    assert len(stored(ours)) == 2
    assert stored(ours) == stored(feasts)
    ours._own, feasts._own = feasts._own, feasts._store
    assert ours.read(["ann", "anonymous:ç☃"]) == feasts.read(["ann", "anonymous:ç☃"]) == [row[1] for row in rows]


def test_the_last_write_counts_also_within_a_batch(states):
    states.write([("ann", b"1", NOW), ("ann", b"2", NOW + 1)])
    states.write([("ann", b"3", NOW + 2)])
    states.write([])

    assert states.read(["ann"]) == [b"3"]


def test_states_outlive_the_process(open_states, tmp_path):
    open_states(tmp_path).write([("ann", b"1", NOW)])

    assert open_states(tmp_path).read(["ann"]) == [b"1"]


def test_another_process_reads_what_was_written_while_the_server_has_the_file_open(states, open_states, tmp_path):
    other = open_states(tmp_path)
    for i in range(20):
        states.write([("ann", bytes([i]), NOW + i)])

        assert other.read(["ann"]) == [bytes([i])]


def test_feasts_own_sqlite_store_reads_the_same_file(states, tmp_path):
    from feast.infra.online_stores.sqlite import SqliteOnlineStore, SqliteOnlineStoreConfig
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey

    from feature_repo.declarations import user_state
    from feature_repo.stores import repo_config

    states.write([("ann", b"1", NOW)])
    config = repo_config(tmp_path, offline=False)
    config._online_store = SqliteOnlineStoreConfig(path=str(tmp_path / "feast" / "online.db"))
    store = SqliteOnlineStore()
    keys = [EntityKey(join_keys=["user_key"], entity_values=[{"string_val": key}]) for key in ("ann", "nobody")]

    (at, values), missing = store.online_read(config, user_state, keys, ["state"])
    store._conn.close()

    assert values["state"].bytes_val == b"1"
    assert at.timestamp() == NOW // 1_000_000
    assert missing == (None, None)


@pytest.mark.parametrize("files", [FILES, FILES[:1]])
def test_a_file_deleted_under_the_server_reads_as_lost_and_is_made_anew(states, open_states, tmp_path, files):
    states.write([("ann", b"1", NOW)])
    for name in files:
        (tmp_path / "feast" / name).unlink()

    assert states.read(["ann"]) == [None]
    states.write([("ann", b"2", NOW + 1)])
    assert states.read(["ann"]) == open_states(tmp_path).read(["ann"]) == [b"2"]


def test_a_folder_deleted_under_the_server_is_made_anew(states, tmp_path):
    for name in FILES:
        (tmp_path / "feast" / name).unlink(missing_ok=True)
    (tmp_path / "feast").rmdir()

    states.write([("ann", b"1", NOW)])

    assert states.read(["ann"]) == [b"1"]


@pytest.mark.parametrize("junk", [b"", b"this is no database " * 500, os.urandom(8192)])
def test_a_damaged_file_is_replaced_by_an_empty_one(open_states, tmp_path, junk):
    states = open_states(tmp_path)
    states.write([(f"user-{i}", b"1" * 600, NOW) for i in range(100)])
    states.close()
    (tmp_path / "feast" / "online.db").write_bytes(junk)

    states = open_states(tmp_path)

    assert states.read(["user-1"]) == [None]
    states.write([("user-1", b"2", NOW)])
    assert states.read(["user-1"]) == [b"2"]


def test_pages_damaged_in_the_middle_never_raise(open_states, tmp_path):
    states = open_states(tmp_path)
    keys = [f"user-{i}" for i in range(500)]
    states.write([(key, b"1" * 600, NOW) for key in keys])
    states.close()
    path = tmp_path / "feast" / "online.db"
    content = bytearray(path.read_bytes())
    content[4096 : len(content) // 2] = os.urandom(len(content) // 2 - 4096)
    path.write_bytes(content)

    assert len(open_states(tmp_path).read(keys)) == 500


def test_readers_do_not_keep_the_server_from_writing(states, tmp_path):
    states.write([("ann", b"1", NOW)])
    reader = sqlite3.connect(tmp_path / "feast" / "online.db")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM opportune_user_state").fetchone()

    states.write([("ann", b"2", NOW + 1)])

    assert states.read(["ann"]) == [b"2"]
    reader.close()


def test_what_is_deleted_is_gone_from_the_file_and_nothing_else_is(states, open_states, tmp_path):
    from serving.erasure_files import overwrite

    states.write([("ann-17", b"1", NOW), ("bob-18", b"2", NOW)])
    states.delete(["ann-17", "nobody"])

    assert states.read(["ann-17", "bob-18"]) == [None, b"2"]
    assert overwrite(states.file)
    assert b"ann-17" not in states.file.read_bytes()
    assert open_states(tmp_path).read(["bob-18"]) == [b"2"]
