import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import features
from features.cache import COMPILED, keep_compiled

FEATURES = Path(features.__file__).parent
COUNT_MISSES = """
import json, sys
import features.warm
features.warm.compile_kernels()
from numba.core.dispatcher import Dispatcher
kernels = {id(each): each for name, module in sys.modules.items() if name.startswith("features.")
           for each in vars(module).values() if isinstance(each, Dispatcher)}.values()
json.dump({each.py_func.__name__: [sum(each.stats.cache_hits.values()), sum(each.stats.cache_misses.values())]
           for each in kernels}, sys.stdout)
"""


def warmed(home):
    """Let a new process compile what it must; return how many kernels came from the cache, and how many did not."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(home), "PYTHONPATH": str(FEATURES.parent)}
    script = f"from pathlib import Path; from features.cache import keep_compiled; keep_compiled(Path()){COUNT_MISSES}"
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test_a_second_process_compiles_nothing():
    warmed(os.environ["NUMBA_CACHE_DIR"])
    kernels = warmed(os.environ["NUMBA_CACHE_DIR"])

    assert {"advance_state", "read_state", "merge_states", "_fold", "read_rows"} <= set(kernels)
    assert {name: misses for name, (_, misses) in kernels.items() if misses} == {}
    assert sum(hits for hits, _ in kernels.values()) > 0


def imports_of(path):
    """Return the modules of the package that a module imports, and whether it imports numba."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    ours = {name.split(".")[1] for name in names if name and name.startswith("features.")}
    return {each for each in ours if (FEATURES / f"{each}.py").exists()}, "numba" in names


def test_every_module_that_is_compiled_or_gives_constants_to_one_names_the_folder():
    found = {path.stem: imports_of(path) for path in FEATURES.glob("*.py")}
    needed = {name for name, (_, compiled) in found.items() if compiled}

    assert needed <= set(COMPILED)
    for name in set(COMPILED):
        # The catalogue is given to the kernels when they are called, and fingerprints are not seen by them.
        assert found[name][0] - {"catalog", "fingerprints"} <= set(COMPILED), name


def test_compiled_kernels_are_kept_below_home_apart_for_each_version(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)

    keep_compiled(tmp_path)
    first = os.environ["NUMBA_CACHE_DIR"]
    keep_compiled(tmp_path / "elsewhere")

    assert Path(first).parent == tmp_path / "numba"
    assert os.environ["NUMBA_CACHE_DIR"] == first


def test_a_folder_that_was_asked_for_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    keep_compiled(tmp_path / "elsewhere")

    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent == tmp_path
