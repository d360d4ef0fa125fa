"""A command of the project, given in the process of the tests: Feast and MLflow are imported by the first one only."""

import gc
import importlib
import io
import os
import signal
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess

import pytest


def told(home, module, *arguments, **settings):
    """Give a command, as `python -m module` would in a process of its own; return how it ended and what it printed.

    A test of what a process does as such (signals, its exit, what it imports) starts one.
    """
    own = {"HOME": home, **settings}
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patched, warnings.catch_warnings(), redirect_stdout(out), redirect_stderr(err):
        for name in [each for each in os.environ if each.startswith("OPPORTUNE_")]:
            patched.delenv(name)
        for name, value in own.items():
            patched.setenv(f"OPPORTUNE_{name}", str(value))
        patched.setattr(sys, "argv", [module, *map(str, arguments)])
        # As Python does where nobody asked for warnings.
        warnings.simplefilter("ignore")
        terminated, collected = signal.getsignal(signal.SIGTERM), gc.get_threshold()
        try:
            code = importlib.import_module(module).main()
        except SystemExit as end:
            code = end.code
        finally:
            signal.signal(signal.SIGTERM, terminated)
            gc.unfreeze()
            gc.set_threshold(*collected)
    if isinstance(code, str):
        err.write(f"{code}\n")
        code = 1
    return CompletedProcess((module, *arguments), code or 0, out.getvalue(), err.getvalue())
