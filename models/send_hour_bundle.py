"""Bundles of send hours: the profile as numbers in a manifest, written by training, loaded or refused by serving."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from features import fingerprints
from models.circle import HOURS
from models.manifest import BundleRefused, Part, read_manifest, write_manifest
from models.send_hour import SendHourModel

MOST_COHORTS: Final = 64
Above = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Day = Annotated[tuple[Above, ...], Field(min_length=HOURS, max_length=HOURS)]


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

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if len(self.shares) != len(self.cohorts):
            raise ValueError(f"there are {len(self.cohorts)} cohorts and {len(self.shares)} shares")
        if not all(np.isclose(sum(each), 1.0) for each in (self.shares, *self.cohorts)):
            raise ValueError("the shares, and the hours of each cohort, must sum to one")
        return self


def write(directory: Path, model: SendHourModel, *, created_at: str) -> SendHourManifest:
    """Write a bundle of one file; `created_at` is ISO 8601 with Z."""
    directory.mkdir(parents=True, exist_ok=True)
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
    )
    write_manifest(manifest, directory)
    return manifest


def load(directory: Path, *, version: str | None = None) -> SendHourModel:
    """Return the model of a bundle; `version` as registered, the directory's name if not given.

    Raises:
        BundleRefused: It is damaged, or learned from profiles that are kept otherwise by now.
    """
    found = read_manifest(SendHourManifest, directory)
    if found.habits != fingerprints.of_habits():
        raise BundleRefused(f"{found.name} learned from hours of the day that states keep otherwise now. Retrain it.")
    return SendHourModel(
        name=found.name,
        version=directory.name if version is None else version,
        cohorts=np.array(found.cohorts),
        shares=np.array(found.shares),
        strength=found.strength,
        events_per_visit=found.events_per_visit,
        sigma_h=found.sigma_h,
        lineage=found.lineage,
    )
