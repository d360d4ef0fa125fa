"""What a challenger costs is measured on engines that really ask one; here a few events."""

import asyncio
import json
import sqlite3
from contextlib import closing

from benchmarks.shadow import PEOPLE, Worker, measure, with_challengers
from benchmarks.triggers import AT_ONCE, race, triggers
from tests.models.bundles import a_bundle


def champions(folder):
    path = "opportune-intent-24h/1"
    a_bundle(folder / path)
    named = {"24h": {"name": "opportune-intent-24h", "version": "1", "path": path}}
    (folder / "champions.json").write_text(json.dumps(named))
    return folder


def test_every_event_that_is_measured_is_scored_by_the_challenger_too(tmp_path) -> None:
    bundles = with_challengers(champions(tmp_path / "none"), tmp_path / "bundles")
    engine = Worker(tmp_path / "home", triggers(1, at_once=True), bundles=bundles, people=PEOPLE)
    asyncio.run(race([engine], rounds=1, people=PEOPLE, orders=False))
    engine.close()
    with closing(sqlite3.connect(tmp_path / "home" / "opportune.db")) as connection:
        kept = connection.execute("SELECT scores, shadow FROM evaluations").fetchall()

    assert len(kept) == AT_ONCE
    for scores, shadow in kept:
        assert json.loads(shadow)["24h"]["score"] == json.loads(scores)["24h"]


def test_each_engine_gives_a_figure_and_nothing_is_left_behind(tmp_path) -> None:
    bundles = champions(tmp_path / "bundles")
    found = measure(bundles, tmp_path / "work", rounds=2)["us_per_event"]

    assert set(found) == {"none", "challenger"}
    assert min(found.values()) > 0
    assert list(tmp_path.iterdir()) == [bundles]
