"""What every command of training does first: find its home, and put its process in order."""

import os
import warnings
from pathlib import Path

from features.cache import keep_compiled


def home_of_process() -> Path:
    """Return the folder of everything a run leaves behind: OPPORTUNE_HOME, `var` if that is not said."""
    return Path(os.environ.get("OPPORTUNE_HOME", "var")).absolute()


def prepare(home: Path) -> None:
    """Put the process in order before numba, LightGBM, Feast and MLflow are imported: they read these once."""
    os.environ.update(OPPORTUNE_HOME=str(home), TZ="UTC")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    keep_compiled(home)
    # The warnings are those of libraries, not the reader's.
    warnings.simplefilter("ignore")
