"""The models in service: one for each horizon, swapped as a whole between two batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from types import MappingProxyType
from typing import NamedTuple, Protocol

import msgspec

from features.catalog import CATALOGUE
from features.layout import Floats
from models.calibration import Identity, probabilities, sigmoid
from models.horizon import SEGMENTS, SEGMENTS_REGISTERED, SEND_HOUR, UPLIFT
from models.intent import IntentModel
from models.learned_segments import LearnedSegments
from models.send_hour import SendHourModel
from models.uplift import UpliftModel
from serving.items import Contribution, ModelUsed
from serving.shadow import Shadow

MOST_CONTRIBUTIONS = 10
MEANINGS: Mapping[str, str] = MappingProxyType(dict(zip(CATALOGUE.names, CATALOGUE.meanings, strict=True)))
"""What each feature of the catalogue is, in words."""

NO_UPLIFTS: Mapping[str, UpliftModel] = MappingProxyType({})
_json = msgspec.json.Encoder().encode


class Model(Protocol):
    """What gives the intent of one horizon."""

    @property
    def name(self) -> str:
        """As registered."""

    @property
    def version(self) -> str:
        """As registered."""

    @property
    def calibrated(self) -> bool:
        """Whether what it says is a probability."""

    def predict(self, rows: Floats) -> Floats:
        """Return a probability for each feature vector of the catalogue."""

    def contributions(self, row: Floats) -> Sequence[tuple[str, float, float]]:
        """Return (feature, value, contribution in log-odds) for one feature vector, the largest first."""


class Predicted(NamedTuple):
    """What models say of feature vectors.

    Attributes:
        intents: The intent by horizon, of each vector.
        log_odds: By horizon those before calibration, of shape (n,), of the models whose own ones a calibrator changes.
    """

    intents: list[dict[str, float | None]]
    log_odds: Mapping[str, Floats]

    def raw(self, places: Sequence[int]) -> list[str | None]:
        """Return the probabilities before calibration of the vectors there, as JSON; None where they are the same."""
        if not self.log_odds or not places:
            return [None] * len(places)
        every = len(places) == len(self.intents)
        columns = {
            horizon: _answers(probabilities(sigmoid, found if every else found[places]))
            for horizon, found in self.log_odds.items()
        }
        return [_json(each).decode() for each in _by_row(columns, len(places))]


NOTHING_PREDICTED = Predicted([], MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Scorer:
    """The models by horizon, and what every answer says of them."""

    models: Mapping[str, Model]
    used: Mapping[str, ModelUsed]
    versions: Mapping[str, str]
    """name/version by horizon; of send hours as `send-hour`, of learned segments as `segments`, of uplift as
    `uplift/` and the trigger's name."""
    versions_json: str
    meanings: Mapping[str, str]
    deciles: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """By horizon what parts the tenths of what its model was tested on, ascending; nothing of a model without them."""
    send_hours: SendHourModel | None = None
    """What says at which hour of their day people are there; None where no such model is in service."""
    learned: LearnedSegments | None = None
    """What says in which learned segments people are; None where none are in service."""
    shadow: Shadow = field(default_factory=Shadow)
    """Challengers, of whom no answer and no decision knows."""
    uplifts: Mapping[str, UpliftModel] = field(default_factory=dict)
    """What says what messages add, by trigger; nothing of one of which no such model is in service."""
    calibrated_after: Mapping[str, IntentModel] = field(default_factory=dict)
    """By horizon the models whose own probabilities a calibrator changes."""

    def predict(self, rows: Floats) -> list[dict[str, float | None]]:
        """Return for each feature vector the intent by horizon; None where the model has no answer."""
        return self.score(rows).intents

    def score(self, rows: Floats) -> Predicted:
        """Return the same with what the models said before calibration."""
        if not len(rows):
            return NOTHING_PREDICTED
        log_odds: dict[str, Floats] = {}
        columns = {}
        for horizon, model in self.models.items():
            calibrated = self.calibrated_after.get(horizon)
            if calibrated is None:
                columns[horizon] = _answers(model.predict(rows).tolist())
            else:
                log_odds[horizon] = calibrated.log_odds(rows)
                columns[horizon] = _answers(probabilities(calibrated.calibrator, log_odds[horizon]))
        return Predicted(_by_row(columns, len(rows)), log_odds)

    def explain(self, row: Floats) -> dict[str, list[Contribution]]:
        """Return the largest contributions to the scores of one feature vector."""
        return {
            horizon: [
                Contribution(name, self.meanings[name], value, moved)
                for name, value, moved in model.contributions(row)[:MOST_CONTRIBUTIONS]
            ]
            for horizon, model in self.models.items()
        }


def scorer(
    models: Mapping[str, Model],
    meanings: Mapping[str, str],
    send_hours: SendHourModel | None = None,
    learned: LearnedSegments | None = None,
    uplifts: Mapping[str, UpliftModel] = NO_UPLIFTS,
    shadow: Shadow = Shadow(),  # noqa: B008 - it cannot be changed
) -> Scorer:
    """Return the scorer of these models by horizon, and of what else is there; `meanings` by feature."""
    used = {horizon: ModelUsed(model.name, model.version, model.calibrated) for horizon, model in models.items()}
    if send_hours is not None:
        used[SEND_HOUR] = ModelUsed(send_hours.name, send_hours.version, calibrated=True)
    versions = {what: f"{model.name}/{model.version}" for what, model in used.items()}
    if learned is not None:
        versions[SEGMENTS] = f"{SEGMENTS_REGISTERED}/{learned.version}"
    versions |= {f"{UPLIFT}{trigger}": f"{model.name}/{model.version}" for trigger, model in uplifts.items()}
    return Scorer(
        models=dict(models),
        used=used,
        versions=versions,
        versions_json=_json(versions).decode(),
        meanings=meanings,
        deciles={horizon: found for horizon, model in models.items() if (found := getattr(model, "deciles", ()))},
        send_hours=send_hours,
        learned=learned,
        shadow=shadow,
        uplifts=uplifts,
        calibrated_after={
            horizon: model
            for horizon, model in models.items()
            if isinstance(model, IntentModel) and not isinstance(model.calibrator, Identity)
        },
    )


def _answers(values: list[float]) -> list[float | None]:
    # One NaN makes a NaN of the sum.
    return [None if isnan(each) else each for each in values] if isnan(sum(values)) else [*values]


def _by_row(columns: Mapping[str, list[float | None]], n: int) -> list[dict[str, float | None]]:
    """Return what `n` rows hold by column: filled one column after the other, in a fifth of the time of row by row."""
    found: list[dict[str, float | None]] = [{} for _ in range(n)]
    for horizon, column in columns.items():
        for each, value in zip(found, column, strict=True):
            each[horizon] = value
    return found
