"""`python -m benchmarks`: measure, print the table and which bars hold, write the summary."""

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import report
from benchmarks.contest import Contest
from benchmarks.lineup import Folders, prepare
from benchmarks.machine import cores, described


def main() -> None:
    """Run everything; the figures stand in `summary.json` (the promised keys) and `details.json` (all)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="measured seconds of each load (default 3)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="turns of ceiling and ours, the median counts (default 3)"
    )
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    home = Path(os.environ.get("OPPORTUNE_HOME", "var")).resolve()
    os.environ.setdefault("NUMBA_CACHE_DIR", str(home / "numba"))
    folders = Folders(home / "bench")
    folders.root.mkdir(parents=True, exist_ok=True)

    course = Course()
    course.note("preparing 100,000 people and the peers' stores")
    prepare(folders)
    http = Contest(folders, cores(), asked.seconds, asked.rounds, course.note).run()
    course.note("backfill")
    backfill = measured("benchmarks.backfill", folders.shop / "opportune.db", folders.root / "backfill")
    course.note("engines: 50 triggers, a million timers, the hours of a day, a challenger in shadow")
    engines = measured("benchmarks.engines", folders.shop, folders.root / "engines")
    course.note("from event to message")
    dispatch = measured("benchmarks.dispatch", folders.shop, folders.root / "dispatch")
    course.note("done")
    summed = report.summary(http, backfill, engines, dispatch)
    details = {
        "machine": described(),
        "http": http,
        "backfill": backfill,
        **engines,
        "dispatch": dispatch,
        "seconds": course.seconds(),
    }
    write(folders, summed, details)
    show(folders, summed, details)


class Course:
    """What a run is at, told on standard error, and how long each part of it took."""

    def __init__(self) -> None:
        """Begin."""
        self._begin = time.perf_counter()
        self._noted: list[tuple[float, str]] = []

    def note(self, text: str) -> None:
        """Tell which part begins now."""
        self._noted.append((time.perf_counter() - self._begin, text))
        print(f"{self._noted[-1][0]:5.0f} s  {text}", file=sys.stderr, flush=True)

    def seconds(self) -> dict[str, float]:
        """Return part -> how long it took; the last one noted is no part."""
        return {text: round(later - at, 1) for (at, text), (later, _) in pairwise(self._noted)}


def measured(module: str, *arguments: Path) -> dict[str, Any]:
    """Return the figures that a module measures in a process of its own."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def write(folders: Folders, summed: dict[str, Any], details: dict[str, Any]) -> None:
    """Write the two files."""
    (folders.root / "summary.json").write_text(json.dumps(summed, indent=2) + "\n")
    (folders.root / "details.json").write_bytes(msgspec.json.format(msgspec.json.encode(details), indent=2))


def show(folders: Folders, summed: dict[str, Any], details: dict[str, Any]) -> None:
    """Print the table and the bars, and keep them as text."""
    bars = report.bars(summed, details["http"], details["backfill"])
    text = "\n".join([*report.table(details), "", *map(str, bars)])
    print(text)
    (folders.root / "report.txt").write_text(text + "\n")


if __name__ == "__main__":
    main()
