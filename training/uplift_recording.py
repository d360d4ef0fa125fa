"""Learn what the message of a trigger adds, where the rule allows to go by it, and put that into service."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from features.catalog import CATALOGUE
from models.horizon import UPLIFT_REGISTERED
from models.uplift import Learner
from models.uplift_bundle import load, write
from policy.quantities import percent
from training.decision_log import TriggerLog
from training.decisions import Decisions, Prices
from training.lineage import iso_now
from training.registry import CHAMPION, Registry
from training.uplift import LEARNERS
from training.uplift_verdict import UpliftVerdict, assess, pays

EXPERIMENT: Final = "opportune-uplift"


def record(log: TriggerLog, prices: Prices, registry: Registry, *, lineage: dict[str, Any]) -> Iterator[str]:
    """Judge a trigger and yield what to print; where the rule says so, the winner is learned from all, and promoted.

    Args:
        log: What the ledger holds of it.
        prices: By which a message pays, or does not.
        registry: Where models are.
        lineage: What to keep with the model, of where it comes from.
    """
    name, chosen = f"{UPLIFT_REGISTERED}{log.trigger}", log.decisions.where(log.above)
    verdict, _ = assess(chosen, prices)
    yield f"{log.trigger}: {verdict.reason}"
    if verdict.switch is None:
        stays = registry.version_of(name, CHAMPION)
        yield "nothing is registered" + ("" if stays is None else f"; {name}/{stays} stays in service")
        return
    found = _Learned(log, chosen, prices, verdict)
    version = found.register(name, registry, lineage)
    registry.note(name, version, verdict.reason)
    registry.promote(name, version)
    yield f"{name}/{version}, a {verdict.switch} of {len(chosen):,} decisions, is the champion"
    needed = percent(round(found.pays, 5))
    yield f"with `uplift: auto` the message goes out where it adds {needed} or more to the chance of a purchase"


class _Learned:
    """The winner of a verdict, learned from all decisions that were judged."""

    def __init__(self, log: TriggerLog, chosen: Decisions, prices: Prices, verdict: UpliftVerdict) -> None:
        learner = next(each for each in get_args(Learner) if each == verdict.switch)
        self._log, self._chosen, self._prices, self._verdict = log, chosen, prices, verdict
        self._fitted = LEARNERS[learner](chosen.known(), chosen.sent, chosen.ordered, float(chosen.chance[0]))
        self.pays = pays(chosen, prices)

    def register(self, name: str, registry: Registry, lineage: dict[str, Any]) -> str:
        """Leave bundle, run and version behind, and return the version."""
        with tempfile.TemporaryDirectory() as scratch, registry.run(name) as run_id:
            bundle, files = Path(scratch) / "bundle", Path(scratch) / "files"
            self._write(bundle, {**lineage, "mlflow_run_id": run_id})
            version = registry.register_files(name, bundle, run_id)
            files.mkdir()
            text = json.dumps(asdict(self._verdict), indent=2, allow_nan=False) + "\n"
            (files / "verdict.json").write_text(text, encoding="utf-8")
            registry.record(self._parameters(), self._metrics(), {"verdict": self._verdict.reason}, files)
        return version

    def _write(self, bundle: Path, lineage: dict[str, Any]) -> None:
        """Write the bundle, and refuse one that says something else than what was learned."""
        write(
            bundle,
            self._fitted.texts,
            trigger=self._log.trigger,
            horizon=self._log.horizon,
            learner=self._fitted.learner,
            features=CATALOGUE.names,
            pays=self.pays,
            created_at=iso_now(),
            lineage={**lineage, **self._parameters(), "verdict": self._verdict.reason},
        )
        served = load(bundle).predict(self._chosen.features, self._chosen.score)
        if not np.allclose(served, self._fitted(self._chosen.known()), rtol=0.0, atol=1e-9):
            raise AssertionError("the trees of a bundle were walked to something else than what the library says")

    def _parameters(self) -> dict[str, Any]:
        return {
            "trigger": self._log.trigger,
            "horizon": self._log.horizon,
            "learner": self._fitted.learner,
            "decisions": len(self._chosen),
            "policy_version": self._log.policy_version,
            **{f"price.{name}": each for name, each in asdict(self._prices).items()},
        }

    def _metrics(self) -> dict[str, float]:
        verdict = self._verdict
        found = {"pays": self.pays}
        found |= {f"qini.{name}": each.estimate for name, each in verdict.qini.items()}
        found |= {f"above_propensity.{name}": each.low for name, each in verdict.above_propensity.items()}
        gain = {} if verdict.gain is None else {f"gain.{name}": each for name, each in verdict.gain._asdict().items()}
        return {**found, **gain}
