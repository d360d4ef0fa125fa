"""Where compiled kernels are kept, so that start-up does not compile."""

import hashlib
import os
from pathlib import Path
from typing import Final

COMPILED: Final = (
    "activity",
    "advance",
    "decay",
    "declare",
    "events",
    "fold",
    "habits",
    "kinds",
    "layout",
    "merge",
    "pace",
    "read",
    "steps",
)
"""Modules that hold kernels, or constants that are compiled into them."""


def keep_compiled(home: Path) -> None:
    """Tell numba to cache below `home`, or below NUMBA_CACHE_DIR where that is set; call it before numba is imported.

    numba notices a change in a function's own file only, not in those that it calls. So each version of the kernels
    has a folder of its own. A process that this one starts inherits it.
    """
    version = _version()
    given = Path(os.environ.get("NUMBA_CACHE_DIR") or home.resolve() / "numba")
    os.environ["NUMBA_CACHE_DIR"] = str(given if given.name == version else given / version)


def _version() -> str:
    sources = (Path(__file__).with_name(f"{each}.py") for each in COMPILED)
    return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:12]
