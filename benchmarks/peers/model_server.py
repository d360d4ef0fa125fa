"""The model that `mlflow models serve` serves: our booster, saved as MLflow saves it, without a tracking server."""

import shutil
import sys
from pathlib import Path

import lightgbm
import mlflow.lightgbm

from benchmarks.peers.store import features_of


def make(booster: Path, folder: Path) -> None:
    """Save the model, with the signature that the scoring server checks requests against."""
    shutil.rmtree(folder, ignore_errors=True)
    rows = features_of(3, seed=4)
    model = lightgbm.Booster(model_file=booster)
    signature = mlflow.models.infer_signature(rows, model.predict(rows, num_threads=1))
    mlflow.lightgbm.save_model(model, folder, signature=signature, pip_requirements=["lightgbm"])


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
