"""Where Feast keeps its files."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest


@pytest.fixture
def registry(tmp_path):
    from feature_repo.stores import HomeRegistryStore, repo_config

    return HomeRegistryStore(repo_config(tmp_path, offline=False).registry, None)


def test_relative_paths_are_below_the_home_that_was_asked_for(tmp_path):
    from feature_repo.stores import repo_config

    config = repo_config(tmp_path)

    assert config.registry.path == str(tmp_path / "feast" / "registry.db")
    assert config.online_store.path == str(tmp_path / "feast" / "online.db")
    assert config.offline_store.type == "duckdb"


def test_the_home_is_that_of_the_environment_or_beside_the_declarations(tmp_path, monkeypatch, root):
    from feature_repo.stores import home

    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))
    assert home() == tmp_path
    monkeypatch.delenv("OPPORTUNE_HOME")
    assert home() == root / "var"


def test_a_relative_home_stays_where_it_was_when_the_working_directory_changes(tmp_path, monkeypatch):
    from feature_repo.stores import home

    monkeypatch.setenv("OPPORTUNE_HOME", f"home-of-{tmp_path.name}")
    monkeypatch.chdir(tmp_path)
    before = home()
    monkeypatch.chdir(Path("/"))

    assert before == home() == tmp_path / f"home-of-{tmp_path.name}"


def test_no_reader_finds_half_a_registry_while_it_is_written(registry):
    from feast.protos.feast.core.Registry_pb2 import Registry

    large = Registry()
    large.entities.add().spec.description = "x" * 300_000
    registry.update_registry_proto(large)

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(lambda: [registry.update_registry_proto(large) for _ in range(60)])
        while not writing.done():
            assert len(registry.get_registry_proto().entities) == 1
        writing.result()


def test_nothing_is_left_beside_a_registry_that_was_written(registry, tmp_path):
    from feast.protos.feast.core.Registry_pb2 import Registry

    registry.update_registry_proto(Registry())

    assert [path.name for path in (tmp_path / "feast").iterdir()] == ["registry.db"]
