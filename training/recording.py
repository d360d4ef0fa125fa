"""Leave what was learned where others find it: bundle, run, report, version, Feast service, and the alias last."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from feature_repo import declarations
from feature_repo.model_services import apply_model_service
from feature_repo.stores import open_store
from features.catalog import CATALOGUE
from models.bundle import load, write
from models.horizon import registered_name
from models.reference import Reference
from training import gate
from training.folds import contested
from training.frame import Frame, Matured
from training.learning import Learned
from training.lineage import iso_now, lineage, lineage_tags
from training.plots import draw
from training.reference import reference
from training.registry import Registry
from training.report import page
from training.segments import segments
from training.summary import figures, rule_tags

if TYPE_CHECKING:
    from feast import FeatureStore

EXPLAINED_ROWS = 600
EXAMPLE_ROWS = 3
TENTHS = np.arange(1, 10) / 10


class Recording:
    """Takes what was learned to the registry of one home."""

    def __init__(self, home: Path, registry: Registry, directory: Path) -> None:
        """Reports and scratch files go to `directory`."""
        self._home = home
        self._registry = registry
        self._directory = directory

    def record(
        self, horizon: str, learned: Learned, frame: Frame, known: Matured, *, cutoff_us: int | None
    ) -> dict[str, Any]:
        """Judge by the gate, register, promote or not, and return the horizon's figures."""
        name = registered_name(horizon)
        verdict = self.verdict(name, learned, known)
        with self._registry.run(name) as run_id, tempfile.TemporaryDirectory(dir=self._directory) as scratch:
            origin = {
                **lineage(frame.log, until_us=frame.end_us, cutoff_us=cutoff_us),
                "mlflow_run_id": run_id,
                "training_set": known.rows.fingerprint,
                "rows": learned.rows,
                "base_rate": learned.base_rate,
                "messages": learned.messages._asdict(),
            }
            bundle, files = Path(scratch) / "bundle", Path(scratch) / "files"
            _write(bundle, name, horizon, learned, origin, reference(frame, known, learned))
            version = self._registry.register(name, learned.booster, _example(learned), bundle, run_id)
            self._files(files, name, version, horizon, learned, verdict, origin)
            self._registry.record(
                _parameters(horizon, learned, origin), _metrics(learned), _tags(learned, verdict, origin), files
            )
        self._registry.mark(name, version, lineage_tags(origin))
        self._registry.note(name, version, f"{'Promoted' if verdict.promoted else 'Not promoted'}: {verdict.reason}")
        self._serve_features(name, version, learned)
        if verdict.promoted:
            self._registry.promote(name, version)
        return figures(learned, verdict, f"{name}/{version}", run_id)

    def verdict(self, name: str, learned: Learned, known: Matured) -> gate.Verdict:
        """Return what the gate says of a challenger beside the present champion of this name, if there is one."""
        with tempfile.TemporaryDirectory(dir=self._directory) as scratch:
            model = self._registry.champion(name, Path(scratch), load)
            if model is None:
                return gate.decide(_first(learned), same_features=False)
            since = int(model.lineage["log"]["until_us"])
            found = contested(known.rows, learned, known.windows, CATALOGUE.names, since)
            if not len(found.rows):
                return gate.Verdict(False, f"nothing new: version {model.version} learned from all of it")
            features = found.rows.features
            judged = found.beside(model.predict(features), segments(features, CATALOGUE))
            return gate.decide(judged, same_features=model.lineage["catalogue"] == CATALOGUE.fingerprint)

    def _files(
        self,
        files: Path,
        name: str,
        version: str,
        horizon: str,
        learned: Learned,
        verdict: gate.Verdict,
        origin: dict[str, Any],
    ) -> None:
        """Write plots, report and the baseline into `files`; report and baseline also stay beside the summary."""
        judged = learned.judged
        values = judged.rows.features[:, [CATALOGUE.names.index(each) for each in learned.features]]
        shown = np.random.default_rng(0).permutation(len(values))[:EXPLAINED_ROWS]
        explained = np.asarray(learned.booster.predict(values[shown], pred_contrib=True, num_threads=1))[:, :-1]
        plots = draw(
            files / "plots",
            {"model": judged.predicted, "logistic": judged.logistic},
            judged.rows.ordered,
            features=list(learned.features),
            values=values[shown],
            contributions=explained,
            weight=judged.rows.weight,
        )
        text = page(name, version, learned, verdict, origin, plots)
        for folder, suffix in ((files, ""), (self._directory, f"-{horizon}")):
            (folder / f"report{suffix}.html").write_text(text, encoding="utf-8")
            learned.logistic.write(folder / f"logistic{suffix}.json")

    def _serve_features(self, name: str, version: str, learned: Learned) -> None:
        """Declare in Feast which features this version is served with."""
        store = open_store(self._home)
        declare(store)
        apply_model_service(store, name, version, list(learned.features))


def declare(store: "FeatureStore") -> None:
    """Let a Feast registry hold the features of the catalogue, unless it holds just those."""
    held = [each for each in store.list_on_demand_feature_views() if each.name == "user_features"]
    if not held or {each.name for each in held[0].features} != set(CATALOGUE.names):
        store.apply([declarations.user, declarations.user_state, declarations.user_features, declarations.intent])


def _first(learned: Learned) -> gate.Judged:
    """Return what the gate asks of a model that replaces nobody: the window that nothing was learned from."""
    judged = learned.judged
    return gate.Judged(
        challenger=judged.predicted,
        champion=None,
        references={"logistic regression": judged.logistic},
        ordered=judged.rows.ordered,
        user=judged.rows.user,
        weight=judged.rows.weight,
    )


def _write(
    bundle: Path, name: str, horizon: str, learned: Learned, origin: dict[str, Any], compared: Reference
) -> None:
    write(
        bundle,
        learned.booster.model_to_string(),
        learned.calibrator,
        name=name,
        horizon=horizon,
        features=learned.features,
        created_at=iso_now(),
        lineage=origin,
        # Of the window that nothing was learned from: a model is surer of what it has seen.
        deciles=np.quantile(learned.judged.predicted, TENTHS).tolist(),
        reference=compared,
    )


def _example(learned: Learned) -> pd.DataFrame:
    columns = [CATALOGUE.names.index(each) for each in learned.features]
    return pd.DataFrame(learned.judged.rows.features[:EXAMPLE_ROWS, columns], columns=list(learned.features))


def _parameters(horizon: str, learned: Learned, origin: dict[str, Any]) -> dict[str, Any]:
    """Return what MLflow keeps as parameters; the directions would be longer than it allows."""
    booster = {key: value for key, value in learned.parameters.items() if key != "monotone_constraints"}
    return {
        **booster,
        "horizon": horizon,
        "trees": learned.booster.num_trees(),
        "features": len(learned.features),
        "drifted": ", ".join(learned.drifted) or "none",
        "calibrator": learned.calibrator.described()["kind"],
        "rows": learned.rows,
        **{f"messages.{key}": value for key, value in learned.messages._asdict().items()},
        "cutoff": origin["cutoff"],
        **{f"log.{key}": value for key, value in origin["log"].items()},
    }


def _metrics(learned: Learned) -> dict[str, float]:
    found: dict[str, Any] = {f"test.{key}": value for key, value in asdict(learned.judged.judgement).items()}
    found["test.calibration_by_chance"] = learned.judged.calibration_by_chance
    for name, its in learned.judged.baselines.items():
        found |= {f"baseline.{name}.{key}": value for key, value in its.items()}
    return {key: float(value) for key, value in found.items() if value is not None}


def _tags(learned: Learned, verdict: gate.Verdict, origin: dict[str, Any]) -> dict[str, str]:
    return {
        **lineage_tags(origin),
        "gate": "promoted" if verdict.promoted else "refused",
        "gate_reason": verdict.reason,
        **rule_tags(verdict),
        "feature_names": ", ".join(learned.features),
    }
