"""In which learned segments people were when they were drawn, by the model in service and the features kept then."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from features.catalog import CATALOGUE
from models.horizon import SEGMENTS
from models.learned_segments import LearnedSegments
from models.manifest import POINTER, BundleRefused
from models.segments_bundle import load

_AT_ONCE: Final = 10_000
_KEPT: Final = """
SELECT d.trigger_decision_id, e.features FROM decisions d JOIN evaluations e ON e.decision_id = d.decision_id
WHERE d.action <> 'hold' AND d.arm IS NOT NULL AND e.catalogue = ? AND e.features IS NOT NULL
"""


def in_service(home: Path) -> LearnedSegments | None:
    """Return the learned segments that the server of a home took up; None where there are none that can be loaded."""
    bundles = home / "bundles"
    try:
        pointed = json.loads((bundles / POINTER).read_text(encoding="utf-8"))
        return load(bundles / str(pointed[SEGMENTS]["path"]))
    except (OSError, ValueError, KeyError, TypeError, BundleRefused):
        return None


def learned_at_draw(database: Path, model: LearnedSegments | None) -> dict[str, dict[str, str]]:
    """Return by family, then by the id of a decision that drew an arm, the segment its person was in.

    Decisions whose features are not kept, or were kept when features meant something else, are in none.
    """
    found: dict[str, dict[str, str]] = {} if model is None else {family: {} for family in model.families}
    if model is None or not found:
        return found
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        kept = connection.execute(_KEPT, (CATALOGUE.fingerprint,))
        while rows := kept.fetchmany(_AT_ONCE):
            features = np.frombuffer(b"".join(packed for _, packed in rows)).reshape(len(rows), -1)
            for family, names in found.items():
                names.update(
                    zip((identity for identity, _ in rows), model.of_rows(features, family) or (), strict=True)
                )
    return found
