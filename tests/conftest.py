"""What every test starts from: one thread, UTC, kernels compiled once, and no skip that CI would not notice."""

import fcntl
import gc
import os
import shutil
import sqlite3
import sys
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from features.cache import keep_compiled
from tests.preloaded.started import NAME, started

ROOT = Path(__file__).resolve().parent.parent

keep_compiled(Path(os.environ.get("OPPORTUNE_HOME", ROOT / "var")))
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MPLBACKEND"] = "agg"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TZ"] = "UTC"
time.tzset()
# Feast, MLflow and pandas are a million objects that stay: looking through them for rubbish took an eighth of the time.
gc.set_threshold(10_000, 10, 10)

# How long examples take, and take to be made up, is a matter of what else the machine does, not of what is tested.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Start one process more than there are cores: tests wait for disks, servers and clocks."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config):
    """Let whatever processes this run has start others from one that has imported Feast and MLflow already."""
    if hasattr(config, "workerinput"):
        return
    running = ExitStack()
    os.environ[NAME] = str(running.enter_context(started()))
    config.add_cleanup(running.close)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """In a fresh clone, let one process import everything before the others do, which then find it compiled."""
    tests = ROOT / "tests"
    if not hasattr(session.config, "workerinput") or (tests / "verification" / "__pycache__").exists():
        return (yield)
    folder = os.open(tests, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(folder, fcntl.LOCK_SH)
    try:
        return (yield)
    finally:
        os.close(folder)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def migrated_once(tmp_path_factory):
    """Let a new database get at once the tables that the migrations gave the first one: they take 70 ms each time."""
    if "serving.database" not in sys.modules:
        yield
        return
    from serving import database

    migrate = database.migrate

    @cache
    def statements():
        path = tmp_path_factory.mktemp("migrated") / "opportune.db"
        engine = database.open_current(path)
        with database.for_writing(engine).begin() as connection:
            migrate(connection)
        engine.dispose()
        with sqlite3.connect(path) as made:
            dumped = tuple(made.iterdump())
        made.close()
        return dumped[1:-1]  # Without BEGIN and COMMIT.

    def migrate_quickly(connection, revision="head"):
        if revision != "head" or connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first():
            migrate(connection, revision)
            return
        for each in statements():
            connection.exec_driver_sql(each)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(database, "migrate", migrate_quickly)
        yield


@pytest.fixture(scope="session", autouse=True)
def registry_made_once(tmp_path_factory):
    """Let a new model registry begin as a copy of the first one, which MLflow made: its migrations take seconds."""
    from training import registry_file

    fill = registry_file.fill

    @cache
    def first(experiment):
        folder = tmp_path_factory.mktemp("registry")
        fill(folder / "mlflow.db", folder, experiment)
        return folder / "mlflow.db"

    def copy(fresh, artifacts, experiment):
        made = first(experiment)
        shutil.copy(made, fresh)
        with sqlite3.connect(fresh) as copied:
            copied.execute(
                "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)",
                (made.parent.as_uri(), artifacts.as_uri()),
            )
        copied.close()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(registry_file, "fill", copy)
        yield


@pytest.fixture(scope="module")
def children_preloaded():
    """Let what serving starts beside itself, here in the process of the tests, be forks, too."""
    from tests.preloaded.python import PYTHON

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "executable", PYTHON)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skip into a failure where CI runs: a test that cannot run there proves nothing."""
    report = yield
    if report.skipped and "CI" in os.environ and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and a skip in CI is a failure: {report.longrepr}"
    return report
