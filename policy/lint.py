"""What a policy file says, each trigger in a sentence, and what in it can hardly be meant: `make lint-triggers`."""

import argparse
import sys
from pathlib import Path

from policy.doubts import doubts
from policy.sentences import sentence
from policy.source import PolicyRefused, load, remarks


def main(arguments: list[str] | None = None) -> int:
    """Explain a policy file; return 1 where it is refused, 0 otherwise, whatever there is to doubt."""
    parser = argparse.ArgumentParser(prog="python -m policy.lint", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=Path("triggers.yaml"))
    path: Path = parser.parse_args(arguments).file
    try:
        policy = load(path)
    except PolicyRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    for trigger in policy.triggers:
        print(f"{trigger.name}: {sentence(trigger)}\n")
    found = [*remarks(policy), *doubts(policy)]
    for each in found:
        print(f"{path}: warning: {each}")
    print(f"{path}: {len(policy.triggers)} triggers, {len(found)} warnings, version {policy.version}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
