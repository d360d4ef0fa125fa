"""The champions: which bundle is in service for each horizon, and taking a new one when the pointer moves."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from features.catalog import CATALOGUE
from models.bundle import BundleRefused, load
from models.rule import RecencyFrequencyRule
from serving.scorer import Model, Scorer, scorer

LOOK_EVERY_S = 1.0
_log = logging.getLogger(__name__)
_MEANINGS = dict(zip(CATALOGUE.names, CATALOGUE.meanings, strict=True))


class Champions:
    """Loads what the pointer file names; where that cannot be, what was in service stays, or the rule answers."""

    def __init__(self, bundles: Path, horizons: Sequence[str]) -> None:
        """`bundles` is the folder that holds champions.json and the bundles it points to."""
        self._bundles = bundles
        self._pointer = bundles / "champions.json"
        self._seen: tuple[int, int] | None = None
        self._models: dict[str, Model] = {each: RecencyFrequencyRule(each) for each in horizons}
        self.refused: dict[str, str] = {}
        """Why the bundle of a horizon was not taken into service."""

    def moved(self) -> bool:
        """Whether the pointer changed since it was last loaded."""
        return self._stamp() != self._seen

    def load(self) -> Scorer:
        """Return the scorer of the present champions."""
        self._seen = self._stamp()
        for horizon, directory in self._pointed().items():
            if horizon in self._models:
                self._take(horizon, directory)
        return scorer(self._models, _MEANINGS)

    async def watch(self, replace: Callable[[Scorer], None]) -> None:
        """Hand every new set of champions to `replace`, for as long as the process lives."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.moved():
                replace(await asyncio.to_thread(self.load))

    def _take(self, horizon: str, directory: Path) -> None:
        try:
            model = load(directory, CATALOGUE)
        except BundleRefused as error:
            self.refused[horizon] = str(error)
            _log.error("the bundle for %s was refused, %s stays: %s", horizon, self._models[horizon].name, error)
        else:
            self.refused.pop(horizon, None)
            self._models[horizon] = model
            _log.info("in service for %s: %s version %s", horizon, model.name, model.version)

    def _pointed(self) -> dict[str, Path]:
        try:
            found = json.loads(self._pointer.read_text())
            return {horizon: self._bundles / each["path"] for horizon, each in found.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _log.error("%s cannot be read: %s", self._pointer.name, error)
            return {}

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._pointer.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino
