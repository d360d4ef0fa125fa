"""Bundles of neighbours: products that go together as JSON, written by training, loaded or refused by serving."""

import json
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field

from models.manifest import BundleRefused, Part, read_manifest, sha256, whole, write_manifest
from models.neighbours import NOBODY, Neighbours

NAME: Final = "opportune-recommendations"
"""Under which it is registered."""
RECOMMENDATIONS: Final = "recommendations"
"""What it is in service for, as models of intent are for a horizon."""
_FILE: Final = "neighbours.json"
_DIGITS: Final = 4


class _File(Part):
    file: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    products: int = Field(ge=0)


class NeighboursManifest(Part):
    """All that a bundle of neighbours says of itself."""

    format: Literal[1] = 1
    name: Literal["opportune-recommendations"] = "opportune-recommendations"
    neighbours: _File
    created_at: str
    lineage: dict[str, Any] = Field(default_factory=dict)


def write(directory: Path, known: Neighbours, *, created_at: str, lineage: dict[str, Any]) -> NeighboursManifest:
    """Write a bundle, its manifest last; `created_at` is ISO 8601 with Z, `lineage` says where it comes from."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _FILE
    pairs = zip(known.near.tolist(), np.round(known.similarity, _DIGITS).tolist(), strict=True)
    near = [[[place, like] for place, like in zip(*each, strict=True) if place != NOBODY] for each in pairs]
    text = json.dumps({"products": known.products, "near": near}, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")
    manifest = NeighboursManifest(
        neighbours=_File(file=_FILE, sha256=sha256(path), products=len(known.products)),
        created_at=created_at,
        lineage=lineage,
    )
    write_manifest(manifest, directory)
    return manifest


def load(directory: Path, *, version: str | None = None) -> Neighbours:
    """Return the neighbours of a bundle; `version` as registered, the directory's name if not given.

    Raises:
        BundleRefused: It is damaged, or none of neighbours.
    """
    manifest = read_manifest(NeighboursManifest, directory)
    path = directory / manifest.neighbours.file
    whole(path, manifest.neighbours.sha256)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        known = _neighbours(found["products"], found["near"], directory.name if version is None else version)
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise BundleRefused(f"{path} is damaged: {type(error).__name__}: {error!s:.200}") from error
    if len(known.products) != manifest.neighbours.products:
        raise BundleRefused(f"{path} is damaged: it has {len(known.products)} products, its manifest says otherwise")
    return known


def _neighbours(products: Any, near: Any, version: str) -> Neighbours:
    """Return what the file says (ValueError and the like: it says something else)."""
    if not all(isinstance(each, str) for each in products) or len(set(products)) != len(products):
        raise ValueError("products are texts, each there once")
    if len(near) != len(products):
        raise ValueError("each product has its neighbours")
    count, most = len(products), max(map(len, near), default=0)
    places = np.full((count, most), NOBODY, dtype=np.int32)
    similarity = np.zeros((count, most))
    for row, pairs in enumerate(near):
        if pairs:
            places[row, : len(pairs)], similarity[row, : len(pairs)] = np.array(pairs, dtype=np.float64).T
    if places.size and not (
        places.min() >= NOBODY and places.max() < count and 0 <= similarity.min() <= similarity.max() <= 1
    ):
        raise ValueError("a neighbour is the place of a product, and how near it is from 0 to 1")
    return Neighbours(tuple(products), places, similarity, version)
