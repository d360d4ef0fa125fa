"""The locks: what pyproject.toml asks for, with hashes, and no training stack where the server runs."""

import json
import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture import tree

PROJECT = tomllib.loads(tree.text(tree.ROOT / "pyproject.toml"))["project"]
LOCKS = ("dev", "serving", "training", "bootstrap", "browser", "older-sdks")
NOT_IN_SERVING = {"mlflow", "scikit-learn", "matplotlib", "shap", "pytest", "hypothesis", "ruff", "skops"}


def pins(lock: str) -> dict[str, set[Version]]:
    found: dict[str, set[Version]] = {}
    for name, version in re.findall(
        r"^([a-z0-9][\w.-]*)==(\S+)", tree.text(tree.ROOT / f"requirements/{lock}.lock"), re.MULTILINE
    ):
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


def asked(extra: str) -> Iterator[Requirement]:
    for line in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]]:
        requirement = Requirement(line)
        if requirement.name == PROJECT["name"]:
            for other in requirement.extras:
                yield from asked(other)
        else:
            yield requirement


@pytest.mark.parametrize("extra", ["dev", "serving", "training"])
def test_the_lock_holds_what_the_project_asks_for(extra):
    locked = pins(extra)

    for requirement in asked(extra):
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in requirements/{extra}.lock: run `make lock`"
        assert all(requirement.specifier.contains(version, prereleases=True) for version in versions), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pinned_package_has_hashes(lock):
    text = tree.text(tree.ROOT / f"requirements/{lock}.lock")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]

    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", ["serving", "training"])
def test_all_locks_agree(lock):
    everything = pins("dev")

    assert {name: versions for name, versions in pins(lock).items() if everything[name] != versions} == {}


def test_what_drives_the_browser_changes_nothing_that_is_installed_beside_it():
    everything = pins("dev")

    assert {name for name, versions in pins("browser").items() if everything.get(name, versions) != versions} == set()


def test_the_clients_are_those_that_are_promised():
    packages = json.loads(tree.text(tree.ROOT / "tests/clients/package-lock.json"))["packages"]

    assert packages["node_modules/@segment/analytics-node"]["version"] == "3.1.0"
    older = pins("older-sdks")
    assert {name: older[name] for name in ("rudder-sdk-python", "segment-analytics-python")} == {
        "rudder-sdk-python": {Version("2.1.9")},
        "segment-analytics-python": {Version("2.3.4")},
    }
    assert pins("dev")["segment-analytics-python"] == {Version("2.4.0")}


def test_the_lock_of_node_has_hashes_and_no_address_of_a_registry():
    packages = json.loads(tree.text(tree.ROOT / "tests/clients/package-lock.json"))["packages"]
    installed = {name: each for name, each in packages.items() if name}

    assert [name for name, each in installed.items() if not each["integrity"].startswith("sha512-")] == []
    assert [name for name, each in installed.items() if "resolved" in each] == []


def test_a_serving_image_carries_no_training_stack():
    assert not NOT_IN_SERVING & pins("serving").keys()
