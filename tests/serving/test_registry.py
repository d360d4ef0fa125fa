import json
import os
import subprocess
import sys
import time
import warnings

import numpy as np
import psutil
import pytest

from models import neighbours_bundle, send_hour_bundle
from models.manifest import DIGEST_TAG
from models.neighbours import Neighbours
from serving import champions as champions_module
from serving.champions import Champions
from serving.registry import Watcher
from tests.models.bundles import FEATURES, a_booster, a_bundle, change_manifest, change_model, columns, some_rows
from tests.models.hours import a_model
from tests.preloaded.python import PYTHON

pytestmark = pytest.mark.usefixtures("children_preloaded")


class Shop:
    """A home with a registry, what is registered in it, and what the watcher made of it."""

    def __init__(self, home):
        from training.registry import Registry

        self.home, self.registry, self.made = home, Registry(home), 0

    def registered(self, horizon, *, change=None, later=None, put=None):
        """Register a bundle, changed before or damaged later, and let an alias point to it: `champion` if not said."""
        name, folder = f"opportune-intent-{horizon}", self._folder()
        a_bundle(folder, name=name, horizon=horizon)
        if change:
            change(folder)
        self._register(name, folder, later, put or self.registry.promote)

    def modelled(self, horizon):
        """Register a bundle as retraining does, beside the model that MLflow can load."""
        import pandas as pd

        name, example = f"opportune-intent-{horizon}", pd.DataFrame(some_rows(3)[:, columns()], columns=list(FEATURES))
        bundle = a_bundle(self._folder(), name=name, horizon=horizon)
        with self.registry.run(name) as run:
            version = self.registry.register(name, a_booster(), example, bundle, run)
        self.registry.promote(name, version)

    def recommending(self, *, later=None):
        """Register what goes together, and let it be the champion."""
        folder, known = self._folder(), Neighbours(("a", "b"), np.array([[1], [0]], np.int32), np.full((2, 1), 0.5))
        neighbours_bundle.write(folder, known, created_at="", lineage={})
        self._register(neighbours_bundle.NAME, folder, later, self.registry.promote)

    def keeping_hours(self):
        """Register a model of send hours, and let it be the champion."""
        folder = self._folder()
        send_hour_bundle.write(folder, a_model(), created_at="2026-01-01T00:00:00Z")
        self._register("opportune-send-hour", folder, None, self.registry.promote)

    def state(self):
        return {each.stem: json.loads(each.read_text()) for each in (self.home / "bundles").glob("*.json")}

    def _folder(self):
        self.made += 1
        return self.home / "made" / str(self.made)

    def _register(self, name, bundle, later, put):
        with self.registry.run(name) as run:
            version = self.registry.register_files(name, bundle, run)
        if later:
            (artifact,) = self.home.glob(f"mlartifacts/{run}/artifacts/bundle")
            later(artifact)
        put(name, version)


def overwritten(artifact):
    path = artifact / "model.txt"
    path.write_text(path.read_text().replace("num_leaves=5", "num_leaves=6", 1))


def other_manifest(artifact):
    change_manifest(artifact, lambda manifest: manifest["calibrator"].update(kind="platt", slope=9.0, intercept=0.0))


def unknown_feature(bundle):
    change_manifest(bundle, lambda manifest: manifest["features"][0].update(name="not_there"))


def cut_off(bundle):
    change_model(bundle, lambda text: text[: len(text) // 3])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def found(home):
    """What stood in the files after each look, by what had happened before."""
    with warnings.catch_warnings():
        # MLflow's own.
        warnings.simplefilter("ignore")
        return dict(a_story(Shop(home)))


def a_story(shop):
    watcher, registry = Watcher(shop.home), shop.registry
    shop.modelled("24h")
    shop.registered("7d", later=overwritten)
    shop.registered("6d", later=other_manifest)
    shop.registered("5d", change=unknown_feature)
    shop.registered("4d", change=cut_off)
    shop.registered("3d")
    registry._client.delete_model_version_tag("opportune-intent-3d", "1", DIGEST_TAG)
    shop.keeping_hours()
    watcher.look()
    yield "first", shop.state()

    # Each is loaded in a process of its own, and a watcher that starts anew would ask about all of them again.
    for each in ("7d", "6d", "5d", "4d", "3d"):
        registry._client.delete_registered_model_alias(f"opportune-intent-{each}", "champion")
    shop.registered("24h", later=overwritten)
    watcher.look()
    yield "damaged", shop.state()

    shop.registered("24h")
    shop.recommending()
    watcher.look()
    yield "next", shop.state()

    shop.recommending(later=lambda artifact: (artifact / "neighbours.json").write_text("{}"))
    watcher.look()
    yield "damaged recommendations", shop.state()

    registry.promote("opportune-intent-24h", "1")
    watcher.look()
    yield "rolled back", shop.state()

    Watcher(shop.home).look()
    yield "again", shop.state()

    shop.registered("24h", put=registry.shadow)
    watcher.look()
    yield "challenged", shop.state()

    shop.registered("24h", later=overwritten, put=registry.shadow)
    watcher.look()
    yield "damaged challenger", shop.state()

    registry.shadow("opportune-intent-24h", "4")
    watcher.look()
    registry.promote("opportune-intent-24h", "4")
    watcher.look()
    yield "promoted challenger", shop.state()

    registry.shadow("opportune-intent-24h", "3")
    watcher.look()
    registry.end_shadow("opportune-intent-24h")
    # A server that was down meanwhile finds the file as it was.
    Watcher(shop.home).look()
    yield "shadow ended", shop.state()


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
        [PYTHON, "-m", "serving.registry", *arguments],
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


def test_models_are_awaited_until_the_registry_was_asked_and_what_it_named_is_loaded(tmp_path):
    watcher, champions = Watcher(tmp_path), Champions(tmp_path / "bundles", ["24h"])
    champions.load()
    awaited = [champions.are_awaited]
    a_bundle(tmp_path / "bundles" / "b")
    (tmp_path / "bundles" / "champions.json").write_text('{"24h": {"path": "b"}}')
    watcher.note_asked()
    awaited.append(champions.are_awaited)
    champions.load()

    assert [*awaited, champions.are_awaited] == [True, True, False]


def test_none_is_awaited_where_the_registry_has_no_champion_or_never_answers(tmp_path, monkeypatch):
    asked, alone = Champions(tmp_path / "bundles", ["24h"]), Champions(tmp_path / "elsewhere", ["24h"])
    Watcher(tmp_path).note_asked()

    assert not asked.are_awaited
    assert alone.are_awaited
    monkeypatch.setattr(champions_module, "AWAITED_FOR_S", 0.0)
    assert not alone.are_awaited


def test_a_server_that_starts_again_asks_again_and_what_was_refused_is_still_told(tmp_path):
    watcher, status = Watcher(tmp_path), tmp_path / "bundles" / "status.json"
    status.write_text('{"24h": {"in_service": false, "reason": "its digest differs"}}')
    os.utime(status, (1, 1))
    champions = Champions(tmp_path / "bundles", ["24h"])

    assert champions.are_awaited
    watcher.note_asked()
    assert not champions.are_awaited
    assert "its digest differs" in champions.refusals()["24h"]


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


def test_a_champion_whose_files_are_gone_is_told_keeps_nobody_else_waiting_and_comes_when_they_do(tmp_path):
    shop = Shop(tmp_path)
    shop.registered("24h", later=lambda artifact: artifact.rename(tmp_path / "kept"))
    shop.registered("7d")
    watcher = Watcher(tmp_path)

    watcher.look()
    assert set(shop.state()["champions"]) == {"7d"}
    assert shop.state()["status"]["24h"]["reason"] == "the registry has no files of opportune-intent-24h version 1"

    (place,) = [each for each in tmp_path.glob("mlartifacts/*/artifacts") if not (each / "bundle").exists()]
    (tmp_path / "kept").rename(place / "bundle")
    watcher.look()
    assert set(shop.state()["champions"]) == {"24h", "7d"}
    assert shop.state()["status"]["24h"]["reason"] is None


def test_a_champion_whose_files_are_gone_is_no_champion_to_who_learns(tmp_path):
    from models.bundle import load

    shop = Shop(tmp_path)
    shop.registered("24h", later=lambda artifact: artifact.rename(tmp_path / "kept"))

    assert shop.registry.champion("opportune-intent-24h", tmp_path, load) is None


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
