"""The model registry: runs, versions and their aliases in MLflow. Importing this takes seconds."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from models.manifest import BUNDLE, DIGEST_TAG, BundleRefused, bundle_digest
from training.registry_file import SQLITE, create

if TYPE_CHECKING:
    import lightgbm as lgb
    import pandas as pd

T_co = TypeVar("T_co", covariant=True)
EXPERIMENT = "opportune-intent"
CHAMPION, CHALLENGER, FORMER = "champion", "challenger", "former"
SERVED = "served_before"
"""Tag of a registered model: versions that were in service before the champion, the last of them last."""
MOST_SERVED = 100


class NoSuchVersion(LookupError):
    """The registry has no such model, or no such version of it."""


class Loads(Protocol[T_co]):
    """What makes a model of a bundle (BundleRefused: it cannot)."""

    def __call__(self, directory: Path, *, version: str) -> T_co:
        """Return the model; `version` as registered."""


class Registry:
    """One MLflow tracking server or file, and its model registry."""

    def __init__(self, home: Path, uri: str | None = None, *, experiment: str = EXPERIMENT) -> None:
        """Open the registry at `uri`, or the SQLite one below `home`, which is created if need be.

        Runs are kept under the name `experiment`.
        """
        for each in ("alembic", "mlflow"):
            logging.getLogger(each).setLevel(logging.ERROR)
        if uri is None:
            database = home.absolute() / "mlflow.db"
            create(database, home.absolute() / "mlartifacts", EXPERIMENT)
            uri = f"{SQLITE}{database}"
        self.uri = uri
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        with warnings.catch_warnings():
            # SQLAlchemy's, about MLflow's own tables.
            warnings.simplefilter("ignore")
            if mlflow.get_experiment_by_name(experiment) is None:
                # MLflow's own default would be a folder wherever the command was given.
                kept = (home.absolute() / "mlartifacts").as_uri() if uri.startswith(SQLITE) else None
                mlflow.create_experiment(experiment, artifact_location=kept)
            mlflow.set_experiment(experiment)
        self._client = MlflowClient(uri, uri)

    def champion(self, name: str, directory: Path, load: Loads[T_co]) -> T_co | None:
        """Return what is in service under this name, its bundle copied into `directory`; None if nothing is.

        What cannot be loaded serves nobody: whoever wants its place is judged as a first model.
        """
        version = self.version_of(name, CHAMPION)
        try:
            return None if version is None else self.model(name, version, directory, load)
        except BundleRefused:
            return None

    def model(self, name: str, version: str, directory: Path, load: Loads[T_co]) -> T_co:
        """Return a version, its bundle copied into `directory` (BundleRefused: it cannot be loaded)."""
        return load(self.file(name, version, BUNDLE, directory), version=version)

    def file(self, name: str, version: str, path: str, directory: Path) -> Path:
        """Copy a file or folder of the run that a version comes from into `directory`, and return where it is.

        Raises:
            BundleRefused: It is nowhere.
        """
        run_id = str(self._client.get_model_version(name, version).run_id)
        try:
            return Path(self._client.download_artifacts(run_id, path, str(directory)))
        except (MlflowException, OSError) as error:
            # Asked again, so that a registry that cannot be reached is not taken for one that lost its files.
            if any(each.path == path for each in self._client.list_artifacts(run_id)):
                raise
            raise BundleRefused(f"the registry has no {path} of {name} version {version}") from error

    @contextmanager
    def run(self, name: str) -> Iterator[str]:
        """Start a run, and end it as failed if what is done in it fails; yields its id."""
        with mlflow.start_run(run_name=name) as run:
            yield str(run.info.run_id)

    def record(self, parameters: dict[str, Any], metrics: dict[str, float], tags: dict[str, str], files: Path) -> None:
        """Add parameters, metrics, tags and a folder of files to the present run."""
        mlflow.log_params(parameters)
        mlflow.log_metrics(metrics)
        mlflow.set_tags(tags)
        mlflow.log_artifacts(str(files))

    def register(self, name: str, booster: "lgb.Booster", example: "pd.DataFrame", bundle: Path, run_id: str) -> str:
        """Register the model of the present run with its bundle, and return the version.

        The bundle's files come first, then the version, then the digest that serving checks; the alias is `promote`'s.
        """
        # Seconds to import, which whoever moves an alias or records a report need not wait for.
        import lightgbm as lgb
        import mlflow.lightgbm

        mlflow.log_artifacts(str(bundle), BUNDLE)
        signature = ModelSignature(
            inputs=Schema([ColSpec(DataType.double, str(each)) for each in example.columns]),
            outputs=Schema([ColSpec(DataType.double)]),
        )
        logged = mlflow.lightgbm.log_model(
            booster,
            name="booster",
            signature=signature,
            input_example=example,
            registered_model_name=name,
            pip_requirements=[f"lightgbm=={lgb.__version__}", f"mlflow=={mlflow.__version__}", "pandas"],
            metadata={"calibrated": False, "calibrated_predictions": f"runs:/{run_id}/{BUNDLE}"},
        )
        version = str(logged.registered_model_version)
        self._client.set_model_version_tag(name, version, DIGEST_TAG, bundle_digest(bundle))
        return version

    def register_files(self, name: str, bundle: Path, run_id: str) -> str:
        """Register a bundle without a model in it, such as neighbours of products, and return the version."""
        mlflow.log_artifacts(str(bundle), BUNDLE)
        if not self._client.search_registered_models(filter_string=f"name = '{name}'"):
            self._client.create_registered_model(name)
        made = self._client.create_model_version(name, f"runs:/{run_id}/{BUNDLE}", run_id)
        version = str(made.version)
        self._client.set_model_version_tag(name, version, DIGEST_TAG, bundle_digest(bundle))
        return version

    def mark(self, name: str, version: str, tags: dict[str, str]) -> None:
        """Keep tags with a version."""
        for key, value in tags.items():
            self._client.set_model_version_tag(name, version, key, value)

    def note(self, name: str, version: str, words: str) -> None:
        """Describe a version in words."""
        self._client.update_model_version(name, version, words)

    def promote(self, name: str, version: str) -> None:
        """Point the `champion` alias at this version, and `former` at the one before; serving follows within seconds.

        It challenges nobody any more.

        Raises:
            NoSuchVersion: There is nothing to point at.
        """
        self._refuse_unknown(name, version)
        present = self.version_of(name, CHAMPION)
        if present is not None and present != version:
            self._keep_served(name, [*self._served(name), present])
        self._put(name, version)

    def shadow(self, name: str, version: str) -> None:
        """Point the `challenger` alias at this version; serving lets it score in shadow within seconds.

        Raises:
            NoSuchVersion: There is nothing to point at.
        """
        self._refuse_unknown(name, version)
        self._client.set_registered_model_alias(name, CHALLENGER, version)

    def end_shadow(self, name: str) -> None:
        """Let no version of this model score in shadow any more."""
        self._client.delete_registered_model_alias(name, CHALLENGER)

    def roll_back(self, name: str) -> str:
        """Put the version into service that was before the present one, and return which that is.

        Once more goes one further back, and never to a version that was left this way.

        Raises:
            NoSuchVersion: None was in service before.
        """
        present, served = self.version_of(name, CHAMPION), self._served(name)
        while served:
            version = served.pop()
            # Whoever is deleted cannot serve; the present one is noted where a promotion was cut off.
            if version != present and self._has(name, version):
                self._put(name, version)
                self._keep_served(name, served)
                return version
        before = "before" if present is None else f"before version {present}"
        raise NoSuchVersion(f"{name} has no version that was in service {before}, in {self.uri}")

    def version_of(self, name: str, alias: str) -> str | None:
        """Return the version that an alias of a model points at; None where there is none."""
        try:
            return str(self._client.get_model_version_by_alias(name, alias).version)
        except MlflowException:
            return None

    def _put(self, name: str, version: str) -> None:
        self._client.set_registered_model_alias(name, CHAMPION, version)
        if self.version_of(name, CHALLENGER) == version:
            self.end_shadow(name)

    def _served(self, name: str) -> list[str]:
        """Return the versions that were in service before the present one, the last of them last."""
        try:
            kept = self._client.get_registered_model(name).tags.get(SERVED)
        except MlflowException:
            return []
        if kept is None:
            # Promoted before they were kept.
            former = self.version_of(name, FORMER)
            return [] if former is None else [former]
        return str(kept).split(",") if kept else []

    def _keep_served(self, name: str, served: list[str]) -> None:
        self._client.set_registered_model_tag(name, SERVED, ",".join(served[-MOST_SERVED:]))
        if served:
            self._client.set_registered_model_alias(name, FORMER, served[-1])
        elif self.version_of(name, FORMER) is not None:
            self._client.delete_registered_model_alias(name, FORMER)

    def _has(self, name: str, version: str) -> bool:
        try:
            self._client.get_model_version(name, version)
        except MlflowException:
            return False
        return True

    def _refuse_unknown(self, name: str, version: str) -> None:
        if not self._has(name, version):
            raise NoSuchVersion(f"{name} has no version {version} in {self.uri}")
