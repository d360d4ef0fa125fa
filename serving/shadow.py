"""Challengers: what they say of whatever the ledger keeps is written beside the score, and acted on by nothing."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from features.layout import Floats
from models.intent import IntentModel

_json = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shadow:
    """The challengers by horizon.

    Attributes:
        models: Those that score in shadow.
        failed: name/version of those that could not, and score no more until they are loaded anew.
    """

    models: Mapping[str, IntentModel] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> dict[str, str]:
        """name/version of those that score."""
        return {horizon: f"{model.name}/{model.version}" for horizon, model in self.models.items()}

    @property
    def standing(self) -> dict[tuple[str, str], bool]:
        """Whether it scores, of each challenger by horizon and name/version."""
        return dict.fromkeys(self.versions.items(), True) | dict.fromkeys(self.failed.items(), False)

    def remarks(self) -> list[str]:
        """Say the same in words."""
        scoring = [f"{each} scores in shadow for {horizon}" for horizon, each in self.versions.items()]
        failed = [f"{each} failed to score in shadow for {horizon}" for horizon, each in self.failed.items()]
        return scoring + [f"{each}, and is left out" for each in failed]

    def said(self, rows: Sequence[Floats]) -> "tuple[list[str | None], Shadow]":
        """Return what the ledger keeps of each feature vector, as JSON, and the challengers that are left.

        Whoever is asked pays for no challenger that fails: it is left out from then on.
        """
        if not self.models or not rows:
            return [None] * len(rows), self
        matrix, names = np.array(rows), self.versions
        columns: dict[str, list[Any]] = {}
        for horizon, model in self.models.items():
            try:
                columns[horizon] = model.predict(matrix).tolist()
            except Exception:  # noqa: BLE001 - whatever it is, no request may pay for it
                _log.exception("%s failed to score in shadow for %s, and is left out", names[horizon], horizon)
        told = [
            {horizon: {"model": names[horizon], "score": scores[row]} for horizon, scores in columns.items()}
            for row in range(len(rows))
        ]
        kept = [_json(each).decode() if each else None for each in told]
        return kept, self if len(columns) == len(names) else self._without(names.keys() - columns.keys())

    def _without(self, horizons: set[str]) -> "Shadow":
        return Shadow(
            {horizon: model for horizon, model in self.models.items() if horizon not in horizons},
            {**self.failed, **{each: self.versions[each] for each in sorted(horizons)}},
        )
