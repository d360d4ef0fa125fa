"""Who is measured: how each server is prepared, started, and asked."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks import payloads, policies
from benchmarks.payloads import USER, Recipe
from benchmarks.servers import Server, free_port, start
from features.catalog import CATALOGUE

PYTHON = [sys.executable, "-m"]
UVICORN = (
    "--host",
    "127.0.0.1",
    "--log-level",
    "warning",
    "--no-access-log",
    "--loop",
    "uvloop",
    "--http",
    "httptools",
)
PEER_USERS = 10_000
MARK = "made-for"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a run keeps its files, below one folder; what takes long to make stays there for the next run."""

    root: Path

    @property
    def shop(self) -> Path:
        """The home as made, never served from."""
        return self.root / "shop"

    @property
    def live(self) -> Path:
        """The copy of it that the server works on."""
        return self.root / "live"

    @property
    def feast(self) -> Path:
        """The peers' Feast repository."""
        return self.root / "feast"

    @property
    def mlflow(self) -> Path:
        """The peers' MLflow model."""
        return self.root / "mlflow"

    @property
    def logs(self) -> Path:
        """What the servers print."""
        return self.root / "logs"

    @property
    def booster(self) -> Path:
        """Our model of the first horizon, which the peers use too."""
        return self.shop / "bundles" / "opportune-intent-24h" / "1" / "model.txt"

    def key(self) -> str:
        """Return the API key of the shop."""
        return str(json.loads((self.shop / "bench.json").read_text())["key"])


def prepare(folders: Folders) -> None:
    """Make what is not there yet, the shop and the peers' store side by side; raises CalledProcessError."""
    commands = [["benchmarks.home", str(folders.shop)]]
    feast = f"{version('feast')} {CATALOGUE.fingerprint}"
    if new_store := not is_made_for(folders.feast, feast):
        commands.append(["benchmarks.peers.store", str(folders.feast)])
    running = [subprocess.Popen([*PYTHON, *command]) for command in commands]
    for process in running:
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, process.args)
    if new_store:
        made_for(folders.feast, feast)
    mlflow = f"{version('mlflow')} {hashlib.sha256(folders.booster.read_bytes()).hexdigest()}"
    if not is_made_for(folders.mlflow, mlflow):
        model = [*PYTHON, "benchmarks.peers.model_server", str(folders.booster), str(folders.mlflow)]
        subprocess.run(model, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        made_for(folders.mlflow, mlflow)
    shutil.rmtree(folders.live, ignore_errors=True)
    shutil.copytree(folders.shop, folders.live)
    # Half a gigabyte on its way to the disk would be in the way of whoever flushes a page.
    os.sync()


def is_made_for(folder: Path, what: str) -> bool:
    """Whether all of a folder was made for this."""
    mark = folder / MARK
    return mark.exists() and mark.read_text() == what


def made_for(folder: Path, what: str) -> None:
    """Remember what all of a folder was made for."""
    (folder / MARK).write_text(what)


def start_ours(folders: Folders, cpu: int | None) -> Server:
    """Start the real server on the live copy, with the shipped triggers."""
    port, triggers = free_port(), policies.triggers_of(folders.live)
    shutil.copy(policies.SHIPPED, triggers)
    env = {
        "OPPORTUNE_HOME": str(folders.live),
        "OPPORTUNE_PORT": str(port),
        "OPPORTUNE_TRIGGERS": str(triggers),
        "OPPORTUNE_LOG_LEVEL": "warning",
        "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", str(folders.root / "numba")),
    }
    return start("ours", [*PYTHON, "serving"], port=port, log=folders.logs / "ours.log", env=env, cpu=cpu)


def start_ceiling(folders: Folders, cpu: int | None) -> Server:
    """Start the FastAPI application that answers a constant."""
    return _uvicorn("ceiling", folders, cpu, {"BENCH_KEY": folders.key()})


def start_straightforward(folders: Folders, cpu: int | None) -> Server:
    """Start FastAPI with the Feast SDK."""
    env = {"BENCH_KEY": folders.key(), "BENCH_FEAST": str(folders.feast), "BENCH_MODEL": str(folders.booster)}
    return _uvicorn("straightforward", folders, cpu, env)


def _uvicorn(name: str, folders: Folders, cpu: int | None, env: dict[str, str]) -> Server:
    port = free_port()
    command = [*PYTHON, "uvicorn", f"benchmarks.peers.{name}:app", "--port", str(port), *UVICORN]
    return start(name, command, port=port, log=folders.logs / f"{name}.log", env=env, cpu=cpu)


def start_feast(folders: Folders, cpu: int | None) -> Server:
    """Start `feast serve`, which never starts its worker afresh while measured."""
    port = free_port()
    options = ["--port", str(port), "--no-access-log", "--max-requests", "0", "--max-requests-jitter", "0"]
    command = [
        sys.executable,
        "-c",
        "from feast.cli.cli import cli; cli()",
        "--chdir",
        str(folders.feast),
        "serve",
        *options,
    ]
    log = folders.logs / "feast.log"
    return start("feast serve", command, port=port, log=log, env={}, ready="/health", cpu=cpu)


def start_mlflow(folders: Folders, cpu: int | None) -> Server:
    """Start `mlflow models serve` in this environment."""
    port = free_port()
    command = [*PYTHON, "mlflow", "models", "serve", "--model-uri", str(folders.mlflow), "--env-manager", "local"]
    command += ["--port", str(port), "--workers", "1"]
    env = {"MLFLOW_DISABLE_TELEMETRY": "true"}
    log = folders.logs / "mlflow.log"
    return start("mlflow models serve", command, port=port, log=log, env=env, ready="/health", cpu=cpu)


def score(key: str, *, users: int = 100_000) -> Recipe:
    """Ask ours, the ceiling or the straightforward one for a score."""
    return Recipe("/v1/score", key, payloads.score(), users)


def event(key: str, *, users: int = 100_000) -> Recipe:
    """Tell them an event and ask for the score after it."""
    return Recipe("/v1/score", key, payloads.event_with_score(), users)


def batch(key: str, size: int) -> Recipe:
    """Tell ours a batch of events the way the SDKs do."""
    return Recipe("/v1/batch", key, payloads.segment_batch(size))


def feast_features() -> Recipe:
    """Ask `feast serve` for all features of a user."""
    body = {"feature_service": "intent", "entities": {"user_id": [USER]}, "full_feature_names": False}
    return Recipe("/get-online-features", "", (json.dumps(body),), PEER_USERS)


def mlflow_prediction(folders: Folders) -> Recipe:
    """Ask `mlflow models serve` for a prediction from features that the caller brings."""
    manifest = json.loads((folders.booster.parent / "manifest.json").read_text())
    columns = [each["name"] for each in manifest["features"]]
    body = {"dataframe_split": {"columns": columns, "data": [[float(number) for number in range(len(columns))]]}}
    return Recipe("/invocations", "", (json.dumps(body),), 1)
