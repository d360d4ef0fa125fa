import tracemalloc

import pytest
from msgspec.structs import replace

from features.normalise import normalise
from serving.history_stage import Stage
from serving.mapping_file import read_mapping

MAPPING = read_mapping()
NOW = 1_600_000_000_000_000


def event(second, **fields):
    raw = {"user_id": "u1", "event": "view", "timestamp": 1_500_000_000 + second, "message_id": f"m{second}", **fields}
    return normalise(raw, received_at=NOW, mapping=MAPPING, history=True)


@pytest.fixture
def stage(tmp_path):
    with Stage(tmp_path / "events.staged") as made:
        yield made


def test_events_come_back_as_they_were_but_for_the_payload_whose_text_is_there(stage):
    staged = event(1, product_id="p1", timezone="Europe/Berlin")
    stage.put(staged)
    [[taken]] = stage.take(10)

    assert taken == replace(staged, payload={})
    assert type(taken.kind) is type(staged.kind)
    assert taken.payload_json == '{"properties":{"product_id":"p1"},"context":{"timezone":"Europe/Berlin"}}'


@pytest.mark.parametrize("order", [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3]])
def test_events_are_taken_in_the_order_of_time_some_at_once(stage, order):
    for second in order:
        stage.put(event(second))

    assert len(stage) == 4
    assert [[each.message_id for each in some] for some in stage.take(3)] == [["m1", "m2", "m3"], ["m4"]]


def test_events_of_one_moment_keep_their_order(stage):
    for number in range(5):
        stage.put(event(7, message_id=f"n{number}"))
    stage.put(event(1))

    assert [each.message_id for some in stage.take(10) for each in some] == ["m1", "n0", "n1", "n2", "n3", "n4"]


def test_nothing_of_it_is_left_however_the_import_ends_and_what_an_older_one_left_does_not_matter(tmp_path):
    path = tmp_path / "events.staged"
    path.write_bytes(b"left behind")

    with Stage(path) as stage:
        for second in range(5000):
            stage.put(event(second, note="x" * 20_000))

        assert not list(tmp_path.iterdir())
        assert sum(len(some) for some in stage.take(1000)) == 5000


def test_memory_does_not_grow_with_the_history(stage):
    staged = event(1, note="x" * 1000)
    tracemalloc.start()
    try:
        for _ in range(40_000):
            stage.put(staged)
        for _ in stage.take(1000):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 20_000_000 < 40_000 * 1000
