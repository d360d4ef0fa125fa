"""What `make shadow-report` leaves behind: lines on the screen, JSON, a run in MLflow."""

import json
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from models.bundle import load
from models.horizon import REGISTERED
from models.intent import IntentModel
from models.manifest import BundleRefused
from training.baselines import Logistic
from training.registry import CHALLENGER, Registry
from training.shadow_rows import Pair, read_shadowed
from training.shadow_verdict import figures, judge, lines
from training.summary import rule_tags

EXPERIMENT = "opportune-shadow"


class NothingInShadow(LookupError):
    """No version of this model scores in shadow, or the one that does cannot be judged."""


class ShadowReport:
    """Judges the challenger of one model on what it said of live traffic."""

    def __init__(self, home: Path, model: str, carry_over: timedelta, registry: str | None = None) -> None:
        """`registry` is an MLflow other than the one in `home`."""
        self._home, self._model, self._carry_over = home, model, carry_over
        self._registry = Registry(home, registry, experiment=EXPERIMENT)
        self._directory = home / "shadow"

    def write(self) -> Iterator[str]:
        """Judge, write `shadow/<model>/figures.json` and a run, and yield what to print.

        Raises:
            NothingInShadow: There is no challenger to judge.
        """
        version = self._registry.version_of(self._model, CHALLENGER)
        if version is None:
            raise NothingInShadow(
                f"no version of {self._model} scores in shadow: make shadow MODEL={self._model} VERSION=…"
            )
        self._directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._directory) as scratch:
            pair, same, logistic = self._pair(version, Path(scratch))
        found = read_shadowed(self._home / "opportune.db", pair, logistic, self._carry_over)
        verdict = judge(found, same_features=same)
        told = figures(pair, found, verdict)
        files = self._directory / self._model
        files.mkdir(exist_ok=True)
        path = files / "figures.json"
        path.write_text(json.dumps(told, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        with self._registry.run(self._model):
            tags = {"verdict": verdict.reason, **rule_tags(verdict)}
            self._registry.record(_parameters(told), _metrics(told), tags, files)
        yield from lines(told)
        if verdict.promoted:
            yield f"to put it into service: make promote MODEL={self._model} VERSION={version}"
        yield f"figures in {path}"

    def _pair(self, version: str, scratch: Path) -> tuple[Pair, bool, Logistic]:
        """Return who is compared, whether by the same features, and the challenger's reference."""
        name, registry = self._model, self._registry
        try:
            challenger = registry.model(name, version, scratch / "challenger", load)
            logistic = Logistic.read(registry.file(name, version, "logistic.json", scratch))
        except BundleRefused as error:
            raise NothingInShadow(f"{name} version {version} cannot be judged: {error}") from error
        champion = registry.champion(name, scratch / "champion", load)
        both = [challenger] if champion is None else [challenger, champion]
        pair = Pair(
            horizon=name.removeprefix(REGISTERED),
            challenger=f"{name}/{version}",
            champion=None if champion is None else f"{name}/{champion.version}",
            since_us=max(int(each.lineage["log"]["until_us"]) for each in both),
        )
        return pair, champion is not None and _catalogue(challenger) == _catalogue(champion), logistic


def _catalogue(model: IntentModel) -> str:
    return str(model.lineage["catalogue"])


def _parameters(told: dict[str, Any]) -> dict[str, Any]:
    return {name: str(told[name]) for name in ("challenger", "champion", "horizon")}


def _metrics(told: dict[str, Any]) -> dict[str, float]:
    nested = {f"{group}.{name}": each for group in ("rows", "log_loss", "scores") for name, each in told[group].items()}
    return {name: float(each) for name, each in nested.items() if each is not None}
