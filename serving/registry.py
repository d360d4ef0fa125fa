"""The one process that asks the model registry: `python -m serving.registry [--once]`, a child of the server.

Every two seconds it looks whom the `champion` alias points to, and the `challenger` alias of models of intent. A new
bundle is copied, compared with the digest it was registered under, loaded in a process of its own, and only then named
in champions.json, which the server watches. What was refused, and why, stands in status.json beside it; the old
champion stays in service, while a challenger is named no longer than the alias points to it.
"""

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models import neighbours_bundle
from models.horizon import (
    CHALLENGER,
    REGISTERED,
    SEGMENTS,
    SEGMENTS_REGISTERED,
    SEND_HOUR,
    SEND_HOUR_REGISTERED,
    UPLIFT,
    UPLIFT_REGISTERED,
    duration,
)
from models.manifest import BUNDLE, DIGEST_TAG, POINTER, BundleRefused, bundle_digest
from models.neighbours_bundle import NAME, RECOMMENDATIONS
from models.probe import probe
from serving.settings import settings_of_process

LOOK_EVERY_S = 2.0
CHAMPION, CHALLENGES = "champion", "challenger"
MOST_NAMES = 1000
"""The most that MLflow hands out at once; each trigger may have a model of its own."""
STATUS = "status.json"
INCOMING = ".incoming-"
_OTHERS = {NAME: RECOMMENDATIONS, SEND_HOUR_REGISTERED: SEND_HOUR, SEGMENTS_REGISTERED: SEGMENTS}
"""What models are in service for that are none of intent, by the names they are registered under."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alias:
    """Whom the champion or challenger alias of a registered model points to."""

    name: str
    version: str
    run_id: str
    digest: str | None
    challenges: bool = False

    @property
    def role(self) -> str:
        """What it is for: a horizon, such as ``24h``, its shadow, recommendations, send hours, segments or uplift."""
        if self.name.startswith(UPLIFT_REGISTERED):
            return UPLIFT + self.name.removeprefix(UPLIFT_REGISTERED)
        found = _OTHERS.get(self.name) or self.name.removeprefix(REGISTERED)
        return f"{CHALLENGER}{found}" if self.challenges else found


class BundleGone(BundleRefused):
    """The registry names a version, and has no files of it; they may come back."""


@dataclass(frozen=True)
class Standing:
    """What became of an alias."""

    name: str
    version: str
    in_service: bool
    reason: str | None
    at: str


class Mlflow:
    """MLflow's registry; importing it takes seconds, so only whoever finds one there does."""

    def __init__(self, uri: str) -> None:
        """Open the registry at this tracking URI."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        # Its own retries go on for minutes; here the next look is the retry.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        for each in ("alembic", "mlflow"):
            logging.getLogger(each).setLevel(logging.WARNING)
        from mlflow import MlflowClient

        self._client = MlflowClient(uri, uri)

    def aliases(self) -> list[Alias]:
        """Return champions and challengers of all models of intent, and the champions of all else that is ours."""
        found = []
        for model in self._client.search_registered_models("name LIKE 'opportune-%'", max_results=MOST_NAMES):
            if _is_ours(model.name):
                champion, challenger = (model.aliases.get(each) for each in (CHAMPION, CHALLENGES))
                if champion is not None:
                    found.append(self._alias(model.name, str(champion)))
                if challenger not in (None, champion) and model.name.startswith(REGISTERED):
                    found.append(self._alias(model.name, str(challenger), challenges=True))
        return found

    def _alias(self, name: str, version: str, *, challenges: bool = False) -> Alias:
        its = self._client.get_model_version(name, version)
        return Alias(name, version, str(its.run_id), its.tags.get(DIGEST_TAG), challenges)

    def fetch(self, alias: Alias, directory: Path) -> Path:
        """Copy the bundle of a version into `directory` and return where it is (BundleGone: it is nowhere)."""
        try:
            return Path(self._client.download_artifacts(alias.run_id, BUNDLE, str(directory)))
        except Exception as error:
            # Asked again, so that a registry that cannot be reached is not taken for one that lost its files.
            if self._client.list_artifacts(alias.run_id, BUNDLE):
                raise
            raise BundleGone(f"the registry has no files of {alias.name} version {alias.version}") from error


class Watcher:
    """Takes what the registry says to the files that the server watches."""

    def __init__(self, home: Path, uri: str | None = None) -> None:
        """Watch the registry at `uri`, or the SQLite one below `home` as soon as there is one."""
        self._bundles = home.absolute() / "bundles"
        self._file = None if uri else home.absolute() / "mlflow.db"
        self._uri = uri or f"sqlite:///{self._file}"
        self._mlflow: Mlflow | None = None
        self._seen: tuple[int, int] | None = None
        self.standing: dict[str, Standing] = {}
        self._gone: set[str] = set()
        self._bundles.mkdir(parents=True, exist_ok=True)
        for left in self._bundles.glob(f"{INCOMING}*"):
            shutil.rmtree(left, ignore_errors=True)

    def look(self) -> None:
        """Take up every champion and challenger that is new since the last look, and drop challengers that are none.

        Raises:
            Exception: The registry could not be asked; the next look will ask again.
        """
        stamp = self._stamp()
        if self._file is not None and (stamp is None or (stamp == self._seen and not self._gone)):
            return
        self._mlflow = self._mlflow or Mlflow(self._uri)
        found = self._mlflow.aliases()
        again, self._gone = self._gone, set()
        for alias in found:
            known = self.standing.get(alias.role)
            if known is None or (known.name, known.version) != (alias.name, alias.version) or alias.role in again:
                self._take(alias, self._mlflow)
        self._drop_challengers(but={each.role for each in found})
        self._seen = stamp

    def note_asked(self) -> None:
        """Let the server see that the registry was asked by now, whatever came of it."""
        status = self._bundles / STATUS
        if status.exists():
            status.touch()
        else:
            self._tell()

    def _take(self, alias: Alias, registry: Mlflow) -> None:
        try:
            self._bring(alias, registry)
        except BundleRefused as error:
            if isinstance(error, BundleGone):
                self._gone.add(alias.role)
                if (known := self.standing.get(alias.role)) is not None and known.reason == str(error):
                    return
            _log.error("%s version %s was refused: %s", alias.name, alias.version, error)
            self._note(alias, in_service=False, reason=str(error))
            if alias.challenges:
                self._unname({alias.role})
            return
        pointed = _read(self._bundles / POINTER)
        path = f"{alias.name}/{alias.version}"
        pointed[alias.role] = {"name": alias.name, "version": alias.version, "path": path}
        _replace(self._bundles / POINTER, pointed)
        _log.info("in service for %s: %s version %s", alias.role, alias.name, alias.version)
        self._note(alias, in_service=True, reason=None)

    def _bring(self, alias: Alias, registry: Mlflow) -> None:
        """Put the bundle of a version in place, or leave it there if it already is.

        Raises:
            BundleRefused: It is not what was registered, does not fit, or does not load.
        """
        if alias.digest is None:
            raise BundleRefused(f"{alias.name} version {alias.version} was registered without {DIGEST_TAG}")
        target = self._bundles / alias.name / alias.version
        with tempfile.TemporaryDirectory(dir=self._bundles, prefix=INCOMING) as scratch:
            fetched = registry.fetch(alias, Path(scratch))
            if bundle_digest(fetched) != alias.digest:
                raise BundleRefused(
                    f"{alias.name} version {alias.version} is not what was registered: its digest differs"
                )
            _check(fetched, alias.role)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)
            fetched.rename(target)

    def _drop_challengers(self, *, but: set[str]) -> None:
        named = {*_read(self._bundles / POINTER), *_read(self._bundles / STATUS)}
        gone = {each for each in named if each.startswith(CHALLENGER)} - but
        if gone:
            self._unname(gone)
            self.standing = {role: each for role, each in self.standing.items() if role not in gone}
            self._tell()

    def _unname(self, roles: set[str]) -> None:
        pointed = _read(self._bundles / POINTER)
        left = {role: each for role, each in pointed.items() if role not in roles}
        if len(left) < len(pointed):
            _replace(self._bundles / POINTER, left)
            _log.info("in shadow no more: %s", ", ".join(sorted(roles)))

    def _note(self, alias: Alias, *, in_service: bool, reason: str | None) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self.standing[alias.role] = Standing(alias.name, alias.version, in_service, reason, at)
        self._tell()

    def _tell(self) -> None:
        _replace(self._bundles / STATUS, {role: asdict(each) for role, each in self.standing.items()})

    def _stamp(self) -> tuple[int, int] | None:
        """Return what changes whenever the registry's file does; None if there is no file."""
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size


def _check(bundle: Path, role: str) -> None:
    """Load a bundle and let go of it; models elsewhere, so that this process need not hold what they compile with.

    Raises:
        BundleRefused: It is damaged, or does not fit.
    """
    if role == RECOMMENDATIONS:
        neighbours_bundle.load(bundle)
    else:
        probe(bundle, role)


def _is_ours(name: str) -> bool:
    if name in _OTHERS or name.startswith(UPLIFT_REGISTERED):
        return True
    try:
        duration(name.removeprefix(REGISTERED) if name.startswith(REGISTERED) else "")
    except ValueError:
        return False
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _replace(path: Path, value: dict[str, Any]) -> None:
    """Write JSON so that a reader finds the old file or the new one, never half of either."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(path)


def main() -> int:
    """Watch until the server that started this is gone; with --once look once and say how it went."""
    # Before anything is done by which others could tell that it runs, and end what started it.
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m serving.registry", description=__doc__)
    parser.add_argument("--once", action="store_true", help="take up the champions and end; 1 if one was refused")
    once = parser.parse_args().once
    settings = settings_of_process()
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    watcher = Watcher(settings.home, settings.registry)
    if once:
        watcher.look()
        return int(not all(each.in_service for each in watcher.standing.values()))
    asked = False
    while os.getppid() == parent:
        try:
            watcher.look()
        except Exception as error:  # noqa: BLE001 - whatever a registry does, the server goes on with what it has
            _log.warning("the model registry cannot be asked: %s", error)
        if not asked:
            watcher.note_asked()
            asked = True
        time.sleep(LOOK_EVERY_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
