"""What hours of the day cost is measured on engines whose answers tell them; here few of them."""

import asyncio
import json

from benchmarks.hours import ZONES, Listener, a_model, measure, with_hours
from benchmarks.triggers import race, triggers


def test_the_answers_that_are_measured_tell_the_hours(tmp_path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "champions.json").write_text("{}")
    bundles = with_hours(tmp_path / "none", tmp_path / "bundles", a_model(trees=3))
    engine = Listener(tmp_path / "home", triggers(1, at_once=True), bundles=bundles, people=30)
    asyncio.run(race([engine], rounds=1, people=30, orders=False))
    engine.close()

    ((known, send_at),) = engine.told
    assert known.scores.shape == (24,)
    assert known.best == known.scores.argmax()
    assert send_at is not None
    assert len(ZONES) > 1


def test_each_engine_gives_a_figure_and_nothing_is_left_behind(tmp_path) -> None:
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    (bundles / "champions.json").write_text(json.dumps({}))
    found = measure(bundles, tmp_path / "work", rounds=2)["us_per_event"]

    assert set(found) == {"none", "hours", "hours_with_trees"}
    assert min(found.values()) > 0
    assert list(tmp_path.iterdir()) == [bundles]
