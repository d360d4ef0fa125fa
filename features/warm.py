"""Compiles every kernel once, so that no process waits for it: `python -m features.warm`."""

import os
from pathlib import Path

import numpy as np

from features.cache import keep_compiled


def compile_kernels() -> None:
    """Call every kernel with what serving and training call it with; what is compiled stays in numba's cache."""
    # Imported late: numba settles where it caches when it is first imported.
    from features.catalog import CATALOGUE
    from features.events import pack_record
    from features.fold import LogArrays, fold, read_rows
    from features.habits import read_hours
    from features.kinds import Kind
    from features.state import advance, empty, empty_rows, merge, read
    from features.steps import Steps
    from features.traits import with_traits

    packed = with_traits(pack_record(1, Kind.PAGE_VIEWED), {}, CATALOGUE.traits)
    record = np.frombuffer(packed, dtype="<f8")
    state = empty()
    for each in (record, record.copy()):
        advance(state, each, 1, 1)
    merge(state, empty())
    read(state, 2)
    steps = Steps()
    steps.advance(0, packed, 1, 1)
    steps.merge(0, 1)
    steps.read(0, 2)
    steps.run(empty_rows(2))
    one = np.zeros(1, dtype=np.int64)
    log = LogArrays(one, one + 1, one + 1, record.reshape(1, -1).copy(), one - 1)
    read_rows(fold(log, one), one + 2)
    read_hours(fold(log, one), one + 2)


def main() -> None:
    """Compile into the cache below OPPORTUNE_HOME."""
    keep_compiled(Path(os.environ.get("OPPORTUNE_HOME", "var")))
    compile_kernels()


if __name__ == "__main__":
    main()
