"""The autumn, replayed through the HTTP API in event time: events in, and everybody's score on every third midnight."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from demo.journey import UTC_OFFSET_H, Journey
from features.moments import DAY_US, HOUR_US

EVENTS_AT_ONCE = 25
USERS_AT_ONCE = 1000
Advance = Callable[[int], None]


@dataclass(slots=True)
class Served:
    """What the service answered.

    Attributes:
        events: Events sent.
        latencies_ms: Of each event that asked for its score, from request to answer.
        users: Who was asked about on the midnights, aligned with `at` and `intent`.
        at: The midnights, in microseconds.
        intent: The served probabilities of a purchase within 24 hours.
        decision_ids: Under which the ledger holds them.
    """

    events: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    intent: list[float] = field(default_factory=list)
    decision_ids: list[str] = field(default_factory=list)


def midnights(first: int, last: int, every_days: int) -> list[int]:
    """Return the local midnights from `first` to `last` (µs, both local midnights), every so many days."""
    return list(range(first, last + 1, every_days * DAY_US))


def local_midnight(day: str) -> int:
    """Return the moment, in microseconds, at which a local day such as `2017-10-16` begins."""
    return int(np.datetime64(day, "us").astype("int64")) - UTC_OFFSET_H * HOUR_US


def replay(
    client: httpx.Client, journey: Journey, first: int, end: int, asked_at: list[int], advance: Advance
) -> Served:
    """Send baskets `first` to `end` (exclusive) in order, and ask for all scores at each of these moments.

    Args:
        client: Of the service.
        journey: The data.
        first: The first basket.
        end: One after the last.
        asked_at: Moments, in microseconds, ascending.
        advance: Told how many events were sent.
    """
    served = Served()
    stops = [journey.before(at) for at in asked_at]
    position = first
    for at, stop in zip(asked_at, stops, strict=True):
        _send(client, journey, position, stop, served, advance)
        position = max(position, stop)
        _ask(client, journey, at, position, served)
    _send(client, journey, position, end, served, advance)
    return served


def _send(client: httpx.Client, journey: Journey, first: int, end: int, served: Served, advance: Advance) -> None:
    """Send events in batches; the first of each asks for its score, as an event system would."""
    events = journey.events(first, end)
    while batch := _take(events, EVENTS_AT_ONCE):
        started = time.perf_counter()
        client.post("/v1/score", json={"event": batch[0]}).raise_for_status()
        served.latencies_ms.append((time.perf_counter() - started) * 1e3)
        if len(batch) > 1:
            client.post("/v1/batch", json={"batch": batch[1:]}).raise_for_status()
        served.events += len(batch)
        advance(len(batch))


def _take(events: Iterator[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    return [event for event, _ in zip(events, range(most), strict=False)]


def _ask(client: httpx.Client, journey: Journey, at: int, seen: int, served: Served) -> None:
    users = [str(each) for each in np.unique(journey.baskets["household_id"].to_numpy()[:seen])]
    for start in range(0, len(users), USERS_AT_ONCE):
        asked = users[start : start + USERS_AT_ONCE]
        moment = np.datetime_as_string(np.datetime64(at, "us")) + "Z"
        answer = client.post("/v1/score/batch", json={"users": [{"user_id": user} for user in asked], "at": moment})
        scores = answer.raise_for_status().json()["scores"]
        served.users += [each["user_id"] for each in scores]
        served.at += [at] * len(scores)
        served.intent += [each["intent"]["24h"] for each in scores]
        served.decision_ids += [each["decision_id"] for each in scores]
