import os
import subprocess
import sys

import pytest

NAME = "opportune-intent-24h"
# MLflow's own tables make SQLAlchemy warn, whoever asks them.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def registry(tmp_path):
    """A registry with two versions of a model, the first of them in service."""
    from mlflow import MlflowClient

    from training.registry import Registry

    found = Registry(tmp_path)
    client = MlflowClient(found.uri, found.uri)
    client.create_registered_model(NAME)
    for _ in range(2):
        client.create_model_version(NAME, "runs:/none/booster")
    found.promote(NAME, "1")
    return found


def asked(registry, *arguments):
    home = registry.uri.removeprefix("sqlite:///").removesuffix("/mlflow.db")
    environment = {**os.environ, "OPPORTUNE_HOME": home}
    environment.pop("OPPORTUNE_REGISTRY", None)
    command = [sys.executable, "-m", "training.promotion", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def in_service(registry):
    return registry.version_of(NAME, "champion")


def test_a_version_goes_into_service_and_the_one_before_comes_back(registry):
    promoted = asked(registry, NAME, "--version", "2")
    assert promoted.stdout == f"{NAME}/2 is the champion, in place of version 1\n", promoted.stderr
    assert in_service(registry) == "2"

    rolled_back = asked(registry, NAME)
    assert rolled_back.stdout == f"{NAME}/1 is the champion, in place of version 2\n"
    assert in_service(registry) == "1"


def test_what_is_not_in_the_registry_is_told_in_a_sentence_and_changes_nothing(registry):
    from training.registry import NoSuchVersion

    unknown = asked(registry, NAME, "--version", "7")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith(f"opportune: {NAME} has no version 7 in sqlite:///")
    with pytest.raises(NoSuchVersion, match="was in service before"):
        registry.roll_back("opportune-intent-7d")
    assert in_service(registry) == "1"


def test_without_a_registry_it_says_what_to_do(tmp_path):
    environment = {**os.environ, "OPPORTUNE_HOME": str(tmp_path)}
    environment.pop("OPPORTUNE_REGISTRY", None)
    command = [sys.executable, "-m", "training.promotion", NAME]

    found = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)

    assert found.returncode == 1
    assert "train a model first: make retrain" in found.stderr
