"""Where it is kept: Feast declarations generated from the catalogue, and the stores they are kept in."""

import importlib
from typing import Any

import typeguard


def _as_it_is(target: Any = None, **_: object) -> Any:
    return target if target is not None else _as_it_is


def _import_feast() -> None:
    """Import Feast without the run-time type checks of its classes: instrumenting them is two thirds of the time."""
    checked = typeguard.typechecked
    vars(typeguard)["typechecked"] = _as_it_is
    try:
        importlib.import_module("feast")
    finally:
        vars(typeguard)["typechecked"] = checked


_import_feast()
