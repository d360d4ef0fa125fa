"""What a challenger in shadow costs an event with its score: processor time of the engine with them, and without.

Events are handed to the engine as in `benchmarks.triggers`. Each champion of intent has a challenger of the same size,
since it is the same model once more. The disk is waited for by both alike, and is no part of it.
"""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from benchmarks.triggers import Subject, compared, triggers
from models.horizon import CHALLENGER, SEGMENTS, SEND_HOUR
from models.manifest import POINTER
from models.neighbours_bundle import RECOMMENDATIONS

PEOPLE: Final = 1000
ROUNDS: Final = 60


class Worker(Subject):
    """An engine whose processor time counts."""

    clock: ClassVar[Callable[[], float]] = time.process_time


def with_challengers(bundles: Path, folder: Path) -> Path:
    """Return a copy of bundles in which each champion of intent challenges itself."""
    shutil.copytree(bundles, folder)
    pointer = folder / POINTER
    named = json.loads(pointer.read_text())
    others = (RECOMMENDATIONS, SEND_HOUR, SEGMENTS)
    named |= {f"{CHALLENGER}{role}": each for role, each in named.items() if role not in others}
    pointer.write_text(json.dumps(named))
    return folder


def measure(bundles: Path, folder: Path, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return microseconds of processor time an event, with challengers and without."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    loaded = {"none": bundles, "challenger": with_challengers(bundles, folder / "bundles")}
    found = {
        name: Worker(folder / name, triggers(1, at_once=True), bundles=each, people=PEOPLE)
        for name, each in loaded.items()
    }
    return compared(found, folder, rounds=rounds, people=PEOPLE)
