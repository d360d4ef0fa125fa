"""`make promote`, `make rollback` and `make shadow`: which version of a model is in service, and which in shadow."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.horizon import REGISTERED
from training.process import home_of_process

if TYPE_CHECKING:
    from training.registry import Registry


def main(arguments: Sequence[str] | None = None) -> None:
    """Move an alias, and say what was done; ends with 1 where there is nothing to put into service or shadow."""
    asked = _parser().parse_args(arguments)
    home = home_of_process()
    uri = os.environ.get("OPPORTUNE_REGISTRY") or None
    if uri is None and not (home / "mlflow.db").exists():
        sys.exit(f"opportune: {home / 'mlflow.db'} does not exist; train a model first: make retrain")
    warnings.simplefilter("ignore")
    from training.registry import NoSuchVersion, Registry

    # Once more: what was imported has set filters of its own.
    warnings.simplefilter("ignore")
    registry = Registry(home, uri)
    try:
        if asked.shadow or asked.end_shadow:
            said = _shadow(registry, asked.model, asked.version) if asked.shadow else _end(registry, asked.model)
        else:
            said = _champion(registry, asked.model, asked.version)
    except NoSuchVersion as error:
        sys.exit(f"opportune: {error}")
    sys.stdout.write(f"{said}\n")


def _champion(registry: "Registry", model: str, version: str | None) -> str:
    """Put a version into service, the former one if none is said (NoSuchVersion)."""
    from training.registry import CHAMPION

    before = registry.version_of(model, CHAMPION)
    if version is not None and version == before:
        return f"{model}/{version} is the champion already"
    if version is None:
        version = registry.roll_back(model)
    else:
        registry.promote(model, version)
    registry.note(model, version, f"Put into service by hand, in place of version {before}")
    return f"{model}/{version} is the champion, in place of version {before}"


def _shadow(registry: "Registry", model: str, version: str) -> str:
    """Let a version score in shadow (NoSuchVersion; SystemExit: it could tell nothing there)."""
    from training.registry import CHAMPION

    if not model.startswith(REGISTERED):
        sys.exit(f"opportune: {model} is no model of intent: only those score in shadow")
    if registry.version_of(model, CHAMPION) == version:
        sys.exit(f"opportune: {model}/{version} is the champion: what it says is in the ledger anyway")
    registry.shadow(model, version)
    return f"{model}/{version} scores in shadow; how it does: make shadow-report MODEL={model}"


def _end(registry: "Registry", model: str) -> str:
    from training.registry import CHALLENGER

    version = registry.version_of(model, CHALLENGER)
    if version is None:
        return f"no version of {model} scores in shadow"
    registry.end_shadow(model)
    return f"{model}/{version} scores in shadow no more"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.promotion", description=__doc__)
    parser.add_argument("model", help="as registered, such as opportune-intent-24h")
    parser.add_argument("--version", help="which one; without it, the one that was in service before the present one")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--shadow", action="store_true", help="let that version score in shadow, beside the champion")
    what.add_argument("--end-shadow", action="store_true", help="let no version score in shadow any more")
    return parser


if __name__ == "__main__":
    main()
