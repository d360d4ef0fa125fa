"""What every test starts from: one thread, UTC, kernels compiled once, and no skip that CI would not notice."""

import os
import time
from pathlib import Path

import pytest

from features.cache import keep_compiled

ROOT = Path(__file__).resolve().parent.parent

keep_compiled(Path(os.environ.get("OPPORTUNE_HOME", ROOT / "var")))
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MPLBACKEND"] = "agg"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TZ"] = "UTC"
time.tzset()


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skip into a failure where CI runs: a test that cannot run there proves nothing."""
    report = yield
    if report.skipped and "CI" in os.environ and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and a skip in CI is a failure: {report.longrepr}"
    return report
