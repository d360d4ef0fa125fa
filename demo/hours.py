"""How good the hours were that the model of the demonstration told of each household, by its later baskets."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from demo.journey import UTC_OFFSET_H, Journey
from models.circle import HOURS
from models.send_hour import SendHourModel
from training.habits import Habits, habits
from training.log import Floats, read_log
from training.send_hour_judge import baselines, by_history, calibration, judge

HOUR_US = 3_600_000_000


def baskets_by_hour(journey: Journey, households: list[int], since: int) -> Floats:
    """Return how many baskets each household bought from a moment (µs) on, by local hour, of shape (n, 24)."""
    later = journey.baskets[journey.baskets["at"] >= since]
    hour = (later["at"].to_numpy() // HOUR_US + UTC_OFFSET_H) % HOURS
    place = {household: row for row, household in enumerate(households)}
    row = later["household_id"].map(place)
    known = row.notna().to_numpy()
    found = np.zeros((len(households), HOURS))
    np.add.at(found, (row[known].to_numpy(dtype=np.int64), hour[known]), 1.0)
    return found


def judged(journey: Journey, database: Path, model: SendHourModel, since: int) -> dict[str, Any]:
    """Return the figures of the summary's `send_hour`: states as of a moment (µs), baskets from then on."""
    log = read_log(database, until_us=since - 1)
    known = habits(log, since - 1, since - 1)
    later = baskets_by_hour(journey, [int(log.user_keys[user]) for user in known.user], since)
    people = Habits(known.user, known.histories, known.events, later).came_back
    rules = {"model": model.predict(people.histories), **baselines(known.histories, people)}
    figures = {name: asdict(judge(scores, people.later)) for name, scores in rules.items()}
    return {
        **figures.pop("model"),
        **figures,
        "calibration_error": calibration(rules["model"], people.later),
        "people": len(people),
        "by_history": by_history(rules, people),
        "model_version": f"{model.name}/{model.version}",
        "learned_from": "activity, not response",
    }
