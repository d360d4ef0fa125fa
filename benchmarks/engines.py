"""What policies, hours and challengers cost an event with its score, engines without HTTP; figures as JSON on stdout.

`python -m benchmarks.engines <home with bundles> <scratch folder>`. One after the other in one process, since what they
import takes longer than each of them.
"""

import argparse
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks import hours, shadow, triggers

PARTS: Final[dict[str, Callable[[Path, Path], dict[str, Any]]]] = {
    "policy": triggers.measure,
    "send_hour": hours.measure,
    "shadow": shadow.measure,
}


def main() -> None:
    """Measure, and print the figures by part."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("home", type=Path, help="whose champions decide")
    parser.add_argument("folder", type=Path, help="to work in; removed afterwards")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    asked = parser.parse_args()
    # That there are no keys is right here.
    logging.disable(logging.WARNING)
    parts = [asked.only] if asked.only else PARTS
    print(json.dumps({name: PARTS[name](asked.home / "bundles", asked.folder) for name in parts}))


if __name__ == "__main__":
    main()
