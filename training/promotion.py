"""`make promote` and `make rollback`: put a version of a model into service, or the one before it back."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from training.process import home_of_process


def main(arguments: Sequence[str] | None = None) -> None:
    """Move the alias `champion`, and say what was done; ends with 1 where there is nothing to put into service."""
    asked = _parser().parse_args(arguments)
    home = home_of_process()
    uri = os.environ.get("OPPORTUNE_REGISTRY") or None
    if uri is None and not (home / "mlflow.db").exists():
        sys.exit(f"opportune: {home / 'mlflow.db'} does not exist; train a model first: make retrain")
    warnings.simplefilter("ignore")
    from training.registry import CHAMPION, NoSuchVersion, Registry

    # Once more: what was imported has set filters of its own.
    warnings.simplefilter("ignore")
    registry = Registry(home, uri)
    before = registry.version_of(asked.model, CHAMPION)
    try:
        if asked.version is None:
            version = registry.roll_back(asked.model)
        else:
            version = asked.version
            registry.promote(asked.model, version)
    except NoSuchVersion as error:
        sys.exit(f"opportune: {error}")
    registry.note(asked.model, version, f"Put into service by hand, in place of version {before}")
    sys.stdout.write(f"{asked.model}/{version} is the champion, in place of version {before}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.promotion", description=__doc__)
    parser.add_argument("model", help="as registered, such as opportune-intent-24h")
    parser.add_argument("--version", help="which one; without it, the one that was in service before the present one")
    return parser


if __name__ == "__main__":
    main()
