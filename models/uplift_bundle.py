"""Bundles of uplift, written by training, loaded or refused by serving: trees as text beside a manifest.

The trees are read here, and not by LightGBM's library, so that nothing in a bundle can end a process.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from features.catalog import CATALOGUE
from features.layout import Catalogue
from models.forest import Forest, sound
from models.horizon import UPLIFT_REGISTERED, duration
from models.manifest import (
    BundleRefused,
    FeatureAsked,
    ModelFile,
    Part,
    columns,
    read_manifest,
    sha256,
    whole,
    write_manifest,
)
from models.tree import NotSound, NotWalkable
from models.uplift import FURTHER, MODELS, Learner, UpliftModel


class UpliftManifest(Part):
    """All that a bundle of uplift says of itself; numbers and text, so that nothing in it can run code."""

    format: Literal[1] = 1
    kind: Literal["uplift"] = "uplift"
    name: str
    trigger: str = Field(pattern=r"^[a-z0-9_-]+$")
    horizon: str
    learner: Learner
    features: tuple[FeatureAsked, ...] = Field(min_length=1)
    models: tuple[ModelFile, ...]
    pays: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    created_at: str
    lineage: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        duration(self.horizon)
        if self.name != f"{UPLIFT_REGISTERED}{self.trigger}":
            raise ValueError(f"{self.name} is not what a model of {self.trigger} is called")
        if len(self.models) != MODELS[self.learner]:
            raise ValueError(f"a {self.learner} has {MODELS[self.learner]} models, and here are {len(self.models)}")
        return self


def write(
    directory: Path,
    texts: Sequence[str],
    *,
    trigger: str,
    horizon: str,
    learner: Learner,
    features: Sequence[str],
    pays: float,
    created_at: str,
    lineage: dict[str, Any],
) -> UpliftManifest:
    """Write a bundle, the manifest last.

    Args:
        directory: Made if need be.
        texts: The learner's models, as LightGBM writes them.
        trigger: Whose message it is about.
        horizon: Within which a purchase counts, such as ``24h``.
        learner: How the models are put together.
        features: What each column of the models is after the first, which is the intent.
        pays: How much a message has to add to be worth what it costs.
        created_at: ISO 8601 with Z.
        lineage: Where it comes from, as JSON can hold it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    manifest = UpliftManifest(
        name=f"{UPLIFT_REGISTERED}{trigger}",
        trigger=trigger,
        horizon=horizon,
        learner=learner,
        features=tuple(FeatureAsked(name=each, fingerprint=CATALOGUE.fingerprints[each]) for each in features),
        models=tuple(_written(directory / f"trees-{i}.txt", text) for i, text in enumerate(texts)),
        pays=pays,
        created_at=created_at,
        lineage=lineage,
    )
    write_manifest(manifest, directory)
    return manifest


def load(directory: Path, catalogue: Catalogue = CATALOGUE, *, version: str | None = None) -> UpliftModel:
    """Return the model of a bundle; `version` as registered, the directory's name if not given.

    Raises:
        BundleRefused: It is damaged, or learned from features that the catalogue lacks or defines otherwise.
    """
    found = read_manifest(UpliftManifest, directory)
    width = 1 + len(found.features) + FURTHER[found.learner]
    return UpliftModel(
        name=found.name,
        version=directory.name if version is None else version,
        trigger=found.trigger,
        horizon=found.horizon,
        learner=found.learner,
        forests=tuple(_read(directory, each, width) for each in found.models),
        columns=np.array(columns(found.features, catalogue, found.name), dtype=np.intp),
        pays=found.pays,
        lineage=found.lineage,
    )


def _written(path: Path, text: str) -> ModelFile:
    path.write_text(text, encoding="utf-8")
    return ModelFile(file=path.name, sha256=sha256(path), trees=text.count("\nTree="))


def _read(directory: Path, part: ModelFile, width: int) -> Forest:
    whole(directory / part.file, part.sha256)
    try:
        found = sound((directory / part.file).read_text(encoding="utf-8"), width)
    except (NotWalkable, NotSound, UnicodeDecodeError) as error:
        raise BundleRefused(f"{directory} holds trees that cannot be walked: {error}") from error
    if found.trees != part.trees:
        raise BundleRefused(f"{directory} is damaged: {part.file} has {found.trees} trees, not {part.trees}")
    return found
