import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from serving.database import for_writing
from serving.keys import KeyRefused, create_key, main, read_keys, revoke_key
from tests.conftest import ROOT
from tests.serving.databases import a_database, rows


def test_a_key_is_kept_as_its_hash_only(tmp_path):
    with a_database(tmp_path) as database:
        with database.begin() as connection:
            key = create_key(connection, "shop", frozenset({"ingest", "score"}), created_at=7)

        stored = rows(database, "SELECT key_hash, name, scopes, created_at FROM api_keys")
        assert stored == [(sha256(key.encode()).hexdigest(), "shop", "ingest,score", 7)]
        with database.connect() as connection:
            assert [(each.name, each.scopes) for each in read_keys(connection)] == [("shop", {"ingest", "score"})]


def test_no_two_keys_are_alike(tmp_path):
    with a_database(tmp_path) as database, database.begin() as connection:
        keys = {create_key(connection, f"k{i}", frozenset({"score"}), created_at=1) for i in range(20)}

    assert len(keys) == 20
    assert all(key.startswith("opk_") and len(key) > 40 for key in keys)


@pytest.mark.parametrize(
    ("name", "scopes", "why"),
    [("", {"score"}, "name"), ("x" * 101, {"score"}, "name"), ("a", set(), "scopes"), ("a", {"root"}, "scopes")],
)
def test_a_key_without_a_name_or_with_unknown_scopes_is_refused(tmp_path, name, scopes, why):
    with a_database(tmp_path) as database, database.begin() as connection, pytest.raises(KeyRefused, match=why):
        create_key(connection, name, frozenset(scopes), created_at=1)


def test_a_name_holds_one_key_until_it_is_revoked(tmp_path):
    with a_database(tmp_path) as database, database.begin() as connection:
        create_key(connection, "shop", frozenset({"score"}), created_at=1)
        with pytest.raises(KeyRefused, match="already"):
            create_key(connection, "shop", frozenset({"ingest"}), created_at=2)

        assert revoke_key(connection, "shop")
        assert not revoke_key(connection, "shop")
        create_key(connection, "shop", frozenset({"ingest"}), created_at=3)


def test_the_command_shows_a_key_once_lists_names_and_revokes(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))

    assert main(["create", "--name", "shop", "--scopes", "ingest, score"]) == 0
    key = capsys.readouterr().out.strip()
    assert main(["list"]) == 0
    listed = capsys.readouterr().out

    assert listed.startswith("shop\tingest,score\t")
    assert key not in listed
    assert main(["create", "--name", "shop", "--scopes", "score"]) == 2
    assert "already" in capsys.readouterr().err
    assert main(["revoke", "--name", "shop"]) == 0
    assert main(["revoke", "--name", "shop"]) == 1


def test_whoever_revokes_the_last_key_is_told_what_that_opens(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    for name in ("shop", "operator"):
        main(["create", "--name", name, "--scopes", "score"])
    capsys.readouterr()

    main(["revoke", "--name", "shop"])
    assert capsys.readouterr().err == ""
    main(["revoke", "--name", "operator"])
    assert "No key is left" in capsys.readouterr().err


def test_the_command_waits_for_whoever_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    with a_database(tmp_path) as database, ThreadPoolExecutor() as others:
        with for_writing(database).begin():
            made = others.submit(main, ["create", "--name", "shop", "--scopes", "score"])
            time.sleep(0.5)
            assert not made.done()

        assert made.result() == 0


def test_the_command_runs_as_a_module(tmp_path):
    environment = {**os.environ, "OPPORTUNE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "serving.keys", "create", "--name", "shop", "--scopes", "score"]

    made = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert made.stdout.startswith("opk_")
    assert made.stdout.count("\n") == 1
