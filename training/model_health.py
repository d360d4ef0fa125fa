"""The models in service, each beside what it learned from: drift, calibration and what it expects of itself."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from features.moments import SECOND_US
from models.bundle import read_reference
from models.horizon import duration
from models.manifest import POINTER, BundleRefused, Manifest
from models.reference import Reference
from training.dataset import LATE
from training.expected import Expected, expected
from training.realised import Realised, realised
from training.served import Served, read_served
from training.served_outcomes import followed
from training.shifts import Shifts, shifts
from training.status import Status

NO_REFERENCE: Final = "no reference: the model was trained before bundles had one; make retrain writes it"


@dataclass(frozen=True)
class ModelHealth:
    """One model.

    Attributes:
        horizon: Such as ``24h``.
        model: Name and version.
        created_at: ISO 8601 with Z.
        learned_until: The last moment of the log that it learned from, ISO 8601; None if not known.
        reference: What is compared with; None where the bundle has none.
        served: Scores that it gave of late, or as many as were looked at.
        foreseen: How good it expects these to be; None where there are none.
        shifts: What is served otherwise than what it learned from; None without reference.
        realised: How good it was where that is known; None where nothing is.
    """

    horizon: str
    model: str
    created_at: str
    learned_until: str | None
    reference: Reference | None
    served: int
    foreseen: Expected | None
    shifts: Shifts | None
    realised: Realised | None

    @property
    def statuses(self) -> dict[str, Status]:
        """Return a word for what it is given, for its scores and for its level."""
        found = self.shifts
        features = [each.status for each in found.by_feature.values()] if found else []
        return {
            "features": max(features, key=lambda each: each.grade, default=Status.UNKNOWN),
            "scores": found.scores.status if found and found.scores else Status.UNKNOWN,
            "calibration": self.realised.status if self.realised else Status.UNKNOWN,
        }


def models_in_service(home: Path) -> dict[str, Path]:
    """Return the bundles of the models of intent that the server of a home took up, by horizon."""
    bundles = home / "bundles"
    try:
        pointed = json.loads((bundles / POINTER).read_text(encoding="utf-8"))
        found = {str(role): bundles / str(each["path"]) for role, each in pointed.items() if _is_horizon(str(role))}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return dict(sorted(found.items(), key=lambda each: duration(each[0])))


def model_health(bundle: Path, database: Path, served: Served, *, window: timedelta, at_us: int) -> ModelHealth:
    """Return how a model does.

    Args:
        bundle: In service.
        database: Log and ledger, only read.
        served: Of late.
        window: How long that is.
        at_us: The present moment.

    Raises:
        BundleRefused: The bundle is damaged.
    """
    manifest = Manifest.read(bundle)
    horizon, model = manifest.horizon, f"{manifest.name}/{bundle.name}"
    learned = read_reference(bundle, manifest)
    own = served.by(horizon, model)
    scores = served.scores[horizon][own] if own.any() else None
    log = manifest.lineage.get("log")
    return ModelHealth(
        horizon=horizon,
        model=model,
        created_at=manifest.created_at,
        learned_until=log.get("until") if isinstance(log, dict) else None,
        reference=learned,
        served=int(own.sum()),
        foreseen=None if scores is None else expected(scores),
        shifts=None if learned is None else shifts(served, learned, horizon, model),
        realised=_realised(database, horizon, model, window, at_us),
    )


def _realised(database: Path, horizon: str, model: str, window: timedelta, at_us: int) -> Realised | None:
    """Judge what was served in a time that was as long, and whose horizon is just over."""
    width = duration(horizon)
    until_us = at_us - round((width + LATE).total_seconds() * SECOND_US)
    since_us = until_us - round(window.total_seconds() * SECOND_US)
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        served = read_served(connection, since_us=since_us, until_us=until_us)
    own = served.by(horizon, model)
    if not own.any():
        return None
    found = followed(database, served, width, until_us=at_us)
    kept = own & found.influence.kept
    return realised(
        served.scores[horizon][kept],
        found.ordered[kept],
        served.person[kept],
        found.influence.weight[kept],
        left_out=int((own & ~found.influence.kept).sum()),
    )


def _is_horizon(role: str) -> bool:
    try:
        duration(role)
    except ValueError:
        return False
    return True


__all__ = ["NO_REFERENCE", "BundleRefused", "ModelHealth", "model_health", "models_in_service"]
