"""The database of a model registry that is a file: made once, by MLflow's own migrations, which take seconds."""

import tempfile
import warnings
from pathlib import Path

SQLITE = "sqlite:///"


def create(database: Path, artifacts: Path, experiment: str) -> None:
    """Create MLflow's SQLite database where there is none, under another name first: nobody ever opens half of it.

    It keeps the files of runs below `artifacts`, and has an experiment of this name.
    """
    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=database.parent) as beside:
        fresh = Path(beside) / database.name
        with warnings.catch_warnings():
            # SQLAlchemy's, about MLflow's own tables.
            warnings.simplefilter("ignore")
            fill(fresh, artifacts, experiment)
        fresh.rename(database)


def fill(fresh: Path, artifacts: Path, experiment: str) -> None:
    """Let MLflow make its tables in a new file."""
    # A second to import, for whoever has none yet.
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"{SQLITE}{fresh}", artifacts.as_uri())  # type: ignore[no-untyped-call]
    store.create_experiment(experiment, artifact_location=artifacts.as_uri())  # type: ignore[no-untyped-call]
    store.engine.dispose()
