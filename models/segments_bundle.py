"""Bundles of learned segments: numbers and names in a manifest, written by training, loaded or refused by serving."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from features.catalog import CATALOGUE
from features.layout import Catalogue
from models.learned_segments import CLUSTERS, RFM, RFM_FEATURES, SCORES, Centres, LearnedSegments, RfmCuts
from models.manifest import FeatureAsked, Part, columns, read_manifest, write_manifest

MOST: Final = 10
"""Centres of behaviour at most."""
Number = Annotated[float, Field(allow_inf_nan=False)]
Spread = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Cuts = Annotated[tuple[Number, ...], Field(min_length=SCORES - 1, max_length=SCORES - 1)]
Label = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=80)]


class _Rfm(Part):
    recency_d: Cuts
    orders: Cuts
    revenue: Cuts

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if any(list(each) != sorted(each) for each in (self.recency_d, self.orders, self.revenue)):
            raise ValueError("cut-offs must ascend")
        return self


class _Clusters(Part):
    features: tuple[FeatureAsked, ...] = Field(min_length=1)
    mean: tuple[Number, ...]
    spread: tuple[Spread, ...]
    centres: tuple[tuple[Number, ...], ...] = Field(min_length=2, max_length=MOST)
    names: tuple[Label, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        wide = len(self.features)
        if any(len(each) != wide for each in (self.mean, self.spread, *self.centres)):
            raise ValueError(f"mean, spread and each centre must have {wide} numbers, one for each feature")
        if len(set(self.names)) != len(self.centres) or len(self.names) != len(self.centres):
            raise ValueError(f"{len(self.centres)} centres need as many different names")
        return self


class SegmentsManifest(Part):
    """All that a bundle of learned segments says of itself; numbers and text, so that nothing in it can run code."""

    format: Literal[1] = 1
    kind: Literal["segments"] = "segments"
    name: Literal["opportune-segments"] = "opportune-segments"
    rfm_features: tuple[FeatureAsked, ...] = Field(min_length=len(RFM_FEATURES), max_length=len(RFM_FEATURES))
    rfm: _Rfm | None
    clusters: _Clusters | None
    created_at: str
    lineage: dict[str, Any] = Field(default_factory=dict)


def columns_of(clusters: Centres | None) -> dict[str, list[int]]:
    """Return where in a feature row the features of each family are."""
    of_clusters = () if clusters is None else clusters.features
    return {
        family: [CATALOGUE.names.index(name) for name in names]
        for family, names in ((RFM, RFM_FEATURES), (CLUSTERS, of_clusters))
    }


def write(directory: Path, found: LearnedSegments, *, created_at: str) -> SegmentsManifest:
    """Write a bundle of one file; `created_at` is ISO 8601 with Z."""
    directory.mkdir(parents=True, exist_ok=True)
    rfm, clusters = found.rfm, found.clusters
    manifest = SegmentsManifest(
        rfm_features=_asked(RFM_FEATURES),
        rfm=None
        if rfm is None
        else _Rfm(
            recency_d=tuple(rfm.recency_d.tolist()),
            orders=tuple(rfm.orders.tolist()),
            revenue=tuple(rfm.revenue.tolist()),
        ),
        clusters=None
        if clusters is None
        else _Clusters(
            features=_asked(clusters.features),
            mean=tuple(clusters.mean.tolist()),
            spread=tuple(clusters.spread.tolist()),
            centres=tuple(map(tuple, clusters.centres.tolist())),
            names=clusters.names,
        ),
        created_at=created_at,
        lineage=found.lineage,
    )
    write_manifest(manifest, directory)
    return manifest


def load(directory: Path, catalogue: Catalogue = CATALOGUE, *, version: str | None = None) -> LearnedSegments:
    """Return the segments of a bundle; `version` as registered, the directory's name if not given.

    Raises:
        BundleRefused: It is damaged, or learned from features that the catalogue lacks or defines otherwise.
    """
    found = read_manifest(SegmentsManifest, directory)
    clusters = None
    if found.clusters is not None:
        its = found.clusters
        features = tuple(each.name for each in its.features)
        clusters = Centres(features, np.array(its.mean), np.array(its.spread), np.array(its.centres), its.names)
    return LearnedSegments(
        version=directory.name if version is None else version,
        rfm=None
        if found.rfm is None
        else RfmCuts(np.array(found.rfm.recency_d), np.array(found.rfm.orders), np.array(found.rfm.revenue)),
        clusters=clusters,
        columns={
            RFM: columns(found.rfm_features, catalogue, found.name),
            CLUSTERS: columns(() if found.clusters is None else found.clusters.features, catalogue, found.name),
        },
        lineage=found.lineage,
    )


def _asked(names: tuple[str, ...]) -> tuple[FeatureAsked, ...]:
    return tuple(FeatureAsked(name=each, fingerprint=CATALOGUE.fingerprints[each]) for each in names)
