"""What a module may be: small, honest in its one line, and named for what it is."""

import sys
from pathlib import Path

import pytest

from tests.architecture import tree

MOST_LINES = 400
# Words that say nothing about what is inside.
EMPTY_WORDS = {"util", "utils", "helper", "helpers", "common", "core", "base", "manager", "service", "misc"}


def test_a_module_says_in_one_line_what_it_is():
    said = {path: (tree.docstring(path) or "").split("\n\n")[0] for path in tree.modules()}

    assert [path for path, line in said.items() if not line] == [], "begin with a docstring"
    assert [path for path, line in said.items() if "\n" in line] == [], "the first paragraph of a docstring is one line"


def test_no_file_is_longer_than_a_reader_can_hold():
    lines = {path: tree.text(path).count("\n") for path in tree.files() if path.suffix == ".py"}

    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}, "split it"


def test_a_module_is_named_for_what_it_is():
    words = {path: {word for part in path.with_suffix("").parts for word in part.split("_")} for path in tree.modules()}

    assert [path for path, those in words.items() if those & EMPTY_WORDS] == [], "name it for what is in it"


def test_no_feature_declaration_hides_a_module_of_the_standard_library():
    # Feast puts the folder itself on the path.
    names = {path.stem for path in tree.modules() if path.parts[0] == "feature_repo"} - {"__init__"}

    assert names & sys.stdlib_module_names == set()


@pytest.mark.parametrize("package", tree.PACKAGES)
def test_a_package_has_tests_that_mirror_it(package):
    tests = {path.stem for path in tree.files() if path.parts[:2] == ("tests", package)}

    assert tests, f"tests/{package}/ is missing"


def names(test: Path, module: Path) -> bool:
    package, subject = Path(*test.parts[1:-1]), test.stem.removeprefix("test_")
    return module.parent == package and (subject == module.name or subject.startswith(f"{module.name}_"))


def test_a_test_module_names_the_module_that_it_tests():
    modules = {found.with_suffix("") for found in tree.modules()} | {found.parent for found in tree.modules()}
    tests = [path for path in tree.files() if path.name.startswith("test_") and path.parts[1] in tree.PACKAGES]

    assert [path for path in tests if not any(names(path, found) for found in modules)] == [], (
        "there is no such module; tests of several modules belong in tests/acceptance"
    )
