"""Load a bundle in a process of its own first: a damaged model text can end a process, or hold it for ever."""

import gc
import os
import subprocess
import sys
from pathlib import Path

from models.horizon import SEGMENTS, SEND_HOUR, UPLIFT
from models.manifest import BundleRefused

ROWS = 64
REFUSED = 3


def probe(directory: Path, role: str, *, timeout_s: float = 30.0) -> None:
    """Load the bundle of a horizon, of send hours, segments or uplift, and predict with it in another process.

    Raises:
        BundleRefused: It was refused, its process died, or it took longer than `timeout_s`.
    """
    command = [sys.executable, "-m", "models.probe", str(directory.resolve()), role]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        found = subprocess.run(  # noqa: S603 - our own module, on a path that we made
            command,
            capture_output=True,
            text=True,
            # LightGBM's last words may quote the damage.
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
            env=environment,
            cwd=_root(),
        )
    except subprocess.TimeoutExpired as error:
        raise BundleRefused(f"{directory} did not load and predict within {timeout_s:g} s") from error
    if found.returncode == REFUSED:
        raise BundleRefused(found.stderr.strip())
    if found.returncode:
        last = (found.stderr.strip().splitlines() or ["no message"])[-1]
        raise BundleRefused(f"{directory} ended the process that loaded it (exit {found.returncode}): {last}")


def exercise(directory: Path, role: str) -> None:
    """Load the bundle and predict; a model of intent, rows that reach all over its trees.

    Raises:
        BundleRefused: It does not load, or what it predicts are no probabilities.
    """
    # Only now, in the process that is thrown away, and only what it asks: compiled kernels take a hundred megabytes.
    if role == SEND_HOUR:
        from models import send_hour_bundle

        send_hour_bundle.load(directory)
    elif role == SEGMENTS:
        from models import segments_bundle

        segments_bundle.load(directory)
    elif role.startswith(UPLIFT):
        from models import uplift_bundle

        uplift_bundle.load(directory)
    else:
        _predict(directory)


def _predict(directory: Path) -> None:
    import numpy as np

    from features.catalog import CATALOGUE
    from models import bundle

    model = bundle.load(directory)
    rows = np.random.default_rng(0).lognormal(1.0, 2.0, (ROWS, CATALOGUE.n_features))
    rows[0], rows[1] = 0.0, np.nan
    predicted = model.predict(rows)
    if predicted.shape != (ROWS,) or not np.all((predicted >= 0.0) & (predicted <= 1.0)):
        raise BundleRefused(f"{directory} predicts numbers that are no probabilities")


def _root() -> Path:
    """Return the folder from which our packages can be imported, installed or not."""
    return Path(__file__).resolve().parent.parent


if __name__ == "__main__":
    # What is imported stays, and nothing else is looked at twice: rubbish goes with the process.
    gc.disable()
    try:
        exercise(Path(sys.argv[1]), sys.argv[2])
    except BundleRefused as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(REFUSED)
