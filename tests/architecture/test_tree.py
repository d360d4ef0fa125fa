"""What no committed file may contain: addresses of package indexes, paths of one machine, run-time data."""

import re

import pytest

from tests.architecture import tree

# Put together from pieces, so that this file passes its own check.
INDEX = re.compile(
    "|".join(
        [
            r"py" + r"pi\.org",
            r"files\.python" + r"hosted",
            r"registry\.npm" + r"js",
            r"--(?:extra-)?index" + r"-url\s+\S",
            r"--find" + r"-links",
        ]
    )
)
MACHINE = re.compile(
    r"(?<![\w.$}~/-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers", "o" + "pt"]) + r")/\w"
)
RUN_TIME = (".db", ".db-wal", ".db-shm", ".sqlite", ".parquet", ".pyc", ".log")
MOST_BYTES = 1_000_000


@pytest.mark.parametrize("path", tree.files(), ids=str)
def test_no_index_address_and_no_machine_path_is_committed(path):
    found = tree.text(path)

    assert not INDEX.search(found), INDEX.search(found)
    assert not MACHINE.search(found), MACHINE.search(found)


@pytest.mark.parametrize("path", tree.files(), ids=str)
def test_nothing_that_a_run_left_behind_is_committed(path):
    assert path.suffix not in RUN_TIME or path.parts[0] == "tests"
    assert (tree.ROOT / path).stat().st_size <= MOST_BYTES
