"""The Makefile is the command line of the project: `make help` tells all of it."""

import os
import re
import subprocess
import sys

import pytest

from tests.architecture import tree

MAKEFILE = tree.text(tree.ROOT / "Makefile")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, flags=re.MULTILINE))
PROMISED = {
    "help", "install", "demo", "test", "check", "format", "lock", "import", "retrain", "serve", "parity", "rebuild",
    "tail", "key", "bench", "chaos", "clean", "test-clean",
    "pause", "resume", "lint-triggers", "audit-segments", "test-triggers", "what-if", "import-products",
    "preview", "demo-carts", "test-clients",
    "report", "export-ledger", "verify-statistics",
    "simulate",
    "policy-value",
    "health",
    "shadow", "shadow-report",
    "backup", "restore",
}  # fmt: skip


def test_every_promised_command_is_there():
    assert PROMISED <= TARGETS


def test_help_tells_of_every_command():
    told = subprocess.run(["make", "help"], cwd=tree.ROOT, check=True, capture_output=True, text=True).stdout

    assert set(re.findall(r"^  make ([a-z-]+) +\S", told, flags=re.MULTILINE)) == TARGETS


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("/srv/shop two", "/srv/shop two"),
        ("elsewhere", f"{tree.ROOT}/elsewhere"),
        ("./my shop/var", f"{tree.ROOT}/./my shop/var"),
    ],
)
def test_a_home_may_have_any_name(said, meant):
    asked = ["make", "-s", "--eval", 'home: ; @printf %s "$$OPPORTUNE_HOME"', "home"]

    told = subprocess.run(
        asked, cwd=tree.ROOT, env={**os.environ, "OPPORTUNE_HOME": said}, check=True, capture_output=True, text=True
    )

    assert told.stdout == meant


@pytest.mark.parametrize(("there", "outcome"), [(f'exec {sys.executable} "$@"', 0), ("echo '(3, 9)'", 2)])
def test_an_environment_of_another_python_than_the_one_that_was_named_is_refused(tmp_path, there, outcome):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f"#!/bin/sh\n{there}\n")
    python.chmod(0o755)
    (tmp_path / ".installed").touch()
    # What the make that runs this was told is not for this one.
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "INSTALLED"}}

    done = subprocess.run(
        ["make", "install", f"VENV={tmp_path}", f"PYTHON={sys.executable}"],
        cwd=tree.ROOT, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == outcome, done.stderr
    assert (f"{tmp_path} is of Python (3, 9), and" in done.stderr) == (outcome == 2)


def test_no_command_is_mistaken_for_a_file():
    assert set(re.findall(r"^\.PHONY: (\S+)", MAKEFILE, flags=re.MULTILINE)) == TARGETS


def test_ci_runs_what_the_readme_says_and_nothing_of_its_own():
    commands = [
        line
        for line in tree.text(tree.ROOT / ".ci/run").splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]

    assert commands == ["make check", "make test", "make test-clients"]
