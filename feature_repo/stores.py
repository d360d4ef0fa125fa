"""Where Feast keeps its files: all of them under one OPPORTUNE_HOME, whatever the working directory is."""

import os
import tempfile
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from feast import FeatureStore
from feast.infra.registry.file import FileRegistryStore
from feast.protos.feast.core.Registry_pb2 import Registry
from feast.repo_config import RegistryConfig, RepoConfig

REPOSITORY = Path(__file__).resolve().parent


def home() -> Path:
    """Return OPPORTUNE_HOME as an absolute path; `var` beside this folder where it is not set."""
    return _absolute(os.environ.get("OPPORTUNE_HOME") or str(REPOSITORY.parent / "var"))


@cache
def _absolute(path: str) -> Path:
    # Remembered, because `feast apply` changes the working directory halfway.
    return Path(path).absolute()


def repo_config(directory: Path, *, offline: bool = True) -> RepoConfig:
    """Return what feature_store.yaml says, with its relative paths below `directory`.

    Args:
        directory: An OPPORTUNE_HOME; the one of the environment is not asked.
        offline: Load the offline store too; a server that only needs the online one starts faster without.
    """
    text = (REPOSITORY / "feature_store.yaml").read_text(encoding="utf-8")
    settings: dict[str, Any] = yaml.safe_load(os.path.expandvars(text))
    for part in ("registry", "online_store"):
        if "path" in settings[part] and "://" not in settings[part]["path"]:
            settings[part]["path"] = str(directory.absolute() / settings[part]["path"])
    if not offline:
        settings["offline_store"] = None
    config = RepoConfig(**settings)
    config.repo_path = REPOSITORY
    return config


def open_store(directory: Path) -> FeatureStore:
    """Return a Feast client of what is kept below `directory`, an OPPORTUNE_HOME."""
    return FeatureStore(config=repo_config(directory))


class HomeRegistryStore(FileRegistryStore):
    """Feast's registry as a file below OPPORTUNE_HOME that is replaced as a whole: no reader ever finds half of it."""

    def __init__(self, registry_config: RegistryConfig, repo_path: Path | None) -> None:
        super().__init__(registry_config, home())
        del repo_path  # What is written while running does not belong beside the declarations.

    def _write_registry(self, registry_proto: Registry) -> None:
        registry_proto.version_id = str(uuid.uuid4())
        registry_proto.last_updated.GetCurrentTime()
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._filepath.parent, delete=False) as file:
            file.write(registry_proto.SerializeToString())
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._filepath)
