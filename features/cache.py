"""Where compiled kernels are kept, so that start-up does not compile."""

import hashlib
import os
from pathlib import Path


def keep_compiled(home: Path) -> None:
    """Tell numba to cache below `home`, apart for each version of the kernels; call it before they are imported.

    numba notices a change in a function's own file only, so the sources of this package together name the folder. A
    folder given by NUMBA_CACHE_DIR is left alone.
    """
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:12]
    os.environ.setdefault("NUMBA_CACHE_DIR", str(home.resolve() / "numba" / digest))
