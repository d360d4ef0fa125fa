"""Whatever a package imports is declared for where it runs, so that no image misses or carries what it should not."""

import ast
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture import tree

PROJECT = tomllib.loads(tree.text(tree.ROOT / "pyproject.toml"))["project"]
OURS = {*tree.PACKAGES, *tree.COMMANDS, "tests"}
EXTRAS = {
    "features": [],
    "models": [],
    "policy": [],
    "feature_repo": ["serving"],
    "serving": ["serving"],
    "training": ["training"],
    "demo": ["serving", "training", "demo"],
    "benchmarks": ["serving", "training", "demo", "dev"],
    "verification": ["training"],
}


@cache
def declared(package: str) -> frozenset[str]:
    lines = [*PROJECT["dependencies"]]
    for extra in EXTRAS[package]:
        lines += PROJECT["optional-dependencies"][extra]
    return frozenset(canonicalize_name(Requirement(line).name) for line in lines)


# Parts of a declared distribution that are packaged apart, at versions that it pins itself.
PARTS = {"pydantic_core": "pydantic"}


@cache
def distributions() -> dict[str, list[str]]:
    return {**packages_distributions(), **{part: [whole] for part, whole in PARTS.items()}}


def imported(path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(tree.text(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names} - OURS - sys.stdlib_module_names


def undeclared(path) -> set[str]:
    return {
        name
        for name in imported(path)
        if not {canonicalize_name(each) for each in distributions().get(name, [name])} & declared(path.parts[0])
    }


def test_what_a_module_imports_is_declared_for_where_it_runs():
    found = {path: undeclared(path) for path in tree.modules()}

    assert {path: names for path, names in found.items() if names} == {}, f"declare it in pyproject.toml: {EXTRAS}"


def first_import(path, package: str) -> float:
    """Return the line of the first top-level import of a package; infinite where there is none."""
    nodes = ast.parse(tree.text(path)).body
    found = [
        node.lineno
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package
    ]
    found += [
        node.lineno for node in nodes if isinstance(node, ast.Import) for each in node.names if each.name == package
    ]
    return min(found, default=float("inf"))


def test_feast_is_imported_by_way_of_feature_repo_which_takes_a_third_of_the_time():
    paths = [each for each in tree.modules() if each.parts[0] in ("serving", "training")]

    assert [each for each in paths if first_import(each, "feature_repo") > first_import(each, "feast")] == []
