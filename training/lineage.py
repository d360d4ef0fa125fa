"""Where a model comes from: the log, the catalogue and the commit it was trained with."""

import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from features.catalog import CATALOGUE
from features.fold import EVENT
from features.moments import SECOND_US
from training.log import Log


def iso(moment_us: int) -> str:
    """Return a moment in microseconds as ISO 8601 with Z."""
    return datetime.fromtimestamp(moment_us / SECOND_US, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def iso_now() -> str:
    """Return the present moment as `iso` does."""
    return iso(time.time_ns() // 1_000)


def git_commit() -> str | None:
    """Return the commit of the code, with `+` if files were changed since; None outside a repository."""
    code = Path(__file__).resolve().parent.parent
    found = _git(code, "rev-parse", "HEAD")
    if not found:
        return None
    return f"{found}+" if _git(code, "status", "--porcelain", "--untracked-files=no") else found


def package_version() -> str | None:
    """Return the version of this project; None where it is not installed."""
    try:
        return version("opportune")
    except PackageNotFoundError:
        return None


def lineage(log: Log, *, until_us: int, cutoff_us: int | None) -> dict[str, Any]:
    """Return what to keep with a model so that it can be told, years later, what it learned from."""
    first, last = log.span
    seqs = log.arrays.seq[log.arrays.which == EVENT]
    return {
        "catalogue": CATALOGUE.fingerprint,
        "git_commit": git_commit(),
        "version": package_version(),
        "cutoff": iso(cutoff_us) if cutoff_us is not None else None,
        "log": {
            "fingerprint": log.fingerprint,
            "events": len(log.arrays),
            "users": len(log.user_keys),
            "from": iso(first),
            "until": iso(last),
            "until_us": until_us,
            "first_seq": int(seqs.min()) if seqs.size else None,
            "last_seq": int(seqs.max()) if seqs.size else None,
        },
    }


def lineage_tags(origin: Mapping[str, Any]) -> dict[str, str]:
    """Return where a model comes from as tags, by which runs and registered versions are found and told apart."""
    log = origin["log"]
    return {
        "dataset": log["fingerprint"],
        "log_from": log["from"],
        "log_until": log["until"],
        "log_seq": f"{log['first_seq']} to {log['last_seq']}",
        "catalogue": origin["catalogue"],
        "git_commit": origin["git_commit"] or "unknown",
        "version": origin["version"] or "unknown",
        **({"training_set": origin["training_set"]} if "training_set" in origin else {}),
    }


def _git(code: Path, *arguments: str) -> str | None:
    try:
        found = subprocess.run(  # noqa: S603
            ["git", "-C", str(code), *arguments],  # noqa: S607 - whichever git the person uses
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
