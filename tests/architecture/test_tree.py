"""What no committed file may contain: addresses of package indexes, paths of one machine, run-time data."""

import re

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


def test_no_index_address_and_no_machine_path_is_committed():
    texts = {path: tree.text(path) for path in tree.files()}

    assert {path: found for path, text in texts.items() if (found := INDEX.search(text))} == {}
    assert {path: found for path, text in texts.items() if (found := MACHINE.search(text))} == {}


def test_nothing_that_a_run_left_behind_is_committed():
    assert [path for path in tree.files() if path.suffix in RUN_TIME and path.parts[0] != "tests"] == []
    assert [path for path in tree.files() if (tree.ROOT / path).stat().st_size > MOST_BYTES] == []
