import os
import shutil
import subprocess
import sys

import pytest

from tests.commands import told

NAME = "opportune-intent-24h"
# MLflow's own tables make SQLAlchemy warn, whoever asks them.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The database of a registry with four versions of a model, the first of them in service."""
    from mlflow import MlflowClient

    from training.registry import Registry

    home = tmp_path_factory.mktemp("made")
    found = Registry(home)
    client = MlflowClient(found.uri, found.uri)
    client.create_registered_model(NAME)
    for _ in range(4):
        client.create_model_version(NAME, "runs:/none/booster")
    found.promote(NAME, "1")
    return home / "mlflow.db"


@pytest.fixture
def registry(made, tmp_path):
    """A registry of its own for each test."""
    from training.registry import Registry

    shutil.copy(made, tmp_path)
    return Registry(tmp_path)


def asked(registry, *arguments):
    return told(home_of(registry), "training.promotion", *arguments)


def home_of(registry):
    return registry.uri.removeprefix("sqlite:///").removesuffix("/mlflow.db")


def in_service(registry):
    return registry.version_of(NAME, "champion")


def test_the_command_runs_as_a_module(registry):
    environment = {**os.environ, "OPPORTUNE_HOME": home_of(registry)}
    environment.pop("OPPORTUNE_REGISTRY", None)
    command = [sys.executable, "-m", "training.promotion", NAME, "--version", "2"]

    found = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)

    assert (found.returncode, found.stdout) == (0, f"{NAME}/2 is the champion, in place of version 1\n"), found.stderr
    assert in_service(registry) == "2"


def test_a_version_goes_into_service_and_the_one_before_comes_back(registry):
    promoted = asked(registry, NAME, "--version", "2")
    assert promoted.stdout == f"{NAME}/2 is the champion, in place of version 1\n", promoted.stderr
    assert in_service(registry) == "2"

    assert asked(registry, NAME, "--version", "2").stdout == f"{NAME}/2 is the champion already\n"

    rolled_back = asked(registry, NAME)
    assert rolled_back.stdout == f"{NAME}/1 is the champion, in place of version 2\n"
    assert in_service(registry) == "1"


def test_rolling_back_once_more_goes_one_further_back_and_never_to_what_was_left(registry):
    from training.registry import NoSuchVersion

    for each in ("2", "3"):
        registry.promote(NAME, each)

    assert [registry.roll_back(NAME), registry.version_of(NAME, "former")] == ["2", "1"]
    registry.promote(NAME, "4")
    assert [registry.roll_back(NAME), registry.roll_back(NAME), in_service(registry)] == ["2", "1", "1"]
    with pytest.raises(NoSuchVersion, match="no version that was in service before version 1, in "):
        registry.roll_back(NAME)
    assert [in_service(registry), registry.version_of(NAME, "former")] == ["1", None]


def test_a_version_that_was_deleted_is_passed_over_when_rolling_back(registry):
    from mlflow import MlflowClient

    for each in ("2", "3"):
        registry.promote(NAME, each)
    MlflowClient(registry.uri, registry.uri).delete_model_version(NAME, "2")

    assert registry.roll_back(NAME) == "1"


def test_what_was_promoted_before_versions_were_kept_is_rolled_back_to_the_former_one(registry):
    from mlflow import MlflowClient

    registry.promote(NAME, "2")
    MlflowClient(registry.uri, registry.uri).delete_registered_model_tag(NAME, "served_before")

    assert registry.roll_back(NAME) == "1"


def test_a_version_scores_in_shadow_until_that_is_ended(registry):
    begun = asked(registry, NAME, "--version", "2", "--shadow")
    assert begun.stdout == f"{NAME}/2 scores in shadow; how it does: make shadow-report MODEL={NAME}\n", begun.stderr
    assert registry.version_of(NAME, "challenger") == "2"
    assert in_service(registry) == "1"

    assert asked(registry, NAME, "--end-shadow").stdout == f"{NAME}/2 scores in shadow no more\n"
    assert registry.version_of(NAME, "challenger") is None
    assert asked(registry, NAME, "--end-shadow").stdout == f"no version of {NAME} scores in shadow\n"


def test_who_is_promoted_scores_in_shadow_no_more_and_who_is_rolled_back_to_another_leaves_the_challenger(registry):
    registry.shadow(NAME, "2")
    registry.promote(NAME, "2")
    assert registry.version_of(NAME, "challenger") is None

    registry.shadow(NAME, "1")
    registry.promote(NAME, "2")
    assert registry.version_of(NAME, "challenger") == "1"


@pytest.mark.parametrize(
    ("model", "version", "why"),
    [
        (NAME, "1", f"{NAME}/1 is the champion: what it says is in the ledger anyway"),
        (NAME, "7", f"{NAME} has no version 7 in "),
        ("opportune-send-hour", "1", "opportune-send-hour is no model of intent: only those score in shadow"),
    ],
)
def test_what_could_tell_nothing_in_shadow_is_refused_with_the_reason(registry, model, version, why):
    found = asked(registry, model, "--version", version, "--shadow")

    assert found.returncode == 1
    assert found.stderr.startswith(f"opportune: {why}")
    assert registry.version_of(NAME, "challenger") is None


def test_what_is_not_in_the_registry_is_told_in_a_sentence_and_changes_nothing(registry):
    from training.registry import NoSuchVersion

    unknown = asked(registry, NAME, "--version", "7")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith(f"opportune: {NAME} has no version 7 in sqlite:///")
    with pytest.raises(NoSuchVersion, match="was in service before"):
        registry.roll_back("opportune-intent-7d")
    assert in_service(registry) == "1"


def test_without_a_registry_it_says_what_to_do(tmp_path):
    found = told(tmp_path, "training.promotion", NAME)

    assert found.returncode == 1
    assert "train a model first: make retrain" in found.stderr
