"""Bundles of send hours, written by training, loaded or refused by serving: the profile as numbers in a manifest.

Trees, of when people are there or when they answer, lie beside it as text. They are read here, and not by LightGBM's
library, so that nothing in a bundle can end a process.
"""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from features import fingerprints
from models.circle import HOURS
from models.forest import Forest
from models.manifest import BundleRefused, ModelFile, Part, read_manifest, sha256, whole, write_manifest
from models.response import Response
from models.send_hour import SendHourModel
from models.tree import NotSound, NotWalkable

MOST_COHORTS: Final = 64
Above = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
TREES: Final = "trees.txt"
TREES_OF_ACTIVITY: Final = "trees-of-activity.txt"
Finite = Annotated[float, Field(allow_inf_nan=False)]
Chance = Annotated[float, Field(gt=0.0, lt=1.0)]
Day = Annotated[tuple[Above, ...], Field(min_length=HOURS, max_length=HOURS)]


class ResponsePart(Part):
    """What was learned from sends; see `models.response`."""

    ratios: tuple[Annotated[tuple[Chance, ...], Field(min_length=HOURS, max_length=HOURS)], ...]
    sent: Annotated[
        tuple[Annotated[float, Field(ge=0.0, allow_inf_nan=False)], ...], Field(min_length=HOURS, max_length=HOURS)
    ]
    weights: tuple[Finite, Finite, Finite]
    trees: ModelFile | None = None


class SendHourManifest(Part):
    """All that a bundle of send hours says of itself; numbers and text, so that nothing in it can run code."""

    format: Literal[1] = 1
    kind: Literal["send-hour"] = "send-hour"
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    habits: str
    """Fingerprint of the profile over the hours of the day that the model learned from."""
    cohorts: tuple[Day, ...] = Field(min_length=1, max_length=MOST_COHORTS)
    shares: tuple[Above, ...] = Field(min_length=1)
    strength: Above
    events_per_visit: float = Field(ge=1.0, allow_inf_nan=False)
    sigma_h: Above
    created_at: str
    lineage: dict[str, Any] = Field(default_factory=dict)
    response: ResponsePart | None = None
    by_day: tuple[Day, Day] | None = None
    """What part of its share each hour has on working days, and on weekends."""
    trees: ModelFile | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if len(self.shares) != len(self.cohorts):
            raise ValueError(f"there are {len(self.cohorts)} cohorts and {len(self.shares)} shares")
        if not all(np.isclose(sum(each), 1.0) for each in (self.shares, *self.cohorts)):
            raise ValueError("the shares, and the hours of each cohort, must sum to one")
        if self.response is not None and len(self.response.ratios) != len(self.cohorts):
            raise ValueError(f"there are {len(self.cohorts)} cohorts and ratios of {len(self.response.ratios)}")
        return self


def write(directory: Path, model: SendHourModel, *, created_at: str) -> SendHourManifest:
    """Write a bundle, the manifest last; `created_at` is ISO 8601 with Z."""
    directory.mkdir(parents=True, exist_ok=True)
    response = None if model.response is None else _written(directory, model.response)
    manifest = SendHourManifest(
        name=model.name,
        habits=fingerprints.of_habits(),
        cohorts=tuple(map(tuple, model.cohorts.tolist())),
        shares=tuple(model.shares.tolist()),
        strength=model.strength,
        events_per_visit=model.events_per_visit,
        sigma_h=model.sigma_h,
        created_at=created_at,
        lineage=model.lineage,
        response=response,
        by_day=None if model.by_day is None else tuple(map(tuple, model.by_day.tolist())),
        trees=_trees(directory / TREES_OF_ACTIVITY, model.text, model.forest),
    )
    write_manifest(manifest, directory)
    return manifest


def _written(directory: Path, response: Response) -> ResponsePart:
    ratios, sent = tuple(map(tuple, response.ratios.tolist())), tuple(response.sent.tolist())
    trees = _trees(directory / TREES, response.text, response.forest)
    return ResponsePart(ratios=ratios, sent=sent, weights=response.weights, trees=trees)


def _trees(path: Path, text: str, forest: Forest | None) -> ModelFile | None:
    """Write trees, if there are any, and return what the manifest says of them."""
    if forest is None:
        return None
    path.write_text(text, encoding="utf-8")
    return ModelFile(file=path.name, sha256=sha256(path), trees=forest.trees)


def load(directory: Path, *, version: str | None = None) -> SendHourModel:
    """Return the model of a bundle; `version` as registered, the directory's name if not given.

    Raises:
        BundleRefused: It is damaged, or learned from profiles that are kept otherwise by now.
    """
    found = read_manifest(SendHourManifest, directory)
    if found.habits != fingerprints.of_habits():
        raise BundleRefused(f"{found.name} learned from hours of the day that states keep otherwise now. Retrain it.")
    model = SendHourModel(
        name=found.name,
        version=directory.name if version is None else version,
        cohorts=np.array(found.cohorts),
        shares=np.array(found.shares),
        strength=found.strength,
        events_per_visit=found.events_per_visit,
        sigma_h=found.sigma_h,
        lineage=found.lineage,
        response=None if found.response is None else _read(directory, found.response),
        by_day=None if found.by_day is None else np.array(found.by_day),
        text=_text(directory, found.trees),
    )
    _walked(directory, model)
    return model


def _read(directory: Path, part: ResponsePart) -> Response:
    found = Response(np.array(part.ratios), np.array(part.sent), part.weights, _text(directory, part.trees))
    _walked(directory, found)
    return found


def _text(directory: Path, trees: ModelFile | None) -> str:
    if trees is None:
        return ""
    whole(directory / trees.file, trees.sha256)
    return (directory / trees.file).read_text(encoding="utf-8")


def _walked(directory: Path, part: SendHourModel | Response) -> None:
    """Read the trees now, so that what cannot be walked is refused before it is in service."""
    try:
        part.forest  # noqa: B018
    except (NotWalkable, NotSound) as error:
        raise BundleRefused(f"{directory} holds trees that cannot be walked: {error}") from error
