"""Bundles: a model on disk as LightGBM text and JSON, written by training, loaded or refused by serving."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from features.catalog import CATALOGUE
from features.layout import Catalogue
from models.booster import Booster, ModelNotLoaded
from models.calibration import Calibrator, calibrator
from models.forest import walkable
from models.horizon import duration
from models.intent import IntentModel
from models.manifest import BundleRefused, FeatureAsked, Manifest, ModelFile, ReferenceFile, sha256, whole
from models.reference import REFERENCE, Reference

MODEL = "model.txt"

__all__ = ["BundleRefused", "load", "read_reference", "verify", "write"]


def write(
    directory: Path,
    model: str,
    calibration: Calibrator,
    *,
    name: str,
    horizon: str,
    features: tuple[str, ...],
    created_at: str,
    lineage: dict[str, Any],
    deciles: Sequence[float] = (),
    reference: Reference | None = None,
    catalogue: Catalogue = CATALOGUE,
) -> Manifest:
    """Write a bundle: the model's text first, the manifest last, so that what has a manifest is whole.

    Args:
        directory: Made if need be.
        model: Its text, as LightGBM writes it.
        calibration: From its log-odds to probabilities.
        name: As it will be registered.
        horizon: Such as ``24h``.
        features: What each column of the model is, in order.
        created_at: ISO 8601 with Z.
        lineage: Where it comes from, as JSON can hold it.
        deciles: The nine probabilities that part what it was tested on into tenths, ascending; none if not known.
        reference: What it learned from, for whoever compares; none if not known.
        catalogue: Where the features are defined.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / MODEL
    path.write_text(model, encoding="utf-8")
    manifest = Manifest(
        name=name,
        horizon=horizon,
        horizon_s=int(duration(horizon).total_seconds()),
        features=tuple(FeatureAsked(name=each, fingerprint=catalogue.fingerprints[each]) for each in features),
        model=ModelFile(file=MODEL, sha256=sha256(path), trees=Booster(model).trees),
        calibrator=calibration.described(),
        created_at=created_at,
        lineage=lineage,
        deciles=tuple(deciles),
        reference=None
        if reference is None
        else ReferenceFile(file=REFERENCE, sha256=sha256(reference.write(directory))),
    )
    manifest.write(directory)
    return manifest


def verify(directory: Path, catalogue: Catalogue = CATALOGUE) -> Manifest:
    """Return the manifest of a bundle that is whole and fits this catalogue, without loading its model.

    Raises:
        BundleRefused: It is damaged, or its features are missing from the catalogue or defined otherwise.
    """
    manifest = Manifest.read(directory)
    whole(directory / manifest.model.file, manifest.model.sha256)
    if manifest.reference is not None:
        whole(directory / manifest.reference.file, manifest.reference.sha256)
    manifest.columns(catalogue)
    return manifest


def read_reference(directory: Path, manifest: Manifest) -> Reference | None:
    """Return what a bundle keeps of the rows that its model learned from; None where it keeps nothing.

    Raises:
        BundleRefused: It is damaged.
    """
    return None if manifest.reference is None else Reference.read(directory / manifest.reference.file)


def load(directory: Path, catalogue: Catalogue = CATALOGUE, *, version: str | None = None) -> IntentModel:
    """Return the model of a bundle, after `verify`.

    LightGBM ends the process on some damaged texts, and can predict for ever with others: load what comes from
    elsewhere with `models.probe` first.

    Args:
        directory: The bundle.
        catalogue: What the rows to predict for hold.
        version: As registered; the directory's name if not given.

    Raises:
        BundleRefused: It is damaged, or was trained on other features.
    """
    manifest = verify(directory, catalogue)
    try:
        text = (directory / manifest.model.file).read_text(encoding="utf-8")
        booster = Booster(text)
        calibration = calibrator(manifest.calibrator)
    except (ModelNotLoaded, ValueError) as error:
        raise BundleRefused(f"{directory} cannot be loaded: {error}") from error
    if (booster.features, booster.trees) != (len(manifest.features), manifest.model.trees):
        raise BundleRefused(
            f"{directory} is damaged: the model has {booster.trees} trees of {booster.features} features, its manifest "
            f"says {manifest.model.trees} of {len(manifest.features)}"
        )
    columns = np.array(manifest.columns(catalogue), dtype=np.intp)
    return IntentModel(
        name=manifest.name,
        version=directory.name if version is None else version,
        horizon=manifest.horizon,
        features=tuple(each.name for each in manifest.features),
        booster=booster,
        calibrator=calibration,
        columns=columns,
        lineage=manifest.lineage,
        deciles=manifest.deciles,
        forest=walkable(text, booster, columns, catalogue.n_features),
    )
