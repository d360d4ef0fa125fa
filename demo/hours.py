"""How good the hours were that the model of the demonstration told of each household, by its later baskets."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from demo.journey import UTC_OFFSET_H, Journey
from features.moments import HOUR_US
from models.circle import HOURS
from models.days import KINDS
from models.send_hour import SendHourModel
from training.days import alike, on_both
from training.habits import Habits, habits, in_the_week
from training.log import Floats, read_log
from training.send_hour_judge import baselines, by_history, calibration, judge


def baskets_by_hour(journey: Journey, households: list[int], since: int) -> Floats:
    """Return how many baskets each household bought from a moment (µs) on, by kind of day and local hour."""
    later = journey.baskets[journey.baskets["at"] >= since]
    place = {household: row for row, household in enumerate(households)}
    row = later["household_id"].map(place)
    known = row.notna().to_numpy()
    weekend, hour = in_the_week(later["at"].to_numpy()[known] // HOUR_US + UTC_OFFSET_H)
    found = np.zeros((len(households), KINDS, HOURS))
    np.add.at(found, (row[known].to_numpy(dtype=np.int64), weekend.astype(np.int64), hour), 1.0)
    return found


def judged(journey: Journey, database: Path, model: SendHourModel, since: int) -> dict[str, Any]:
    """Return the figures of the summary's `send_hour`: states as of a moment (µs), baskets from then on."""
    log = read_log(database, until_us=since - 1)
    known = habits(log, since - 1, since - 1)
    later = baskets_by_hour(journey, [int(log.user_keys[user]) for user in known.user], since)
    people = Habits(known.user, known.histories, known.events, known.before, later).came_back
    rules = {"model": model.predict(people.histories), **baselines(known.histories, people)}
    figures = {name: asdict(judge(scores, people.later)) for name, scores in rules.items()}
    return {
        **figures.pop("model"),
        **figures,
        "calibration_error": calibration(rules["model"], people.later),
        "people": len(people),
        "by_history": by_history(rules, people),
        "by_day": None if model.by_day is None else _by_day(rules["model"], model.by_day, people),
        "model_version": f"{model.name}/{model.version}",
        "learned_from": "activity, not response",
    }


def _by_day(scores: Floats, factors: Floats, people: Habits) -> dict[str, Any]:
    """Return how good hours were given the kind of day, told of any day and of each kind."""
    rules = {"alike": alike(scores), "told_apart": on_both(scores, factors)}
    return {name: asdict(judge(each, people.after)) for name, each in rules.items()}
