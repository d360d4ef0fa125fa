import json
import os
import subprocess
import sys
import time

import psutil
import pytest

from tests.models.bundles import a_bundle

# One process, so that MLflow is imported once: what is registered, then what the watcher makes of it.
PROGRAM = """
import json, sys
from pathlib import Path

import numpy as np
import pandas as pd

from models.manifest import BundleRefused
from models.neighbours import Neighbours
from models.neighbours_bundle import NAME, write
from models.send_hour_bundle import write as write_hours
from serving.registry import Watcher
from tests.models.bundles import FEATURES, a_booster, a_bundle, change_manifest, change_model, some_rows, columns
from tests.models.hours import a_model
from training.registry import DIGEST_TAG, Registry

home = Path(sys.argv[1])
registry = Registry(home)
example = pd.DataFrame(some_rows(3)[:, columns()], columns=list(FEATURES))
made = 0


def registered(horizon, change=lambda bundle: None, later=lambda artifact: None, put=registry.promote):
    global made
    made += 1
    name = f"opportune-intent-{horizon}"
    bundle = a_bundle(home / "made" / str(made), name=name, horizon=horizon)
    change(bundle)
    with registry.run(name) as run:
        version = registry.register(name, a_booster(), example, bundle, run)
    (artifact,) = home.glob(f"mlartifacts/{run}/artifacts/bundle")
    later(artifact)
    put(name, version)
    return name, version


def recommending(later=lambda artifact: None):
    global made
    made += 1
    bundle = home / "made" / str(made)
    known = Neighbours(("a", "b"), np.array([[1], [0]], dtype=np.int32), np.array([[0.5], [0.5]]))
    write(bundle, known, created_at="", lineage={})
    with registry.run(NAME) as run:
        version = registry.register_files(NAME, bundle, run)
    (artifact,) = home.glob(f"mlartifacts/{run}/artifacts/bundle")
    later(artifact)
    registry.promote(NAME, version)


def state():
    return {each.stem: json.loads(each.read_text()) for each in (home / "bundles").glob("*.json")}


def overwritten(artifact):
    path = artifact / "model.txt"
    path.write_text(path.read_text().replace("num_leaves=5", "num_leaves=6", 1))


def other_manifest(artifact):
    change_manifest(artifact, lambda manifest: manifest["calibrator"].update(kind="platt", slope=9.0, intercept=0.0))


def without_digest(name_version):
    registry._client.delete_model_version_tag(*name_version, DIGEST_TAG)


found = {}
watcher = Watcher(home)
registered("24h")
registered("7d", later=overwritten)
registered("6d", later=other_manifest)
registered("5d", lambda b: change_manifest(b, lambda m: m["features"][0].update(name="not_there")))
registered("4d", lambda b: change_model(b, lambda text: text[: len(text) // 3]))
without_digest(registered("3d"))
hours = home / "made" / "hours"
write_hours(hours, a_model(), created_at="2026-01-01T00:00:00Z")
with registry.run("opportune-send-hour") as run:
    registry.promote("opportune-send-hour", registry.register_files("opportune-send-hour", hours, run))
watcher.look()
found["first"] = state()

registered("24h", later=overwritten)
watcher.look()
found["damaged"] = state()

registered("24h")
recommending()
watcher.look()
found["next"] = state()

recommending(later=lambda artifact: (artifact / "neighbours.json").write_text("{}"))
watcher.look()
found["damaged recommendations"] = state()

registry.promote("opportune-intent-24h", "1")
watcher.look()
found["rolled back"] = state()

found["again"] = Watcher(home).look() or state()

registered("24h", put=registry.shadow)
watcher.look()
found["challenged"] = state()

registered("24h", later=overwritten, put=registry.shadow)
watcher.look()
found["damaged challenger"] = state()

registry.shadow("opportune-intent-24h", "4")
watcher.look()
registry.promote("opportune-intent-24h", "4")
watcher.look()
found["promoted challenger"] = state()

registry.shadow("opportune-intent-24h", "3")
watcher.look()
registry.end_shadow("opportune-intent-24h")
# A server that was down meanwhile finds the file as it was.
found["shadow ended"] = Watcher(home).look() or state()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def found(home):
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(home)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def test_a_whole_bundle_comes_into_service(home, found):
    assert found["first"]["champions"] == {
        "24h": {"name": "opportune-intent-24h", "version": "1", "path": "opportune-intent-24h/1"},
        "send-hour": {"name": "opportune-send-hour", "version": "1", "path": "opportune-send-hour/1"},
    }
    assert found["first"]["status"]["send-hour"]["in_service"] is True
    assert (home / "bundles" / "opportune-intent-24h" / "1" / "manifest.json").exists()
    assert found["first"]["status"]["24h"]["in_service"] is True


@pytest.mark.parametrize(
    ("horizon", "reason"),
    [
        ("7d", "its sha256 is"),
        ("6d", "its digest differs"),
        ("5d", "the catalogue has no not_there"),
        ("4d", ""),
        ("3d", "was registered without bundle_sha256"),
    ],
)
def test_what_is_damaged_or_does_not_fit_is_refused_with_the_reason(found, horizon, reason):
    standing = found["first"]["status"][horizon]

    assert standing["in_service"] is False
    assert reason in standing["reason"]
    assert horizon not in found["first"]["champions"]


def test_a_damaged_champion_leaves_the_old_one_in_service(found):
    assert found["damaged"]["champions"]["24h"]["version"] == "1"
    assert found["damaged"]["status"]["24h"]["version"] == "2"
    assert found["damaged"]["status"]["24h"]["in_service"] is False


def test_the_next_champion_replaces_the_first(found):
    assert found["next"]["champions"]["24h"]["version"] == "3"


def test_what_to_recommend_comes_into_service_by_the_same_rules(home, found):
    pointed = {"name": "opportune-recommendations", "version": "1", "path": "opportune-recommendations/1"}

    assert "recommendations" not in found["first"]["champions"]
    assert found["next"]["champions"]["recommendations"] == pointed
    assert (home / "bundles" / "opportune-recommendations" / "1" / "neighbours.json").exists()
    assert found["damaged recommendations"]["champions"]["recommendations"] == pointed
    standing = found["damaged recommendations"]["status"]["recommendations"]
    assert (standing["version"], standing["in_service"]) == ("2", False)
    assert "its sha256 is" in standing["reason"]


def test_moving_the_alias_back_brings_the_old_one_back(found):
    assert found["rolled back"]["champions"]["24h"]["version"] == "1"


def test_a_watcher_that_starts_anew_finds_the_same(found):
    assert found["again"]["champions"] == found["rolled back"]["champions"]


def test_a_challenger_is_named_beside_the_champion_who_stays(home, found):
    pointed = {"name": "opportune-intent-24h", "version": "4", "path": "opportune-intent-24h/4"}

    assert found["challenged"]["champions"] == found["again"]["champions"] | {"challenger-24h": pointed}
    assert found["challenged"]["status"]["challenger-24h"]["in_service"] is True
    assert (home / "bundles" / "opportune-intent-24h" / "4" / "manifest.json").exists()


def test_a_damaged_challenger_is_refused_with_the_reason_and_the_one_before_scores_no_more(found):
    standing = found["damaged challenger"]["status"]["challenger-24h"]

    assert (standing["version"], standing["in_service"]) == ("5", False)
    assert "its digest differs" in standing["reason"] or "its sha256 is" in standing["reason"]
    assert found["damaged challenger"]["champions"] == found["again"]["champions"]


def test_who_is_promoted_challenges_nobody_any_more(found):
    assert found["promoted challenger"]["champions"]["24h"]["version"] == "4"
    for named in found["promoted challenger"].values():
        assert "challenger-24h" not in named


def test_a_shadow_that_was_ended_while_nobody_looked_is_dropped(found):
    for named in found["shadow ended"].values():
        assert "challenger-24h" not in named
    assert found["shadow ended"]["champions"]["24h"]["version"] == "4"


def test_nothing_half_fetched_is_left(home, found):
    assert [each.name for each in (home / "bundles").iterdir() if each.name.startswith(".")] == []


def watching(home, *arguments, **more):
    environment = {**os.environ, "OPPORTUNE_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "serving.registry", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **more,
    )


def test_a_home_without_a_registry_is_waited_for(tmp_path):
    assert watching(tmp_path, "--once").returncode == 0
    assert not (tmp_path / "mlflow.db").exists()


def test_a_child_ends_when_its_server_is_gone(tmp_path):
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'serving.registry'])\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    environment = {**os.environ, "OPPORTUNE_HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        child = psutil.Process(int(server.stdout.readline()))
        deadline = time.monotonic() + 60
        while not (tmp_path / "bundles").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        server.kill()

    child.wait(timeout=60)
    assert not child.is_running()


def test_leftovers_of_a_crash_are_removed(tmp_path):
    left = tmp_path / "bundles" / ".incoming-x"
    a_bundle(left / "bundle")

    assert watching(tmp_path, "--once").returncode == 0
    assert not left.exists()


def test_watching_takes_nothing_that_compiles_or_predicts():
    program = (
        "import sys, serving.registry; print(*({'llvmlite', 'lightgbm', 'mlflow', 'sqlalchemy'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
