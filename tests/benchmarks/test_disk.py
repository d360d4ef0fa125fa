"""The disk is asked as a durable server asks it."""

import os
import time

from benchmarks.disk import alone


def test_every_write_that_was_due_is_waited_for_and_nothing_is_left_behind(tmp_path) -> None:
    found = alone(tmp_path, rate_per_s=500, seconds=0.5)

    assert 0 < found.p50_ms <= found.p95_ms <= found.p99_ms <= found.max_ms
    assert list(tmp_path.iterdir()) == []


def test_a_stall_costs_whoever_came_while_it_lasted(tmp_path, monkeypatch) -> None:
    flushed = []

    def stalling(_) -> None:
        flushed.append(None)
        if len(flushed) == 3:
            time.sleep(0.2)

    monkeypatch.setattr(os, "fdatasync", stalling)
    found = alone(tmp_path, rate_per_s=500, seconds=0.5)

    assert 150 < found.max_ms < 400
    assert found.p95_ms > 100
