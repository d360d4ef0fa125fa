"""What Feast holds, asked of Feast itself: applied by its own command in another process."""

import asyncio
import json
import os
import subprocess
import sys
import warnings
from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from features.catalog import CATALOGUE
from features.state import empty, pack, read
from tests.features.histories import DAY, SECOND
from tests.training.logs import a_crowd, known, same_bits, state_known, write_log

ROWS = a_crowd(events=80)
PEOPLE = sorted({user for user, _, _ in ROWS} - {linked for _, _, linked in ROWS})
NOW = ROWS[-1][1].known_at
BUNDLED = ["order_age_d", "orders", "views_hl1h"]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def applied(tmp_path_factory, root):
    """An OPPORTUNE_HOME, named relative to a foreign working directory, after `feast apply` with one bundle there."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    bundle = elsewhere / "home" / "bundles" / "opportune-intent-24h" / "3"
    bundle.mkdir(parents=True)
    features = [{"name": name, "fingerprint": "…"} for name in BUNDLED]
    (bundle / "manifest.json").write_text(json.dumps({"name": "opportune-intent-24h", "features": features}))
    # One that reads no features is loaded by the same server.
    hours = elsewhere / "home" / "bundles" / "opportune-send-hour" / "1"
    hours.mkdir(parents=True)
    (hours / "manifest.json").write_text(json.dumps({"name": "opportune-send-hour", "strength": 5.0}))
    before = files(root / "feature_repo")
    environment = {**os.environ, "OPPORTUNE_HOME": "home", "PYTHONPATH": str(root)}
    # What `feast` does, without the run-time type checks; as it is, the page about features starts it.
    feast = "import feature_repo; from feast.cli.cli import cli; cli()"
    command = [sys.executable, "-W", "ignore", "-c", feast, "-c", root / "feature_repo", "apply"]

    done = subprocess.run(command, check=False, cwd=elsewhere, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert files(root / "feature_repo") == before
    assert [path.name for path in elsewhere.iterdir()] == ["home"]
    return elsewhere / "home"


@pytest.fixture(scope="module")
def feast(applied):
    """A Feast client of that home, after serving has written everybody's state."""
    from feature_repo.stores import open_store
    from serving.online import OnlineStates

    with closing(OnlineStates(applied)) as states:
        states.write([(key, pack(state_known(ROWS, key, NOW)), NOW) for key in PEOPLE])
        states.write([("damaged", pack(empty())[:-1] + b"\x01", NOW), ("other layout", b"OPS1", NOW)])
    store = open_store(applied)
    yield store
    asyncio.run(store.close())


def files(folder):
    return sorted(str(path) for path in folder.rglob("*") if "__pycache__" not in path.parts)


def online(feast, keys, at, service="intent"):
    """Return names and rows of what a Feast client is told."""
    rows = [{"user_key": key, "as_of": at} for key in keys]
    found = feast.get_online_features(features=feast.get_feature_service(service), entity_rows=rows).to_dict()
    names = [name for name in found if name in CATALOGUE.names]
    return names, {name: np.array(found[name], dtype=np.float64) for name in names}


def in_order(found):
    return np.column_stack([found[name] for name in CATALOGUE.names])


@pytest.mark.parametrize("later", [0, SECOND, 40 * DAY])
def test_online_features_have_the_bits_of_read(feast, later):
    _, found = online(feast, PEOPLE, NOW + later)

    assert same_bits(in_order(found), np.array([known(ROWS, key, NOW + later) for key in PEOPLE]))


def test_historical_features_have_the_bits_of_read(feast, applied, tmp_path):
    from training.log import read_log
    from training.offline import write_states

    log = read_log(write_log(tmp_path, ROWS))
    users, at = np.arange(len(log.user_keys)), np.full(len(log.user_keys), NOW)
    write_states(log, users, at, applied / "feast")
    asked = pd.DataFrame({"user_key": PEOPLE, "as_of": NOW, "row_id": range(len(PEOPLE))})
    asked["event_timestamp"] = pd.to_datetime(asked["as_of"], unit="us", utc=True)

    job = feast.get_historical_features(asked, feast.get_feature_service("intent"), filter_by_created_timestamp=True)
    found = job.to_df().sort_values("row_id")

    assert same_bits(in_order(found), in_order(online(feast, PEOPLE, NOW)[1]))


@pytest.mark.parametrize("key", ["nobody", "damaged", "other layout"])
def test_whoever_has_no_readable_state_has_no_answers_rather_than_those_of_an_empty_person(feast, key):
    _, found = online(feast, [key], NOW)

    assert np.isnan(in_order(found)).all()
    assert not np.isnan(read(empty(), NOW)).all()


def test_a_state_tells_nothing_of_a_moment_before_it(feast):
    _, found = online(feast, PEOPLE, NOW - 30 * DAY)

    newest = np.array([max(each.at for user, each, _ in ROWS if user == key) for key in PEOPLE])
    assert (newest > NOW - 30 * DAY).any()
    assert np.isnan(in_order(found)[newest > NOW - 30 * DAY]).all()


def test_each_model_version_has_a_service_of_its_own_features(feast):
    names, found = online(feast, PEOPLE, NOW, service="opportune-intent-24h-v3")

    everything = dict(zip(CATALOGUE.names, np.array([known(ROWS, key, NOW) for key in PEOPLE]).T, strict=True))
    assert sorted(names) == sorted(BUNDLED)
    assert all(same_bits(found[name], everything[name]) for name in BUNDLED)


def test_a_new_version_is_added_to_the_registry_and_nothing_else_changes(feast):
    from feature_repo.model_services import apply_model_service

    before = {each.name for each in feast.list_feature_services()}
    apply_model_service(feast, "opportune-intent-7d", "1", ["revenue", "orders"])

    assert {each.name for each in feast.list_feature_services()} == before | {"opportune-intent-7d-v1"}
    assert sorted(online(feast, PEOPLE, NOW, service="opportune-intent-7d-v1")[0]) == ["orders", "revenue"]


def test_a_version_that_asks_for_an_unknown_feature_is_refused(feast):
    from feature_repo.model_services import apply_model_service

    with pytest.raises(KeyError, match="no_such_feature"):
        apply_model_service(feast, "opportune-intent-24h", "9", ["orders", "no_such_feature"])


def test_what_feast_declares_is_the_catalogue(feast):
    view = feast.get_on_demand_feature_view("user_features")

    assert [each.name for each in view.features] == list(CATALOGUE.names)
    assert view.tags == dict(zip(CATALOGUE.names, CATALOGUE.meanings, strict=True))
