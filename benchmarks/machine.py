"""The machine of a run: its cores, and what a reader needs to judge the figures by."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for the server under test and another for whoever puts load on it; None where nothing can be pinned."""

    server: int | None
    load: int | None

    @property
    def both(self) -> set[int] | None:
        """Return the two, for what runs unpinned."""
        return {self.server, self.load} if self.server is not None and self.load is not None else None


def cores() -> Cores:
    """Return the first two cores this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, None)
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[1]) if len(usable) > 1 else Cores(None, None)


def described() -> dict[str, str]:
    """Return date, processor and versions."""
    packages = ("fastapi", "feast", "lightgbm", "mlflow", "numba", "pandas", "duckdb", "uvicorn")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
