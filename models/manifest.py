"""The manifest of a bundle: what the model is, which features it asks for and by which definitions."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.layout import Catalogue
from features.paths import written

MANIFEST = "manifest.json"
BUNDLE = "bundle"
"""Where the run that learned a model keeps its bundle in the registry."""
DIGEST_TAG = "bundle_sha256"
"""The tag of a registered version that says the digest of its bundle."""
POINTER = "champions.json"
"""The file beside the bundles that a server took up, which says what each is in service for."""


class BundleRefused(ValueError):
    """The bundle was not loaded; the message says why."""


class Part(BaseModel):
    """What stands in a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")


P = TypeVar("P", bound=Part)


class FeatureAsked(Part):
    """A feature by name and by the definition it had when the model learned from it."""

    name: str
    fingerprint: str


class ModelFile(Part):
    """The booster's text, beside the manifest."""

    file: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    trees: int = Field(ge=0)


class ReferenceFile(Part):
    """What the model learned from, beside the manifest."""

    file: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(Part):
    """All that a bundle says of itself; JSON and text, so that nothing in it can run code."""

    format: Literal[1] = 1
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    horizon: str
    horizon_s: int = Field(gt=0)
    features: tuple[FeatureAsked, ...] = Field(min_length=1)
    model: ModelFile
    calibrator: dict[str, Any]
    created_at: str
    lineage: dict[str, Any] = Field(default_factory=dict)
    deciles: tuple[float, ...] = Field(default=(), max_length=9)
    """The nine probabilities that part what it was tested on into tenths; bundles from before have none."""
    reference: ReferenceFile | None = None
    """What is served later is compared with; bundles from before have none."""

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Return the manifest in this directory.

        Raises:
            BundleRefused: There is none, or it is damaged.
        """
        return read_manifest(cls, directory)

    def write(self, directory: Path) -> None:
        """Write the manifest, last of the bundle's files."""
        write_manifest(self, directory)

    def columns(self, catalogue: Catalogue) -> list[int]:
        """Return where each feature is in a row of this catalogue.

        Raises:
            BundleRefused: The catalogue lacks features, or defines them otherwise; the message names all of them.
        """
        return columns(self.features, catalogue, self.name)


def columns(features: Sequence[FeatureAsked], catalogue: Catalogue, whose: str) -> list[int]:
    """Return where each feature that a model asks for is in a row of this catalogue; `whose` is the model's name.

    Raises:
        BundleRefused: The catalogue lacks features, or defines them otherwise; the message names all of them.
    """
    missing = [each.name for each in features if each.name not in catalogue.fingerprints]
    changed = [
        each.name for each in features if catalogue.fingerprints.get(each.name, each.fingerprint) != each.fingerprint
    ]
    reasons = []
    if missing:
        reasons.append(f"the catalogue has no {', '.join(missing)}")
    if changed:
        reasons.append(f"the catalogue defines otherwise: {', '.join(changed)}")
    if reasons:
        raise BundleRefused(f"{whose} was trained on other features: {'; '.join(reasons)}. Retrain it.")
    return [catalogue.names.index(each.name) for each in features]


def read_manifest(kind: type[P], directory: Path) -> P:
    """Return the manifest in a directory.

    Raises:
        BundleRefused: There is none, or it is damaged, or is one of something else.
    """
    try:
        return kind.model_validate_json((directory / MANIFEST).read_bytes())
    except OSError as error:
        raise BundleRefused(f"{directory} holds no bundle: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = written(first["loc"]) or "the text"
        raise BundleRefused(f"{directory / MANIFEST} is damaged at {place}: {first['msg']}") from error


def write_manifest(manifest: Part, directory: Path) -> None:
    """Write a manifest, last of the bundle's files."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
    (directory / MANIFEST).write_text(text, encoding="utf-8")


def whole(path: Path, digest: str) -> None:
    """Pass over a file of this digest.

    Raises:
        BundleRefused: It cannot be read, or is another one.
    """
    try:
        found = sha256(path)
    except OSError as error:
        raise BundleRefused(f"{path} cannot be read: {error.strerror}") from error
    if found != digest:
        raise BundleRefused(f"{path} is damaged: its sha256 is {found[:12]}…, not {digest[:12]}…")


def sha256(path: Path) -> str:
    """Return the digest of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def bundle_digest(directory: Path) -> str:
    """Return the digest of a whole bundle: its manifest names the digest of the rest.

    Raises:
        BundleRefused: There is no manifest.
    """
    try:
        return sha256(directory / MANIFEST)
    except OSError as error:
        raise BundleRefused(f"{directory} holds no bundle: {error.strerror}") from error
