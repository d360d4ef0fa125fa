"""The wheel: every package with the declarations that it reads, and nothing that a run left behind."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture import tree

DECLARATIONS = {".yaml", ".yml", ".json", ".mako", ".html", ".sql", ".typed"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> set[Path]:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=tree.ROOT,
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return {Path(name) for name in archive.namelist()}


def test_it_holds_every_module_and_declaration(wheel):
    wanted = {path for path in tree.files() if path.parts[0] in tree.PACKAGES and path.suffix in {".py", *DECLARATIONS}}

    assert wanted <= wheel


def test_it_holds_nothing_else(wheel):
    tracked = set(tree.files())

    assert {path for path in wheel if ".dist-info" not in str(path)} <= tracked
