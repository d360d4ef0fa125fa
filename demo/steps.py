"""What every demonstration begins with: an empty home, and steps that are told as they begin and timed."""

import os
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from features.cache import keep_compiled


class Steps:
    """How long each step took, in seconds, by its name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Tell that a step begins, and note how long it took."""
        sys.stderr.write(f"» {name}\n")
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    @property
    def rounded(self) -> dict[str, float]:
        """The same to a tenth of a second."""
        return {step: round(taken, 1) for step, taken in self.seconds.items()}


def home_of(name: str) -> Path:
    """Return where a demonstration leaves what it makes, below OPPORTUNE_HOME; what was there before is gone."""
    home = (Path(os.environ.get("OPPORTUNE_HOME", "var")) / name).absolute()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["TZ"] = "UTC"
    keep_compiled(home.parent)
    warnings.simplefilter("ignore")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return home
