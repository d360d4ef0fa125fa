"""The log as arrays."""

from dataclasses import replace

import numpy as np
import pytest

from features.catalog import DECLARATIONS
from features.declare import Trait
from features.kinds import Kind
from features.layout import compile_catalogue
from tests.features.histories import HOUR, JULY, Happening
from tests.training.logs import a_crowd, write_log
from training.log import beginning, ending, read_log


def view(hours):
    return Happening(Kind.PRODUCT_VIEWED, known_at=JULY + hours * HOUR, occurred_at=JULY + hours * HOUR)


LINKED = [
    ("anonymous:a", view(0), None),
    ("bob", view(1), None),
    ("ann", view(2), None),
    ("anonymous:a", view(3), None),
    ("ann", replace(view(4), kind=Kind.IDENTIFIED), "anonymous:a"),
    ("bob", view(5), None),
    ("ann", view(6), None),
]

TOLD = [{"age": 31}, {"shoe": 44}, {"age": "old"}]


@pytest.fixture
def crowd(tmp_path):
    return read_log(write_log(tmp_path, a_crowd()))


def test_rows_of_linked_users_are_adjacent_and_in_log_order(tmp_path):
    log = read_log(write_log(tmp_path, LINKED))

    assert [log.user_keys[user] for user in log.arrays.user] == [
        "anonymous:a", "ann", "anonymous:a", "ann", "ann", "bob", "bob",
    ]  # fmt: skip
    assert log.arrays.seq.tolist() == [1, 3, 4, 5, 7, 2, 6]
    assert log.arrays.linked.tolist() == [-1, -1, -1, log.user_keys.index("anonymous:a"), -1, -1, -1]


def test_each_event_keeps_its_numbers(tmp_path):
    rows = a_crowd()

    log = read_log(write_log(tmp_path, rows))

    for row, seq in enumerate(log.arrays.seq):
        user, each, _ = rows[seq - 1]
        assert log.user_keys[log.arrays.user[row]] == user
        assert log.arrays.known_at[row] == each.known_at
        assert log.arrays.records[row].tobytes() == each.record.tobytes()
        assert log.kinds[row] == each.kind


def test_what_is_told_of_people_is_read_for_a_catalogue_that_declares_it(tmp_path):
    declared = compile_catalogue([*DECLARATIONS, Trait(name="age", meaning="Age", trait="age")])
    told = [replace(view(hours), kind=Kind.IDENTIFIED, traits=traits) for hours, traits in enumerate(TOLD)]

    log = read_log(write_log(tmp_path, [("ann", each, None) for each in told]), catalogue=declared)

    np.testing.assert_array_equal(log.arrays.records[:, -1], [31.0, np.nan, -np.inf])
    assert log.arrays.records[:, :-1].tobytes() == b"".join(each.packed for each in told)


def test_the_log_can_be_read_up_to_a_moment(tmp_path):
    path = write_log(tmp_path, LINKED)

    assert sorted(read_log(path, until_us=JULY + 2 * HOUR).arrays.seq) == [1, 2, 3]
    assert read_log(path, until_us=JULY - 1).span == (0, 0)
    assert read_log(path).span == (JULY, JULY + 6 * HOUR)


def days(*moments):
    return np.array([JULY + each * 24 * HOUR for each in moments], dtype=np.int64)


STEADY = [each / 50 for each in range(3000)]  # two months


@pytest.mark.parametrize(
    ("strays", "found"),
    [
        ([], 0),
        ([-61], 0),  # before a longer silence than all that followed
        ([-10_000, -3_000, -1_000], 0),
        ([-59], -59),
        ([-1000, -999.9, -999.8, -999.7], -1000),  # more than a thousandth is no mistake
    ],
)
def test_a_log_begins_with_its_first_event_that_is_no_stray(strays, found):
    moments = days(*STEADY, *strays)

    assert beginning(moments) == days(found)[0]
    assert ending(-moments) == -days(found)[0]


def test_a_wrong_date_does_not_stretch_the_time_that_models_learn_from(tmp_path):
    rows = [
        ("ann", Happening(Kind.PRODUCT_VIEWED, known_at=int(at), occurred_at=int(at)), None)
        for at in days(-9000, *STEADY)
    ]

    log = read_log(write_log(tmp_path, rows))

    assert log.span == (JULY, int(days(STEADY[-1])[0]))
    assert len(log.arrays) == 3001


def test_an_empty_log_has_nobody(tmp_path):
    log = read_log(write_log(tmp_path, []))

    assert (len(log.arrays), log.user_keys, log.kinds.size) == (0, [], 0)


def test_bots_staff_and_test_users_are_told_apart(tmp_path):
    log = read_log(write_log(tmp_path, LINKED, excluded=["bob"]))

    assert [key for key, excluded in zip(log.user_keys, log.excluded, strict=True) if excluded] == ["bob"]


def test_the_fingerprint_is_that_of_the_numbers(tmp_path):
    def fingerprint(name, rows):
        (tmp_path / name).mkdir()
        return read_log(write_log(tmp_path / name, rows)).fingerprint

    late = [*LINKED[:-1], ("ann", replace(LINKED[-1][1], amount=0.01), None)]

    assert fingerprint("one", LINKED) == fingerprint("same", LINKED)
    assert fingerprint("other", late) != fingerprint("again", LINKED)


def test_the_last_row_of_a_user_is_the_last_event_known_by_then(crowd):
    log, random = crowd, np.random.default_rng(3)
    first, last = log.span
    users = random.integers(len(log.user_keys), size=400)
    # Half of the moments are those at which something became known: it counts from there on.
    at = np.where(random.random(400) < 0.5, random.choice(log.arrays.known_at, 400), random.integers(first, last, 400))

    for user, moment, row in zip(users, at, log.last_rows(users, at), strict=True):
        before = np.flatnonzero((log.arrays.user == user) & (log.arrays.known_at <= moment))
        assert row == (before[np.argmax(log.arrays.seq[before])] if before.size else -1)


def test_an_id_belongs_to_whom_it_was_linked_from_the_link_on(tmp_path):
    log = read_log(write_log(tmp_path, LINKED))
    linked, ann, bob = (log.user_keys.index(key) for key in ("anonymous:a", "ann", "bob"))
    moments = np.array([JULY + 4 * HOUR - 1, JULY + 4 * HOUR, JULY + 9 * HOUR])

    assert log.owners(np.full(3, linked), moments).tolist() == [linked, ann, ann]
    assert log.owners(np.array([ann, bob, bob]), moments).tolist() == [ann, bob, bob]
