"""The preloaded Python, for as long as a run of the tests takes, whichever of its processes asks."""

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NAME = "PRELOADED_PYTHON"
"""Of the variable by which a run tells its processes what stands for Python; `python.PYTHON` reads it."""
HERE = Path(__file__).parent


@contextmanager
def started() -> Iterator[Path]:
    """Start it and yield the command that stands for Python: `<command> -m serving` is a server, in a fork of it."""
    with tempfile.TemporaryDirectory() as folder:
        python, listening = Path(folder, "python"), Path(folder, "socket")
        if sys.platform != "linux":
            # Elsewhere what a library started when it was imported may not survive the fork.
            _write(python, [sys.executable])
            yield python
            return
        _write(python, [sys.executable, "-IS", HERE / "stand_in.py", python, listening])
        # Not in the group of the terminal: its commands are told to stop by those who gave them.
        with subprocess.Popen(
            [sys.executable, "-P", HERE / "server.py", listening],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as server:
            if server.stdout is None or server.stdout.readline() != "listening\n":
                raise RuntimeError("the preloaded Python does not listen")
            yield python


def _write(python: Path, command: Sequence[str | Path]) -> None:
    python.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, command))} "$@"\n')
    python.chmod(0o755)
