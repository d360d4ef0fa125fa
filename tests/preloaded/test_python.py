import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.preloaded.python import PYTHON

WITHIN_S = 300
"""The first command waits until everything is imported."""


def both(*arguments, **more):
    """Run something by Python itself and by what stands for it; return how each ended and what each printed."""
    ended = [
        subprocess.run([python, *arguments], capture_output=True, text=True, timeout=WITHIN_S, check=False, **more)
        for python in (sys.executable, PYTHON)
    ]
    return [(each.returncode, each.stdout, each.stderr) for each in ended]


@pytest.fixture
def script(tmp_path):
    """Write a script, and return its path."""

    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def running(script):
    """Start a script that tells its process id, and end it; returns what stands for it, and what it is."""
    path = script("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    with subprocess.Popen([PYTHON, path], stdout=subprocess.PIPE, text=True) as process:
        yield process, psutil.Process(int(process.stdout.readline()))
        process.kill()


@pytest.mark.parametrize(
    "text",
    [
        "print('done')",
        "raise SystemExit(3)",
        "raise SystemExit('refused')",
        "import sys; sys.stdout.write(sys.stdin.read()); sys.exit(None)",
        "import atexit; atexit.register(print, 'last')",
        "import os; os.kill(os.getpid(), 9)",
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()",
        "import warnings; warnings.warn('not asked for', DeprecationWarning, stacklevel=1)",
    ],
)
def test_a_script_prints_and_ends_as_with_python(script, text):
    python, preloaded = both(script(text), input="said\n")

    assert preloaded == python


def test_a_script_that_raises_tells_its_last_line_and_ends_with_one(script):
    (code, _, told), (same, _, also) = both(script("1 / 0"))

    assert (code, same) == (1, 1)
    assert told.splitlines()[-1] == also.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_a_command_finds_its_arguments_its_folder_and_its_environment(script, tmp_path):
    path = script("import os, sys, time\nprint(sys.argv, os.getcwd(), os.environ['OURS'], time.tzname, sys.path[0])")
    python, preloaded = both(path, "--a", "b c", cwd=tmp_path, env={**os.environ, "OURS": "1", "TZ": "Asia/Tokyo"})

    assert python[0] == 0, python
    assert preloaded == python


def test_a_module_is_taken_from_where_its_caller_finds_it(tmp_path):
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "__init__.py").touch()
    (tmp_path / "features" / "other.py").write_text("print(__name__, __file__)")
    python, preloaded = both("-m", "features.other", env={**os.environ, "PYTHONPATH": str(tmp_path)}, cwd=tmp_path)

    assert python[1] == f"__main__ {tmp_path / 'features' / 'other.py'}\n"
    assert preloaded == python


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is Python itself")
def test_a_command_of_ours_starts_with_what_is_imported_already(script):
    _, preloaded = both(script("import sys; print({'feast', 'mlflow', 'lightgbm'} <= set(sys.modules))"))

    assert preloaded == (0, "True\n", "")


def test_what_is_no_command_of_ours_is_done_by_python_itself():
    python, preloaded = both("-c", "import sys; print(sys.executable, 'feast' in sys.modules)")

    assert preloaded == python


def test_a_signal_reaches_the_process_and_is_how_its_stand_in_ends(running):
    process, itself = running
    process.terminate()

    assert process.wait(WITHIN_S) == -signal.SIGTERM
    assert not itself.is_running()


def test_whose_stand_in_is_killed_is_killed(running):
    process, itself = running
    process.kill()

    psutil.wait_procs([itself], timeout=WITHIN_S)
    assert not itself.is_running()
