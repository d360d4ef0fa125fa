"""What was served, recomputed."""

import csv

import numpy as np
import pytest

from features.catalog import CATALOGUE
from tests.training.logs import a_crowd, known, write_evaluations, write_log
from training.parity import Parity, compare, main

ROWS = a_crowd(events=120)
LAST = ROWS[-1][1].known_at


@pytest.fixture
def served():
    """Each event as it was answered, and everybody as of a past moment and of a later one."""
    events = [(user, each.known_at) for user, each, _ in ROWS]
    people = sorted({user for user, _, _ in ROWS})
    past = ROWS[60][1].known_at + 1
    asked = events + [(user, at) for user in people for at in (past, LAST + 10**9)]
    # An id is not served any more once it belongs to somebody else.
    gone = {linked: each.known_at for _, each, linked in ROWS if linked}
    return [(user, at, known(ROWS, user, at)) for user, at in asked if at < gone.get(user, LAST + 10**12)]


def test_what_was_served_is_what_the_log_says(tmp_path, served):
    database = write_log(tmp_path, ROWS)
    write_evaluations(database, served)
    differences = []

    found = compare(database, report=differences.append)

    assert found.summary() == {"rows": len(served), "mismatches": 0}
    assert differences == []


def test_one_wrong_bit_is_reported_with_user_moment_and_feature(tmp_path, served):
    database = write_log(tmp_path, ROWS)
    user, at, right = served[50]
    wrong = right.copy()
    wrong[0] = np.nextafter(right[0], np.inf)
    write_evaluations(database, [*served[:50], (user, at, wrong), *served[51:]])
    differences = []

    found = compare(database, report=differences.append)

    assert (found.rows, found.mismatches, dict(found.by_feature)) == (len(served), 1, {CATALOGUE.names[0]: 1})
    (difference,) = differences
    assert (difference.user, difference.feature) == (user, CATALOGUE.names[0])
    assert (difference.served, difference.recomputed) == (wrong[0], right[0])
    assert np.datetime64(difference.moment.removesuffix("+00:00"), "us").astype(int) == at


def test_vectors_that_retention_removed_are_counted_and_not_compared(tmp_path, served):
    database = write_log(tmp_path, ROWS)
    write_evaluations(database, [(user, at, None) for user, at, _ in served])

    assert compare(database) == Parity(pruned=len(served))


def test_the_command_fails_when_anything_differs(tmp_path, served, monkeypatch, capsys):
    database = write_log(tmp_path, ROWS)
    user, at, right = served[-1]
    write_evaluations(database, [(user, at, right + 1.0)])
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert "1 served feature vectors recomputed from the log: 1 differ" in capsys.readouterr().out
    with (tmp_path / "parity.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == int((~np.isnan(right)).sum())


def test_the_command_says_when_there_is_nothing_to_compare(tmp_path, monkeypatch):
    monkeypatch.setenv("OPPORTUNE_HOME", str(tmp_path))

    with pytest.raises(SystemExit, match="does not exist"):
        main()
