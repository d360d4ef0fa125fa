"""What the hours of a person's day cost an event with its score: the engine with a model of send hours, and without.

Events are handed to the engine as in `benchmarks.triggers`; of every answer best hour, its next moment, confidence and
personal share are read, as `/v1/score` does, of people who live in several zones. The model is as large as training
makes it: eight cohorts, days told apart, answers learned from sends, once without trees and once with fifty of activity
and fifty of answers.
"""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np

from benchmarks.triggers import Subject, compared, triggers
from models import send_hour_bundle
from models.circle import HOURS
from models.days import KINDS
from models.horizon import SEND_HOUR, SEND_HOUR_REGISTERED
from models.hour_trees import FEATURES
from models.manifest import POINTER
from models.response import Response
from models.send_hour import SIGMA_H, SendHourModel
from serving.items import Answer

COHORTS: Final = 8
PEOPLE: Final = 1000
ZONES: Final = ("Europe/Berlin", "America/New_York", "Asia/Tokyo")
ROUNDS: Final = 60
TREES: Final = 50
_ROWS: Final = 20_000
_PARAMETERS: Final = {"objective": "binary", "num_leaves": 4, "num_threads": 1, "verbose": -1, "seed": 0}


class Listener(Subject):
    """An engine whose answers are read to the end, and whose people live in several zones."""

    def __init__(self, folder: Path, policy: str, *, bundles: Path, people: int) -> None:
        """Prepare a home with people who act."""
        super().__init__(folder, policy, bundles=bundles, people=people)
        self.told: list[Any] = []
        with closing(sqlite3.connect(folder / "opportune.db")) as connection, connection:
            for remainder, each in enumerate(ZONES):
                connection.execute("UPDATE users SET timezone = ? WHERE user_no % ? = ?", (each, len(ZONES), remainder))

    def read(self, answer: Answer) -> None:
        """Read of each score what `/v1/score` tells of the person's hours."""
        self.told = [
            (each.hours.known, each.hours.send_at(answer.at)) for each in answer.scores if each.hours is not None
        ]


def a_model(*, trees: int) -> SendHourModel:
    """Return a made-up model as large as those that are learned; what it says does not matter here."""
    drawn = np.random.default_rng(7)
    cohorts = drawn.dirichlet(np.full(HOURS, 3.0), COHORTS)
    rows = drawn.random((_ROWS, len(FEATURES)))
    text = ""
    if trees:
        grown = lightgbm.train(_PARAMETERS, lightgbm.Dataset(rows, drawn.integers(0, 2, _ROWS)), trees)
        text = grown.model_to_string()
    response = Response(drawn.uniform(0.02, 0.2, (COHORTS, HOURS)), np.full(HOURS, 500.0), (0.1, 0.5, 0.9), text)
    shares, by_day = np.full(COHORTS, 1.0 / COHORTS), drawn.uniform(0.5, 2.0, (KINDS, HOURS))
    return SendHourModel(SEND_HOUR_REGISTERED, "1", cohorts, shares, 20.0, 3.0, SIGMA_H, {}, response, by_day, text)


def with_hours(bundles: Path, folder: Path, model: SendHourModel) -> Path:
    """Return a copy of bundles whose champions include a model of send hours."""
    shutil.copytree(bundles, folder)
    path = f"{model.name}/{model.version}"
    send_hour_bundle.write(folder / path, model, created_at="2026-01-01T00:00:00Z")
    pointer = folder / POINTER
    named = json.loads(pointer.read_text())
    named[SEND_HOUR] = {"name": model.name, "version": model.version, "path": path}
    pointer.write_text(json.dumps(named))
    return folder


def measure(bundles: Path, folder: Path, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return microseconds an event, with hours and without."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    loaded = {
        "none": bundles,
        "hours": with_hours(bundles, folder / "plain", a_model(trees=0)),
        "hours_with_trees": with_hours(bundles, folder / "trees", a_model(trees=TREES)),
    }
    found = {
        name: Listener(folder / name, triggers(1, at_once=True), bundles=each, people=1)
        for name, each in loaded.items()
    }
    return compared(found, folder, rounds=rounds, people=PEOPLE)
