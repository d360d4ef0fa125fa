"""What a module may be: small, honest in its one line, and named for what it is."""

import sys
from pathlib import Path

import pytest

from tests.architecture import tree

MOST_LINES = 400
# Words that say nothing about what is inside.
EMPTY_WORDS = {"util", "utils", "helper", "helpers", "common", "core", "base", "manager", "service", "misc"}


@pytest.mark.parametrize("path", tree.modules(), ids=str)
def test_a_module_is_small_and_says_in_one_line_what_it_is(path):
    lines = tree.text(path).count("\n")
    said = (tree.docstring(path) or "").split("\n\n")[0]

    assert lines <= MOST_LINES, f"{path} has {lines} lines: split it"
    assert said, f"{path} begins without a docstring"
    assert said.count("\n") == 0, f"{path}: the first paragraph of its docstring is one line"


@pytest.mark.parametrize("path", [path for path in tree.files() if path.suffix == ".py"], ids=str)
def test_no_file_is_longer_than_a_reader_can_hold(path):
    assert tree.text(path).count("\n") <= MOST_LINES


@pytest.mark.parametrize("path", tree.modules(), ids=str)
def test_a_module_is_named_for_what_it_is(path):
    words = {word for part in path.with_suffix("").parts for word in part.split("_")}

    assert not words & EMPTY_WORDS, f"{path}: name it for what is in it"


@pytest.mark.parametrize("path", [path for path in tree.modules() if path.parts[0] == "feature_repo"], ids=str)
def test_no_feature_declaration_hides_a_module_of_the_standard_library(path):
    # Feast puts the folder itself on the path.
    assert path.stem == "__init__" or path.stem not in sys.stdlib_module_names


@pytest.mark.parametrize("package", tree.PACKAGES)
def test_a_package_has_tests_that_mirror_it(package):
    tests = {path.stem for path in tree.files() if path.parts[:2] == ("tests", package)}

    assert tests, f"tests/{package}/ is missing"


@pytest.mark.parametrize(
    "path",
    [path for path in tree.files() if path.name.startswith("test_") and path.parts[1] in tree.PACKAGES],
    ids=str,
)
def test_a_test_module_names_the_module_that_it_tests(path):
    package = Path(*path.parts[1:-1])
    subject = path.stem.removeprefix("test_")
    modules = {found.with_suffix("") for found in tree.modules()} | {found.parent for found in tree.modules()}

    assert any(
        found == package / subject or (found.parent == package and subject.startswith(f"{found.name}_"))
        for found in modules
    ), f"{path}: there is no {package / subject}.py; tests of several modules belong in tests/acceptance"
