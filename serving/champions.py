"""The champions: which bundle is in service for each horizon, and taking a new one when the pointer moves.

Beside them, under names of their own, the challengers that score in shadow.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from features.catalog import CATALOGUE
from models import neighbours_bundle, segments_bundle, send_hour_bundle, uplift_bundle
from models.bundle import BundleRefused, load
from models.horizon import CHALLENGER, SEGMENTS, SEND_HOUR, UPLIFT
from models.intent import IntentModel
from models.learned_segments import LearnedSegments
from models.manifest import POINTER
from models.neighbours import Neighbours
from models.neighbours_bundle import RECOMMENDATIONS
from models.rule import RecencyFrequencyRule
from models.uplift import UpliftModel
from policy.triggers import Trigger
from serving.scorer import MEANINGS, Model, Scorer, scorer
from serving.shadow import Shadow

LOOK_EVERY_S = 1.0
AWAITED_FOR_S = 60.0
"""How long after the start models are waited for that the registry may have; then the rule answers for good."""
_log = logging.getLogger(__name__)


class _Kind(NamedTuple):
    """Bundles that are none of intent: how they are loaded, and how the log speaks of them."""

    load: Callable[[Path], Any]
    name: str
    were: str


_BESIDE_INTENT: Final = {
    RECOMMENDATIONS: _Kind(neighbours_bundle.load, "recommendations", "the recommendations were"),
    SEND_HOUR: _Kind(send_hour_bundle.load, "send hours", "the bundle of send hours was"),
    SEGMENTS: _Kind(segments_bundle.load, "segments", "the learned segments were"),
}


def _uplift(trigger: str, path: Path) -> UpliftModel:
    found = uplift_bundle.load(path)
    if found.trigger != trigger:
        raise BundleRefused(f"{path} was learned from the messages of {found.trigger}")
    return found


def _kind(role: str) -> _Kind | None:
    """Return what is known of bundles in this role; None of models of intent."""
    if role.startswith(UPLIFT):
        trigger = role.removeprefix(UPLIFT)
        return _Kind(partial(_uplift, trigger), f"the uplift of {trigger}", f"the uplift of {trigger} was")
    return _BESIDE_INTENT.get(role)


class Champions:
    """Loads what the pointer file names; where that cannot be, what was in service stays, or the rule answers."""

    def __init__(self, bundles: Path, horizons: Sequence[str]) -> None:
        """`bundles` is the folder that holds champions.json and the bundles it points to."""
        self._bundles = bundles
        self._pointer = bundles / POINTER
        self._status = bundles / "status.json"
        self._seen: tuple[int, int] | None = None
        self._began = time.time()
        self._models: dict[str, Model] = {each: RecencyFrequencyRule(each) for each in horizons}
        self._beside: dict[str, Any] = {}
        self.refused: dict[str, str] = {}
        """Why the bundle of a horizon, of its challenger, or of what else is in service, was not taken up."""

    @property
    def neighbours(self) -> Neighbours | None:
        """What recommendations are made by; None until any were learned."""
        return self._beside.get(RECOMMENDATIONS)

    @property
    def learned(self) -> LearnedSegments | None:
        """The learned segments in service; None until any were learned."""
        return self._beside.get(SEGMENTS)

    @property
    def uplifts(self) -> dict[str, UpliftModel]:
        """What says what messages add, by trigger."""
        return {role.removeprefix(UPLIFT): each for role, each in self._beside.items() if role.startswith(UPLIFT)}

    @property
    def are_awaited(self) -> bool:
        """Whether rules alone answer, and the registry was not asked since the start, or its answer is not loaded."""
        if any(isinstance(each, IntentModel) for each in self._models.values()):
            return False
        return time.time() < self._began + AWAITED_FOR_S and (self.moved() or not self._was_asked())

    def _was_asked(self) -> bool:
        try:
            return self._status.stat().st_mtime >= self._began
        except FileNotFoundError:
            return False

    def moved(self) -> bool:
        """Whether the pointer changed since it was last loaded."""
        return self._stamp() != self._seen

    def load(self) -> Scorer:
        """Return the scorer of the present champions, and take up what recommendations are made by."""
        stamp, pointed = self._stamp(), _object_in(self._pointer)
        for horizon, entry in pointed.items():
            if horizon in self._models:
                self._take(horizon, entry)
            elif (kind := _kind(horizon)) is not None:
                self._take_beside(horizon, kind, entry)
        self._seen = stamp
        shadow = self._shadow(pointed)
        return scorer(self._models, MEANINGS, self._beside.get(SEND_HOUR), self.learned, self.uplifts, shadow)

    def refusals(self) -> dict[str, str]:
        """Say of each horizon, and of recommendations, whose newest champion was refused, here or before, why."""
        of_watcher = {
            horizon: str(each.get("reason"))
            for horizon, each in _object_in(self._status).items()
            if isinstance(each, dict) and each.get("in_service") is False
        }
        refused = {**of_watcher, **self.refused}
        challengers = (f"{CHALLENGER}{each}" for each in self._models)
        uplifts = sorted(each for each in refused if each.startswith(UPLIFT))
        roles = (*self._models, *_BESIDE_INTENT, *challengers, *uplifts)
        return {role: self._remark(role, refused[role]) for role in roles if role in refused}

    def unlearned(self, named: Iterable[str]) -> list[str]:
        """Say of each learned segment that a policy names, such as `rfm/champions`, if nobody can be in it."""
        gone = sorted(named) if self.learned is None else self.learned.missing(named)
        return [
            f"the policy names the learned segment {each}, which is not in service: nobody is in it" for each in gone
        ]

    def without_uplift(self, triggers: Iterable[Trigger]) -> list[str]:
        """Say of each of these triggers, which go by uplift, if no model tells what its message adds."""
        told: Mapping[str, UpliftModel] = self.uplifts
        return [
            f"the trigger {each.name} goes by uplift, and no model of it within {each.horizon} is in service: "
            "it goes by its threshold"
            for each in triggers
            if each.name not in told or told[each.name].horizon != each.horizon
        ]

    def _remark(self, role: str, reason: str) -> str:
        # Probes need no key, so nobody learns from them where the files are.
        reason = reason.replace(f"{self._bundles.absolute()}/", "").replace(f"{self._bundles}/", "")
        if role.startswith(CHALLENGER):
            return f"the challenger for {role.removeprefix(CHALLENGER)} was refused, and scores nothing: {reason}"
        return f"the newest champion for {role} was refused: {reason}; {self._in_service(role)}"

    def _in_service(self, role: str) -> str:
        if role == RECOMMENDATIONS:
            return "nothing is recommended" if self.neighbours is None else f"version {self.neighbours.version} stays"
        if role == SEGMENTS:
            return "nobody is in one" if self.learned is None else f"version {self.learned.version} stays"
        if role.startswith(UPLIFT):
            model = self._beside.get(role)
            return "the trigger goes by its threshold" if model is None else f"version {model.version} stays"
        stays = self._beside.get(SEND_HOUR) if role == SEND_HOUR else self._models[role]
        return "the prior stays" if stays is None else f"{stays.name} version {stays.version} stays"

    async def watch(self, replace: Callable[[Scorer], None]) -> None:
        """Hand every new set of champions to `replace`, for as long as the process lives."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                if self.moved():
                    replace(await asyncio.to_thread(self.load))
            except Exception:  # noqa: BLE001 - whatever it is, the models in service go on
                # The next look is the retry.
                _log.exception("the champions could not be looked at")

    def _take(self, horizon: str, entry: Any) -> None:
        try:
            model = self._model(horizon, entry)
        except BundleRefused as error:
            self.refused[horizon] = str(error)
            stays = self._models[horizon]
            _log.error(
                "the bundle for %s was refused, %s version %s stays: %s", horizon, stays.name, stays.version, error
            )
        else:
            self.refused.pop(horizon, None)
            self._models[horizon] = model
            _log.info("in service for %s: %s version %s", horizon, model.name, model.version)

    def _take_beside(self, role: str, kind: _Kind, entry: Any) -> None:
        """Take up what is no model of intent."""
        try:
            found = kind.load(self._path(role, entry))
        except BundleRefused as error:
            self.refused[role] = str(error)
            _log.error("%s refused, %s: %s", kind.were, self._in_service(role), error)
        else:
            self.refused.pop(role, None)
            self._beside[role] = found
            _log.info("in service for %s: version %s", kind.name, found.version)

    def _shadow(self, pointed: Mapping[str, Any]) -> Shadow:
        """Return the challengers that are named; none stays that is named no more, or cannot be used."""
        found = {}
        for horizon in self._models:
            role = f"{CHALLENGER}{horizon}"
            self.refused.pop(role, None)
            if role in pointed:
                try:
                    found[horizon] = self._model(horizon, pointed[role])
                except BundleRefused as error:
                    self.refused[role] = str(error)
                    _log.error("the challenger for %s was refused, and scores nothing: %s", horizon, error)
        return Shadow(found)

    def _model(self, horizon: str, entry: Any) -> IntentModel:
        """Return the model that the pointer names for a horizon.

        Raises:
            BundleRefused: It names none, or one of another horizon, or that one cannot be used.
        """
        path = self._path(horizon, entry)
        model = load(path, CATALOGUE)
        if model.horizon != horizon:
            raise BundleRefused(f"{path} was trained for {model.horizon}")
        return model

    def _path(self, role: str, entry: Any) -> Path:
        path = entry.get("path") if isinstance(entry, dict) else None
        if not isinstance(path, str):
            raise BundleRefused(f"{self._pointer.name} names no path for {role}")
        return self._bundles / path

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._pointer.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino


def _object_in(path: Path) -> dict[str, Any]:
    """Return the JSON object that a file holds; an empty one if it holds none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
        _log.error("%s holds no object", path.name)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        _log.error("%s cannot be read: %s", path.name, error)
    return {}
