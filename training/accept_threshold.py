"""`make accept-threshold`: the threshold that the last report recommends, for policies that say `threshold: auto`."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policy.places import FileRefused
from policy.policy import Policy
from policy.source import PolicyRefused, load
from policy.thresholds import FILE, Accepted, AcceptedFile, read_accepted
from training.process import home_of_process


class NothingToAccept(LookupError):
    """The last report recommends nothing for this trigger."""


def recommended(summary: Path, trigger: str, now: datetime) -> Accepted:
    """Return what the last report of policy value recommends for a trigger, as accepted now.

    Raises:
        NothingToAccept: There is no report, none of this trigger, or it has no answer.
    """
    if not summary.exists():
        raise NothingToAccept("there is no report yet: run `make policy-value`")
    found: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))["triggers"]
    if trigger not in found:
        raise NothingToAccept(f"the last report has no trigger {trigger!r}; it has: {', '.join(found) or 'none'}")
    told = found[trigger]
    if told["recommended"] is None:
        raise NothingToAccept(f"the last report has no answer for {trigger}: {told['reason']}")
    gains = {each["threshold"]: each["gain"] for each in told["points"]}
    changes = told["recommended"] != told["present"]
    return Accepted(
        # One that nobody reaches may lie a hair above 1.
        threshold=min(1.0, told["recommended"]),
        horizon=told["horizon"],
        present=told["present"],
        gain_at_least=gains[told["recommended"]]["low"] if changes else None,
        reported_at=told["reported_at"],
        accepted_at=now,
        run=told["run"],
        policy_version=told["policy_version"],
    )


def accept(policy_file: Path, trigger: str, found: Accepted) -> Path:
    """Write an accepted threshold beside a policy file, in place of the trigger's former one; return where.

    Whoever reads the file meanwhile has the former one or the new one, whole.

    Raises:
        FileRefused: What is there already cannot be read.
    """
    known = {**read_accepted(policy_file), trigger: found}
    content = AcceptedFile(triggers=dict(sorted(known.items())))
    path = policy_file.parent / FILE
    fresh = path.with_name(f".{FILE}.new")
    fresh.write_text(content.model_dump_json(indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Accept what was recommended for a trigger; 0 accepted, 1 the policy is refused, 2 nothing to accept."""
    parser = argparse.ArgumentParser(prog="python -m training.accept_threshold", description=__doc__)
    parser.add_argument("trigger", help="its name")
    parser.add_argument("--policy", type=Path, help="the policy file; OPPORTUNE_TRIGGERS, triggers.yaml if not said")
    asked = parser.parse_args(arguments)
    policy_file: Path = asked.policy or Path(os.environ.get("OPPORTUNE_TRIGGERS") or "triggers.yaml")
    try:
        found = recommended(home_of_process() / "policy-value" / "summary.json", asked.trigger, datetime.now(UTC))
        path = accept(policy_file, asked.trigger, found)
        sys.stdout.write(f"{asked.trigger}: {found.threshold:.4f} in place of {found.present:.4f}, in {path}\n")
        sys.stdout.write(f"{_effect(load(policy_file), asked.trigger, found)}\n")
    except NothingToAccept as nothing:
        sys.stderr.write(f"opportune: {nothing}\n")
        return 2
    except (PolicyRefused, FileRefused, OSError) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    return 0


def _effect(policy: Policy, trigger: str, found: Accepted) -> str:
    known = policy.by_name.get(trigger)
    if known is None:
        return f"the policy file has no trigger {trigger} now, so nothing changes"
    if known.threshold != found.threshold:
        return f"the policy file says {known.threshold:g} by itself; write `threshold: auto` there for it to count"
    return f"counts at once in a server that runs; policy version {policy.version}"


if __name__ == "__main__":
    sys.exit(main())
